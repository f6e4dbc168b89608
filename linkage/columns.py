"""Columns of text as they are held: each distinct cell once, and one number a row.

The distinct cells stay in Arrow's memory, at their own size plus a few bytes: ten million identifiers as Python strings
would take six times as much. A column that repeats nothing is its own list of distinct cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["ColumnBuilder", "RawColumn", "Texts", "byte_sizes"]

_PIECE = 1 << 16  # strings made at a time when a column is walked through
_REPEATS = 0.6  # a column with fewer distinct cells than this share of its first rows is coded as it comes
_WORD = 8  # bytes
# Bytes that begin a character of space in UTF-8.
_MAY_BE_SPACE = np.isin(np.arange(256), [*range(9, 14), *range(28, 33), 0xC2, 0xE1, 0xE2, 0xE3])
# Two odd constants without meaning: equal strings get equal numbers, different ones hardly ever.
_MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class Texts(Sequence[str]):
    """A sequence of strings in Arrow's memory; equal to any sequence of the same strings."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        """Takes arrays of strings, one after the other."""
        self._data = pa.chunked_array(list(pieces), type=pa.string())

    @classmethod
    def of(cls, cells: Sequence[str]) -> Texts:
        """The same strings in Arrow's memory."""
        return cls(pa.array(cells[start : start + _PIECE], pa.string()) for start in range(0, len(cells), _PIECE))

    def __len__(self) -> int:
        return len(self._data)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                return [self[number] for number in range(start, stop, step)]
            cells: list[Any] = self._data.slice(start, max(stop - start, 0)).to_pylist()
            return cells
        return str(self._data[place].as_py())

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _PIECE):
            yield from self[start : start + _PIECE]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def take(self, places: NDArray[np.integer]) -> Texts:
        """The strings at these places, in this order."""
        return Texts(self._data.take(pa.array(places[s : s + _PIECE])).chunk(0) for s in range(0, len(places), _PIECE))

    def filter(self, kept: NDArray[np.bool_]) -> Texts:
        """The strings where a mask is true."""
        return Texts(self._data.filter(pa.array(kept)).chunks)

    def blank(self) -> NDArray[np.bool_]:
        """Which strings are empty or made of spaces of any kind."""
        blank = np.zeros(len(self), dtype=bool)
        start = 0
        for piece in self._data.chunks:
            sizes = byte_sizes(piece)
            held: Any = piece.buffers()[2]
            first = np.frombuffer(held, dtype=np.uint8)[_offsets(piece)[:-1][sizes > 0]] if held else sizes[:0]
            blank[start : start + len(piece)] = sizes == 0
            doubtful = start + np.flatnonzero(sizes > 0)[_MAY_BE_SPACE[first]]
            blank[doubtful] = [not self[place].strip() for place in doubtful.tolist()]
            start += len(piece)
        return blank

    @property
    def arrow(self) -> Any:
        """The strings as a chunked array of Arrow."""
        return self._data


@dataclass(frozen=True, kw_only=True, eq=False)
class RawColumn:
    """A column of a file, cells as they stand there.

    Attributes:
        values: distinct cells, in the order in which they are met.
        codes: (n,) int32, index into values, one a row.
    """

    values: Sequence[str]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.codes)

    @classmethod
    def of(cls, cells: Sequence[str]) -> RawColumn:
        """A column from its cells."""
        place: dict[str, int] = {}
        codes = np.fromiter((place.setdefault(c, len(place)) for c in cells), dtype=np.int32, count=len(cells))
        return cls(values=list(place), codes=codes)

    def cells(self) -> list[str]:
        """One string a row."""
        values = list(self.values)
        return [values[code] for code in self.codes.tolist()]

    def repeats(self) -> bool:
        """Whether some cell stands in several rows."""
        return len(self.values) < len(self.codes)

    def without_last(self, count: int) -> RawColumn:
        """The column less its last rows, and less the cells that only they had."""
        codes = self.codes[: len(self.codes) - count]
        held = int(codes.max(initial=-1)) + 1  # cells are numbered as they are met
        return RawColumn(values=self.values if held == len(self.values) else self.values[:held], codes=codes)


class ColumnBuilder:
    """Puts a column together from blocks of cells, coding it as it comes unless hardly any cell repeats."""

    def __init__(self) -> None:
        self._pieces: list[Any] = []
        self._repeats: bool | None = None

    def add(self, cells: Any) -> None:
        """Takes the cells of some more rows, a string array without nulls."""
        coded = None
        if self._repeats is None and len(cells):
            coded = cells.dictionary_encode()
            self._repeats = len(coded.dictionary) < _REPEATS * len(cells) + 1
        if self._repeats:
            self._pieces.append(cells.dictionary_encode() if coded is None else coded)
        elif len(cells):
            self._pieces.append(cells)

    def column(self) -> RawColumn:
        """The whole column; the builder is spent."""
        pieces, self._pieces = self._pieces, []
        if not pieces:
            return RawColumn(values=Texts(()), codes=np.empty(0, dtype=np.int32))
        coded: Any
        if not self._repeats:
            rows = sum(map(len, pieces))
            if _all_differ(pieces):
                return RawColumn(values=Texts(pieces), codes=np.arange(rows, dtype=np.int32))
            coded = pa.chunked_array(pieces).dictionary_encode()
            del pieces
        else:
            coded = pa.chunked_array(pieces).unify_dictionaries()
        codes = np.concatenate([piece.indices.to_numpy(zero_copy_only=False) for piece in coded.chunks])
        values = Texts([coded.chunk(coded.num_chunks - 1).dictionary])
        del coded
        pa.default_memory_pool().release_unused()  # else what coding took stays with the process
        return RawColumn(values=values, codes=codes)


def byte_sizes(cells: Any) -> NDArray[np.int32]:
    """The length in bytes of each cell of a string array."""
    return np.diff(_offsets(cells))


def _offsets(cells: Any) -> NDArray[np.int32]:
    if not len(cells):
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(cells.buffers()[1], dtype=np.int32)[cells.offset : cells.offset + len(cells) + 1]


def _all_differ(pieces: Sequence[Any]) -> bool:
    """Whether no cell is there twice. May say no of different cells, once in a few thousand million columns."""
    numbers = np.concatenate([_numbers(piece) for piece in pieces])
    numbers.sort()
    return not (numbers[1:] == numbers[:-1]).any()


def _numbers(cells: Any) -> NDArray[np.uint64]:
    """A 64-bit number of each cell, equal for equal cells, eight bytes of all cells at a time."""
    offsets = _offsets(cells).astype(np.int64)
    starts, sizes = offsets[:-1], np.diff(offsets)
    numbers = sizes.astype(np.uint64) * _MIX_2
    held = cells.buffers()[2]
    if held is None:
        return numbers
    padded = np.zeros(held.size + _WORD, dtype=np.uint8)
    padded[: held.size] = np.frombuffer(held, dtype=np.uint8)
    words = np.lib.stride_tricks.sliding_window_view(padded, _WORD)
    for done in range(0, int(sizes.max(initial=0)), _WORD):
        rows = np.flatnonzero(sizes > done)
        word = words[starts[rows] + done].view("<u8")[:, 0].astype(np.uint64)
        excess = 8 * np.clip(_WORD - (sizes[rows] - done), 0, _WORD - 1).astype(np.uint64)
        mixed = (numbers[rows] ^ ((word << excess) >> excess)) * _MIX_1
        numbers[rows] = mixed ^ (mixed >> np.uint64(29))
    return numbers
