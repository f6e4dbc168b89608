"""Checkpoints signed by who has seen them: cosignatures of C2SP (tlog-cosignature v1).

A witness adds one line to a signed note::

    — name base64(key hash ‖ moment (8 bytes, big-endian, seconds since 1970) ‖ signature) ⏎

key hash = first 4 bytes of ``SHA-256(name ‖ 0A ‖ 04 ‖ public key)``; Ed25519 over ``cosignature/v1 ⏎ time SECONDS ⏎`` and the
text of the checkpoint up to and with the newline that ends the root's line. The text begins as no framed message does, so the
key that signs a party's statements signs this too and neither can pass for the other.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature

from crypto.audit import KEY_HASH_BYTES, Checkpoint, check_key_name, note_signatures, open_checkpoint
from crypto.errors import SignatureRefused
from crypto.framing import to_base64
from crypto.signatures import SIGNATURE_BYTES, SigningKey, check_verify_key

__all__ = ["add_cosignature", "open_cosigned"]

_MOMENT_BYTES = 8


def add_cosignature(note: str, key: SigningKey, name: str, moment: int) -> str:
    """The note with one more line: its checkpoint was seen, and its consistency checked, at this moment.

    Args:
        note: a signed checkpoint.
        key: of the witness.
        name: of the witness, visible ASCII without space or "+".
        moment: seconds since 1970, UTC.

    Raises:
        FormatRefused: the name is not one of a note key.
    """
    signature = key.sign_raw(_message(note, moment))
    line = _key_hash(name, key.verify_bytes()) + moment.to_bytes(_MOMENT_BYTES, "big") + signature
    return f"{note}— {name} {to_base64(line)}\n"


def open_cosigned(note: str, log: tuple[bytes, str], witness: tuple[bytes, str]) -> tuple[Checkpoint, int]:
    """Read a note that the log and a witness have signed.

    Args:
        note: as received.
        log: public key and name of the log's key.
        witness: those of the witness.

    Returns:
        The checkpoint, and the moment at which the witness saw it (seconds since 1970).

    Raises:
        FormatRefused: not a signed checkpoint.
        KeyRefused: not an Ed25519 key.
        SignatureRefused: not signed by both.
    """
    checkpoint = open_checkpoint(note, *log)
    public, name = witness
    verifier, expected = check_verify_key(public), _key_hash(name, public)
    found = [
        data[KEY_HASH_BYTES:]
        for signer, data in note_signatures(note)
        if signer == name and data[:KEY_HASH_BYTES] == expected
    ]
    if len(found) != 1 or len(found[0]) != _MOMENT_BYTES + SIGNATURE_BYTES:
        raise SignatureRefused("le point de contrôle du journal n'est pas signé par le témoin attendu.")
    moment = int.from_bytes(found[0][:_MOMENT_BYTES], "big")
    try:
        verifier.verify(found[0][_MOMENT_BYTES:], _message(note, moment))
    except InvalidSignature:
        raise SignatureRefused("la signature du témoin sur le point de contrôle n'est pas valable.") from None
    return checkpoint, moment


def _message(note: str, moment: int) -> bytes:
    body = note.partition("\n\n")[0]
    return f"cosignature/v1\ntime {moment}\n{body}\n".encode()


def _key_hash(name: str, public: bytes) -> bytes:
    check_key_name(name)
    return hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:KEY_HASH_BYTES]
