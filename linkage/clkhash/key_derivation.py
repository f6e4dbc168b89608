"""The keys of a linkage schema: one HKDF (RFC 5869) output cut into two keys a feature, ignored features included.

Feature i has the bytes [2i · size, (2i + 1) · size) as its first key and the next `size` as its second; only the double
hash uses the second. The salt and info of the schema are decoded from base64 as Python does it by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["MOST_BYTES", "KeyDerivation", "feature_keys"]

MOST_BYTES = {"SHA256": 255 * 32, "SHA512": 255 * 64}  # what one HKDF can give


@dataclass(frozen=True, kw_only=True)
class KeyDerivation:
    """The `kdf` of a schema."""

    hash: Literal["SHA256", "SHA512"] = "SHA256"
    salt: bytes = b""
    info: bytes = b""
    key_size: int = 64


def feature_keys(secret: bytes, kdf: KeyDerivation, features: int) -> list[tuple[bytes, bytes]]:
    """The two keys of each feature.

    Args:
        secret: what the parties share.
        kdf: how the schema derives.
        features: their number, ignored ones included.

    Raises:
        ValueError: more bytes than `MOST_BYTES`; a schema that was read never asks for them.
    """
    size = kdf.key_size
    algorithm = SHA512() if kdf.hash == "SHA512" else SHA256()
    stream = HKDF(algorithm=algorithm, length=2 * features * size, salt=kdf.salt, info=kdf.info).derive(secret)
    keys = [stream[start : start + size] for start in range(0, len(stream), size)]
    return list(zip(keys[::2], keys[1::2], strict=True))
