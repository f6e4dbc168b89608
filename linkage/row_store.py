"""What is as long as a file: codes and texts of rows, in pieces, in memory as long as there is room and else sealed on the disk.

One `Shelf` serves all columns of a file: once what it holds exceeds its room, all that it has and all that comes is spilled.
Readers see no difference but time. Rows that turn out to be left aside are stepped over when rows are read (`Gaps`), so
that nothing is written twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from linkage.lexicon import Cells, strings
from linkage.spill import Spill

__all__ = ["AT_ONCE", "CodeStore", "Gaps", "Shelf", "TextStore"]

AT_ONCE = 1 << 18  # rows of a piece
_LIST = 1 << 14  # strings made at a time when texts are walked through
_READ = 2  # pieces of a store that stay in memory once they are read: those on which a part begins and ends


class Shelf:
    """Arrays by number, in memory or spilled.

    Args:
        room: bytes of memory; more than that is spilled.
        folder: where the spill's file is made; the system's folder of temporary files when absent.
    """

    def __init__(self, room: int, folder: Path | None = None) -> None:
        self._room, self._spill = room, Spill(folder)
        self._held: list[NDArray[Any]] = []  # while there is room
        self._pieces: list[int] = []  # afterwards
        self._size = 0

    @property
    def spilled(self) -> bool:
        """Whether the arrays are on the disk."""
        return bool(self._pieces)

    def put(self, array: NDArray[Any]) -> int:
        """Keeps an array, not to be changed any more; returns its number.

        Raises:
            LinkageError: `E_DISQUE_PLEIN`.
        """
        if self._pieces:
            self._pieces.append(self._spill.write(array))
            return len(self._pieces) - 1
        self._held.append(array)
        self._size += array.nbytes
        if self._size > self._room:
            self._pieces = [self._spill.write(one) for one in self._held]
            self._held = []
        return max(len(self._held), len(self._pieces)) - 1

    def get(self, number: int) -> NDArray[Any]:
        """An array, not to be written to."""
        return self._spill.read(self._pieces[number]) if self._pieces else self._held[number]

    def drop(self, number: int) -> None:
        """Forgets an array that is in memory; on the disk it stays."""
        if self._held:
            self._held[number] = np.empty(0)

    def close(self) -> None:
        """Forgets everything; what is not closed goes with the object."""
        self._held, self._pieces = [], []
        self._spill.close()


class Gaps:
    """Rows that do not count: the others are numbered as if these were not there.

    Args:
        left_out: their places among all rows, ascending.
        rows: of all.
    """

    def __init__(self, left_out: NDArray[np.int64], rows: int) -> None:
        self._left_out, self.count = left_out, rows - len(left_out)
        self._before = left_out - np.arange(len(left_out))  # rows that count before each

    def place(self, row: int) -> int:
        """Where a row that counts is among all rows; that of the row after the last one is their number."""
        return row + int(np.searchsorted(self._before, row, side="right"))

    def within(self, start: int, stop: int) -> NDArray[np.int64]:
        """The rows that do not count among rows [start, stop) of all, numbered from start."""
        first, last = np.searchsorted(self._left_out, [start, stop])
        return self._left_out[first:last] - start


class CodeStore:
    """One code a row, in pieces of `AT_ONCE`, as narrow as each piece allows."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._coming: list[NDArray[np.int32]] = []
        self._waiting = 0
        self._numbers: list[int] = []
        self._recent = _Recent(self._wide)
        self._gaps = Gaps(np.empty(0, dtype=np.int64), 0)

    def __len__(self) -> int:
        return self._gaps.count

    def add(self, codes: NDArray[np.int32]) -> None:
        """Takes the codes of the next rows."""
        while len(codes):
            some = codes[: AT_ONCE - self._waiting]
            self._coming.append(some)
            self._waiting += len(some)
            codes = codes[len(some) :]
            if self._waiting == AT_ONCE:
                self._flush()

    def finish(self, gaps: Gaps) -> None:
        """Says that all rows have come, and which of them do not count."""
        self._flush()
        self._gaps = gaps

    def part(self, start: int, stop: int) -> NDArray[np.int32]:
        """The codes of rows [start, stop), not to be written to."""
        stop = min(stop, len(self))
        if start >= stop:
            return np.empty(0, dtype=np.int32)
        first, last = self._gaps.place(start), self._gaps.place(stop - 1) + 1
        pieces = range(first // AT_ONCE, (last - 1) // AT_ONCE + 1)
        parts = [self._recent.get(piece)[max(first - piece * AT_ONCE, 0) : last - piece * AT_ONCE] for piece in pieces]
        codes = parts[0] if len(parts) == 1 else np.concatenate(parts)
        missing = self._gaps.within(first, last)
        return np.delete(codes, missing) if len(missing) else codes

    def whole(self) -> NDArray[np.int32]:
        """All codes; the store is spent."""
        codes = self.part(0, len(self))
        self._recent = _Recent(self._wide)
        for number in self._numbers:
            self._shelf.drop(number)
        return codes

    def _flush(self) -> None:
        if self._waiting:
            self._numbers.append(self._shelf.put(_narrow(np.concatenate(self._coming))))
            self._coming, self._waiting = [], 0

    def _wide(self, piece: int) -> NDArray[np.int32]:
        return self._shelf.get(self._numbers[piece]).astype(np.int32)


class TextStore(Sequence[str]):
    """One text a row; equal to any sequence of the same texts."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._numbers: list[tuple[int, int]] = []
        self._starts = [0]
        self._recent = _Recent(self._cells)
        self._gaps = Gaps(np.empty(0, dtype=np.int64), 0)

    def add(self, cells: Cells) -> None:
        """Takes the texts of the next rows."""
        letters, bounds = cells
        if len(bounds) > 1:
            held = letters[bounds[0] : bounds[-1]].copy()
            sizes = _narrow(np.diff(bounds))
            self._numbers.append((self._shelf.put(held), self._shelf.put(sizes)))
            self._starts.append(self._starts[-1] + len(bounds) - 1)

    def finish(self, gaps: Gaps) -> None:
        """Says that all rows have come, and which of them do not count."""
        self._gaps = gaps

    def __len__(self) -> int:
        return self._gaps.count

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            return self._part(start, stop) if step == 1 else [self[one] for one in range(start, stop, step)]
        place = range(len(self))[row]
        return self._part(place, place + 1)[0]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _LIST):
            yield from self._part(start, start + _LIST)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def at(self, piece: int, rows: NDArray[np.integer]) -> list[str]:
        """Some texts of the piece that was added at that place among the pieces, numbered within it."""
        letters, bounds = self._recent.get(piece)
        return [letters[bounds[row] : bounds[row + 1]].tobytes().decode() for row in rows.tolist()]

    def _part(self, start: int, stop: int) -> list[str]:
        stop = min(stop, len(self))
        if start >= stop:
            return []
        first, last = self._gaps.place(start), self._gaps.place(stop - 1) + 1
        texts: list[str] = []
        piece = int(np.searchsorted(self._starts, first, side="right")) - 1
        while self._starts[piece] < last:
            begin = self._starts[piece]
            letters, bounds = self._recent.get(piece)
            low, high = max(first - begin, 0), min(last, self._starts[piece + 1]) - begin
            some = strings((letters, bounds[low : high + 1]))
            missing = set(self._gaps.within(begin + low, begin + high).tolist())
            texts += [text for place, text in enumerate(some) if place not in missing] if missing else some
            piece += 1
            if piece == len(self._numbers):
                break
        return texts

    def _cells(self, piece: int) -> Cells:
        letters, sizes = (self._shelf.get(number) for number in self._numbers[piece])
        bounds = np.zeros(len(sizes) + 1, dtype=np.int32)
        np.cumsum(sizes, out=bounds[1:])
        return letters, bounds


class _Recent:
    """The pieces that were read last."""

    def __init__(self, read: Any) -> None:
        self._read, self._pieces, self._lock = read, dict[int, Any](), Lock()

    def get(self, piece: int) -> Any:
        with self._lock:
            found = self._pieces.get(piece)
        if found is None:
            found = self._read(piece)
            with self._lock:
                self._pieces[piece] = found
                while len(self._pieces) > _READ:
                    del self._pieces[next(iter(self._pieces))]
        return found


def _narrow(codes: NDArray[np.int32]) -> NDArray[Any]:
    """The same numbers in one, two or four bytes each."""
    largest = int(codes.max(initial=0))
    for kind in (np.int8, np.int16):
        if largest <= np.iinfo(kind).max:
            return codes.astype(kind)
    return codes
