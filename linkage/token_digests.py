"""HMAC-SHA-256 of many short messages under one key, sixteen at a time: what `crypto.hashing.position_words` gives, faster.

A pass hashes some hundred thousand messages, tokens with a counter, nearly all shorter than one block of SHA-256. One call
of a library each costs ten times what the hash does, and holds the interpreter. Here each lane of a vector is the hash of
another message; no step depends on what is hashed, neither a branch nor a place in memory. The two states that begin every
HMAC under a key are those of its padded key; they live as long as the call. Longer messages go to `crypto.hashing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from crypto.framing import frame
from crypto.hashing import KEY_BYTES, position_words
from linkage.compiled import WORD, arrays_as_pointers, compiled

__all__ = ["many_words"]

_LANES = 16  # messages hashed together
_BLOCK = 64  # bytes
_DIGEST_WORDS = 16  # of 16 bits
_COUNTER = 4  # bytes
_MOST_DIGESTS = 256  # of a token: their counters take one byte
_LONGEST = _BLOCK - 9 - len(frame(b"", bytes(_COUNTER)))  # bytes of a token whose message is padded within one block
_NUMBERS = ir.VectorType(ir.IntType(32), _LANES)


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _root_bits(number: int, power: int) -> int:
    """The first 32 bits of the fractional part of a square or cube root."""
    low, high = 0, number << 32
    while low + 1 < high:  # the largest integer whose power does not exceed number · 2^(32 · power)
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= number << 32 * power else (low, middle)
    return low & 0xFFFFFFFF


_START = np.array([_root_bits(prime, 2) for prime in _primes(8)], dtype=np.uint32)  # FIPS 180-4, 5.3.3
_ROUNDS = [_root_bits(prime, 3) for prime in _primes(64)]  # 4.2.2


def _compress_code(_typing: Any, states: Any, messages: Any, _at: Any) -> Any:
    """One block more hashed in each lane (FIPS 180-4, 6.2.2): `states` has 8 vectors, `messages` 16 from number `at` on."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        states, messages, at = arrays_as_pointers(context, builder, signature, values)

        def vector(array: Any, place: Any) -> Any:
            return builder.bitcast(builder.gep(array, [builder.mul(place, _word(_LANES))]), _NUMBERS.as_pointer())

        def turned(value: Any, *steps: int, shifted: int = 0) -> Any:
            total = builder.lshr(value, _all(shifted)) if shifted else None
            for step in steps:
                one = builder.or_(builder.lshr(value, _all(step)), builder.shl(value, _all(32 - step)))
                total = one if total is None else builder.xor(total, one)
            return total

        words = [builder.load(vector(messages, builder.add(at, _word(k))), align=4) for k in range(16)]
        before = [builder.load(vector(states, _word(k)), align=4) for k in range(8)]
        a, b, c, d, e, f, g, h = before
        for k, constant in enumerate(_ROUNDS):
            if k >= len(words):
                more = builder.add(turned(words[k - 15], 7, 18, shifted=3), turned(words[k - 2], 17, 19, shifted=10))
                words.append(builder.add(builder.add(words[k - 16], words[k - 7]), more))
            chosen = builder.xor(g, builder.and_(e, builder.xor(f, g)))
            one = builder.add(builder.add(h, turned(e, 6, 11, 25)), builder.add(chosen, words[k]))
            one = builder.add(one, _all(constant))
            most = builder.or_(builder.and_(a, b), builder.and_(c, builder.or_(a, b)))
            two = builder.add(turned(a, 2, 13, 22), most)
            a, b, c, d, e, f, g, h = builder.add(one, two), a, b, c, builder.add(d, one), e, f, g
        for k, (old, new) in enumerate(zip(before, (a, b, c, d, e, f, g, h), strict=True)):
            builder.store(builder.add(old, new), vector(states, _word(k)), align=4)
        return context.get_dummy_value()

    return types.void(states, messages, types.int64), emit


def _all(number: int) -> Any:
    return ir.Constant(_NUMBERS, [number] * _LANES)


def _word(number: int) -> Any:
    return ir.Constant(WORD, number)


_compress: Any = intrinsic(_compress_code)


@compiled
def _hash(
    begin: NDArray[np.uint32],
    templates: NDArray[np.uint32],
    ends: NDArray[np.int64],
    starts: NDArray[np.int64],
    words: NDArray[np.uint16],
) -> None:  # pragma: no cover - compiled
    """The words of tokens whose messages are one block.

    Args:
        begin: (6, 8, LANES), lanes all alike: the key padded for the inner hash, then for the outer, each in two halves; the
            state that SHA-256 begins with; the padding of the outer hash's second block.
        templates: (tokens, 16), padded messages with counter 0.
        ends: (tokens,), bytes of a message before its padding; the last of them is the counter's.
        starts: (tokens + 1,), where the words of each token begin.
        words: filled.
    """
    inner, outer, state = begin[4].copy(), begin[4].copy(), begin[4].copy()
    message, last = np.zeros((16, _LANES), dtype=np.uint32), np.zeros((16, _LANES), dtype=np.uint32)
    last[8:] = begin[5]
    keys = begin.reshape(-1, _LANES)
    _compress(inner, keys, 0)
    _compress(outer, keys, 16)
    token, counter = 0, 0
    targets, counts = np.zeros(_LANES, dtype=np.int64), np.zeros(_LANES, dtype=np.int64)
    while token < len(templates):
        used = 0
        while used < _LANES and token < len(templates):
            left = starts[token + 1] - starts[token] - counter * _DIGEST_WORDS
            if left <= 0:
                token, counter = token + 1, 0
                continue
            for k in range(16):
                message[k, used] = templates[token, k]
            place = ends[token] - 1
            message[place >> 2, used] |= np.uint32(counter) << np.uint32(8 * (3 - (place & 3)))
            targets[used], counts[used] = starts[token] + counter * _DIGEST_WORDS, min(left, _DIGEST_WORDS)
            used, counter = used + 1, counter + 1
        state[:] = inner
        _compress(state, message, 0)
        last[:8] = state
        state[:] = outer
        _compress(state, last, 0)
        for lane in range(used):
            for k in range(counts[lane]):
                words[targets[lane] + k] = state[k >> 1, lane] >> np.uint32(0 if k & 1 else 16) & np.uint32(0xFFFF)


def many_words(key: bytes, tokens: Sequence[bytes], counts: NDArray[np.int64]) -> NDArray[np.uint16]:
    """The words of `crypto.hashing.position_words` of many tokens under one key, one token's after the other's.

    Args:
        key: 32 bytes.
        tokens: spelled.
        counts: (tokens,), words wanted of each.
    """
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    words = np.empty(int(starts[-1]), dtype=np.uint16)
    head, tail = len(frame(b"")), frame(bytes(_COUNTER))
    sizes = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    ends = sizes + head + len(tail)
    fits = (sizes <= _LONGEST) & (counts <= _DIGEST_WORDS * _MOST_DIGESTS)
    padded = (_padded(token, tail) if fit else bytes(_BLOCK) for token, fit in zip(tokens, fits.tolist(), strict=True))
    templates = np.frombuffer(b"".join(padded), dtype=">u4").astype(np.uint32).reshape(-1, _BLOCK // 4)
    _hash(_beginning(key), templates, np.where(fits, ends, 1), starts, words)
    for place in np.flatnonzero(~fits).tolist():  # hashed above to nothing of use
        one = position_words(key, tokens[place], int(counts[place]))
        words[starts[place] : starts[place + 1]] = np.frombuffer(one, dtype=">u2")
    return words


def _padded(token: bytes, tail: bytes) -> bytes:
    """The block of a message, the second that the inner hash takes."""
    message = frame(token) + tail + b"\x80"
    return message.ljust(_BLOCK - 8, b"\0") + (8 * (_BLOCK + len(message) - 1)).to_bytes(8, "big")


def _beginning(key: bytes) -> NDArray[np.uint32]:
    """What `_hash` begins with."""
    begin = np.zeros((6, 8), dtype=np.uint32)
    for half, pad in enumerate((0x36, 0x5C)):
        padded = bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0"))
        begin[2 * half : 2 * half + 2] = np.frombuffer(padded, dtype=">u4").reshape(2, 8)
    begin[4] = _START
    begin[5, 0], begin[5, 7] = 1 << 31, 8 * (_BLOCK + KEY_BYTES)  # the inner digest is as long as a key
    return np.ascontiguousarray(np.repeat(begin[:, :, None], _LANES, axis=2))
