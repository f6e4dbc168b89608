"""Keys and small secrets under another key, where many are wrapped under one: fresh nonces, each bound to its use.

Wrapped: ``nonce (12 random bytes) ‖ AES-256-GCM ciphertext ‖ tag (16 bytes)``, associated data ``frame(label, context)``.
A key wraps at most some millions of things, so that random nonces do not meet.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.errors import SealBroken
from crypto.framing import Label, frame

__all__ = ["WRAPPING_BYTES", "unwrap", "wrap"]

WRAPPING_BYTES = 32
_NONCE_BYTES = 12


def wrap(key: bytes, label: Label, context: bytes, data: bytes) -> bytes:
    """Seal a small secret under a key.

    Args:
        key: 32 bytes.
        label: what the secret is for.
        context: where it belongs; needed again to open it.
        data: the secret.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, frame(label, context))


def unwrap(key: bytes, label: Label, context: bytes, wrapped: bytes) -> bytes:
    """Open what `wrap` sealed.

    Raises:
        SealBroken: altered, under another key, or for another use.
    """
    nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, sealed, frame(label, context))
    except (InvalidTag, ValueError):
        raise SealBroken("ce contenu n'a pas été scellé par cette clé pour cet usage.") from None
