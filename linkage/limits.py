"""The integer rule behind a threshold: the largest Hamming distance of a pair that is similar enough.

`dice`: 2c / (|a| + |b|), c the common bits, kept when that quotient, as a float64, is at or above the threshold. `hamming`:
1 - H/L, L the bits of a row, kept when that number, as a float64, is. The least c, or the largest H, is found with the very
expression above; since H = |a| + |b| - 2c, both are a largest H by |a| + |b|, and kernels compare integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.plan import Measure

__all__ = ["largest_distances", "share_of_distance"]

_MARGIN = 1e-9  # of a bit; rounding of a float64 quotient moves a distance by less


def largest_distances(length: int, threshold: float, measure: Measure) -> NDArray[np.int64]:
    """(2 · length + 1,) the largest distance by the sum of popcounts, -1 where no pair is similar enough.

    Args:
        length: bits of a row.
        threshold: in (0, 1].
        measure: `dice` or `hamming`.
    """
    if measure == "hamming":
        around = int((1.0 - threshold) * length) + np.arange(-2, 3, dtype=np.int64)
        return np.full(2 * length + 1, around[1.0 - around / length >= threshold].max(), dtype=np.int64)
    total = np.arange(1, 2 * length + 1, dtype=np.int64)
    least = np.ceil(threshold * total / 2).astype(np.int64) - 1
    for _ in range(2):  # rounding moves the exact bound by less than one: the first of three candidates that is enough
        least += 2 * least / total < threshold
    return np.concatenate([np.array([-1]), total - 2 * least])


def share_of_distance(length: int, threshold: float, measure: Measure) -> NDArray[np.float64]:
    """(length + 1,) g by popcount such that no pair that is similar enough has a distance above g(|a|) + g(|b|).

    Args:
        length: bits of a row.
        threshold: in (0, 1].
        measure: `dice` or `hamming`.
    """
    bits = np.arange(length + 1, dtype=np.float64)
    if measure == "hamming":
        bits[:] = length / 2
    return bits * (1.0 - threshold) + _MARGIN
