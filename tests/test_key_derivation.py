"""Keys of features: HKDF as the RFC has it, cut in order."""

from __future__ import annotations

import hmac

import pytest

from linkage.clkhash.key_derivation import KeyDerivation, feature_keys


@pytest.mark.parametrize(("algorithm", "size"), [("SHA256", 64), ("SHA512", 7), ("SHA256", 1)])
def test_keys_are_pieces_of_one_stream(algorithm, size):
    """Feature i has pieces 2i and 2i + 1 of extract-then-expand."""
    kdf = KeyDerivation(hash=algorithm, salt=b"salt", info=b"info", key_size=size)
    digest = algorithm.lower()
    start, stream, block = hmac.digest(b"salt", b"secret", digest), b"", b""
    for number in range(1, 200):
        block = hmac.digest(start, block + b"info" + bytes([number]), digest)
        stream += block
    pieces = [stream[size * place : size * (place + 1)] for place in range(6)]
    assert list(zip(pieces[::2], pieces[1::2], strict=True)) == feature_keys(b"secret", kdf, 3)


def test_an_absent_salt_is_an_empty_one():
    """A schema without salt derives as one whose salt is empty."""
    assert feature_keys(b"s", KeyDerivation(), 1) == feature_keys(b"s", KeyDerivation(salt=b"", info=b""), 1)
