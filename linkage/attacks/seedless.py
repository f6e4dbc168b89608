"""A5, seedless graph matching: nobody is known, and yet who resembles whom is the same on both sides.

Whoever has many look-alikes has them in both files: each record is described by its largest agreements, sorted, and records
with like descriptions get a start. From there probabilities and log-likelihoods of pairs are computed in turn, the weight of
the latter raised slowly from a tenth (`propagation`). Of several starts the one that ends most likely is kept: the attacker
sees that much.

Eigenvectors give another start (`spectral`), a second opinion only: where they succeed, so does this, and not the other way
round.

Against diffusion the attacker may keep only the strongest agreements of each side (`edges`: the share of pairs kept), or undo
the diffusion first (`inverted`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.balance import balance
from linkage.attacks.outcome import Guesses
from linkage.attacks.propagation import Evidence, centred
from linkage.attacks.scene import View
from linkage.attacks.self_training import guesses_of

__all__ = ["annealed", "match_tables", "seedless"]

Matrix = NDArray[np.float32]

_DESCRIPTIONS = (10, 30)  # largest agreements that describe a record, one start each
_ROUNDS = 14
_FIRST_WEIGHT, _GROWTH = 0.1, 1.3
_SURE = 0.995  # mean probability of the best pairs at which nothing is left to do


def seedless(
    view: View, rng: np.random.Generator, *, edges: float = 1.0, inverted: bool = False, rounds: int = _ROUNDS
) -> Guesses:
    """One guess for each row; known pairs, if there are any, are used.

    Args:
        view: of the block.
        rng: settles ties.
        edges: share of the pairs kept on each side, the most alike; the others count as average.
        inverted: agreements to the power 1/t on both sides.
        rounds: of each start.
    """
    measured, expected = view.measured, view.expected
    if inverted:
        measured, expected = (_rooted(one, view.degree) for one in (measured, expected))
    if edges < 1.0:
        measured, expected = (_strongest(one, edges) for one in (measured, expected))
    return match_tables(Evidence(measured, expected, view.weight, view.known), rng, rounds=rounds)


def match_tables(evidence: Evidence, rng: np.random.Generator, *, rounds: int = _ROUNDS) -> Guesses:
    """Matches two tables of agreements.

    Args:
        evidence: the tables.
        rng: settles ties.
        rounds: of each start.
    """
    nothing = np.empty(0, dtype=np.int64)
    best = Guesses(rows=nothing, candidates=nothing, confidence=np.empty(0))
    if min(len(evidence.rows), len(evidence.candidates)) < 2:
        return best
    reached = -np.inf
    for size in _DESCRIPTIONS:
        start = _alike(evidence, size, rng)
        likely, guesses = annealed(evidence, start, rounds)
        if likely > reached:
            reached, best = likely, guesses
        if float(guesses.confidence.mean()) > _SURE:
            break
    return best


def annealed(evidence: Evidence, chances: Matrix, rounds: int = _ROUNDS) -> tuple[float, Guesses]:
    """The matching that a start leads to, and its log-likelihood per row.

    Args:
        evidence: the tables.
        chances: (f, f') probabilities of pairs to start from.
        rounds: at most.
    """
    likely = -np.inf
    for number in range(rounds):
        weight = min(1.0, _FIRST_WEIGHT * _GROWTH**number)
        logits = evidence.logits(chances)
        last = weight == 1.0 or number == rounds - 1
        spread = logits.copy() if last else logits
        chances = balance(np.multiply(spread, np.float32(weight), out=spread))
        if last:
            likely = float(np.einsum("ij,ij->", chances, logits) / len(chances))
        if weight == 1.0 and float(chances.max(axis=1).mean()) > _SURE:
            break
    return likely, guesses_of(evidence, chances)


def _alike(evidence: Evidence, size: int, rng: np.random.Generator) -> Matrix:
    """Probabilities of pairs from how alike the largest agreements of two records are, and what the known pairs say."""
    ours, theirs = _described(evidence.measured, size), _described(evidence.expected, size)
    size = min(ours.shape[1], theirs.shape[1])
    ours, theirs = _standard(ours[:, :size]), _standard(theirs[:, :size])
    logits = 2.0 * (ours @ theirs.T) - np.square(ours).sum(axis=1)[:, None] - np.square(theirs).sum(axis=1)
    logits += rng.normal(0, 1e-3, logits.shape).astype(np.float32)
    logits += evidence.known
    return balance(logits)


def _described(agreements: Matrix, size: int) -> Matrix:
    """(n, size) the largest agreements of each record with others, largest first."""
    size = min(size, agreements.shape[1] - 1)
    others = agreements.copy()
    np.fill_diagonal(others, -np.inf)
    found: Matrix = -np.sort(-np.partition(others, -size, axis=1)[:, -size:], axis=1)
    return found


def _standard(described: Matrix) -> Matrix:
    """Columns of mean 0 and deviation 1: noise makes the largest agreements of one side larger than the other's."""
    spread = np.maximum(described.std(axis=0), np.float32(1e-9))
    found: Matrix = (described - described.mean(axis=0)) / spread
    return found


def _strongest(agreements: Matrix, share: float) -> Matrix:
    """Agreements, those below the quantile replaced by it."""
    return np.maximum(agreements, np.quantile(agreements, 1.0 - share).astype(np.float32))


def _rooted(agreements: Matrix, degree: int) -> Matrix:
    found = np.maximum(agreements, np.float32(0)) ** np.float32(1.0 / max(1, degree))
    return centred(found.astype(np.float32, copy=False))
