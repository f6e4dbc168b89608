"""Links by the values of a column of the left file: who is found less often, and whose links are less sure.

Groups of fewer than 11 people are told together, and with the smallest group that is left when they are still too few:
no figure is about a handful of people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.expectation import Estimate, count_interval

__all__ = ["LEAST_GROUP", "POOLED", "Group", "by_values"]

LEAST_GROUP = 11
POOLED = "autres valeurs"
EMPTY = "(vide)"

Pairs = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Group:
    """People of the left file that share a value.

    Attributes:
        value: as the file writes it.
        people: records.
        links: of these records.
        expected_precision: [low, middle, high] without truth; None where nobody is linked.
        precision, recall: with a truth; None without one, or where there is nothing to divide by.
    """

    value: str
    people: int
    links: int
    expected_precision: list[float] | None
    precision: float | None
    recall: float | None


def by_values(
    cells: Sequence[str],
    links: Pairs,
    true: Pairs | None,
    width: int,
    wrong: Callable[[NDArray[np.int64], int], list[Estimate]] | None = None,
) -> list[Group]:
    """The groups, the largest first.

    Args:
        cells: (n,) the raw cell of each record of the left file.
        links: (k, 2) pairs linked.
        true: (t, 2) true pairs, when they are known.
        width: records of the right file.
        wrong: from the group of each record and the number of groups to the wrong links expected in each.
    """
    names, code = _pooled([cell.strip() or EMPTY for cell in cells])
    size = len(names)
    linked = np.bincount(code[links[:, 0]], minlength=size)
    right = truly = None
    if true is not None:
        good = np.isin(links[:, 0] * width + links[:, 1], true[:, 0] * width + true[:, 1])
        right = np.bincount(code[links[good, 0]], minlength=size)
        truly = np.bincount(code[true[:, 0]], minlength=size)
    expected = wrong(code, size) if wrong else [None] * size
    people = np.bincount(code, minlength=size)
    return [
        Group(
            value=names[place],
            people=int(people[place]),
            links=int(linked[place]),
            expected_precision=_expected(expected[place], int(linked[place])),
            precision=_quotient(right, linked, place),
            recall=_quotient(right, truly, place),
        )
        for place in np.lexsort([np.arange(size), -people])
    ]


def _pooled(values: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Names of groups and the group of each record."""
    names, code, count = np.unique(np.array(values, dtype=object), return_inverse=True, return_counts=True)
    order = np.argsort(count, kind="stable")
    total, few = np.cumsum(count[order]), int((count < LEAST_GROUP).sum())
    if few and total[few - 1] < LEAST_GROUP:
        few = min(few + 1, len(names))
    target = np.empty(len(names), dtype=np.int64)
    target[order[:few]] = 0
    kept = np.sort(order[few:])
    target[kept] = np.arange(len(kept)) + (few > 0)
    return [POOLED] * (few > 0) + [str(names[place]) for place in kept], target[code.ravel()]


def _expected(wrong: Estimate | None, links: int) -> list[float] | None:
    if wrong is None or not links:
        return None
    count = count_interval(wrong, links)
    return [round(1.0 - one / links, 5) for one in (count.high, count.middle, count.low)]


def _quotient(part: NDArray[np.int64] | None, whole: NDArray[np.int64] | None, place: int) -> float | None:
    return float(part[place] / whole[place]) if part is not None and whole is not None and whole[place] else None
