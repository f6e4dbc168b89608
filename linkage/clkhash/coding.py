"""Columns and rows of strings as distinct cells and codes, without hashing each string object.

All cells are joined into one text with a NUL between them, and compiled code finds their ends, hashes their bytes and numbers
them, comparing bytes wherever hashes agree; only distinct cells become strings again. That touches each string once, where a
dictionary touches it three times, and it is the larger part of the time of encoding rows. Cells that hold a NUL, or a
surrogate, which UTF-8 lacks, are coded by a dictionary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = ["CodedColumn", "column_of", "columns_of"]

_NUL = "\0"
_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_FIRST_SIZE = 12  # log2 of the slots of the first table


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
    found = _coded(_NUL.join(cells), len(cells), 1, [0]) if cells else None
    return found[0] if found else _by_dictionary(cells)


def columns_of(rows: Sequence[Sequence[str]], width: int, places: Sequence[int]) -> list[CodedColumn]:
    """Code some columns of rows.

    Args:
        rows: of `width` cells each.
        width: cells of a row.
        places: of the wanted columns.
    """
    found = _coded(_NUL.join(map(_NUL.join, rows)), len(rows), width, places) if rows else None
    return found or [_by_dictionary([row[place] for row in rows]) for place in places]


def _by_dictionary(cells: Sequence[str]) -> CodedColumn:
    index: defaultdict[str, int] = defaultdict(count().__next__)  # a cell never seen takes the next number
    codes = np.fromiter(map(index.__getitem__, cells), np.int32, len(cells))
    return CodedColumn(values=list(index), codes=codes)


def _coded(text: str, rows: int, width: int, places: Sequence[int]) -> list[CodedColumn] | None:
    """The columns of cells joined by NUL, or None where a cell holds one or cannot be written in UTF-8."""
    try:
        data = np.frombuffer(f"{text}{_NUL}".encode(), dtype=np.uint8)
    except UnicodeEncodeError:
        return None
    wanted = np.zeros(width, dtype=np.bool_)
    wanted[list(places)] = True
    ends = np.empty((width, rows), dtype=np.int64)
    sums = np.empty((width, rows), dtype=np.uint64)
    if not _find_cells(data, wanted, ends, sums):
        return None
    return [_code_column(data, place, ends, sums) for place in places]


def _code_column(data: NDArray[np.uint8], place: int, ends: NDArray[np.int64], sums: NDArray[np.uint64]) -> CodedColumn:
    width, rows = ends.shape
    stops = ends[place]
    starts = ends[place - 1] if place else np.concatenate(([-1], ends[width - 1, :-1]))  # each the NUL before the cell
    codes = np.empty(rows, dtype=np.int32)
    firsts = np.empty(0, dtype=np.int64)
    state = np.zeros(2, dtype=np.int64)
    size = _FIRST_SIZE
    while state[0] < rows:  # a larger table each time
        firsts = np.concatenate((firsts[: state[1]], np.empty((1 << (size - 1)) - state[1], dtype=np.int64)))
        slots = np.full(1 << size, np.int32(-1))
        _fill_slots(firsts[: state[1]], sums[place], slots)
        _number_cells((data, starts, stops, sums[place]), slots, firsts, state, codes)
        size += 2
    return CodedColumn(values=_texts(data, starts, stops, firsts[: state[1]]), codes=codes)


def _texts(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[str]:
    """The cells of some rows as strings."""
    if not len(rows):
        return []
    held = np.empty(int((stops[rows] - starts[rows]).sum()), dtype=np.uint8)
    _gather(data, starts[rows], stops[rows], held)
    return held[:-1].tobytes().decode().split(_NUL)


@compiled
def _find_cells(
    data: NDArray[np.uint8], wanted: NDArray[np.bool_], ends: NDArray[np.int64], sums: NDArray[np.uint64]
) -> bool:  # pragma: no cover - compiled
    """Where each cell ends, and a hash of the wanted ones; false when there are not as many as said."""
    width, rows = ends.shape
    column = row = 0
    hashed = _SEED
    for at in range(len(data)):
        byte = data[at]
        if byte:
            if wanted[column]:
                hashed = (hashed ^ np.uint64(byte)) * _PRIME
            continue
        if row == rows:
            return False
        ends[column, row] = at
        sums[column, row] = (hashed ^ (hashed >> _HALF)) * _SPREAD
        hashed = _SEED
        column += 1
        if column == width:
            column = 0
            row += 1
    return row == rows and column == 0


@compiled
def _fill_slots(
    firsts: NDArray[np.int64], sums: NDArray[np.uint64], slots: NDArray[np.int32]
) -> None:  # pragma: no cover - compiled
    """Put the cells already numbered into an empty table."""
    last = len(slots) - 1
    for number in range(len(firsts)):
        slot = np.int64(sums[firsts[number]] >> _HALF) & last
        while slots[slot] >= 0:
            slot = (slot + 1) & last
        slots[slot] = number


@compiled
def _number_cells(
    cells: tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]],
    slots: NDArray[np.int32],
    firsts: NDArray[np.int64],
    state: NDArray[np.int64],
    codes: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    """Number cells until the table is half full; `state` is the rows done and the distinct cells found."""
    data, starts, stops, sums = cells
    last = len(slots) - 1
    row, known = state[0], state[1]
    while row < len(codes) and known < len(firsts):
        slot = np.int64(sums[row] >> _HALF) & last
        length = stops[row] - starts[row]
        while slots[slot] >= 0:
            first = firsts[slots[slot]]
            if sums[first] == sums[row] and stops[first] - starts[first] == length:
                at = np.int64(1)
                while at < length and data[starts[first] + at] == data[starts[row] + at]:
                    at += 1
                if at >= length:
                    break
            slot = (slot + 1) & last
        if slots[slot] < 0:
            slots[slot] = known
            firsts[known] = row
            known += 1
        codes[row] = slots[slot]
        row += 1
    state[0], state[1] = row, known


@compiled
def _gather(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], held: NDArray[np.uint8]
) -> None:  # pragma: no cover - compiled
    """Copy cells, each with the NUL that ends it."""
    place = 0
    for cell in range(len(starts)):
        for at in range(starts[cell] + 1, stops[cell] + 1):
            held[place] = data[at]
            place += 1
