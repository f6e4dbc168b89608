"""Two passes read together in the order of their tags, and given out in batches of blocks that both hold.

Rows come sorted by (tag, id), in pieces of any size, so a block is whole once a later tag was seen on its side. The side that is
behind is read next; what is whole on both sides is joined by tag, cut into batches and forgotten. Held at a time: on each side
what is not whole yet, one piece more, and about `size` bytes to be given out. Only a block larger than that is held for itself:
a pass whose rows all carry one tag is one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linkage.batch import Batch
from linkage.blocks import check_largest_block, joined
from linkage.pass_check import PassCheck
from linkage.plan import PassPlan
from linkage.wire import ID_BYTES, TAG_BYTES, EncodedPass, row_bytes

__all__ = ["JoinedBatch", "Side", "join"]

_LEAST_PIECE = 1 << 20  # bytes; smaller pieces are put together first
_BATCH_PAIRS = 1 << 25  # enough for calls to cost nothing, few enough for all processors to end together
_MOSTLY = 0.75  # of the rows of a span: when fewer are in its blocks, these are copied out of it


@dataclass(frozen=True, kw_only=True)
class JoinedBatch:
    """A batch, and where its rows come from.

    Attributes:
        batch: to compare.
        left_rows: (n,) int64 rows of the pass, for each row of the batch's left side.
        right_rows: (m,) int64 the same for the right side.
        left_ids: (n, 16) uint8 ids of the left rows.
    """

    batch: Batch
    left_rows: NDArray[np.int64]
    right_rows: NDArray[np.int64]
    left_ids: NDArray[np.uint8]


@dataclass
class Side:
    """One pass as far as it was read.

    Attributes:
        pieces: rows to come.
        check: told every row.
        plan: of the pass.
        parts: pieces that are held, each with its first row.
        values: distinct tags of the rows held.
        bounds: rows of the pass at which their blocks begin, and one past the last row read.
        ended: whether all was read.
    """

    pieces: Iterator[EncodedPass]
    check: PassCheck
    plan: PassPlan
    parts: list[tuple[int, EncodedPass]] = field(default_factory=list)
    values: NDArray[np.bytes_] = field(default_factory=lambda: np.empty(0, dtype=f"S{TAG_BYTES}"))
    bounds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    ended: bool = False

    @property
    def last(self) -> bytes:
        """The tag of the last row held; before all others without any."""
        return bytes(self.values[-1]) if len(self.values) else b""

    def read(self) -> None:
        """Take the next piece.

        Raises:
            LinkageError: as `PassCheck.take`; `E_BLOC_TROP_GRAND`.
        """
        piece = _next_piece(self.pieces)
        if piece is None:
            self.ended = True
            return
        values, bounds = self.check.take(piece)
        if not len(piece):
            return
        check_largest_block(self.check.largest, self.plan.cap)
        start = int(self.bounds[-1])
        self.parts.append((start, piece))
        again = int(len(self.values) > 0 and self.values[-1] == values[0])
        self.values = np.concatenate([self.values, values[again:]])
        self.bounds = np.concatenate([self.bounds[:-1], start + bounds[again:]])

    def whole(self, limit: bytes | None) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
        """The blocks before a tag, or all."""
        count = len(self.values) if limit is None else int(np.searchsorted(self.values, limit))
        return self.values[:count], self.bounds[: count + 1]

    def drop(self, count: int) -> None:
        """Forget the first blocks."""
        self.values, self.bounds = self.values[count:], self.bounds[count:]
        start = int(self.bounds[0])
        self.parts = [(first, piece) for first, piece in self.parts if first + len(piece) > start]

    def filters(self, start: int, stop: int) -> NDArray[np.uint64]:
        """Filters of rows of the pass; a copy when they come from several pieces."""
        parts = [piece.filters[max(0, start - at) : stop - at] for at, piece in self._within(start, stop)]
        return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.concatenate(parts)

    def ids(self, start: int, stop: int) -> NDArray[np.uint8]:
        """The same for ids."""
        parts = [piece.ids[max(0, start - at) : stop - at] for at, piece in self._within(start, stop)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _within(self, start: int, stop: int) -> list[tuple[int, EncodedPass]]:
        return [(at, piece) for at, piece in self.parts if at < stop and at + len(piece) > start]


def join(left: Side, right: Side, size: int) -> Iterator[JoinedBatch]:
    """Read both sides to their ends.

    Args:
        left: nothing read yet.
        right: nothing read yet.
        size: bytes of filters of a batch.

    Yields:
        Batches that share no row and no tag.

    Raises:
        LinkageError: as `Side.read`.
    """
    limit: bytes | None = b""
    while limit is not None:
        limit = _advance(left, right, size)
        whole = left.whole(limit), right.whole(limit)
        yield from _batches(left, right, joined(*whole), size)
        left.drop(len(whole[0][0]))
        right.drop(len(whole[1][0]))


def _advance(left: Side, right: Side, size: int) -> bytes | None:
    """Read until about `size` bytes are whole on both sides: those before the tag returned, or all of what is held."""
    width = row_bytes(left.plan.length)
    while True:
        coming = [side for side in (left, right) if not side.ended]
        if not coming:
            return None
        limit = min(side.last for side in coming)
        bounds = [side.whole(limit)[1] for side in (left, right)]
        if sum(int(one[-1] - one[0]) for one in bounds) * width >= size:
            return limit
        min(coming, key=lambda side: side.last).read()


def _batches(left: Side, right: Side, blocks: NDArray[np.int64], size: int) -> Iterator[JoinedBatch]:
    """Shared blocks as batches, the heaviest first; a block that is enough for one is alone in it."""
    rows = blocks[:, [1, 3]] - blocks[:, [0, 2]]
    width = row_bytes(left.plan.length)
    cost = np.maximum(rows.sum(axis=1) * (width / size), rows.prod(axis=1) / _BATCH_PAIRS)
    alone, group = cost >= 1, np.floor(np.cumsum(cost) - cost)
    cuts = np.flatnonzero((group[1:] != group[:-1]) | alone[1:] | alone[:-1]) + 1
    parts = [part for part in np.split(np.arange(len(blocks)), cuts) if len(part)]
    for part in sorted(parts, key=lambda part: -int(rows[part].prod(axis=1).sum())):
        yield _gathered(left, right, blocks[part])


def _gathered(left: Side, right: Side, blocks: NDArray[np.int64]) -> JoinedBatch:
    left_rows, left_filters, left_blocks = _half(left, blocks[:, :2])
    right_rows, right_filters, right_blocks = _half(right, blocks[:, 2:])
    batch = Batch(
        left=left_filters,
        right=right_filters,
        blocks=np.concatenate([left_blocks, right_blocks], axis=1),
        threshold=left.plan.information_score,
        measure=left.plan.measure,
        solving=left.plan.solving,
        strict=left.plan.strict_score,
        diffused=left.plan.degree > 0,
    )
    first = int(left_rows[0])
    ids = left.ids(first, int(left_rows[-1]) + 1)
    return JoinedBatch(batch=batch, left_rows=left_rows, right_rows=right_rows, left_ids=ids[left_rows - first])


def _half(side: Side, blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Rows of the pass, their filters, and where the blocks are among them."""
    first, stop = int(blocks[0, 0]), int(blocks[-1, 1])
    sizes = blocks[:, 1] - blocks[:, 0]
    filters = side.filters(first, stop)
    if sizes.sum() >= _MOSTLY * (stop - first):
        return np.arange(first, stop), filters, blocks - first
    ends = np.cumsum(sizes)
    rows = np.arange(ends[-1]) + np.repeat(blocks[:, 0] - (ends - sizes), sizes)
    return rows, filters[rows - first], np.stack([ends - sizes, ends], axis=1)


def _next_piece(pieces: Iterator[EncodedPass]) -> EncodedPass | None:
    """The next piece, or several small ones as one; None at the end."""
    taken: list[EncodedPass] = []
    size = 0
    for piece in pieces:
        taken.append(piece)
        size += piece.filters.nbytes + len(piece) * (ID_BYTES + TAG_BYTES)
        if size >= _LEAST_PIECE:
            break
    if len(taken) < 2:
        return taken[0] if taken else None
    return EncodedPass(
        ids=np.concatenate([one.ids for one in taken]),
        tags=np.concatenate([one.tags for one in taken]),
        filters=np.concatenate([one.filters for one in taken]),
    )
