"""What travels: encodings of one pass towards the third party, and delivered row ids back. The format is this page.

Encodings. One row is ``16 bytes id ‖ 16 bytes block tag ‖ L/8 bytes filter``; bit ``j`` of the filter is bit ``j % 64``
of its 64-bit word ``j // 64``, words little-endian. A pass is its rows and nothing else: rows sorted by (tag, id), where
ids are fresh 128-bit CSPRNG draws, so that the order inside a block is a uniform shuffle and carries nothing. The manifest
outside carries the count; chunks hold whole rows.

Delivery. ``b"AVD1" ‖ u32 certain ‖ u32 grey ‖ certain ids ‖ grey ids ‖ zeros``, integers big-endian, each list sorted by id,
padded with zeros to a size class (a power of two, at least 4 KiB), so that the length of what is sealed tells only the
magnitude of the hits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError

__all__ = [
    "ID_BYTES",
    "SMALLEST_DELIVERY",
    "TAG_BYTES",
    "EncodedPass",
    "delivery_from_bytes",
    "delivery_to_bytes",
    "row_bytes",
    "rows_from_bytes",
    "rows_to_bytes",
]

ID_BYTES = 16
TAG_BYTES = 16
SMALLEST_DELIVERY = 4096  # bytes

_DELIVERY_MAGIC = b"AVD1"
_DELIVERY_HEAD = 12  # bytes: magic and two counts


@dataclass(frozen=True, kw_only=True)
class EncodedPass:
    """The rows of one pass.

    Attributes:
        ids: (n, 16) uint8, fresh random names of the rows.
        tags: (n, 16) uint8, keyed block tags.
        filters: (n, w) uint64 C-order, w = L / 64.
    """

    ids: NDArray[np.uint8]
    tags: NDArray[np.uint8]
    filters: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.ids)


def row_bytes(length: int) -> int:
    """Bytes of one row for filters of `length` bits."""
    return ID_BYTES + TAG_BYTES + length // 8


def rows_to_bytes(encoded: EncodedPass, start: int = 0, stop: int | None = None) -> bytes:
    """Rows `start` to `stop` (excluded) as bytes."""
    stop = len(encoded) if stop is None else stop
    filters = np.ascontiguousarray(encoded.filters[start:stop]).astype("<u8", copy=False)
    raw = filters.view(np.uint8).reshape(stop - start, filters.shape[1] * 8)
    return np.concatenate([encoded.ids[start:stop], encoded.tags[start:stop], raw], axis=1).tobytes()


def rows_from_bytes(data: bytes, length: int) -> EncodedPass:
    """Rows from their bytes.

    Args:
        data: whole rows.
        length: L, bits of a filter, a multiple of 64.

    Raises:
        LinkageError: `E_FORMAT_LIGNES` when the bytes are not whole rows.
    """
    size = row_bytes(length)
    if len(data) % size:
        raise LinkageError("E_FORMAT_LIGNES", "les octets reçus ne forment pas un nombre entier de lignes")
    rows = np.frombuffer(data, dtype=np.uint8).reshape(-1, size)
    filters = np.ascontiguousarray(rows[:, ID_BYTES + TAG_BYTES :]).view("<u8").astype(np.uint64, copy=False)
    return EncodedPass(
        ids=np.ascontiguousarray(rows[:, :ID_BYTES]),
        tags=np.ascontiguousarray(rows[:, ID_BYTES : ID_BYTES + TAG_BYTES]),
        filters=filters.reshape(len(rows), length // 64),
    )


def delivery_to_bytes(certain: NDArray[np.uint8], grey: NDArray[np.uint8]) -> bytes:
    """The padded plaintext of a delivery.

    Args:
        certain: (n, 16) uint8, ids linked at or above the strict threshold.
        grey: (m, 16) uint8, ids linked between the two thresholds.
    """
    body = _DELIVERY_MAGIC + len(certain).to_bytes(4, "big") + len(grey).to_bytes(4, "big")
    body += b"".join(sorted(row.tobytes() for row in certain)) + b"".join(sorted(row.tobytes() for row in grey))
    size = SMALLEST_DELIVERY
    while size < len(body):
        size *= 2
    return body.ljust(size, b"\0")


def delivery_from_bytes(data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The (certain, grey) ids of a delivery, each (n, 16) uint8.

    Raises:
        LinkageError: `E_FORMAT_LIVRAISON` for anything that `delivery_to_bytes` would not have written.
    """
    refusal = LinkageError("E_FORMAT_LIVRAISON", "la livraison n'a pas la forme attendue")
    if len(data) < SMALLEST_DELIVERY or data[:4] != _DELIVERY_MAGIC:
        raise refusal
    certain, grey = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    end = _DELIVERY_HEAD + ID_BYTES * (certain + grey)
    if end > len(data):
        raise refusal
    ids = np.frombuffer(data[_DELIVERY_HEAD:end], dtype=np.uint8).reshape(-1, ID_BYTES)
    parts = ids[:certain].copy(), ids[certain:].copy()
    if delivery_to_bytes(*parts) != data:
        raise refusal
    return parts
