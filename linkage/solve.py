"""One-to-one links out of candidate pairs: the best pair first, each row once.

Candidates come in the promised order of the matcher (score descending, left, right). A candidate becomes a link
unless its left or its right row already has one. So every candidate left aside has a side with a link that is as good
or better, and earlier in that order; and the links keep the order of the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.match import Candidates

__all__ = ["Links", "solve_one_to_one"]


@dataclass(frozen=True, kw_only=True)
class Links:
    """Pairs in which each row stands at most once, by score descending, then left row, then right row.

    Attributes:
        left: (h,) int64 rows of the left set.
        right: (h,) int64 rows of the right set.
        score: (h,) float64.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.left)


def solve_one_to_one(candidates: Candidates) -> Links:
    """The links of some candidates.

    Raises:
        LinkageError: `E_ORDRE_CANDIDATS` when candidates are not in the promised order.
    """
    left, right, score = candidates.left, candidates.right, candidates.score
    if not _in_order(candidates):
        raise LinkageError("E_ORDRE_CANDIDATS", "les paires candidates ne sont pas dans l'ordre promis")
    free_left = bytearray(b"\1") * (int(left.max(initial=-1)) + 1)
    free_right = bytearray(b"\1") * (int(right.max(initial=-1)) + 1)
    kept = []
    for number, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if free_left[one] and free_right[other]:
            free_left[one] = free_right[other] = 0
            kept.append(number)
    chosen = np.array(kept, dtype=np.int64)
    return Links(left=left[chosen], right=right[chosen], score=score[chosen])


def _in_order(candidates: Candidates) -> bool:
    left, right, score = candidates.left, candidates.right, candidates.score
    falls = score[1:] < score[:-1]
    ties = score[1:] == score[:-1]
    later = (left[1:] > left[:-1]) | ((left[1:] == left[:-1]) & (right[1:] > right[:-1]))
    return bool((falls | (ties & later)).all())
