"""What travels: encodings of one pass towards the third party, and delivered row ids back. The format is this page.

Encodings. One row is ``16 bytes id ‖ 16 bytes block tag ‖ L/8 bytes filter ‖ payload``; bit ``j`` of the filter is bit ``j % 64``
of its 64-bit word ``j // 64``, words little-endian. The payload is sealed end to end (`payload_width` bytes; none by default, and
never in a recipient's row). A pass is its rows and nothing else: rows sorted by (tag, id), where
ids are fresh 128-bit CSPRNG draws, so that the order inside a block is a uniform shuffle and carries nothing. The manifest
outside carries the count; chunks hold whole rows.

Delivery. ``b"AVD2" ‖ u32 certain ‖ u32 grey ‖ u32 width ‖ certain ids ‖ grey ids ‖ payloads of the certain ids ‖ zeros``,
integers big-endian, each list sorted by id, payloads of `width` bytes in the order of their ids, padded with zeros to a size
class (a power of two, at least 4 KiB), so that the length of what is sealed tells only the magnitude of the hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError

__all__ = [
    "ID_BYTES",
    "SMALLEST_DELIVERY",
    "TAG_BYTES",
    "Delivered",
    "EncodedPass",
    "delivery_from_bytes",
    "delivery_to_bytes",
    "payload_width",
    "payloads_from_bytes",
    "places_among",
    "row_bytes",
    "rows_from_bytes",
    "rows_to_bytes",
]

ID_BYTES = 16
TAG_BYTES = 16
SMALLEST_DELIVERY = 4096  # bytes

_DELIVERY_MAGIC = b"AVD2"
_DELIVERY_HEAD = 16  # bytes: magic, two counts and a width
_PAYLOAD_OVERHEAD = 30  # bytes: nonce 12, length 2, tag 16
_WORD = 8  # bytes; rows are whole words


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


class Delivered(NamedTuple):
    """What a delivery holds.

    Attributes:
        certain: (n, 16) uint8, sorted.
        grey: (m, 16) uint8, sorted.
        payloads: (n, width) uint8, of the certain ids, in their order; width 0 when there is none.
    """

    certain: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    payloads: NDArray[np.uint8]


def payload_width(payload_bytes: int) -> int:
    """Bytes that a row takes for a sealed payload of at most `payload_bytes`: whole words; 0 for none."""
    return -(-(payload_bytes + _PAYLOAD_OVERHEAD) // _WORD) * _WORD if payload_bytes else 0


def row_bytes(length: int, payload: int = 0) -> int:
    """Bytes of one row for filters of `length` bits and a payload of this width."""
    return ID_BYTES + TAG_BYTES + length // 8 + payload


def rows_to_bytes(encoded: EncodedPass, start: int = 0, stop: int | None = None) -> bytes:
    """Rows `start` to `stop` (excluded) as bytes."""
    stop = len(encoded) if stop is None else stop
    filters = np.ascontiguousarray(encoded.filters[start:stop]).astype("<u8", copy=False)
    raw = filters.view(np.uint8).reshape(stop - start, filters.shape[1] * 8)
    return np.concatenate([encoded.ids[start:stop], encoded.tags[start:stop], raw], axis=1).tobytes()


def _rows(data: bytes, length: int, payload: int) -> NDArray[np.uint8]:
    size = row_bytes(length, payload)
    if len(data) % size:
        raise LinkageError("E_FORMAT_LIGNES", "les octets reçus ne forment pas un nombre entier de lignes")
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, size)


def payloads_from_bytes(data: bytes, length: int, payload: int) -> NDArray[np.uint8]:
    """The payloads of rows, (n, payload) uint8; arguments and refusal as `rows_from_bytes`."""
    return np.ascontiguousarray(_rows(data, length, payload)[:, row_bytes(length) :])


def rows_from_bytes(data: bytes, length: int, payload: int = 0) -> EncodedPass:
    """Rows from their bytes, without their payloads.

    Args:
        data: whole rows.
        length: L, bits of a filter, a multiple of 64.
        payload: width of the payload of each row.

    Raises:
        LinkageError: `E_FORMAT_LIGNES` when the bytes are not whole rows.
    """
    rows = _rows(data, length, payload)
    raw = np.ascontiguousarray(rows[:, ID_BYTES + TAG_BYTES : row_bytes(length)])
    filters = raw.view("<u8").astype(np.uint64, copy=False)
    return EncodedPass(
        ids=np.ascontiguousarray(rows[:, :ID_BYTES]),
        tags=np.ascontiguousarray(rows[:, ID_BYTES : ID_BYTES + TAG_BYTES]),
        filters=filters.reshape(len(rows), length // 64),
    )


def delivery_to_bytes(
    certain: NDArray[np.uint8], grey: NDArray[np.uint8], payloads: NDArray[np.uint8] | None = None
) -> bytes:
    """The padded plaintext of a delivery.

    Args:
        certain: (n, 16) uint8, ids linked at or above the strict threshold.
        grey: (m, 16) uint8, ids linked between the two thresholds.
        payloads: (n, width) uint8, of the certain ids, in the order in which they are given; none when absent.
    """
    width = 0 if payloads is None else payloads.shape[1]
    order = _by_id(certain)
    body = _DELIVERY_MAGIC + b"".join(number.to_bytes(4, "big") for number in (len(certain), len(grey), width))
    body += certain[order].tobytes() + grey[_by_id(grey)].tobytes()
    body += b"" if payloads is None else payloads[order].tobytes()
    size = SMALLEST_DELIVERY
    while size < len(body):
        size *= 2
    return body.ljust(size, b"\0")


def _by_id(ids: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The order of ids as byte strings."""
    halves = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2)
    return np.lexsort((halves[:, 1], halves[:, 0]))


def places_among(ids: NDArray[np.uint8], among: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where each id stands among ids that are sorted as byte strings; -1 where it does not.

    Args:
        ids: (n, 16) uint8.
        among: (m, 16) uint8, sorted, as a delivery holds them.
    """
    # All being sixteen bytes long, the final zeros that numpy drops change no order and no equality.
    names, held = (np.ascontiguousarray(one).view(f"S{ID_BYTES}").reshape(-1) for one in (ids, among))
    places = np.searchsorted(held, names).astype(np.int64)
    there = places < len(held)
    there[there] = held[places[there]] == names[there]
    return np.where(there, places, -1)


def delivery_from_bytes(data: bytes) -> Delivered:
    """The ids and payloads of a delivery.

    Raises:
        LinkageError: `E_FORMAT_LIVRAISON` for anything that `delivery_to_bytes` would not have written.
    """
    refusal = LinkageError("E_FORMAT_LIVRAISON", "la livraison n'a pas la forme attendue")
    if len(data) < SMALLEST_DELIVERY or data[:4] != _DELIVERY_MAGIC:
        raise refusal
    certain, grey, width = (int.from_bytes(data[start : start + 4], "big") for start in (4, 8, 12))
    end = _DELIVERY_HEAD + ID_BYTES * (certain + grey)
    if end + certain * width > len(data):
        raise refusal
    ids = np.frombuffer(data[_DELIVERY_HEAD:end], dtype=np.uint8).reshape(-1, ID_BYTES)
    sealed = np.frombuffer(data[end : end + certain * width], dtype=np.uint8).reshape(certain, width)
    found = Delivered(ids[:certain].copy(), ids[certain:].copy(), sealed.copy())
    if delivery_to_bytes(*found) != data:
        raise refusal
    return found
