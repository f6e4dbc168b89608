"""Links out of candidate pairs, the best pair first.

Candidates come in the promised order of the matcher (score descending, left, right), in one piece or as a stream of ordered
batches, and are taken one after the other. How often a row may be linked is the *solving*:

* one-to-one: a candidate becomes a link unless its left or its right row already has one. So every candidate left aside has
  a side with a link that is as good or better, and earlier in that order.
* many-to-one: every left row is linked to its best right row, which may have other left rows too. It is for a left file that
  holds several rows of one person; one-to-many is the same with the sides exchanged.

Links keep the order of the candidates. The links above a score depend on the candidates above it only, and a row without a
link has changed nothing: without it, all links are the same.

Memory: a byte a row, 24 bytes a link and a fixed scratch; candidates of a stream are forgotten batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates
from linkage.compiled import compiled
from linkage.errors import LinkageError

__all__ = [
    "Links",
    "ordered_columns",
    "solve_many_to_one",
    "solve_one_to_many",
    "solve_one_to_one",
]

Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

_AT_ONCE = 1 << 20  # candidates of one compiled call: some milliseconds, the delay of an interruption


@dataclass(frozen=True, kw_only=True)
class Links:
    """Solved pairs, by score descending, then left row, then right row.

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


def solve_one_to_one(candidates: Candidates | Iterable[Candidates]) -> Links:
    """The links of some candidates in which each row stands at most once.

    Args:
        candidates: in the promised order; batches continue one another in that order.

    Raises:
        LinkageError: `E_ORDRE_CANDIDATS` when candidates are not in the promised order, `E_TABLEAU` for columns of different
            lengths or negative rows.
    """
    return _solved(candidates, once=(True, True))


def solve_many_to_one(candidates: Candidates | Iterable[Candidates]) -> Links:
    """The links in which each left row stands at most once, with its best right row; right rows may repeat.

    Args:
        candidates: as `solve_one_to_one`.

    Raises:
        LinkageError: as `solve_one_to_one`.
    """
    return _solved(candidates, once=(True, False))


def solve_one_to_many(candidates: Candidates | Iterable[Candidates]) -> Links:
    """The links in which each right row stands at most once, with its best left row; left rows may repeat.

    Args:
        candidates: as `solve_one_to_one`.

    Raises:
        LinkageError: as `solve_one_to_one`.
    """
    return _solved(candidates, once=(False, True))


def ordered_columns(candidates: Candidates) -> Columns:
    """(left, right, score) of candidates in the promised order, contiguous and read-only.

    Raises:
        LinkageError: as `solve_one_to_one`.
    """
    return next(_batches(candidates))


class _Free:
    """Which rows of one side may still be linked, a byte each from row `base` on."""

    def __init__(self) -> None:
        self.base = 0
        self.rows = np.ones(0, dtype=np.uint8)

    def reach(self, rows: NDArray[np.int64], *, only: bool) -> None:
        """Makes room for some rows; when they are the only ones, rows before the first take none."""
        last = int(rows.max(initial=-1)) + 1
        if only:
            self.base = int(rows.min(initial=last))
            self.rows = np.ones(last - self.base, dtype=np.uint8)
        elif last > len(self.rows):
            more = np.ones(max(last, 2 * len(self.rows)) - len(self.rows), dtype=np.uint8)
            self.rows = np.concatenate([self.rows, more])


def _solved(candidates: Candidates | Iterable[Candidates], once: tuple[bool, bool]) -> Links:
    free = _Free(), _Free()
    chosen = np.empty(_AT_ONCE, dtype=np.int32)
    found: list[Columns] = []
    for left, right, score in _batches(candidates):
        free[0].reach(left, only=isinstance(candidates, Candidates))
        free[1].reach(right, only=isinstance(candidates, Candidates))
        state = free[0].rows, free[1].rows, (free[0].base, free[1].base), once, chosen
        for start in range(0, len(left), _AT_ONCE):
            stop = start + _AT_ONCE
            kept = start + chosen[: _take(left[start:stop], right[start:stop], *state)]
            found.append((left[kept], right[kept], score[kept]))
    empty = np.empty(0, dtype=np.int64)
    parts = [*found, (empty, empty, np.empty(0))]
    return Links(
        left=np.concatenate([part[0] for part in parts]),
        right=np.concatenate([part[1] for part in parts]),
        score=np.concatenate([part[2] for part in parts]),
    )


def _batches(candidates: Candidates | Iterable[Candidates]) -> Iterator[Columns]:
    """The columns of each batch, checked: at least one batch."""
    last = (0, -1, float(np.inf))
    for batch in (candidates,) if isinstance(candidates, Candidates) else candidates:
        left, right = (_sealed(column, np.int64) for column in (batch.left, batch.right))
        score = _sealed(batch.score, np.float64)
        if (
            not left.shape == right.shape == score.shape == (len(left),)
            or min(left.min(initial=0), right.min(initial=0)) < 0
        ):
            raise LinkageError(
                "E_TABLEAU", "les paires candidates doivent former trois colonnes, de lignes numérotées dès 0"
            )
        if not _in_order(left, right, score, last):
            raise LinkageError("E_ORDRE_CANDIDATS", "les paires candidates ne sont pas dans l'ordre promis")
        if len(left):
            last = int(left[-1]), int(right[-1]), float(score[-1])
        yield left, right, score


def _sealed(column: NDArray[Any], kind: Any) -> NDArray[Any]:
    """The same memory where it can be, read-only: the kernels are compiled once for all."""
    view = np.ascontiguousarray(column, dtype=kind).view()
    view.flags.writeable = False
    return view


@compiled
def _in_order(
    left: NDArray[np.int64], right: NDArray[np.int64], score: NDArray[np.float64], last: tuple[int, int, float]
) -> bool:
    """Whether each pair follows the one before, the first of all the given one; nothing follows or precedes a NaN."""
    i, j, value = last
    for k in range(len(left)):
        if not score[k] < value and not (score[k] == value and (left[k] > i or (left[k] == i and right[k] > j))):
            return False
        i, j, value = left[k], right[k], score[k]
    return True


@compiled
def _take(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    free_left: NDArray[np.uint8],
    free_right: NDArray[np.uint8],
    bases: tuple[int, int],
    once: tuple[bool, bool],
    chosen: NDArray[np.int32],
) -> int:
    """Writes the places of the pairs that become links into `chosen`, marks their rows; returns how many."""
    count = 0
    for k in range(len(left)):
        i, j = left[k] - bases[0], right[k] - bases[1]
        if free_left[i] and free_right[j]:
            if once[0]:
                free_left[i] = 0
            if once[1]:
                free_right[j] = 0
            chosen[count] = k
            count += 1
    return count
