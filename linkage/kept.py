"""Filters of the values that many records have, made once a pass: most records take all bits of a value in one step.

A part of an attribute is what has bits of its own: of given names the first name and the others, of the rest the whole value.
Records that share a part set the same bits for it, as long as their blocks leave out the same components; so filters belong
to one depth of one pass, and die with it. The most used values are kept, as many as there is room for, none that fewer than
about `LEAST_USES` records have (a sample tells); the bits of the others are set when their records come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.bits import add_kept, choose_kept

__all__ = ["LEAST_USES", "Kept", "Part"]

LEAST_USES = 3
_SAMPLE = 1 << 18  # records, about

Codes = NDArray[np.int32]
SetBits = Callable[
    [Codes, NDArray[np.int64], NDArray[np.uint64]], None
]  # of these values, in these rows of plain filters


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that records share.

    Attributes:
        codes: (n,) int32, the value of each record; negative for none.
        values: how many there are.
        groups: (values,) int32, values with the same number set the same bits; None: every value its own.
        firsts: (groups,) int32, a value of each group.
        set_bits: sets them.
    """

    codes: Codes
    values: int
    groups: Codes | None = None
    firsts: Codes | None = None
    set_bits: SetBits

    @property
    def different(self) -> int:
        """How many groups there are."""
        return self.values if self.firsts is None else len(self.firsts)


class Kept:
    """What is kept for the records of one depth of one pass.

    Args:
        parts: of a record.
        words: of a filter.
        records: that will come.
        room: bytes that the filters may take.
    """

    def __init__(self, parts: Sequence[Part], words: int, records: Codes, room: int) -> None:
        self._parts = parts
        self._row_of: list[Codes] = []
        step = 1 + len(records) // _SAMPLE
        chosen = _most_used([_uses(part, records[::step]) * step for part in parts], room // (8 * words))
        self._filters = np.zeros((sum(map(len, chosen)), words), dtype=np.uint64)
        start = 0
        for part, some in zip(parts, chosen, strict=True):
            rows = np.arange(start, start + len(some))
            row_of = np.full(part.different, -1, dtype=np.int32)
            row_of[some] = rows
            self._row_of.append(row_of if part.groups is None else row_of[part.groups])
            part.set_bits(some if part.firsts is None else part.firsts[some], rows, self._filters)
            start += len(some)

    def add(self, records: NDArray[np.int64], places: NDArray[np.int64], plain: NDArray[np.uint64]) -> None:
        """Sets all bits of these records, in those rows of `plain`."""
        chosen = np.empty((len(self._parts), len(records)), dtype=np.int32)
        missed = np.empty(len(records), dtype=np.int64)
        for part, row_of, of_part in zip(self._parts, self._row_of, chosen, strict=True):
            some = missed[: choose_kept(part.codes, records, row_of, of_part, missed)]
            if len(some):
                part.set_bits(part.codes[records[some]], places[some], plain)
        add_kept(self._filters, chosen, places, plain)


def _uses(part: Part, records: Codes) -> NDArray[np.int64]:
    """How many of these records have each group of values."""
    codes = part.codes[records]
    codes = codes[codes >= 0]
    return np.bincount(codes if part.groups is None else part.groups[codes], minlength=part.different)


def _most_used(uses: Sequence[NDArray[np.int64]], most: int) -> list[Codes]:
    """The groups of each part that are used often enough, in order: the most used of all, if there are more than that."""
    often = [np.flatnonzero(one >= LEAST_USES) for one in uses]
    if sum(map(len, often)) > most:
        numbers = np.concatenate([one[some] for one, some in zip(uses, often, strict=True)])
        taken = np.zeros(len(numbers), dtype=bool)
        taken[np.argsort(-numbers, kind="stable")[:most]] = True
        ends = np.cumsum([len(some) for some in often])[:-1]
        often = [some[kept] for some, kept in zip(often, np.split(taken, ends), strict=True)]
    return [some.astype(np.int32) for some in often]
