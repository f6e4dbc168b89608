"""Pairs above a threshold in one promised order, however many: sorted in runs, sealed on disk when memory has no room for them.

Order. By score from high to low, then by left row, then by right row. It depends on nothing but the pairs: not on who found
them first, nor on how many runs they made.

Room. Pairs found are gathered up to a run, sorted, and kept as small pieces. When the runs in memory reach half of the share
given, further ones go to a sealed temporary file (`linkage.spill`). Reading merges: of each run only one piece is open, all
pairs up to the least of the pieces' last ones are sorted together and given out, and pieces are forgotten as they are read.
16 bytes a pair in memory and on disk.

With `top`, only the first so many pairs of each left row count; what cannot be among them is dropped run by run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage.screen import Screened
from linkage.spill import Spill

__all__ = ["CandidateStream", "Candidates", "Gathering"]

_PAIR_BYTES = 16
_LARGEST_RUN = 1 << 20  # pairs: sorted in less than two tenths of a second, the delay of an interruption
_SMALLEST_RUN = 1 << 10
_PIECES = 64  # of a run
_OPEN = 128  # runs merged at once: their open pieces are two runs together

Packed = NDArray[np.uint64]  # (2, h): a key that falls as the score rises, left and right row in one word
Piece = NDArray[np.uint64] | int  # in memory, or its number in the spill


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Pairs at or above the threshold, by score descending, then left row, then right row.

    Attributes:
        left: (h,) int64 rows of the left set.
        right: (h,) int64 rows of the right set.
        score: (h,) float64.
        screened: what a screen did, where one was asked for; of the whole call, not of a batch.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]
    screened: Screened | None = None

    def __len__(self) -> int:
        return len(self.left)


class CandidateStream:
    """All pairs in the promised order, a batch at a time; read once, then closed.

    Use it as a context manager, so that what was spilled is given back even if it is not read to its end.

    Attributes:
        most: pairs that will come at most; exactly so many where there was no `top`.
        spilled: bytes that went to the sealed file.
        screened: what a screen did, where one was asked for.
    """

    def __init__(self, runs: list[list[Piece]], most: int, spill: Spill, top: tuple[int, int] | None) -> None:
        """Made by `Gathering`, which says how many pairs of a left row count, and how many left rows there are."""
        self._runs = runs
        self._spill = spill
        self._top = top
        self.most = most
        self.spilled = spill.size
        self.screened: Screened | None = None

    def __iter__(self) -> Iterator[Candidates]:
        """Batches in order, each ordered; a pair of one never precedes a pair of the batch before.

        Raises:
            CryptoError: `E_SCELLEMENT` when the file was altered meanwhile.
        """
        counts = None if self._top is None else np.zeros(self._top[1], dtype=np.int32)
        try:
            for packed in _merged(self._runs, self._spill):
                batch = packed if self._top is None else _still_counting(packed, self._top[0], counts)
                if batch.shape[1]:
                    yield _opened(batch)
        finally:
            self.close()

    def whole(self) -> Candidates:
        """Everything at once: 24 bytes a pair."""
        left, right = (np.empty(self.most, dtype=np.int64) for _ in range(2))
        score = np.empty(self.most, dtype=np.float64)
        count = 0
        for batch in self:
            reach = slice(count, count + len(batch))
            left[reach], right[reach], score[reach] = batch.left, batch.right, batch.score
            count += len(batch)
        if count == self.most:
            return Candidates(left=left, right=right, score=score, screened=self.screened)
        kept = left[:count].copy(), right[:count].copy(), score[:count].copy()
        return Candidates(left=kept[0], right=kept[1], score=kept[2], screened=self.screened)

    def close(self) -> None:
        """Forgets what was not read."""
        self._runs.clear()
        self._spill.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Gathering:
    """Takes pairs from any thread in any order, within a share of memory; gives them back as a stream."""

    def __init__(self, share: int, top: int | None = None, folder: Path | None = None) -> None:
        """Nothing is written to disk before memory is short.

        Args:
            share: bytes for pairs, sorting and merging included.
            top: pairs of each left row that count, the first ones in the promised order.
            folder: where a temporary file may be.
        """
        self._run = min(_LARGEST_RUN, max(_SMALLEST_RUN, share // (16 * _PAIR_BYTES)))
        self._room = share // (2 * _PAIR_BYTES)  # pairs that stay in memory
        self._top = top
        self._spill = Spill(folder)
        self._waiting: list[Packed] = []
        self._waiting_pairs = 0
        self._runs: list[list[Piece]] = []
        self._kept = 0
        self._total = 0
        self._rows = 0
        self._taking, self._sorting = Lock(), Lock()

    def add(self, left: NDArray[np.integer], right: NDArray[np.integer], score: NDArray[np.float64]) -> None:
        """Some more pairs; rows below 2^31, scores above 0.

        Raises:
            LinkageError: `E_DISQUE_PLEIN` when they have to be spilled and cannot.
        """
        packed = np.empty((2, len(score)), dtype=np.uint64)
        packed[0] = ~np.ascontiguousarray(score, dtype=np.float64).view(
            np.uint64
        )  # positive numbers order as their bits
        packed[1] = left
        packed[1] <<= np.uint64(32)
        packed[1] |= right.astype(np.uint64)
        for start in range(0, packed.shape[1], self._run):
            self._take(packed[:, start : start + self._run])

    def _take(self, packed: Packed) -> None:
        full: list[Packed] = []
        with self._taking:
            self._waiting.append(packed)
            self._waiting_pairs += packed.shape[1]
            if self._waiting_pairs >= self._run:
                full, self._waiting, self._waiting_pairs = self._waiting, [], 0
        if full:
            self._put_away(full)

    def _put_away(self, parts: list[Packed]) -> None:
        with self._sorting:
            packed = _sorted(np.concatenate(parts, axis=1))
            parts.clear()
            if self._top is not None:
                self._rows = max(self._rows, 1 + (int(packed[1].max()) >> 32))
                packed = _still_counting(packed, self._top, None)
            pairs = packed.shape[1]
            spilled = self._kept + pairs > self._room
            self._runs.append(list(self._pieces(packed, spilled=spilled)))
            self._kept += 0 if spilled else pairs
            self._total += pairs

    def _pieces(self, packed: Packed, *, spilled: bool) -> Iterator[Piece]:
        size = self._run // _PIECES
        for start in range(0, packed.shape[1], size):
            piece = np.ascontiguousarray(packed[:, start : start + size])
            yield self._spill.write(piece) if spilled else piece

    def ordered(self) -> CandidateStream:
        """All pairs added so far; nothing can be added any more.

        Raises:
            LinkageError: `E_DISQUE_PLEIN`.
        """
        if self._waiting:
            self._put_away(self._waiting)
        while len(self._runs) > _OPEN:  # more than can be open at once: merge the first ones into one
            some, self._runs = self._runs[:_OPEN], self._runs[_OPEN:]
            self._runs.append(
                [one for packed in _merged(some, self._spill) for one in self._pieces(packed, spilled=True)]
            )
        top = None if self._top is None else (self._top, self._rows)
        return CandidateStream(self._runs, self._total, self._spill, top)

    def close(self) -> None:
        """Forgets everything."""
        self._runs.clear()
        self._waiting.clear()
        self._spill.close()


def _opened(packed: Packed) -> Candidates:
    return Candidates(
        left=(packed[1] >> np.uint64(32)).astype(np.int64),
        right=(packed[1] & np.uint64(2**32 - 1)).astype(np.int64),
        score=(~packed[0]).view(np.float64),
    )


def _sorted(packed: Packed) -> Packed:
    """By key, then by pair: sorts of single numbers, which processors do many at a time, but no stable one."""
    if not packed.shape[1]:
        return packed
    order = np.argsort(packed[1])  # equal pairs have equal scores: any sort gives one order
    key = packed[0, order]
    by_key = np.argsort(key)
    rising = key[by_key]
    rank = np.zeros(len(order), dtype=np.uint64)
    rank[by_key[1:]] = np.cumsum(rising[1:] != rising[:-1], dtype=np.uint64)
    both = rank << np.uint64(32) | np.arange(len(order), dtype=np.uint64)  # of less than 2^32 pairs
    both.sort()
    return packed[:, order[(both & np.uint64(2**32 - 1)).astype(np.int64)]]


def _merged(runs: list[list[Piece]], spill: Spill) -> Iterator[Packed]:
    """All pairs of sorted runs in order, some at a time; the runs are emptied."""
    rest = [iter(_forgetting(run)) for run in runs]
    heads = {number: head for number, one in enumerate(rest) if (head := _next_piece(one, spill)) is not None}
    ends = {number: _ends(head) for number, head in heads.items()}
    while heads:
        bound = min(last for _, last in ends.values())
        parts = []
        for number in [number for number, (first, _) in ends.items() if first <= bound]:
            head = heads[number]
            count = _up_to(head, bound)
            parts.append(head[:, :count])
            follows = head[:, count:] if count < head.shape[1] else _next_piece(rest[number], spill)
            if follows is None:
                del heads[number], ends[number]
            else:
                heads[number], ends[number] = follows, _ends(follows)
        yield _sorted(np.concatenate(parts, axis=1)) if len(parts) > 1 else parts[0]


def _ends(head: Packed) -> tuple[tuple[int, int], tuple[int, int]]:
    """The first and the last pair of a piece, as numbers that order as pairs do."""
    return (int(head[0, 0]), int(head[1, 0])), (int(head[0, -1]), int(head[1, -1]))


def _forgetting(run: list[Piece]) -> Iterator[Piece]:
    run.reverse()
    while run:
        yield run.pop()


def _next_piece(rest: Iterator[Piece], spill: Spill) -> Packed | None:
    piece = next(rest, None)
    return spill.read(piece) if isinstance(piece, int) else piece


def _up_to(head: Packed, bound: tuple[int, int]) -> int:
    """Pairs of a sorted piece that do not come after the bound."""
    key, pair = (np.uint64(part) for part in bound)
    low, high = np.searchsorted(head[0], key, "left"), np.searchsorted(head[0], key, "right")
    return int(low + np.searchsorted(head[1, low:high], pair, "right"))


def _still_counting(packed: Packed, top: int, counts: NDArray[np.int32] | None) -> Packed:
    """Of sorted pairs, those among the first `top` of their left row, of which `counts` went before; they are added there."""
    left = (packed[1] >> np.uint64(32)).astype(np.int64)
    order = np.argsort(left, kind="stable")
    rows, starts, sizes = np.unique(left[order], return_index=True, return_counts=True)
    before = np.zeros(len(rows), dtype=np.int64) if counts is None else counts[rows].astype(np.int64)
    place = np.empty(len(left), dtype=np.int64)
    place[order] = np.arange(len(left)) - np.repeat(starts - before, sizes)
    if counts is not None:
        counts[rows] = np.minimum(top, before + sizes)
    return packed[:, place < top]
