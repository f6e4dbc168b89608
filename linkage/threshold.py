"""A threshold for plain filters without labels, in a rehearsal only (a run's thresholds are fixed by its plan).

Records of one file are different people, so the best neighbour of a record *inside its own file* shows how alike strangers
get: the null. The best neighbour in the *other* file mixes that null with true matches. From the two survival curves:

1. for each threshold the share M of records with a match at or above it: found is M + (1 − M)·N, a match or else a
   stranger; π is M at the lowest threshold that at most 5 % of the null reaches, the share of records with a match at all;
2. for each threshold that at most four fifths of the null reach (below, matches cannot be told) the expected wrong links,
   (1 − π)·N', where N' = 1 − (1 − N)^(1 − π) counts only the strangers that a one-to-one solution leaves free, and the
   expected F1, 2M / (M + wrong + π); the best threshold wins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLE", "best_neighbours", "choose_plain_threshold"]

SAMPLE = 2000  # records of each side whose neighbours are looked at
_STRANGERS = 0.05  # of the null may reach the threshold where matches are counted
_CROWD = 0.8  # of the null may reach a threshold that is tried: families make it heavy, their matches still stand out
_GRID = np.arange(500, 1000)  # per mille of Dice

Curve = NDArray[np.float64]


def choose_plain_threshold(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> int:
    """The Dice threshold, in per mille, with the best expected F1.

    Args:
        left: (n, w) uint64 plain filters.
        right: (m, w) uint64 plain filters.
    """
    ours, theirs = _spread(left), _spread(right)
    null = np.concatenate(
        [best_neighbours(left, left, ours, same=True), best_neighbours(right, right, theirs, same=True)]
    )
    across = np.concatenate([best_neighbours(left, right, ours), best_neighbours(right, left, theirs)])
    strangers, found = _survival(null), _survival(across)
    start = int(np.argmax(strangers <= _STRANGERS))
    matched = np.maximum(0.0, found - strangers) / np.maximum(1e-9, 1.0 - strangers)
    alone = 1.0 - matched[start]
    wrong = alone * (1.0 - (1.0 - strangers) ** alone)
    first = int(np.argmax(strangers <= _CROWD))
    expected = 2 * matched / np.maximum(1e-9, matched + wrong + matched[first:].max())
    return int(_GRID[first + int(np.argmax(expected[first:]))])


def best_neighbours(
    queries: NDArray[np.uint64], pool: NDArray[np.uint64], rows: NDArray[np.intp], *, same: bool = False
) -> Curve:
    """The Dice of the nearest pool row to each query row; with `same`, the row itself does not count."""
    weights = np.bitwise_count(pool).sum(axis=1, dtype=np.int64)
    best = np.zeros(len(rows))
    for place, row in enumerate(rows):
        common = np.bitwise_count(pool & queries[row]).sum(axis=1, dtype=np.int64)
        total = weights + np.bitwise_count(queries[row]).sum(dtype=np.int64)
        dice = 2.0 * common / np.maximum(1, total)
        if same:
            dice[row] = 0.0
        best[place] = dice.max(initial=0.0)
    return best


def _spread(filters: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Evenly spread rows; ids are random and rows sorted by them, so this is a sample."""
    count = min(SAMPLE, len(filters))
    return np.linspace(0, len(filters) - 1, count).astype(np.intp) if count else np.zeros(0, dtype=np.intp)


def _survival(best: Curve) -> Curve:
    ordered = np.sort(best)
    return 1.0 - np.searchsorted(ordered, _GRID / 1000, side="left") / max(1, len(ordered))
