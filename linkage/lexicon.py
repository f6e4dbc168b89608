"""Distinct strings, numbered in the order in which they are met: the compiled way from cells to codes.

Strings come and are held as Arrow holds them, laid end to end in UTF-8 with their bounds. The table that finds a string has open
addresses, and its hash begins with a number drawn for each lexicon, so that nobody can write a file whose cells all collide.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled, inlined
from linkage.errors import LinkageError

__all__ = ["Cells", "Lexicon", "fingerprints", "laid_out", "same_cells", "some_cells", "strings"]

Cells = tuple[
    NDArray[np.uint8], NDArray[np.int32]
]  # letters, and the bounds of each string in them, one more than strings

_LARGEST = np.iinfo(np.int32).max  # bytes of all strings
_FIRST_SLOTS = 1 << 10
_LOAD = 2  # slots a string, at least


def laid_out(texts: Sequence[str]) -> Cells:
    """Strings laid end to end."""
    letters = "".join(texts).encode()
    sizes = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if sizes.sum() != len(letters):
        sizes = np.fromiter((len(text.encode()) for text in texts), dtype=np.int64, count=len(texts))
    bounds = np.zeros(len(texts) + 1, dtype=np.int32)
    np.cumsum(sizes, out=bounds[1:])
    return np.frombuffer(letters, dtype=np.uint8), bounds


def strings(cells: Cells) -> list[str]:
    """Strings that are laid end to end, one by one."""
    letters, bounds = cells
    places = (bounds - bounds[0]).tolist()
    held = letters[bounds[0] : bounds[-1]].tobytes()
    text = held.decode()
    pairs = pairwise(places)
    if len(text) == len(held):
        return [text[start:stop] for start, stop in pairs]
    return [held[start:stop].decode() for start, stop in pairs]


class Lexicon:
    """Strings by number and numbers by string."""

    def __init__(self) -> None:
        self._seed = np.uint64(secrets.randbits(64))
        self._slots, self._tags = _empty(_FIRST_SLOTS)
        self._letters = np.zeros(_FIRST_SLOTS, dtype=np.uint8)
        self._bounds = np.zeros(_FIRST_SLOTS // _LOAD + 1, dtype=np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """Bytes that the lexicon takes."""
        return self._slots.nbytes + self._tags.nbytes + self._letters.nbytes + self._bounds.nbytes

    @property
    def cells(self) -> Cells:
        """All strings, in the order of their numbers; valid until more come."""
        bounds = self._bounds[: self._count + 1]
        return self._letters[: bounds[-1]], bounds

    def strings(self, start: int, stop: int) -> list[str]:
        """The strings with these numbers."""
        return strings((self._letters, self._bounds[start : stop + 1]))

    def number(self, cells: Cells) -> NDArray[np.int32]:
        """The number of each string; one that is new gets the next.

        Raises:
            LinkageError: `E_FICHIER_TROP_GRAND` when the strings together take more than 2 GiB.
        """
        letters, bounds = cells
        codes = np.empty(len(bounds) - 1, dtype=np.int32)
        done = 0
        while True:
            table = self._slots, self._tags, self._letters, self._bounds
            done, self._count = _number(letters, bounds, done, self._seed, table, self._count, codes)
            if done == len(codes):
                return codes
            self._grow(int(bounds[done + 1] - bounds[done]), int(bounds[-1] - bounds[done]))

    def _grow(self, least: int, most: int) -> None:
        """Makes room for one more string of `least` bytes, and for some of the `most` bytes that are still to come."""
        if _LOAD * (self._count + 1) > len(self._slots):
            slots, tags = _empty(2 * len(self._slots))
            _rehash(self._slots, self._tags, slots, tags)
            self._slots, self._tags = slots, tags
        if self._count + 2 > len(self._bounds):
            self._bounds.resize(len(self._bounds) * 5 // 4 + 2, refcheck=False)
        held = int(self._bounds[self._count])
        if held + least > len(self._letters):
            wanted = max(held + least, min(held + most, held + held // 4))
            if wanted > _LARGEST:
                rule = "une colonne a plus de 2 Gio de valeurs différentes : partagez le fichier"
                raise LinkageError("E_FICHIER_TROP_GRAND", rule)
            self._letters.resize(wanted, refcheck=False)


def fingerprints(cells: Cells, seed: int) -> NDArray[np.uint64]:
    """A 64-bit number of each string under a seed: equal for equal strings, hardly ever for different ones."""
    letters, bounds = cells
    numbers = np.empty(len(bounds) - 1, dtype=np.uint64)
    _fingerprint(letters, bounds, np.uint64(seed), numbers)
    return numbers


def some_cells(cells: Cells, places: NDArray[np.int64]) -> Cells:
    """The strings at these places, in this order."""
    letters, bounds = cells
    limits = np.zeros(len(places) + 1, dtype=np.int32)
    np.cumsum(bounds[places + 1] - bounds[places], out=limits[1:])
    held = np.empty(limits[-1], dtype=np.uint8)
    _copy(letters, bounds, places, held)
    return held, limits


def same_cells(one: Cells, rows: NDArray[np.int32], other: Cells, others: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether string rows[k] of one is string others[k] of the other; negative numbers are no string and equal none."""
    same = np.zeros(len(rows), dtype=np.bool_)
    _compare(one, rows, other, others, same)
    return same


def _empty(size: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    return np.full(size, -1, dtype=np.int32), np.zeros(size, dtype=np.uint32)


@inlined
def _hash(
    letters: NDArray[np.uint8], begin: int, stop: int, seed: np.uint64
) -> np.uint64:  # pragma: no cover - compiled
    mixed = seed
    for place in range(begin, stop):
        mixed = (mixed ^ np.uint64(letters[place])) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(31)) ^ np.uint64(stop - begin)) * np.uint64(0xC2B2AE3D27D4EB4F)
    return mixed ^ (mixed >> np.uint64(32))


@compiled
def _number(
    letters: NDArray[np.uint8],
    bounds: NDArray[np.int32],
    done: int,
    seed: np.uint64,
    table: Any,
    count: int,
    codes: NDArray[np.int32],
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Numbers strings from `done` on as long as there is room; returns how far it came and how many are known."""
    slots, tags, held, limits = table
    mask = np.uint32(len(slots) - 1)
    for row in range(done, len(codes)):
        begin, stop = np.int64(bounds[row]), np.int64(bounds[row + 1])
        tag = np.uint32(_hash(letters, begin, stop, seed))
        slot = np.int64(tag & mask)
        entry = np.int64(slots[slot])
        while entry >= 0:
            if tags[slot] == tag:
                start = np.int64(limits[entry])
                same = limits[entry + 1] - start == stop - begin
                place = 0
                while same and place < stop - begin:
                    same = held[start + place] == letters[begin + place]
                    place += 1
                if same:
                    break
            slot = (slot + 1) & np.int64(mask)
            entry = np.int64(slots[slot])
        if entry < 0:
            start = np.int64(limits[count])
            if 2 * (count + 1) > len(slots) or count + 2 > len(limits) or start + stop - begin > len(held):
                return row, count
            for place in range(stop - begin):
                held[start + place] = letters[begin + place]
            limits[count + 1] = start + stop - begin
            slots[slot], tags[slot] = count, tag
            entry = np.int64(count)
            count += 1
        codes[row] = entry
    return len(codes), count


@compiled
def _rehash(
    slots: NDArray[np.int32], tags: NDArray[np.uint32], wider: NDArray[np.int32], others: NDArray[np.uint32]
) -> None:  # pragma: no cover - compiled
    mask = np.uint32(len(wider) - 1)
    for old in range(len(slots)):
        if slots[old] >= 0:
            slot = np.int64(tags[old] & mask)
            while wider[slot] >= 0:
                slot = (slot + 1) & np.int64(mask)
            wider[slot], others[slot] = slots[old], tags[old]


@compiled
def _fingerprint(
    letters: NDArray[np.uint8], bounds: NDArray[np.int32], seed: np.uint64, numbers: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    for row in range(len(numbers)):
        numbers[row] = _hash(letters, np.int64(bounds[row]), np.int64(bounds[row + 1]), seed)


@compiled
def _copy(
    letters: NDArray[np.uint8], bounds: NDArray[np.int32], places: NDArray[np.int64], held: NDArray[np.uint8]
) -> None:  # pragma: no cover - compiled
    end = 0
    for row in places:
        for place in range(bounds[row], bounds[row + 1]):
            held[end] = letters[place]
            end += 1


@compiled
def _compare(
    one: Any, rows: NDArray[np.int32], other: Any, others: NDArray[np.int32], same: NDArray[np.bool_]
) -> None:  # pragma: no cover - compiled
    letters, bounds = one
    held, limits = other
    for row in range(len(rows)):
        if rows[row] < 0 or others[row] < 0:
            continue
        begin, start = np.int64(bounds[rows[row]]), np.int64(limits[others[row]])
        size = np.int64(bounds[rows[row] + 1]) - begin
        equal = limits[others[row] + 1] - start == size
        place = 0
        while equal and place < size:
            equal = letters[begin + place] == held[start + place]
            place += 1
        same[row] = equal
