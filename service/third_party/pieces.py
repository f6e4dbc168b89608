"""What the matching of a run has found so far, kept sealed so that a killed worker's successor goes on from there.

Three kinds of parts are kept for a pass of a comparison: what was found of each party's upload when it was judged (part: the
party), the links of the pass, piece by piece (``=links``), and how many canaries were met (``=canaries``). A part is written
once, by whoever holds the lease of the job, in a transaction that checks the lease; a part that is there is never replaced. Links
go when the delivery of their pass is stored, the rest when the run is delivered, all of it with the run's key.

::

    sealed      salt (32 bytes) ‖ AES-256-GCM of the plaintext, with its 16-byte tag
    key         HKDF(private key of the run, PIECE ‖ run ‖ salt): destroying the run's key makes all of this unreadable
    bound to    run, comparison, pass, part, number
    judgement   canonical JSON, padded with spaces to 512 bytes
    links       ``b"AVP1" ‖ u32 bytes of the head ‖ head (canonical JSON) ‖ links ‖ zeros``, padded to a power of two, at least
                4 KiB; a link is left row, right row (u64), score (f64), left id (16 bytes), little-endian
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from crypto.errors import FormatRefused
from crypto.framing import Json, Label, canonical_json, frame, parse_canonical_json
from crypto.keys import derive
from crypto.sealing import SealingKey, seal_chunk, unseal_chunk
from linkage.wire import ID_BYTES
from service.third_party.schema import pieces

__all__ = [
    "BAIT",
    "LINK",
    "LINKS",
    "LinksPiece",
    "PieceName",
    "count_pieces",
    "drop_links",
    "drop_pieces",
    "keep_piece",
    "load_piece",
    "open_judgement",
    "open_links",
    "seal_judgement",
    "seal_links",
]

LINKS = "=links"  # no party can be called that, nor the next one
BAIT = "=canaries"
LINK = np.dtype([("left", "<u8"), ("right", "<u8"), ("score", "<f8"), ("id", "u1", (ID_BYTES,))])

_SALT_BYTES = 32
_MAGIC = b"AVP1"
_JUDGEMENT_BYTES = 512
_SMALLEST = 4096  # bytes; sizes tell the magnitude of a result, as those of deliveries do
_LARGEST_HEAD = 1 << 16


@dataclass(frozen=True, kw_only=True)
class PieceName:
    """What names a part of the results of a run, and what it is bound to."""

    run: str
    comparison: str
    pass_: str
    part: str
    number: int = 0

    @property
    def context(self) -> bytes:
        """What the sealed bytes are bound to."""
        return frame(self.run, self.comparison, self.pass_, self.part, self.number.to_bytes(8, "big"))


@dataclass(frozen=True, kw_only=True)
class LinksPiece:
    """The links of a range of tags of a pass.

    Attributes:
        head: counts, by name: integers only.
        links: (h,) `LINK`.
    """

    head: dict[str, int]
    links: NDArray[Any]


def seal_judgement(key: SealingKey, name: PieceName, found: dict[str, Json]) -> bytes:
    """What was found of an upload, sealed for the run."""
    return _seal(key, name, canonical_json(found).ljust(_JUDGEMENT_BYTES))


def open_judgement(key: SealingKey, name: PieceName, sealed: bytes) -> dict[str, Json]:
    """What `seal_judgement` has sealed.

    Raises:
        CryptoError: altered, of another run or another name.
    """
    value = parse_canonical_json(_open(key, name, sealed).rstrip(b" "), _LARGEST_HEAD)
    return cast("dict[str, Json]", value)


def seal_links(key: SealingKey, name: PieceName, piece: LinksPiece) -> bytes:
    """The links of a piece, sealed for the run."""
    head = canonical_json(piece.head)
    body = b"".join((_MAGIC, len(head).to_bytes(4, "big"), head, piece.links.astype(LINK).tobytes()))
    size = _SMALLEST
    while size < len(body):
        size *= 2
    return _seal(key, name, body.ljust(size, b"\0"))


def open_links(key: SealingKey, name: PieceName, sealed: bytes) -> LinksPiece:
    """What `seal_links` has sealed; its head says how many links there are (`links`).

    Raises:
        CryptoError: altered, of another run or another name.
    """
    body = _open(key, name, sealed)
    stop = len(_MAGIC) + 4 + int.from_bytes(body[len(_MAGIC) : len(_MAGIC) + 4], "big")
    if body[: len(_MAGIC)] != _MAGIC:
        raise FormatRefused("un résultat intermédiaire n'a pas la forme attendue.")
    head = cast("dict[str, int]", parse_canonical_json(body[len(_MAGIC) + 4 : stop], _LARGEST_HEAD))
    return LinksPiece(head=head, links=np.frombuffer(body, dtype=LINK, count=head["links"], offset=stop))


def keep_piece(connection: Connection, name: PieceName, sealed: bytes) -> bool:
    """Store a part, once; False when it is already there, and then it stays as it is.

    The caller has checked, in this transaction, that it holds the lease of the job.
    """
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    place = {"run": name.run, "comparison": name.comparison, "pass": name.pass_, "part": name.part}
    row = {**place, "number": name.number, "sealed": sealed}
    statement = dialect.insert(pieces).values(row).on_conflict_do_nothing().returning(pieces.c.number)
    return connection.scalar(statement) is not None


def load_piece(connection: Connection, name: PieceName) -> bytes | None:
    """A stored part, sealed."""
    return connection.scalar(select(pieces.c.sealed).where(*_named(name), pieces.c.number == name.number))


def count_pieces(connection: Connection, name: PieceName) -> int:
    """How many numbers of a part are stored without a gap, from the first one on."""
    numbers = connection.scalars(select(pieces.c.number).where(*_named(name)).order_by(pieces.c.number))
    return next((place for place, number in enumerate([*numbers, -1]) if place != number))


def drop_links(connection: Connection, run: str, comparison: str, pass_name: str) -> None:
    """Forget the links of a pass, which its delivery now holds."""
    one = pieces.c
    where = (one.run == run, one.comparison == comparison, one["pass"] == pass_name, one.part == LINKS)
    connection.execute(delete(pieces).where(*where))


def drop_pieces(connection: Connection, run: str) -> None:
    """Forget all that was found in a run."""
    connection.execute(delete(pieces).where(pieces.c.run == run))


def _named(name: PieceName) -> tuple[Any, ...]:
    one = pieces.c
    return one.run == name.run, one.comparison == name.comparison, one["pass"] == name.pass_, one.part == name.part


def _seal(key: SealingKey, name: PieceName, plaintext: bytes) -> bytes:
    # The salt makes the key one of this very call, so that the fixed nonce of a chunk numbered 0 is used once under it.
    salt = secrets.token_bytes(_SALT_BYTES)
    return salt + seal_chunk(_piece_key(key, name, salt), name.context, 0, True, plaintext)


def _open(key: SealingKey, name: PieceName, sealed: bytes) -> bytes:
    return unseal_chunk(_piece_key(key, name, sealed[:_SALT_BYTES]), name.context, 0, True, sealed[_SALT_BYTES:])


def _piece_key(key: SealingKey, name: PieceName, salt: bytes) -> bytes:
    return derive(key.to_bytes(), Label.PIECE, name.run, salt)
