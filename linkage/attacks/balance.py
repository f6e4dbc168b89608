"""Log-likelihoods of pairs turned into probabilities of a matching: Sinkhorn's balancing, in place and in single precision.

Every record of the smaller side has a partner, those of the larger side have at most one: rows and columns are scaled in turn,
sums of the larger side only where they exceed one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["balance", "confident"]

Matrix = NDArray[np.float32]

_ROUNDS = 20
_NEVER = np.float32(-30.0)  # of a logarithm: what is less likely than that is not


def balance(logits: Matrix, rounds: int = _ROUNDS) -> Matrix:
    """The probabilities of pairs.

    Args:
        logits: (n, n') log-likelihoods, written over.
        rounds: of scaling rows, then columns.

    Returns:
        The same array: no row and no column sums to more than 1, up to what the rounds leave.
    """
    rows, columns = logits.shape
    if not rows or not columns:
        return logits
    logits -= logits.max(axis=1, keepdims=True)
    logits -= logits.max(axis=0)
    np.maximum(logits, _NEVER, out=logits)
    np.exp(logits, out=logits)
    left, right = np.ones(rows, dtype=np.float32), np.ones(columns, dtype=np.float32)
    for _ in range(rounds):
        right = _scale(left @ logits, exact=columns <= rows)
        left = _scale(logits @ right, exact=rows <= columns)
    logits *= left[:, None]
    logits *= right
    return logits


def _scale(sums: NDArray[np.float32], *, exact: bool) -> NDArray[np.float32]:
    return np.reciprocal(np.maximum(sums, np.float32(1e-30 if exact else 1.0)))


def confident(chances: Matrix) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest column of each row, and how likely it is."""
    rows = np.arange(len(chances))
    best = chances.argmax(axis=1).astype(np.int64)
    return best, chances[rows, best].astype(np.float64)
