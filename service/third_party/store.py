"""Named functions on the database: each does one thing in the transaction of its caller.

`Database` opens SQLite in the only mode that suits deletions: rollback journal (the write-ahead log keeps
deleted pages and loses commits in the versions still around), full synchronisation, deleted content
overwritten. A write transaction takes the lock at its start (BEGIN IMMEDIATE), so whatever it reads stays
true until it commits. Statements are plain SQL that PostgreSQL runs unchanged; only `Database` knows SQLite.
Values never enter messages or logs.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from crypto.framing import canonical_json, parse_canonical_json
from crypto.keys import PublicIdentity
from service.agreement import Agreement
from service.errors import absent
from service.third_party.schema import (
    agreement_members,
    agreements,
    log_head,
    metadata,
    nonces,
    parties,
)

__all__ = [
    "Database",
    "activate",
    "add_agreement",
    "add_party",
    "agreement_of",
    "agreements_of",
    "find_party",
    "forget_nonces",
    "from_seconds",
    "is_active",
    "is_known",
    "sign_agreement",
    "signatures_of",
    "spend_nonce",
    "stored",
    "to_seconds",
    "unstored",
]

LARGEST_STATEMENT = 1 << 30  # bytes of a stored statement; what entered was already limited
_PRAGMAS = (
    "journal_mode=DELETE",
    "synchronous=EXTRA",
    "secure_delete=ON",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "trusted_schema=OFF",
    "busy_timeout=30000",
)


class Database:
    """One database file, shared by the threads of this process and by the worker's process."""

    def __init__(self, path: Path) -> None:
        url = URL.create("sqlite", database=str(path))
        # No parameter in any error message: they are identifiers and statements of parties.
        self._engine: Engine = create_engine(url, hide_parameters=True, pool_size=20, max_overflow=40)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        # Threads queue here, in order; the file's own lock, which is polled, is left to the other process.
        self._writers = threading.Lock()
        with self.write() as connection:
            metadata.create_all(connection)
            if connection.scalar(select(func.count()).select_from(log_head)) == 0:
                connection.execute(insert(log_head).values(one=1, size=0))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that holds the write lock; committed at the end, rolled back by any exception."""
        with self._writers, self._engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _prepare(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None  # transactions are begun here, not by the driver
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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


def find_party(connection: Connection, party: str) -> PublicIdentity | None:
    """The enrolled identity of a party."""
    data = connection.scalar(select(parties.c.identity).where(parties.c.party == party))
    return None if data is None else PublicIdentity.from_bytes(data)


def spend_nonce(connection: Connection, party: str, nonce: str, forget_at: datetime) -> bool:
    """Record a nonce; False when the party has already used it."""
    row = {"party": party, "nonce": nonce, "forget_at": to_seconds(forget_at)}
    try:
        with connection.begin_nested():
            connection.execute(insert(nonces).values(row))
    except IntegrityError:
        return False
    return True


def forget_nonces(connection: Connection, now: datetime) -> None:
    """Drop the nonces of requests that no clock would accept any more."""
    connection.execute(delete(nonces).where(nonces.c.forget_at < to_seconds(now)))


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
    return _read_agreement(data)


@lru_cache(maxsize=64)
def _read_agreement(data: bytes) -> Agreement:
    # An agreement is public among its parties, immutable, and read at each request.
    return Agreement.from_json(parse_canonical_json(data, LARGEST_STATEMENT))


def agreements_of(connection: Connection, party: str) -> list[Agreement]:
    """The agreements that name a party, oldest first."""
    query = (
        select(agreements.c.document)
        .join(agreement_members)
        .where(agreement_members.c.party == party)
        .order_by(agreements.c.proposed_at, agreements.c.agreement)
    )
    return [_read_agreement(data) for data in connection.scalars(query)]


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
