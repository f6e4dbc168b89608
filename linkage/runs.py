"""The records of one pass on their way to its blocks: sorted into runs of whole blocks, on the disk where memory is short.

Records come in the order of the file, a few hundred thousand at a time; those of each run are laid aside together, each with
its number, its block and the codes that its filter is made of. Of all this nothing is as long as the file in memory but the
block of each record, and that only until the records are laid aside. A run is then read whole and sorted by block.

What is laid aside stays in memory, or goes to a `linkage.spill.Spill`: the same steps either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled
from linkage.records import AT_ONCE, Column
from linkage.spill import Spill

__all__ = ["Run", "Runs", "codes_of", "count_blocks", "set_aside"]

_HEAD = 2  # numbers before the codes: the record and its block

Codes = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The records of some blocks, those of block b from bounds[b] to bounds[b + 1].

    Attributes:
        first: number of the first block.
        bounds: (blocks + 1,) int64.
        records: (n,) int32, their numbers.
        rows: (n, columns) int32 C-order, their codes.
    """

    first: int
    bounds: NDArray[np.int64]
    records: Codes
    rows: NDArray[np.int32]


class Runs:
    """Records laid aside by runs of blocks.

    Args:
        starts: (blocks + 1,) int64, of the records in the order of their blocks, where those of each block begin.
        firsts: the first block of each run, and the number of blocks at the end.
        columns: codes of a record.
        spill: where records go; None: they stay in memory.
    """

    def __init__(self, starts: NDArray[np.int64], firsts: Sequence[int], columns: int, spill: Spill | None) -> None:
        self._starts, self._firsts, self._spill = starts, firsts, spill
        self._nobody = np.empty((0, _HEAD + columns), dtype=np.int32)
        self._pieces: list[list[Any]] = [[] for _ in firsts[1:]]
        sizes = np.diff(np.asarray(firsts))
        self._run_of = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)

    def __len__(self) -> int:
        return len(self._pieces)

    def lay_aside(self, first: int, codes: NDArray[np.int32], block: Codes) -> None:
        """Takes some records, the next of the file; those without a block are left out.

        Args:
            first: number of the first of them.
            codes: (columns, n).
            block: (n,), negative for none.
        """
        counts = np.zeros(len(self) + 1, dtype=np.int64)
        _count_runs(block, self._run_of, counts)
        ends = np.cumsum(counts)
        rows = np.empty((int(ends[-1]), _HEAD + len(codes)), dtype=np.int32)
        _scatter(first, codes, block, self._run_of, ends[:-1].copy(), rows)
        for run in np.flatnonzero(np.diff(ends)).tolist():
            piece = rows[ends[run] : ends[run + 1]]
            self._pieces[run].append(piece.copy() if self._spill is None else self._spill.write(piece))

    def take(self, run: int) -> Run:
        """The records of one run, sorted by block; they are not laid aside any more."""
        pieces, self._pieces[run] = self._pieces[run], []
        if self._spill is not None:
            pieces = [self._spill.read(piece) for piece in pieces]
        laid = pieces[0] if len(pieces) == 1 else np.concatenate([self._nobody, *pieces])
        first, last = self._firsts[run], self._firsts[run + 1]
        bounds = self._starts[first : last + 1] - self._starts[first]
        records = np.empty(len(laid), dtype=np.int32)
        rows = np.empty((len(laid), laid.shape[1] - _HEAD), dtype=np.int32)
        _sort(laid, first, bounds.copy(), records, rows)
        return Run(first=first, bounds=bounds, records=records, rows=rows)


def codes_of(columns: Sequence[Column], count: int) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """The codes of so many records, some at a time: the number of the first, and (columns, records)."""
    for start in range(0, count, AT_ONCE):
        stop = min(start + AT_ONCE, count)
        codes = np.empty((len(columns), stop - start), dtype=np.int32)
        for column, some in zip(columns, codes, strict=True):
            some[:] = column.part(start, stop)
        yield start, codes


def set_aside(
    codes: NDArray[np.int32],
    block: Codes,
    depths: NDArray[np.int64],
    worth: Sequence[tuple[int, NDArray[np.int32]]],
    asked: tuple[int, int],
) -> None:
    """Takes out of their blocks the records of which too little is known.

    Args:
        codes: (columns, n).
        block: (n,), of each record, negative for none; changed.
        depths: (blocks,).
        worth: of `linkage.encode.PassEncoder.worth`, for one depth.
        asked: that depth, and the insertions that a record must have in its blocks.
    """
    known = np.zeros(len(block), dtype=np.int32)
    for column, values in worth:
        _add_worth(codes[column], values, known)
    _drop(block, depths, known, *asked)


@compiled
def count_blocks(block: Codes, sizes: NDArray[np.int64]) -> None:  # pragma: no cover - compiled
    """Adds some records to the sizes of their blocks."""
    for record in range(len(block)):
        if block[record] >= 0:
            sizes[block[record]] += 1


@compiled
def _add_worth(codes: Codes, worth: NDArray[np.int32], known: Codes) -> None:  # pragma: no cover - compiled
    for record in range(len(codes)):
        known[record] += worth[codes[record]]  # the last answers for code MISSING = -1


@compiled
def _drop(
    block: Codes, depths: NDArray[np.int64], known: Codes, depth: int, least: int
) -> None:  # pragma: no cover - compiled
    for record in range(len(block)):
        if block[record] >= 0 and depths[block[record]] == depth and known[record] < least:
            block[record] = -1


@compiled
def _count_runs(block: Codes, run_of: Codes, counts: NDArray[np.int64]) -> None:  # pragma: no cover - compiled
    for record in range(len(block)):
        if block[record] >= 0:
            counts[run_of[block[record]] + 1] += 1


@compiled
def _scatter(
    first: int,
    codes: NDArray[np.int32],
    block: Codes,
    run_of: Codes,
    following: NDArray[np.int64],
    rows: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    for record in range(len(block)):
        if block[record] >= 0:
            run = run_of[block[record]]
            at = following[run]
            following[run] = at + 1
            rows[at, 0] = first + record
            rows[at, 1] = block[record]
            for column in range(len(codes)):
                rows[at, 2 + column] = codes[column, record]


@compiled
def _sort(
    laid: NDArray[np.int32], first: int, following: NDArray[np.int64], records: Codes, rows: NDArray[np.int32]
) -> None:  # pragma: no cover - compiled
    for place in range(len(laid)):
        at = following[laid[place, 1] - first]
        following[laid[place, 1] - first] = at + 1
        records[at] = laid[place, 0]
        for column in range(rows.shape[1]):
            rows[at, column] = laid[place, 2 + column]
