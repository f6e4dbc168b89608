"""A6, landmarks: who is known is a landmark, everybody else is where their agreements with all landmarks say. One shot.

Row i agrees with the landmarks like candidate k is expected to: k is the candidate of the largest log-likelihood,
W·Σ_l (A_il·B_kl − ½·B_kl²) over the landmarks l. The work is (rows × landmarks × candidates), so it reaches large tables. The
attacker knows the profile and the sheet, holds a reference file and s pairs; nothing else is asked.

`raised=False` is the variant that undoes the diffusion first, measured agreements to the power 1/t against plain expected
ones: weaker, because it magnifies the noise of small agreements. It is here so that nobody has to take that on trust.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.outcome import Guesses
from linkage.attacks.scene import View

__all__ = ["landmarks"]

Matrix = NDArray[np.float32]

_AT_ONCE = 1024  # rows


def landmarks(view: View, rng: np.random.Generator, *, raised: bool = True) -> Guesses:
    """One guess for each row that is in no known pair.

    Args:
        view: with known pairs.
        rng: draws the guesses of who knows nothing.
        raised: expected agreements are raised to the power t, measured ones left alone.
    """
    rows, candidates = view.free_rows, view.free_candidates
    if not len(rows) or not len(candidates):
        nothing = np.empty(0, dtype=np.int64)
        return Guesses(rows=nothing, candidates=nothing, confidence=np.empty(0))
    if not len(view.known):
        blind = candidates[rng.integers(0, len(candidates), len(rows))]
        return Guesses(rows=rows, candidates=blind, confidence=np.zeros(len(rows)))
    measured = _deviations(view.measured_with(view.known[:, 0]), view.known[:, 0])[rows]
    expected = _deviations(view.expected_with(view.known[:, 1]), view.known[:, 1])[candidates]
    if not raised:
        measured, expected = _rooted(measured, view.degree), _rooted(expected, view.degree)
    squares = 0.5 * np.square(expected).sum(axis=1)
    best, confidence = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    for start in range(0, len(rows), _AT_ONCE):
        some = slice(start, min(start + _AT_ONCE, len(rows)))
        likely = np.float32(view.weight) * (measured[some] @ expected.T - squares)
        best[some] = likely.argmax(axis=1)
        likely -= likely.max(axis=1, keepdims=True)
        confidence[some] = 1.0 / np.exp(likely, out=likely).sum(axis=1)
    return Guesses(rows=rows, candidates=candidates[best], confidence=confidence)


def _deviations(agreements: Matrix, own: NDArray[np.int64]) -> Matrix:
    """Agreements with landmarks, less their mean over all who are not the landmark itself."""
    places = np.arange(len(own))
    themselves = agreements[own, places].sum(dtype=np.float64)
    mean = (agreements.sum(dtype=np.float64) - themselves) / max(1, agreements.size - len(own))
    return agreements - np.float32(mean)


def _rooted(deviations: Matrix, degree: int) -> Matrix:
    """The power 1/t of what is positive, less its mean."""
    found: Matrix = np.maximum(deviations, 0.0) ** np.float32(1.0 / max(1, degree))
    found -= found.mean()
    return found
