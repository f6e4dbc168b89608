"""A6, self-training: what known pairs say of the others, then what all of them say, round after round.

`expectation` is expectation maximisation: probabilities of all pairs by Sinkhorn's balancing, log-likelihoods from them, again.
`message_passing` (AMP) takes out of each round the echo of what rows said themselves in the round before; its confidences are
more honest, and where self-training can ignite at all it does so from fewer pairs. Both keep a part of the log-likelihoods of
the round before, and stop when nothing moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.balance import balance, confident
from linkage.attacks.outcome import Guesses
from linkage.attacks.propagation import Evidence
from linkage.attacks.scene import View

__all__ = ["expectation", "guesses_of", "message_passing"]

Matrix = NDArray[np.float32]

_ROUNDS = 16
_KEPT = 0.4  # of the log-likelihoods of the round before
_STILL = 1e-3  # mean change of a row's best probability


def expectation(view: View, rng: np.random.Generator, *, rounds: int = _ROUNDS) -> Guesses:
    """One guess for each row that is in no known pair, by expectation maximisation.

    Args:
        view: with known pairs; without any there is no start, and chance decides.
        rng: settles ties of the start.
        rounds: at most.
    """
    return _trained(view, rng, rounds, corrected=False)


def message_passing(view: View, rng: np.random.Generator, *, rounds: int = _ROUNDS) -> Guesses:
    """The same by approximate message passing."""
    return _trained(view, rng, rounds, corrected=True)


def guesses_of(evidence: Evidence, chances: Matrix) -> Guesses:
    """The likeliest candidate of each free row."""
    best, confidence = confident(chances)
    return Guesses(rows=evidence.rows, candidates=evidence.candidates[best], confidence=confidence)


def _trained(view: View, rng: np.random.Generator, rounds: int, *, corrected: bool) -> Guesses:
    precise = view.degree > 0
    evidence = Evidence(view.measured, view.expected, view.weight, view.known, precise=precise)
    if not evidence.known.size:
        nothing = np.empty(0, dtype=np.int64)
        return Guesses(rows=nothing, candidates=nothing, confidence=np.empty(0))
    evidence.known += rng.normal(0, 1e-3, evidence.known.shape).astype(np.float32)
    chances = evidence.start()
    before, last = np.zeros_like(chances), evidence.known
    for _ in range(rounds):
        logits = evidence.logits(chances)
        if corrected:
            logits -= evidence.onsager(before, chances)
        logits *= np.float32(1.0 - _KEPT)
        logits += np.float32(_KEPT) * last
        last = logits.copy()
        before, chances = chances, balance(logits)
        if np.abs(chances.max(axis=1) - before.max(axis=1)).mean() < _STILL:
            break
    return guesses_of(evidence, chances)
