"""How bytes are put together before they are hashed, signed, sealed or stored.

Labels. Every use of a key, hash or signature starts with its own label from the one list below; no label is
the beginning of another, so that nothing made for one use can be presented for another.

Frames. ``frame(a, b, …)`` is ``len(a) ‖ a ‖ len(b) ‖ b ‖ …`` with lengths as 8-byte big-endian integers: two
different lists of parts never give the same bytes.

Canonical JSON. UTF-8; objects with sorted string keys (code point order) and no duplicate; no space; no
escape but those JSON demands; integers within ±2^53 only, no floating-point number; at most 32 levels. One
value has exactly one encoding, and the reader refuses every other one.

Base64. Standard alphabet with padding; one value has exactly one encoding here too.
"""

from __future__ import annotations

import base64
import binascii
import json
from enum import StrEnum
from typing import NoReturn, TypeAlias

from crypto.errors import FormatRefused

__all__ = [
    "LARGEST_INTEGER",
    "Json",
    "Label",
    "canonical_json",
    "frame",
    "from_base64",
    "parse_canonical_json",
    "to_base64",
]

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

LARGEST_INTEGER = 2**53  # beyond it, readers that keep numbers as doubles would see another value
DEEPEST = 32


class Label(StrEnum):
    """Domain separation: one label for each use of a key, hash or signature."""

    RUN_KEY = "allervers/v1/run-key"
    SHARE = "allervers/v1/share-seal"
    SHARE_SIGNATURE = "allervers/v1/share-signature"
    CONFIRMATION = "allervers/v1/confirmation-tag"
    CONFIRMATION_SIGNATURE = "allervers/v1/confirmation-signature"
    PASS = "allervers/v1/pass-key"  # noqa: S105 - a way of dividing the records, not a password
    TOKENS = "allervers/v1/tokens"
    DIFFUSION = "allervers/v1/diffusion"
    COMPLEMENT = "allervers/v1/complement"
    BLOCK_TAG = "allervers/v1/block-tag"
    EXACT = "allervers/v1/exact"
    CONTROLS = "allervers/v1/controls"
    PAYLOAD = "allervers/v1/payload"
    PAYLOAD_COVER = "allervers/v1/cover-of-payload"
    AGREEMENT = "allervers/v1/agreement"
    APPROVAL = "allervers/v1/approval"
    CANCELLATION = "allervers/v1/cancellation"
    ACKNOWLEDGEMENT = "allervers/v1/acknowledgement"
    WORKER_KEY = "allervers/v1/worker-key"
    UPLOAD_KEY = "allervers/v1/upload-key"
    UPLOAD_CHUNK = "allervers/v1/upload-chunk"
    UPLOAD_APPENDIX = "allervers/v1/upload-appendix"
    MANIFEST = "allervers/v1/manifest"
    DELIVERY = "allervers/v1/delivery-signature"
    DELIVERY_SEAL = "allervers/v1/delivery-seal"
    RELAY = "allervers/v1/relay-signature"
    RELAY_SEAL = "allervers/v1/relay-seal"
    RECEIPT = "allervers/v1/receipt"
    HOLD = "allervers/v1/hold"
    RELEASE = "allervers/v1/release"
    FINDING = "allervers/v1/finding"
    CHECKPOINT = "allervers/v1/checkpoint"
    IDENTITY = "allervers/v1/identity"
    SUCCESSION = "allervers/v1/succession"
    LOCAL_ROWS = "allervers/v1/local-rows"
    LOCAL_JOURNAL = "allervers/v1/journal"
    DELETION = "allervers/v1/deletion-receipt"
    SPILL = "allervers/v1/spill"
    PIECE = "allervers/v1/piece-of-a-pass"
    KEY_WRAP = "allervers/v1/key-wrap"
    STORED = "allervers/v1/stored"


def frame(*parts: bytes | str) -> bytes:
    """Join parts so that the list of parts can be read back in one way only.

    Args:
        *parts: byte strings; text stands for its UTF-8 bytes, so a position must always hold the same kind.

    Returns:
        Each part after its length (8 bytes, big-endian).
    """
    framed = bytearray()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        framed += len(content).to_bytes(8, "big")
        framed += content
    return bytes(framed)


def canonical_json(value: object) -> bytes:
    """Encode a value as canonical JSON.

    Args:
        value: nested dict (string keys), list or tuple, str, int within ±2^53, bool, None.

    Raises:
        FormatRefused: another type is in it, an integer is too large, or it is nested too deep.
    """
    _check_value(value, depth=0)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        return text.encode()
    except UnicodeEncodeError:
        raise FormatRefused("un texte contient un caractère qui ne peut pas être écrit en UTF-8.") from None


def parse_canonical_json(data: bytes, limit: int) -> Json:
    """Read canonical JSON, and nothing else.

    Args:
        data: the bytes received.
        limit: largest number of bytes accepted; checked before anything is read.

    Raises:
        FormatRefused: too long, not JSON, or not in its one canonical form.
    """
    if len(data) > limit:
        raise FormatRefused(f"le document dépasse la taille permise ({limit} octets) ; envoyez-en un plus court.")
    try:
        value: Json = json.loads(
            data.decode(),
            object_pairs_hook=_object_without_duplicates,
            parse_int=_parse_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError):  # a UnicodeDecodeError and a JSONDecodeError are ValueErrors
        raise FormatRefused("le document n'est pas du JSON lisible ; demandez-le de nouveau à l'émetteur.") from None
    if canonical_json(value) != data:
        raise FormatRefused("le document n'est pas du JSON canonique ; utilisez la forme produite par l'outil.")
    return value


def to_base64(data: bytes | bytearray) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: object, size: int | None = None) -> bytes:
    """Read standard base64, in its one form.

    Args:
        text: what a document holds; anything but a string is refused.
        size: number of bytes expected, when it is known.

    Raises:
        FormatRefused: not base64, not the canonical encoding of its bytes, or another size.
    """
    if not isinstance(text, str):
        raise FormatRefused("une valeur en base64 est attendue.")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise FormatRefused("une valeur n'est pas en base64 ; recopiez-la sans rien y changer.") from None
    # The unused low bits of the last digit could otherwise carry another spelling of the same bytes.
    if to_base64(data) != text:
        raise FormatRefused("une valeur en base64 n'est pas sous sa forme canonique.")
    if size is not None and len(data) != size:
        raise FormatRefused(f"une valeur en base64 n'a pas la taille attendue ({size} octets).")
    return data


def _check_value(value: object, depth: int) -> None:
    if depth > DEEPEST:
        raise FormatRefused(f"le document a plus de {DEEPEST} niveaux d'imbrication.")
    if value is None or isinstance(value, (bool, str)):
        return
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise FormatRefused("un nombre entier du document dépasse 2^53.")
    elif isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                raise FormatRefused("une clé du document n'est pas un texte.")
            _check_value(member, depth + 1)
    elif isinstance(value, (list, tuple)):
        for member in value:
            _check_value(member, depth + 1)
    else:
        raise FormatRefused(f"le type {type(value).__name__} n'a pas d'écriture canonique ; utilisez entier ou texte.")


def _object_without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _parse_integer(digits: str) -> int:
    # Checked before int(), whose time grows with the square of the length.
    if len(digits) > len(str(-LARGEST_INTEGER)):
        raise ValueError
    return int(digits)


def _refuse_number(_: str) -> NoReturn:
    raise ValueError
