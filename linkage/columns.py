"""Columns of text as they are held: each distinct cell once, and one number a row.

The distinct cells stay in Arrow's memory, at their own size plus a few bytes: ten million identifiers as Python strings
would take six times as much. A column that repeats nothing is its own list of distinct cells.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from linkage.lexicon import Cells, Lexicon, fingerprints
from linkage.memory import give_back

__all__ = ["ColumnBuilder", "RawColumn", "Texts", "cells_of", "joined", "letters_of", "may_be_space", "points_of"]

_PIECE = 1 << 16  # strings made at a time when a column is walked through
_LETTERS = 1 << 20  # characters taken at a time
_FIRST_OF_SEVERAL = 128  # bytes from here on are parts of longer characters
_REPEATS = 0.6  # a column with fewer distinct cells than this share of its first rows is coded as it comes
_DATE_PARTS = (4, 2, 2)  # digits of year, month and day
# Bytes that begin a character of space in UTF-8.
_MAY_BE_SPACE = np.isin(np.arange(256), [*range(9, 14), *range(28, 33), 0xC2, 0xE1, 0xE2, 0xE3])


class Texts(Sequence[str]):
    """A sequence of strings in Arrow's memory; equal to any sequence of the same strings."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        """Takes arrays of strings, one after the other."""
        self._data = pa.chunked_array(list(pieces), type=pa.string())

    @classmethod
    def of(cls, cells: Sequence[str]) -> Texts:
        """The same strings in Arrow's memory."""
        return cls(_strings(cells[start : start + _PIECE]) for start in range(0, len(cells), _PIECE))

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

    @classmethod
    def over(cls, cells: Cells) -> Texts:
        """Strings that are laid end to end already, where they are."""
        letters, bounds = cells
        return cls([pa.StringArray.from_buffers(len(bounds) - 1, _buffer(bounds), _buffer(letters))])

    @property
    def cells(self) -> Cells:
        """The strings laid end to end: where they are if they lie so, else a copy."""
        parts = [cells_of(piece) for piece in self._data.chunks]
        if len(parts) == 1:
            return parts[0]
        letters = [letters[bounds[0] : bounds[-1]] for letters, bounds in parts]
        sizes = np.concatenate([np.empty(0, dtype=np.int32), *(np.diff(bounds) for _, bounds in parts)])
        bounds = np.zeros(len(sizes) + 1, dtype=np.int32)
        np.cumsum(sizes, out=bounds[1:])
        return np.concatenate([np.empty(0, dtype=np.uint8), *letters]), bounds

    def take(self, places: NDArray[np.integer]) -> Texts:
        """The strings at these places, in this order."""
        parts = (places[start : start + _PIECE] for start in range(0, len(places), _PIECE))
        return Texts(chunk for part in parts for chunk in self._data.take(_numbers(part)).chunks)

    def blank(self) -> NDArray[np.bool_]:
        """Which strings are empty or made of spaces of any kind."""
        letters, bounds = self.cells
        sizes = np.diff(bounds)
        blank: NDArray[np.bool_] = sizes == 0
        held = np.flatnonzero(~blank)
        for place in held[_MAY_BE_SPACE[letters[bounds[:-1][held]]]].tolist():
            blank[place] = not self[place].strip()
        return blank


def letters_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """How many characters each text has."""
    plain = _one_byte(texts)
    if plain is None:
        return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    return np.diff(plain[1]).astype(np.int64)


def points_of(texts: Sequence[str]) -> Iterator[NDArray[np.unsignedinteger]]:
    """The characters of all texts laid end to end, as numbers, some at a time."""
    plain = _one_byte(texts)
    if plain is not None:
        letters = plain[0][plain[1][0] : plain[1][-1]]
        for start in range(0, len(letters), _LETTERS):
            yield letters[start : start + _LETTERS]
        return
    for start in range(0, len(texts), _PIECE):
        text = "".join(texts[start : start + _PIECE])
        yield np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def _one_byte(texts: Sequence[str]) -> Cells | None:
    """Texts that are in Arrow's memory and have no character of more than one byte, as they are there."""
    if not isinstance(texts, Texts):
        return None
    letters, bounds = texts.cells
    return (letters, bounds) if letters[bounds[0] : bounds[-1]].max(initial=0) < _FIRST_OF_SEVERAL else None


def _strings(cells: Sequence[str]) -> Any:
    """An array of these strings. Asked to convert a list, Arrow first loads pandas where there is one: a second or more."""
    texts = [cell.encode() for cell in cells]
    bounds = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int32, count=len(texts)), out=bounds[1:])
    return pa.StringArray.from_buffers(len(texts), _buffer(bounds), pa.py_buffer(b"".join(texts)))


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

    @classmethod
    def plain(cls, cells: Any) -> RawColumn:
        """A column of an array of strings, taken as if they all differed."""
        return cls(values=Texts([cells]), codes=np.arange(len(cells), dtype=np.int32))

    def coded(self) -> RawColumn:
        """The same column with each distinct cell once, whatever stood several times in `values`."""
        lexicon = Lexicon()
        numbers = lexicon.number(self.texts.cells)
        return RawColumn(values=Texts.over(lexicon.cells), codes=numbers[self.codes])

    @property
    def texts(self) -> Texts:
        """The distinct cells in Arrow's memory."""
        return self.values if isinstance(self.values, Texts) else Texts.of(self.values)

    def rows(self) -> Texts:
        """One text a row, in Arrow's memory."""
        return self.texts if len(self.values) == len(self.codes) else self.texts.take(self.codes)


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
        give_back()  # else what coding took stays with the process
        return RawColumn(values=values, codes=codes)


def cells_of(array: Any) -> Cells:
    """The strings of an array of Arrow, where they lie."""
    if not len(array):
        return np.empty(0, dtype=np.uint8), np.zeros(1, dtype=np.int32)
    _, bounds, letters = array.buffers()
    held = np.frombuffer(letters, dtype=np.uint8) if letters else np.empty(0, dtype=np.uint8)
    return held, np.frombuffer(bounds, dtype=np.int32)[array.offset : array.offset + len(array) + 1]


def may_be_space(cells: Cells) -> NDArray[np.bool_]:
    """Which strings may begin or end with a space: all that do, and some others."""
    letters, bounds = cells
    doubtful = np.zeros(len(bounds) - 1, dtype=bool)
    held = np.flatnonzero(np.diff(bounds))
    last = letters[bounds[1:][held] - 1]
    doubtful[held] = _MAY_BE_SPACE[letters[bounds[:-1][held]]] | (last <= ord(" ")) | (last >= 0x80)
    return doubtful


def joined(columns: Sequence[RawColumn], kind: str = "", absent: Sequence[str] = ()) -> RawColumn:
    """The cells of several columns side by side: with a space between, the three of a date as year-month-day.

    Args:
        columns: of as many rows each.
        kind: of the attribute that they are read as.
        absent: cells that mean no value.
    """
    if len(columns) == 1:
        return columns[0]
    combined, parts = columns[0].codes.astype(np.int64), [np.arange(len(columns[0].values))]
    for column in columns[1:]:
        pairs, codes = np.unique(combined * len(column.values) + column.codes, return_inverse=True)
        parts = [part[pairs // len(column.values)] for part in parts] + [pairs % len(column.values)]
        combined = codes.astype(np.int64)
    missing = frozenset(absent)
    texts = [["" if missing and cell.strip() in missing else cell for cell in column.values] for column in columns]
    rows = zip(*([text[place] for place in part] for text, part in zip(texts, parts, strict=True)), strict=True)
    together = RawColumn.of([_together(row, kind) for row in rows])
    return RawColumn(values=together.values, codes=together.codes[combined])


def _together(row: Iterable[str], kind: str) -> str:
    if kind == "date":
        parts = zip(row, _DATE_PARTS, strict=True)
        return "-".join(part.strip().removesuffix(".0").zfill(size) for part, size in parts)
    return " ".join(part for part in row if part)


def _numbers(places: NDArray[np.integer]) -> Any:
    """Numbers as an array of Arrow, which its usual way of making one would first ask a larger library about."""
    held = np.ascontiguousarray(places, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(held), [None, _buffer(held)])


def _buffer(array: NDArray[Any]) -> Any:
    held: Any = array
    return pa.py_buffer(held)


def _all_differ(pieces: Sequence[Any]) -> bool:
    """Whether no cell is there twice. May say no of different cells, once in a few thousand million columns."""
    seed = secrets.randbits(64)
    numbers = np.concatenate([fingerprints(cells_of(piece), seed) for piece in pieces])
    numbers.sort()
    return not (numbers[1:] == numbers[:-1]).any()
