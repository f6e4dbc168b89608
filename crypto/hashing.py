"""Keyed hashing for the encoder. The third party never loads this module.

Each function takes a key (or secret) derived for it alone, 32 bytes; nothing is kept between calls.

- Positions of a token: 16-bit big-endian words of ``HMAC-SHA256(key, frame(token, counter))`` for counter 0,
  1, … (4 bytes, big-endian), 16 words each. A length that is a power of two takes the low bits of a word,
  without bias.
- Block tag: first 16 bytes of ``HMAC-SHA256(key, frame(BLOCK_TAG, value))``.
- Block secret: ``HMAC-SHA256(key, frame(DIFFUSION, value))``.
- Keystream: AES-256 in counter mode from a zero counter block. Without a nonce it is the same each time: one
  secret, one stream.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from crypto.errors import KeyRefused
from crypto.framing import Label, frame

__all__ = ["TAG_BYTES", "block_secret", "block_tag", "keystream", "keystreams", "position_words"]

TAG_BYTES = 16
KEY_BYTES = 32
_SPARE = 16  # bytes that the cipher wants beyond what it writes
_WORDS_PER_DIGEST = 16
_COUNTER_SIZE = (4).to_bytes(8, "big")  # frame(token, counter) is frame(token), this and the counter's 4 bytes


def position_words(key: bytes, token: bytes, count: int) -> bytes:
    """Hash a token to words from which positions are taken.

    Args:
        key: 32 bytes.
        token: the feature's bytes.
        count: number of words wanted, 0 or more.

    Returns:
        `2 * count` bytes: big-endian 16-bit words.

    Raises:
        KeyRefused: the key has another size.
    """
    _check_key(key)
    keyed, head = HMAC(key, SHA256()), frame(token) + _COUNTER_SIZE
    words = []
    for counter in range(-(-count // _WORDS_PER_DIGEST)):
        one = keyed.copy()  # the key is prepared once: that is most of the cost of a short message
        one.update(head + counter.to_bytes(4, "big"))
        words.append(one.finalize())
    return b"".join(words)[: 2 * count]


def block_tag(key: bytes, value: bytes) -> bytes:
    """Return the 16-byte tag that stands for a block value in an upload.

    Raises:
        KeyRefused: the key has another size.
    """
    _check_key(key)
    return hmac.digest(key, frame(Label.BLOCK_TAG, value), "sha256")[:TAG_BYTES]


def block_secret(key: bytes, value: bytes) -> bytes:
    """Return the 32-byte secret from which a block's diffusion table is drawn.

    Raises:
        KeyRefused: the key has another size.
    """
    _check_key(key)
    return hmac.digest(key, frame(Label.DIFFUSION, value), "sha256")


def keystream(secret: bytes, size: int) -> bytes:
    """Expand a secret that serves for nothing else.

    Args:
        secret: 32 bytes, used for one stream only.
        size: number of bytes, 0 or more.

    Raises:
        KeyRefused: the secret has another size.
    """
    _check_key(secret)
    return Cipher(AES(secret), CTR(bytes(16))).encryptor().update(bytes(size))


def keystreams(secrets: Sequence[bytes], size: int) -> bytearray:
    """Expand several secrets: the first `size` bytes of the `keystream` of each, one after the other.

    Raises:
        KeyRefused: a secret has another size.
    """
    zeros, streams = bytes(size), bytearray(len(secrets) * size + _SPARE)
    view = memoryview(streams)
    for place, secret in enumerate(secrets):
        _check_key(secret)
        Cipher(AES(secret), CTR(bytes(16))).encryptor().update_into(zeros, view[place * size :])
    view.release()
    del streams[len(secrets) * size :]
    return streams


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise KeyRefused("une clé de hachage compte 32 octets.")
