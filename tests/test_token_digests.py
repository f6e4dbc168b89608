"""Many HMACs at once against those of the standard library."""

from __future__ import annotations

import hmac

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.token_digests import many_words

KEY = bytes(range(32))


def words_of(key: bytes, token: bytes, count: int) -> list[int]:
    """From the written format: big-endian words of HMAC-SHA-256 of the framed token and counter."""
    stream = b""
    for counter in range(-(-count // 16)):
        message = len(token).to_bytes(8, "big") + token + (4).to_bytes(8, "big") + counter.to_bytes(4, "big")
        stream += hmac.digest(key, message, "sha256")
    return [int.from_bytes(stream[2 * place : 2 * place + 2], "big") for place in range(count)]


@given(
    st.binary(min_size=32, max_size=32), st.lists(st.tuples(st.binary(max_size=80), st.integers(0, 70)), max_size=40)
)
@settings(max_examples=60, deadline=None)
def test_words_are_those_of_hmac(key, wanted):
    """Tokens of any length, in one block of the hash or more, none asked for many words or none."""
    found = many_words(key, [token for token, _ in wanted], np.array([count for _, count in wanted], dtype=np.int64))
    assert found.dtype == np.uint16
    assert [word for token, count in wanted for word in words_of(key, token, count)] == found.tolist()


def test_each_length_around_the_end_of_a_block():
    """The longest message of one block, and the shortest of two."""
    tokens = [bytes(range(size)) for size in range(30, 40)]
    found = many_words(KEY, tokens, np.full(len(tokens), 20)).reshape(-1, 20)
    assert [words_of(KEY, token, 20) for token in tokens] == found.tolist()


def test_more_words_than_a_counter_of_one_byte_numbers():
    """A token that sets thousands of positions, between two that set few."""
    counts = [3, 16 * 256 + 5, 3]
    found = many_words(KEY, [b"a", b"b", b"c"], np.array(counts)).tolist()
    assert [
        word for token, count in zip((b"a", b"b", b"c"), counts, strict=True) for word in words_of(KEY, token, count)
    ] == found
