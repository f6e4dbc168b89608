"""Sealing: to one receiver with HPKE, the chunks of an upload and what memory spills with AES-256-GCM.

Sealed object: ``b"AVS1" ‖ suite (1 byte) ‖ enc (1,120 bytes) ‖ ciphertext ‖ tag (16 bytes)``, HPKE base mode,
single shot. Suite 1 is the hybrid MLKEM768_X25519 with HKDF-SHA256 and AES-256-GCM; its key-encapsulation
mechanism follows a draft, so the suite byte stands for this exact construction and any change takes a new
number. HPKE alone says nothing of the sender: senders sign what they seal, and all context goes into `info`.

Keys: public ``ML-KEM-768 key (1,184) ‖ X25519 key (32)``; private ``ML-KEM-768 seed (64) ‖ X25519 key (32)``.

Chunk: AES-256-GCM ciphertext with its 16-byte tag; nonce ``number (11 bytes, big-endian) ‖ last (1 byte)``;
associated data ``frame(UPLOAD_CHUNK, context, number (8 bytes), last (1 byte))``. A key seals one upload
only: the same number must never be sealed twice under it. Exactly one chunk, the final one, is marked last,
so that a cut upload does not open.

Piece of what one process spills to its own disk and reads again: AES-256-GCM ciphertext with its tag; nonce ``number (12 bytes,
big-endian)``; associated data ``frame(SPILL)``. The key is the process's own, and no number is sealed twice under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from crypto.errors import FormatRefused, KeyRefused, SealBroken
from crypto.framing import Label, frame

if TYPE_CHECKING:
    from cryptography.utils import Buffer

__all__ = [
    "CHUNK_OVERHEAD",
    "PUBLIC_BYTES",
    "SEAL_OVERHEAD",
    "SealingKey",
    "check_sealing_key",
    "seal",
    "seal_chunk",
    "seal_piece",
    "unseal",
    "unseal_chunk",
    "unseal_piece",
]

MAGIC = b"AVS1"
SUITE_ID = 1
HEADER = MAGIC + bytes([SUITE_ID])

MLKEM_PUBLIC_BYTES = 1184
MLKEM_SEED_BYTES = 64
X25519_BYTES = 32
PUBLIC_BYTES = MLKEM_PUBLIC_BYTES + X25519_BYTES
PRIVATE_BYTES = MLKEM_SEED_BYTES + X25519_BYTES

TAG_BYTES = 16
ENC_BYTES = 1088 + X25519_BYTES  # ML-KEM-768 ciphertext, X25519 ephemeral key
SEAL_OVERHEAD = len(HEADER) + ENC_BYTES + TAG_BYTES
CHUNK_OVERHEAD = TAG_BYTES
CHUNK_KEY_BYTES = 32
MOST_CHUNKS = 2**32
MOST_PIECES = 2**64

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealingKey:
    """A private hybrid HPKE key; it shows nothing of itself and cannot be pickled."""

    __slots__ = ("_mlkem", "_x25519")

    def __init__(self, mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> None:
        self._mlkem = mlkem
        self._x25519 = x25519

    @classmethod
    def generate(cls) -> SealingKey:
        """Draw a fresh key from the system's generator."""
        return cls(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, data: bytes) -> SealingKey:
        """Read the 96-byte private key.

        Raises:
            KeyRefused: another size.
        """
        if len(data) != PRIVATE_BYTES:
            raise KeyRefused("la clé privée de scellement n'a pas la bonne taille.")
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(data[:MLKEM_SEED_BYTES]),
            X25519PrivateKey.from_private_bytes(data[MLKEM_SEED_BYTES:]),
        )

    def to_bytes(self) -> bytes:
        """Return the 96-byte private key, for a key file only."""
        return self._mlkem.private_bytes_raw() + self._x25519.private_bytes_raw()

    def public_bytes(self) -> bytes:
        """Return the 1,216-byte public key."""
        return self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    def _open(self, sealed: bytes, info: bytes) -> bytes:
        return _SUITE.decrypt(sealed, MLKEM768X25519PrivateKey(self._mlkem, self._x25519), info=info)

    def __repr__(self) -> str:
        """Name the class and nothing else."""
        return "SealingKey(…)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied, so that no key leaves by accident."""
        raise TypeError("a private key is not pickled")


def check_sealing_key(public: bytes) -> MLKEM768X25519PublicKey:
    """Load a 1,216-byte public key.

    Raises:
        KeyRefused: another size, or not a valid key.
    """
    if len(public) != PUBLIC_BYTES:
        raise KeyRefused("la clé publique de scellement n'a pas la bonne taille.")
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC_BYTES])
        x25519 = X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC_BYTES:])
        # A point of small order gives a secret that everybody knows; any exchange with it fails here.
        X25519PrivateKey.generate().exchange(x25519)
    except ValueError:
        raise KeyRefused("la clé publique de scellement n'est pas valable ; demandez-la de nouveau.") from None
    return MLKEM768X25519PublicKey(mlkem, x25519)


def seal(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    """Seal a plaintext to one receiver.

    Args:
        public: the receiver's 1,216-byte public key.
        plaintext: what only the receiver may read.
        info: everything the receiver must agree on, as a `frame` that starts with a label.

    Returns:
        The sealed object, `SEAL_OVERHEAD` bytes longer than the plaintext; different at each call.

    Raises:
        KeyRefused: the public key is not valid.
    """
    receiver = check_sealing_key(public)
    return HEADER + _SUITE.encrypt(plaintext, receiver, info=info)


def unseal(key: SealingKey, sealed: bytes, info: bytes) -> bytes:
    """Open what `seal` made for this key and this info.

    Raises:
        FormatRefused: not a sealed object of a suite known here, or a truncated one.
        SealBroken: altered, for another key, or for another info.
    """
    if sealed[: len(MAGIC)] != MAGIC or len(sealed) < SEAL_OVERHEAD:
        raise FormatRefused("ce contenu n'est pas un objet scellé, ou il est tronqué ; demandez-le de nouveau.")
    if sealed[len(MAGIC)] != SUITE_ID:
        raise FormatRefused("cet objet est scellé avec une suite inconnue ; mettez l'outil à jour.")
    try:
        return key._open(sealed[len(HEADER) :], info)  # noqa: SLF001 - the two halves of one construction
    except (InvalidTag, ValueError):
        raise SealBroken("l'objet scellé ne s'ouvre pas : il a été altéré ou n'est pas destiné à cet usage.") from None


def seal_chunk(key: bytes, context: bytes, number: int, last: bool, plaintext: bytes) -> bytes:  # noqa: FBT001 - part of the chunk's name
    """Seal one chunk of an upload.

    Args:
        key: 32 bytes, drawn for this upload alone.
        context: everything the receiver must agree on, the same for all chunks of the upload.
        number: place of the chunk, from 0.
        last: whether the upload ends here.
        plaintext: the chunk.

    Returns:
        The sealed chunk, `CHUNK_OVERHEAD` bytes longer than the plaintext.

    Raises:
        KeyRefused: the key has another size.
        FormatRefused: the number is not one of a chunk.
    """
    nonce, associated = _chunk_name(context, number, last=last)
    return _chunk_cipher(key).encrypt(nonce, plaintext, associated)


def unseal_chunk(key: bytes, context: bytes, number: int, last: bool, sealed: bytes) -> bytes:  # noqa: FBT001 - part of the chunk's name
    """Open one chunk of an upload, at the place and with the end mark it was sealed for.

    Raises:
        KeyRefused: the key has another size.
        FormatRefused: the number is not one of a chunk, or the chunk is shorter than its tag.
        SealBroken: altered, moved, cut, or of another upload.
    """
    nonce, associated = _chunk_name(context, number, last=last)
    cipher = _chunk_cipher(key)
    if len(sealed) < CHUNK_OVERHEAD:
        raise FormatRefused("le morceau est tronqué ; envoyez-le de nouveau.")
    try:
        return cipher.decrypt(nonce, sealed, associated)
    except InvalidTag:
        raise SealBroken("le morceau ne s'ouvre pas : il a été altéré, déplacé ou vient d'un autre envoi.") from None


def seal_piece(key: bytes, number: int, plaintext: Buffer, sealed: bytearray | memoryview) -> None:
    """Seal one piece of what a process spills.

    Args:
        key: 32 bytes, drawn for this spill alone.
        number: of the piece, from 0, never used before under this key.
        plaintext: the piece, less than 2 GiB.
        sealed: where it goes, `CHUNK_OVERHEAD` bytes longer than the plaintext.

    Raises:
        KeyRefused: the key has another size.
        FormatRefused: the number is not one of a piece.
    """
    _chunk_cipher(key).encrypt_into(_piece_nonce(number), plaintext, frame(Label.SPILL), sealed)


def unseal_piece(key: bytes, number: int, sealed: Buffer, plaintext: bytearray | memoryview) -> None:
    """Open what `seal_piece` made under this number.

    Args:
        key: of the spill.
        number: of the piece.
        sealed: the sealed piece.
        plaintext: where it goes, `CHUNK_OVERHEAD` bytes shorter.

    Raises:
        KeyRefused: the key has another size.
        FormatRefused: the number is not one of a piece.
        SealBroken: altered, or another piece.
    """
    try:
        _chunk_cipher(key).decrypt_into(_piece_nonce(number), sealed, frame(Label.SPILL), plaintext)
    except InvalidTag:
        raise SealBroken("un fichier temporaire a été altéré pendant le traitement ; recommencez.") from None


def _piece_nonce(number: int) -> bytes:
    if not 0 <= number < MOST_PIECES:
        raise FormatRefused("le numéro du fragment est hors limites.")
    return number.to_bytes(12, "big")


def _chunk_cipher(key: bytes) -> AESGCM:
    if len(key) != CHUNK_KEY_BYTES:
        raise KeyRefused("la clé d'envoi n'a pas la bonne taille.")
    return AESGCM(key)


def _chunk_name(context: bytes, number: int, *, last: bool) -> tuple[bytes, bytes]:
    if not 0 <= number < MOST_CHUNKS:
        raise FormatRefused("le numéro du morceau est hors limites.")
    mark = bytes([last])
    # The end mark is in the nonce too: sealing a number once as last and once not would else repeat a nonce.
    nonce = number.to_bytes(11, "big") + mark
    return nonce, frame(Label.UPLOAD_CHUNK, context, number.to_bytes(8, "big"), mark)
