"""Payloads on their way from the third party to a recipient: covered once more, so that their maker does not know them again.

A source seals its payloads to nobody but the recipient (`service.administration.payload`), yet would know its own ciphertexts.
A joiner may be a source: what the third party tells it is therefore covered under a key that the third party shares with the
recipient alone, ``Expand(upload key of the recipient, cover-of-payload)``: ``nonce (12) ‖ AES-256-GCM ‖ tag (16)``, associated
data ``frame(cover-of-payload, frame(T, run, comparison, pass))``. The recipient keeps the key of each pass from the encoding on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crypto.errors import SealBroken
from crypto.framing import Label, frame
from crypto.keys import derive
from crypto.wrapping import unwrap, wrap
from linkage.wire import payload_width

__all__ = ["COVER_BYTES", "Cover", "cover_key", "delivered_width"]

COVER_BYTES = 28


def cover_key(upload_key: bytes) -> bytes:
    """The key of the covers of one pass, from the key of the recipient's upload."""
    return derive(upload_key, Label.PAYLOAD_COVER)


def delivered_width(payload_bytes: int) -> int:
    """Bytes of a delivered payload: of a comparison, in which a source tells so many bytes at most; 0 for none."""
    return payload_width(payload_bytes) + COVER_BYTES if payload_bytes else 0


class Cover:
    """Covers and uncovers the payloads of one pass."""

    def __init__(self, key: bytes, about: tuple[str, str, str, str]) -> None:
        """Takes the key, and (T in hexadecimal, run, comparison, pass)."""
        agreement, *names = about
        self._key, self._context = key, frame(bytes.fromhex(agreement), *names)

    def rows(self, sealed: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(n, w) uint8 sealed payloads → (n, w + 28), each covered by itself."""
        covered = b"".join(wrap(self._key, Label.PAYLOAD_COVER, self._context, one.tobytes()) for one in sealed)
        return np.frombuffer(covered, dtype=np.uint8).reshape(len(sealed), sealed.shape[1] + COVER_BYTES)

    def uncovered(self, covered: bytes) -> bytes | None:
        """What was covered; None when it was not covered for this pass."""
        try:
            return unwrap(self._key, Label.PAYLOAD_COVER, self._context, covered)
        except SealBroken:
            return None
