"""The parts of records, and filters of the values that many records have, made once a pass: a record takes them whole.

A part of an attribute is what has bits of its own: of given names the first name and the others, of the rest the whole value.
Records that share a part set the same bits for it, as long as their blocks leave out the same components; so filters belong
to one depth of one pass, and die with it. The most used values are kept, as many as there is room for, none that fewer than
about `LEAST_USES` records have (a sample tells); the bits of the others are set when their records come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.bits import FIELDS, set_bits

__all__ = ["LEAST_USES", "Kept", "Part"]

LEAST_USES = 3
_PLACE = {name: place for place, name in enumerate(FIELDS)}
_AT_ONCE = 1 << 12  # values cut together

Codes = NDArray[np.int32]
Line = Mapping[str, int | NDArray[Any]]  # fields of `linkage.bits.set_bits`, arrays not yet as addresses
Cut = Callable[[Codes], tuple[Codes, Line]]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that records share.

    Attributes:
        column: of the rows, with the code of each record; negative for none.
        values: how many there are.
        groups: (values,) int32, values with the same number set the same bits; None: every value its own.
        firsts: (groups,) int32, a value of each group.
        line: how bits are set.
        cut: for values that are not held cut: of some of them, the place of each among what is cut now, and the fields of the
            line that say where.
    """

    column: int
    values: int
    groups: Codes | None = None
    firsts: Codes | None = None
    line: Line = field(default_factory=dict)
    cut: Cut | None = None

    @property
    def different(self) -> int:
        """How many groups there are."""
        return self.values if self.firsts is None else len(self.firsts)


class Kept:
    """What sets the bits of records, for each depth of one pass; nothing is kept before `choose`.

    Args:
        parts: of a record, at each depth.
        words: of a filter.
    """

    def __init__(self, parts: Sequence[Sequence[Part]], words: int) -> None:
        self._parts = [part for some in parts for part in some]
        self._depth = np.repeat(np.arange(len(parts)), [len(some) for some in parts])
        self._ends = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum([len(some) for some in parts])])
        self._words = words
        self._lines = np.zeros((len(self._parts), len(FIELDS)), dtype=np.int64)
        for line, part in zip(self._lines, self._parts, strict=True):
            _write(line, {"column": part.column, **part.line})
        self._kept_of: list[Codes | None] = [None] * len(self._parts)
        self._filters: list[NDArray[np.uint64]] = []

    def choose(self, rows: NDArray[np.int32], step: int, depth: int, room: int) -> None:
        """Makes the filters of the values that most records of a depth have.

        Args:
            rows: (n, columns), codes of some of the records.
            step: how many there are for each of them.
            depth: theirs.
            room: bytes that the filters may take.
        """
        mine = range(int(self._ends[depth]), int(self._ends[depth + 1]))
        uses = [_uses(self._parts[number], rows) * step for number in mine]
        for number, some in zip(mine, _most_used(uses, room // (8 * self._words)), strict=True):
            part = self._parts[number]
            filters = np.empty((len(some), self._words), dtype=np.uint64)
            wanted = some if part.firsts is None else part.firsts[some]
            for start in range(0, len(some), _AT_ONCE):
                self._set_part(number, wanted[start : start + _AT_ONCE], filters[start : start + _AT_ONCE])
            row_of = np.full(part.different, -1, dtype=np.int32)
            row_of[some] = np.arange(len(some))
            kept_of = row_of if part.groups is None else row_of[part.groups]
            self._kept_of[number] = kept_of
            self._filters.append(filters)
            _write(self._lines[number], {"kept_of": kept_of, "kept": filters})

    def fill(
        self,
        rows: NDArray[np.int32],
        bounds: NDArray[np.int64],
        depths: NDArray[np.int64],
        plain: NDArray[np.uint64],
    ) -> None:
        """Makes the plain filters of the records of some blocks; see `linkage.bits.set_bits`."""
        lines, held = self._lines, []
        for number, part in enumerate(self._parts):
            if part.cut is not None:
                lines = self._lines.copy() if lines is self._lines else lines
                there = np.repeat(depths == self._depth[number], np.diff(bounds))
                codes = np.where(there, rows[:, part.column], -1)
                held.append(_cut(part.cut, self._kept_of[number], codes, lines[number]))
        set_bits(lines, self._ends, rows, bounds, depths, plain)
        del held  # not before

    def _set_part(self, number: int, codes: Codes, plain: NDArray[np.uint64]) -> None:
        """The bits of one part alone, of these values."""
        lines, held, cut = self._lines[number : number + 1].copy(), None, self._parts[number].cut
        lines[0, _PLACE["column"]] = 0
        if cut is not None:
            held = _cut(cut, None, codes, lines[0])
        bounds, depths = np.array([0, len(codes)]), np.zeros(1, dtype=np.int64)
        set_bits(lines, np.array([0, 1]), np.ascontiguousarray(codes).reshape(-1, 1), bounds, depths, plain)
        del held


def _cut(cut: Cut, kept_of: Codes | None, codes: Codes, line: NDArray[np.int64]) -> Any:
    """Cuts those of some values that are not kept, and says in a line where; returns what must be held meanwhile."""
    missed = codes >= 0 if kept_of is None else (codes >= 0) & (kept_of[codes] < 0)
    places, fields = cut(np.ascontiguousarray(codes[missed]))
    local = np.zeros(len(codes), dtype=np.int32)
    local[missed] = places
    _write(line, {**fields, "local": local})
    return local, fields


def _write(line: NDArray[np.int64], fields: Line) -> None:
    for name, value in fields.items():
        line[_PLACE[name]] = value.ctypes.data if isinstance(value, np.ndarray) else value


def _uses(part: Part, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many of these records have each group of values."""
    codes = rows[:, part.column]
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
