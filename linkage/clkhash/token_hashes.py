"""Tokens and the keys of a feature to positions in the filter.

- ``blake``: BLAKE2b with the first key and the salt `0`, `1`, … in digits; each digest is 32 words of 16 bits, little-endian,
  taken modulo the length, which is a power of two.
- ``double``: (a + i · b) modulo the length, a the HMAC-SHA-1 under the first key and b the HMAC-MD5 under the second, both
  read big-endian and reduced first. Some tokens have b = 0: all their positions are one.
- ``double_sound``: the same, and while b = 0 it is taken again from the token followed by U+0000, U+0001, …

A token costs its digests once, however many words hold it; a table lives as long as one call that encodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkage.clkhash.bit_kernel import expand_double

__all__ = ["PositionTable", "TokenHash", "position_table"]

TokenHash: TypeAlias = Literal["blake", "double", "double_sound"]

_WORDS = 32  # words of a digest of BLAKE2b


@dataclass(frozen=True, kw_only=True)
class PositionTable:
    """The positions of numbered tokens.

    Attributes:
        starts: (tokens,) int64; the positions of token t begin at starts[t].
        positions: uint16 or uint32, below the length of the filter.
    """

    starts: NDArray[np.int64]
    positions: NDArray[np.uint16] | NDArray[np.uint32]


def position_table(
    method: TokenHash, keys: tuple[bytes, bytes], tokens: Sequence[bytes], needs: NDArray[np.int32], length: int
) -> PositionTable:
    """At least `needs[t]` positions of each token.

    Args:
        method: the hash of the feature.
        keys: of the feature.
        tokens: encoded, distinct.
        needs: (tokens,) the most insertions of the token in any word.
        length: bits of the filter before folding.
    """
    if method == "blake":
        return _blake(keys[0], tokens, needs, length)
    first, second = _Mac(keys[0], "sha1"), _Mac(keys[1], "md5")
    pairs = [(first.number(token) % length, second.number(token) % length) for token in tokens]
    if method == "double_sound":
        pairs = [
            (place, step or _sound_step(second, token, length))
            for token, (place, step) in zip(tokens, pairs, strict=True)
        ]
    starts = _starts(needs.astype(np.int64))
    positions = np.empty(int(needs.sum(dtype=np.int64)), dtype=np.uint32)
    expand_double(np.array(pairs, dtype=np.int64).reshape(-1, 2), needs, starts, length, positions)
    return PositionTable(starts=starts, positions=positions)


def _blake(key: bytes, tokens: Sequence[bytes], needs: NDArray[np.int32], length: int) -> PositionTable:
    digests = -(-needs.astype(np.int64) // _WORDS)
    salts = [b"%d" % number for number in range(int(digests.max(initial=0)))]
    stream = b"".join(
        blake2b(token, key=key, salt=salt).digest()
        for token, count in zip(tokens, digests.tolist(), strict=True)
        for salt in salts[:count]
    )
    words = np.frombuffer(stream, dtype="<u2").astype(np.uint16)
    return PositionTable(starts=_starts(digests * _WORDS), positions=words & np.uint16(min(length - 1, 0xFFFF)))


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(sizes)))[:-1].astype(np.int64)


class _Mac:
    """HMAC (RFC 2104) of many tokens under one key, whose two halves are hashed once."""

    def __init__(self, key: bytes, algorithm: str) -> None:
        block = hashlib.new(algorithm, usedforsecurity=False).block_size
        if len(key) > block:
            key = hashlib.new(algorithm, key, usedforsecurity=False).digest()
        padded = key.ljust(block, b"\0")
        self._inner, self._outer = (
            hashlib.new(algorithm, bytes(byte ^ mark for byte in padded), usedforsecurity=False)
            for mark in (0x36, 0x5C)
        )

    def number(self, token: bytes) -> int:
        """The code of a token as a big-endian number."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(token)
        outer.update(inner.digest())
        return int.from_bytes(outer.digest())


def _sound_step(second: _Mac, token: bytes, length: int) -> int:
    step = suffix = 0
    while step == 0:
        step = second.number(token + chr(suffix).encode()) % length
        suffix += 1
    return step
