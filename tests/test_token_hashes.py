"""Positions of tokens against the standard library, token by token."""

from __future__ import annotations

import hmac
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clkhash.token_hashes import position_table

KEYS = st.tuples(st.binary(min_size=1, max_size=64), st.binary(min_size=1, max_size=200))
NEEDS = st.lists(st.integers(0, 70), min_size=1, max_size=6)


def positions(method, keys, needs, length) -> list[list[int]]:
    tokens = [b"%d" % number for number in range(len(needs))]
    table = position_table(method, keys, tokens, np.array(needs, dtype=np.int32), length)
    held = table.positions.tolist()
    return [held[start : start + need] for start, need in zip(table.starts.tolist(), needs, strict=True)]


@given(KEYS, NEEDS, st.sampled_from([1, 64, 1024, 1 << 17]))
@settings(deadline=None)
def test_blake_words_are_little_endian_and_reduced(keys, needs, length):
    """Thirty-two words a digest, one salt a digest."""
    expected = []
    for number, need in enumerate(needs):
        stream = b"".join(blake2b(b"%d" % number, key=keys[0], salt=b"%d" % salt).digest() for salt in range(3))
        expected.append([(stream[2 * at] + 256 * stream[2 * at + 1]) % length for at in range(need)])
    assert expected == positions("blake", keys, needs, length)


@given(KEYS, NEEDS, st.sampled_from([2, 61, 1024]))
@settings(deadline=None)
def test_double_hash_is_a_progression(keys, needs, length):
    """HMAC-SHA-1 plus a multiple of HMAC-MD5, keys of any length."""
    expected = []
    for number, need in enumerate(needs):
        first, step = (
            int(hmac.digest(key, b"%d" % number, name).hex(), 16)
            for key, name in zip(keys, ("sha1", "md5"), strict=True)
        )
        expected.append([(first + at * step) % length for at in range(need)])
    assert expected == positions("double", keys, needs, length)


@pytest.mark.parametrize("length", [2, 3, 8])
def test_a_sound_double_hash_never_stands_still(length):
    """Where the step would be zero, another one is taken; elsewhere nothing changes."""
    needs = [3] * 60
    plain, sound = (positions(method, (b"k", b"l"), needs, length) for method in ("double", "double_sound"))
    assert any(len(set(one)) == 1 for one in plain)
    assert all(len(set(one[:2])) == 2 for one in sound)
    assert [one for one in plain if len(set(one)) > 1] == [
        other for one, other in zip(plain, sound, strict=True) if len(set(one)) > 1
    ]
