"""Searches bytes for any of many secrets: what the demonstration holds against all that a third party kept, and leak tests too.

Secrets are at least 8 bytes long, so that random bytes do not contain them by chance (100 MB of random data and 10⁶ secrets
of 8 bytes: 5·10⁻⁶ expected). Each window of the data is looked up by its first three bytes in a bitmap, then by its first
eight in the sorted secrets, then compared in full.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

import numpy as np

__all__ = ["LEAST_BYTES", "Scanner", "in_all_spellings"]

LEAST_BYTES = 8
_STEP = 1 << 22  # windows looked at together


class Scanner:
    """Finds which of the secrets occur in data.

    Raises:
        ValueError: a secret is shorter than 8 bytes, where chance findings would begin.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._by_head: dict[int, list[bytes]] = {}
        for secret in set(secrets):
            if len(secret) < LEAST_BYTES:
                raise ValueError("a secret of fewer than 8 bytes cannot be searched for")
            self._by_head.setdefault(int.from_bytes(secret[:LEAST_BYTES], "little"), []).append(secret)
        self._heads = np.array(sorted(self._by_head), dtype=np.uint64)
        self._bitmap = np.zeros(1 << 24, dtype=bool)
        self._bitmap[(self._heads & np.uint64(0xFFFFFF)).astype(np.int64)] = True

    def __len__(self) -> int:
        return sum(map(len, self._by_head.values()))

    def found_in(self, data: bytes) -> set[bytes]:
        """The secrets that occur in the data."""
        found: set[bytes] = set()
        raw = np.frombuffer(data, dtype=np.uint8)
        for start in range(0, max(0, len(raw) - LEAST_BYTES + 1), _STEP):
            part = raw[start : start + _STEP + LEAST_BYTES - 1].astype(np.uint32)
            count = len(part) - LEAST_BYTES + 1
            first = part[:count] | part[1 : count + 1] << np.uint32(8) | part[2 : count + 2] << np.uint32(16)
            for place in np.flatnonzero(self._bitmap[first]).tolist():
                at = start + place
                head = int.from_bytes(data[at : at + LEAST_BYTES], "little")
                found.update(secret for secret in self._by_head.get(head, ()) if data.startswith(secret, at))
        return found


def in_all_spellings(key: bytes) -> list[bytes]:
    """A key as it could be written down: raw, hexadecimal in both cases, base64 of both alphabets without padding."""
    text = key.hex()
    spellings = [base64.b64encode(key), base64.urlsafe_b64encode(key)]
    return [key, text.encode(), text.upper().encode(), *(one.rstrip(b"=") for one in spellings)]
