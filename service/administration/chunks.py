"""Rows as they come to chunks as they are sealed: whole rows, as many in each but the last.

How many chunks a pass makes is known from the number of its rows, before the first of them: the last chunk is sealed as such.
An empty pass is one empty chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crypto.sealing import CHUNK_OVERHEAD
from linkage.wire import ID_BYTES, TAG_BYTES, row_bytes
from service.administration.payload import SealRows
from service.messages import MAX_CHUNK_BYTES

if TYPE_CHECKING:
    from linkage.stream import Piece

__all__ = ["Fill", "chunks_of", "rows_of"]

_HEAD = ID_BYTES + TAG_BYTES


class Fill:
    """The mean fill of rows of filters of `length` bits, counted as they come."""

    def __init__(self, length: int) -> None:
        self._length, self._rows, self._bits = length, 0, 0

    def count(self, rows: NDArray[np.uint8]) -> None:
        """Add some rows, (n, row bytes) uint8, with a payload or without."""
        self._rows += len(rows)
        words = np.ascontiguousarray(rows).view(np.uint64)[:, _HEAD // 8 : row_bytes(self._length) // 8]
        self._bits += int(np.bitwise_count(words).sum(dtype=np.int64))

    def counted(self, pieces: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """The same pieces, each counted as it goes by."""
        for rows in pieces:
            self.count(rows)
            yield rows

    @property
    def permille(self) -> int:
        """Bits set per thousand bits; 0 without rows."""
        total = self._rows * self._length
        return round(1000 * self._bits / total) if total else 0


def chunks_of(
    pieces: Iterable[NDArray[np.uint8]], count: int, row_bytes: int, chunk_bytes: int
) -> Iterator[tuple[int, bool, bytes]]:
    """The chunks of a pass.

    Args:
        pieces: its rows, (n, row_bytes) uint8 each.
        count: rows of all pieces.
        row_bytes: of a row.
        chunk_bytes: of a chunk at most; at least one row, and never more than the third party takes.

    Yields:
        (number, last, bytes) of each chunk.
    """
    most = max(1, min(chunk_bytes, MAX_CHUNK_BYTES - CHUNK_OVERHEAD) // row_bytes) * row_bytes
    total, number = max(1, -(-count * row_bytes // most)), 0
    parts: list[memoryview] = []  # of the next chunk: joined, each row is copied once
    for piece in pieces:
        rest = np.ascontiguousarray(piece).reshape(-1).data
        while number < total - 1 and sum(map(len, parts)) + len(rest) >= most:
            more = most - sum(map(len, parts))
            yield number, False, b"".join([*parts, rest[:more]])
            parts, rest, number = [], rest[more:], number + 1
        parts.append(rest)
    yield number, True, b"".join(parts)


def rows_of(
    pieces: Iterable[Piece], noted: Callable[..., None] | None, payload: SealRows | None, told: Callable[[int], None]
) -> Iterator[NDArray[np.uint8]]:
    """The rows of a pass as they are sent, once what must be known of them is noted.

    Args:
        pieces: of the pass.
        noted: takes row ids and records.
        payload: seals what each row carries; nothing when absent.
        told: progress, in rows.
    """
    made = 0
    for piece in pieces:
        if noted is not None:
            noted(piece.rows[:, :ID_BYTES], piece.records)
        yield piece.rows if payload is None else np.concatenate([piece.rows, payload(piece.records)], axis=1)
        made += len(piece.rows)
        told(made)
    if not made:
        told(0)
