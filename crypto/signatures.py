"""Ed25519 signatures, always under a label.

What is signed is ``frame(label, message)``: a signature made for one use never holds for another. Statements
travel as ``{"statement": {…}, "signature": base64}``, signed over the canonical JSON of the statement, whose
member ``format`` names its kind and version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from crypto.errors import FormatRefused, KeyRefused, SignatureRefused
from crypto.framing import Label, canonical_json, frame, from_base64, to_base64

__all__ = [
    "SIGNATURE_BYTES",
    "VERIFY_BYTES",
    "SigningKey",
    "check_verify_key",
    "open_statement",
    "sign",
    "sign_statement",
    "verify",
]

VERIFY_BYTES = 32
SIGNATURE_BYTES = 64


class SigningKey:
    """A private Ed25519 key; it shows nothing of itself and cannot be pickled."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> SigningKey:
        """Draw a fresh key from the system's generator."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> SigningKey:
        """Read the 32-byte private key.

        Raises:
            KeyRefused: another size.
        """
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(data))
        except ValueError:
            raise KeyRefused("la clé privée de signature n'a pas la bonne taille.") from None

    def to_bytes(self) -> bytes:
        """Return the 32-byte private key, for a key file only."""
        return self._key.private_bytes_raw()

    def verify_bytes(self) -> bytes:
        """Return the 32-byte public key."""
        return self._key.public_key().public_bytes_raw()

    def sign_raw(self, message: bytes) -> bytes:
        """Sign bytes whose own format separates their use (a signed note, an HTTP signature base)."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        """Name the class and nothing else."""
        return "SigningKey(…)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied, so that no key leaves by accident."""
        raise TypeError("a private key is not pickled")


def sign(key: SigningKey, label: Label, message: bytes) -> bytes:
    """Sign a message for one use: 64 bytes over ``frame(label, message)``."""
    return key.sign_raw(frame(label, message))


def verify(public: bytes | tuple[bytes, ...], label: Label, message: bytes, signature: bytes) -> None:
    """Check a signature made by `sign`.

    Args:
        public: the signer's 32-byte public key, or all those with which it may sign.
        label: the use it must have been signed for.
        message: what was signed.
        signature: 64 bytes.

    Raises:
        KeyRefused: `public` is not an Ed25519 key.
        SignatureRefused: another key, label or message, or an altered signature.
    """
    for one in (public,) if isinstance(public, bytes) else public:
        try:
            check_verify_key(one).verify(signature, frame(label, message))
        except InvalidSignature:
            continue
        return
    raise SignatureRefused("la signature n'est pas celle de la clé attendue sur ce contenu.")


def check_verify_key(public: bytes) -> Ed25519PublicKey:
    """Load a 32-byte public key.

    Raises:
        KeyRefused: another size.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise KeyRefused("la clé publique de signature n'a pas la bonne taille.") from None


def sign_statement(key: SigningKey, label: Label, statement: Mapping[str, object]) -> dict[str, Any]:
    """Sign a statement and return ``{"statement": …, "signature": base64}``.

    Raises:
        FormatRefused: the statement has no canonical JSON.
    """
    content = dict(statement)
    return {"statement": content, "signature": to_base64(sign(key, label, canonical_json(content)))}


def open_statement(
    public: bytes | tuple[bytes, ...],
    label: Label,
    signed: object,
    format: str,  # noqa: A002 - the member's name
) -> dict[str, Any]:
    """Check a signed statement and return it: authentic, its values still to be judged.

    Args:
        public: the signer's 32-byte public key, or all those with which it may sign.
        label: the use it must have been signed for.
        signed: what was received, already read from JSON.
        format: the value that the statement's ``format`` must have.

    Raises:
        FormatRefused: not a signed statement, or one of another format.
        KeyRefused: `public` is not an Ed25519 key.
        SignatureRefused: not signed by this key under this label.
    """
    if not isinstance(signed, dict) or signed.keys() != {"statement", "signature"}:
        raise FormatRefused("une déclaration signée a deux membres : « statement » et « signature ».")
    statement = signed["statement"]
    if not isinstance(statement, dict):
        raise FormatRefused("le membre « statement » d'une déclaration signée est un objet JSON.")
    verify(public, label, canonical_json(statement), from_base64(signed["signature"], SIGNATURE_BYTES))
    if statement.get("format") != format:
        raise FormatRefused(f"la déclaration signée n'est pas au format attendu ({format}).")
    return statement
