"""Named functions on the database: each does one thing in the transaction of its caller.

Statements are plain SQL that SQLite and PostgreSQL run unchanged; what differs is in `database`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, exists, insert, select, update

from crypto.framing import canonical_json, parse_canonical_json
from crypto.keys import PublicIdentity
from service.agreement import Agreement
from service.errors import absent
from service.third_party.party_keys import add_first_key
from service.third_party.schema import agreement_members, agreements, parties

__all__ = [
    "activate",
    "add_agreement",
    "add_party",
    "agreement_of",
    "agreements_of",
    "find_party",
    "from_seconds",
    "is_active",
    "is_known",
    "read_agreement",
    "sign_agreement",
    "signatures_of",
    "stored",
    "to_seconds",
    "unstored",
]

LARGEST_STATEMENT = 1 << 30  # bytes of a stored statement; what entered was already limited


def to_seconds(moment: datetime) -> int:
    """A moment as the tables hold it."""
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    """A moment from a table."""
    return datetime.fromtimestamp(seconds, UTC)


def stored(signed: Mapping[str, Any]) -> bytes:
    """A signed statement as the tables hold it."""
    return canonical_json(dict(signed))


def unstored(data: bytes) -> dict[str, Any]:
    """A signed statement from a table."""
    value = parse_canonical_json(data, LARGEST_STATEMENT)
    return value if isinstance(value, dict) else {}


# Parties


def add_party(connection: Connection, identity: PublicIdentity, now: datetime) -> None:
    """Enrol a party."""
    row = {"party": identity.party, "identity": identity.to_bytes(), "enrolled_at": to_seconds(now)}
    connection.execute(insert(parties).values(row))
    add_first_key(connection, identity.party, identity.signing_key, to_seconds(now))


def find_party(connection: Connection, party: str) -> PublicIdentity | None:
    """The enrolled identity of a party."""
    data = connection.scalar(select(parties.c.identity).where(parties.c.party == party))
    return None if data is None else PublicIdentity.from_bytes(data)


# Agreements


def add_agreement(connection: Connection, agreement: Agreement, now: datetime) -> None:
    """Store a proposed agreement and its parties."""
    row = {"agreement": agreement.identifier, "document": agreement.to_bytes(), "proposed_at": to_seconds(now)}
    connection.execute(insert(agreements).values(row))
    members = [{"agreement": agreement.identifier, "party": party} for party in sorted(agreement.members)]
    connection.execute(insert(agreement_members), members)


def agreement_of(connection: Connection, identifier: str) -> Agreement:
    """An agreement.

    Raises:
        ServiceError: `E_INTROUVABLE`.
    """
    data = connection.scalar(select(agreements.c.document).where(agreements.c.agreement == identifier))
    if data is None:
        raise absent()
    return read_agreement(data)


@lru_cache(maxsize=256)
def read_agreement(data: bytes) -> Agreement:
    """An agreement from a table."""
    # It is public among its parties, immutable, and read at each request.
    return Agreement.from_json(parse_canonical_json(data, LARGEST_STATEMENT))


def agreements_of(connection: Connection, party: str) -> list[Agreement]:
    """The agreements that name a party, oldest first."""
    query = (
        select(agreements.c.document)
        .join(agreement_members)
        .where(agreement_members.c.party == party)
        .order_by(agreements.c.proposed_at, agreements.c.agreement)
    )
    return [read_agreement(data) for data in connection.scalars(query)]


def sign_agreement(connection: Connection, identifier: str, party: str, signature: bytes) -> None:
    """Store a party's signature."""
    row = (agreement_members.c.agreement == identifier, agreement_members.c.party == party)
    connection.execute(update(agreement_members).where(*row).values(signature=signature))


def signatures_of(connection: Connection, identifier: str) -> dict[str, bytes]:
    """Party → signature, of those who have signed."""
    query = select(agreement_members.c.party, agreement_members.c.signature).where(
        agreement_members.c.agreement == identifier, agreement_members.c.signature.is_not(None)
    )
    rows = connection.execute(query.order_by(agreement_members.c.party))
    return {row.party: row.signature for row in rows}


def activate(connection: Connection, identifier: str, now: datetime) -> None:
    """Record that every party has signed."""
    row = agreements.c.agreement == identifier
    connection.execute(update(agreements).where(row).values(active_at=to_seconds(now)))


def is_known(connection: Connection, identifier: str) -> bool:
    """Whether this agreement was proposed."""
    return bool(connection.scalar(select(exists().where(agreements.c.agreement == identifier))))


def is_active(connection: Connection, identifier: str) -> bool:
    """Whether every party has signed."""
    query = select(agreements.c.active_at).where(agreements.c.agreement == identifier)
    return connection.scalar(query) is not None
