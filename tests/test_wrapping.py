"""What is wrapped opens with its key, for its use, unaltered; and in no other case."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import SealBroken
from crypto.framing import Label, frame
from crypto.wrapping import WRAPPING_BYTES, unwrap, wrap

KEY = bytes(range(WRAPPING_BYTES))


@given(st.binary(min_size=WRAPPING_BYTES, max_size=WRAPPING_BYTES), st.binary(max_size=80), st.binary(max_size=200))
def test_what_is_wrapped_comes_back(key, context, data):
    """Any secret, the empty one included, with any context."""
    assert data == unwrap(key, Label.STORED, context, wrap(key, Label.STORED, context, data))


def test_the_form_is_nonce_ciphertext_tag():
    """Opened here by the primitive alone, as the module's first lines say."""
    wrapped = wrap(KEY, Label.KEY_WRAP, b"here", b"secret")
    assert 12 + len(b"secret") + 16 == len(wrapped)
    assert b"secret" == AESGCM(KEY).decrypt(wrapped[:12], wrapped[12:], frame(Label.KEY_WRAP, b"here"))


def test_nonces_are_fresh():
    """Never the same one under a key: a thousand wrappings of one secret differ in their first twelve bytes."""
    assert 1000 == len({wrap(KEY, Label.STORED, b"here", b"secret")[:12] for _ in range(1000)})


@pytest.mark.parametrize(
    ("key", "label", "context"),
    [
        (bytes(WRAPPING_BYTES), Label.STORED, b"here"),
        (KEY, Label.KEY_WRAP, b"here"),
        (KEY, Label.STORED, b"there"),
        (KEY, Label.STORED, b""),
    ],
    ids=["key", "label", "context", "no context"],
)
def test_it_opens_for_its_use_only(key, label, context):
    """Another key, label or context: refused."""
    with pytest.raises(SealBroken):
        unwrap(key, label, context, wrap(KEY, Label.STORED, b"here", b"secret"))


def test_every_flipped_bit_is_found():
    """Of nonce, ciphertext and tag."""
    wrapped = wrap(KEY, Label.STORED, b"here", b"secret")
    for bit in range(8 * len(wrapped)):
        altered = bytearray(wrapped)
        altered[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(SealBroken):
            unwrap(KEY, Label.STORED, b"here", bytes(altered))


@pytest.mark.parametrize("length", range(12 + 6 + 16))
def test_what_is_cut_is_refused(length):
    """At every length, the empty one included, with the same error."""
    with pytest.raises(SealBroken):
        unwrap(KEY, Label.STORED, b"here", wrap(KEY, Label.STORED, b"here", b"secret")[:length])


def test_what_is_longer_is_refused():
    """Nothing may follow."""
    with pytest.raises(SealBroken):
        unwrap(KEY, Label.STORED, b"here", wrap(KEY, Label.STORED, b"here", b"secret") + b"\0")


def test_the_refusal_tells_nothing_of_the_secret():
    """Neither the key, nor the context, nor the bytes."""
    with pytest.raises(SealBroken) as caught:
        unwrap(KEY, Label.STORED, b"there", wrap(KEY, Label.STORED, b"here", b"secret"))
    for told in (str(caught.value), caught.value.message):
        assert not any(word in told for word in ("there", "here", "secret", KEY.hex()))
    assert (None, True) == (caught.value.__cause__, caught.value.__suppress_context__)
