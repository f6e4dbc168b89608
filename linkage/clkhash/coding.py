"""Columns and rows of strings as distinct cells and codes, without hashing each string object.

Some rows at a time, cells are joined into one text with a NUL between them, and compiled code finds their ends, hashes their
bytes and numbers them, comparing bytes wherever hashes agree; only distinct cells become strings again. That touches each
string once, while it is near, where a dictionary touches it three times; and this is the larger part of the time of
encoding rows. Columns with a cell that holds a NUL, or a surrogate, which UTF-8 lacks, are coded by a dictionary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = ["CodedColumn", "column_of", "columns_of"]

_NUL = "\0"
_AT_ONCE = 1 << 13  # rows
_JOINED = 1 << 9  # rows whose strings are still near when their texts are joined
_SEED = np.uint64(0xCBF29CE484222325)  # FNV-1a, the byte after the cell left out
_PRIME = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, kw_only=True)
class CodedColumn:
    """A column as its distinct cells and, for each row, the place of its cell among them.

    Attributes:
        values: distinct cells, in order of appearance.
        codes: (n,) int32 places in `values`.
    """

    values: Sequence[str]
    codes: NDArray[np.int32]


def column_of(cells: Sequence[str]) -> CodedColumn:
    """Code one column."""
    pieces = (cells[start : start + _AT_ONCE] for start in range(0, len(cells), _AT_ONCE))
    found = _coded(((_NUL.join(piece), len(piece)) for piece in pieces), len(cells), 1, [0])
    return found[0] if found else _by_dictionary(cells)


def columns_of(rows: Sequence[Sequence[str]], width: int, places: Sequence[int]) -> list[CodedColumn]:
    """Code some columns of rows.

    Args:
        rows: of `width` cells each.
        width: cells of a row.
        places: of the wanted columns.
    """
    pieces = (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
    found = _coded(((_joined(piece), len(piece)) for piece in pieces), len(rows), width, places)
    return found or [_by_dictionary([row[place] for row in rows]) for place in places]


def _joined(rows: Sequence[Sequence[str]]) -> str:
    parts = (rows[start : start + _JOINED] for start in range(0, len(rows), _JOINED))
    return _NUL.join([_NUL.join(map(_NUL.join, part)) for part in parts])


def _by_dictionary(cells: Sequence[str]) -> CodedColumn:
    index: defaultdict[str, int] = defaultdict(count().__next__)  # a cell never seen takes the next number
    codes = np.fromiter(map(index.__getitem__, cells), np.int32, len(cells))
    return CodedColumn(values=list(index), codes=codes)


def _coded(texts: Iterable[tuple[str, int]], size: int, width: int, places: Sequence[int]) -> list[CodedColumn] | None:
    """The columns of cells joined by NUL, or None where a cell holds one or cannot be written in UTF-8."""
    wanted = np.zeros(width, dtype=np.bool_)
    wanted[list(places)] = True
    ends, sums = np.empty((width, _AT_ONCE), dtype=np.int64), np.empty((width, _AT_ONCE), dtype=np.uint64)
    coders = [_Coder(place, size) for place in places]
    for text, rows in texts:
        try:
            data = np.frombuffer(f"{text}{_NUL}".encode(), dtype=np.uint8)
        except UnicodeEncodeError:
            return None
        if not _find_cells(data, wanted, rows, ends, sums):
            return None
        for coder in coders:
            coder.take(data, rows, ends, sums)
    return [coder.column() for coder in coders]


class _Coder:
    """The distinct cells of one column met so far: their bytes one after the other, and a table to find them."""

    def __init__(self, place: int, size: int) -> None:
        self._place = place
        self._codes = np.empty(size, dtype=np.int32)
        self._done = 0
        self._state = np.zeros(2, dtype=np.int64)  # rows of the piece done, distinct cells
        self._begins, self._tags = np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.uint64)
        self._held = np.empty(0, dtype=np.uint8)
        self._slots = np.empty(0, dtype=np.uint64)

    def take(self, data: NDArray[np.uint8], rows: int, ends: NDArray[np.int64], sums: NDArray[np.uint64]) -> None:
        """Code the next rows."""
        stops = ends[self._place, :rows]
        before = ends[self._place - 1, :rows] if self._place else np.concatenate(([-1], ends[-1, : rows - 1]))
        starts = before + 1
        codes = self._codes[self._done : self._done + rows]
        self._state[0] = 0
        while True:
            known = (self._slots, self._begins, self._tags, self._held)
            _number_cells((data, starts, stops, sums[self._place, :rows]), known, self._state, codes)
            if self._state[0] == rows:
                break
            self._grow(int(stops[self._state[0]] - starts[self._state[0]]) + 1)
        self._done += rows

    def column(self) -> CodedColumn:
        """What was found."""
        distinct = int(self._state[1])
        text = self._held[: max(0, int(self._begins[distinct]) - 1)].tobytes().decode()
        return CodedColumn(values=text.split(_NUL) if distinct else [], codes=self._codes)

    def _grow(self, cell: int) -> None:
        """Make room for twice as many cells, and for one of that many bytes."""
        distinct = int(self._state[1])
        most = max(_AT_ONCE, 2 * distinct)
        if len(self._tags) < most:
            self._tags = np.concatenate((self._tags, np.empty(most - len(self._tags), dtype=np.uint64)))
            self._begins = np.concatenate((self._begins, np.empty(most + 1 - len(self._begins), dtype=np.int64)))
            self._slots = np.zeros(1 << (most.bit_length() + 1), dtype=np.uint64)
            _fill_slots(self._tags[:distinct], self._slots)
        used = int(self._begins[distinct])
        wider = np.empty(max(_AT_ONCE, 2 * (used + cell)), dtype=np.uint8)
        wider[:used] = self._held[:used]
        self._held = wider


@compiled
def _find_cells(
    data: NDArray[np.uint8], wanted: NDArray[np.bool_], rows: int, ends: NDArray[np.int64], sums: NDArray[np.uint64]
) -> bool:  # pragma: no cover - compiled
    """Where each cell ends, and a hash of the wanted ones; false when there are not as many as said."""
    width = len(wanted)
    column = row = 0
    hashed = _SEED
    for at in range(len(data)):
        byte = data[at]
        if byte:
            hashed = (hashed ^ np.uint64(byte)) * _PRIME
            continue
        if row == rows:
            return False
        ends[column, row] = at
        if wanted[column]:
            sums[column, row] = (hashed ^ (hashed >> _HALF)) * _SPREAD
        hashed = _SEED
        column += 1
        if column == width:
            column = 0
            row += 1
    return row == rows and column == 0


@compiled
def _fill_slots(tags: NDArray[np.uint64], slots: NDArray[np.uint64]) -> None:  # pragma: no cover - compiled
    """Put the cells already numbered into an empty table: low half of the hash, then the number plus one."""
    last = len(slots) - 1
    for number in range(len(tags)):
        slot = np.int64(tags[number] >> _HALF) & last
        while slots[slot]:
            slot = (slot + 1) & last
        slots[slot] = (tags[number] << _HALF) | np.uint64(number + 1)


@compiled
def _number_cells(
    cells: tuple[Any, NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]],
    known: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint8]],
    state: NDArray[np.int64],
    codes: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    """Number cells until the end, or until one has no room; `state` is the rows done and the distinct cells."""
    data, starts, stops, sums = cells
    slots, begins, tags, held = known
    last = len(slots) - 1
    row, distinct = state[0], state[1]
    while row < len(codes) and last > 0:
        start, length = starts[row], stops[row] - starts[row]
        tag = sums[row] << _HALF
        slot = np.int64(sums[row] >> _HALF) & last
        number = np.int64(-1)
        while slots[slot]:
            if (slots[slot] ^ tag) <= _LOW_HALF:
                number = np.int64(slots[slot] & _LOW_HALF) - 1
                begin = begins[number]
                at = np.int64(0)
                # Up to and with the NUL: a cell that goes on where the other ends differs there.
                while at <= length and held[begin + at] == data[start + at]:
                    at += 1
                if at > length:
                    break
                number = np.int64(-1)
            slot = (slot + 1) & last
        if number < 0:
            begin = begins[distinct]
            if distinct == len(tags) or begin + length + 1 > len(held):
                break
            number = np.int64(distinct)
            slots[slot] = tag | np.uint64(distinct + 1)
            tags[distinct] = sums[row]
            for place in range(length + 1):  # its NUL too
                held[begin + place] = data[start + place]
            distinct += 1
            begins[distinct] = begin + length + 1
        codes[row] = number
        row += 1
    state[0], state[1] = row, distinct
