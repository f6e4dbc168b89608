"""Rows of the signing keys of parties: at most two active ones each, and what became of the others.

A party is enrolled with the key of its identity. `succeed` adds a key that an active one has signed; where two were
active, the older one ends. `revoke` ends a key, or all keys of a party, at once: whatever is admitted reads
these rows in the transaction that spends its nonce, and a statement is judged by them in the transaction that keeps it. A key
never becomes active again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from service.errors import ServiceError
from service.successions import key_digest
from service.third_party.schema import party_keys

__all__ = [
    "ActiveKey",
    "active_keys",
    "add_first_key",
    "newest",
    "revoke",
    "revoke_named",
    "signing_keys",
    "still_active",
    "succeed",
    "successions",
]

_SLOTS = (0, 1)


@dataclass(frozen=True, kw_only=True)
class ActiveKey:
    """A key with which a party may sign."""

    name: str
    public: bytes  # Ed25519, 32 bytes


def add_first_key(connection: Connection, party: str, public: bytes, seconds: int) -> None:
    """Keep the key of an identity that is enrolled."""
    row = {"party": party, "key": key_digest(public), "public": public, "slot": 0, "number": 0, "added_at": seconds}
    connection.execute(insert(party_keys).values(row))


def active_keys(connection: Connection, party: str) -> tuple[ActiveKey, ...]:
    """The active keys of a party, the oldest first."""
    query = (
        select(party_keys.c.key, party_keys.c.public)
        .where(party_keys.c.party == party, party_keys.c.slot.is_not(None))
        .order_by(party_keys.c.number)
    )
    return tuple(ActiveKey(name=row.key, public=row.public) for row in connection.execute(query))


def signing_keys(connection: Connection, party: str) -> tuple[bytes, ...]:
    """The public keys under which a party may sign statements, the oldest first, as of this transaction."""
    return tuple(one.public for one in active_keys(connection, party))


def still_active(connection: Connection, names: Iterable[str]) -> frozenset[str]:
    """Of these keys, those that are active in this transaction."""
    query = select(party_keys.c.key).where(party_keys.c.key.in_(sorted(set(names))), party_keys.c.slot.is_not(None))
    return frozenset(connection.scalars(query))


def successions(connection: Connection, party: str) -> list[bytes]:
    """The signed successions of a party, the oldest first."""
    query = (
        select(party_keys.c.statement)
        .where(party_keys.c.party == party, party_keys.c.statement.is_not(None))
        .order_by(party_keys.c.number)
    )
    return [bytes(one) for one in connection.scalars(query)]


def succeed(connection: Connection, party: str, public: bytes, statement: bytes, now: datetime) -> bool:
    """Add a key to a party; the older of two active ones ends. The same statement again changes nothing.

    Returns:
        Whether anything changed.

    Raises:
        ServiceError: `E_CLE_SUCCESSION`, the key was known already, here or to another party.
    """
    name, seconds = key_digest(public), int(now.timestamp())
    known = connection.execute(
        select(party_keys.c.party, party_keys.c.statement, party_keys.c.slot).where(party_keys.c.key == name)
    ).first()
    if known is not None:
        if (known.party, known.statement) == (party, statement) and known.slot is not None:
            return False
        sentence = "cette clé a déjà servi ; tirez-en une nouvelle : allervers key rotate."
        raise ServiceError("E_CLE_SUCCESSION", sentence, 409)
    active = active_keys(connection, party)
    if len(active) == len(_SLOTS):
        _end(connection, party, active[0].name, seconds)
    taken = set(connection.scalars(select(party_keys.c.slot).where(party_keys.c.party == party)))
    slot = next(one for one in _SLOTS if one not in taken)
    number = 1 + int(connection.scalar(select(func.max(party_keys.c.number)).where(party_keys.c.party == party)) or 0)
    row = {"party": party, "key": name, "public": public, "slot": slot, "number": number, "added_at": seconds}
    connection.execute(insert(party_keys).values(**row, statement=statement))
    return True


def newest(connection: Connection, party: str) -> str | None:
    """The name of the key that a party took last, if it is active."""
    query = select(party_keys.c.key, party_keys.c.slot).where(party_keys.c.party == party)
    # The chain is one line: the newest is the one that nobody succeeds.
    row = connection.execute(query.order_by(party_keys.c.number.desc()).limit(1)).first()
    return None if row is None or row.slot is None else str(row.key)


def revoke(connection: Connection, party: str, key: str | None, now: datetime) -> tuple[str, ...]:
    """End a key of a party, or all of them.

    Args:
        connection: a write transaction.
        party: whose keys.
        key: name of the key, or enough of its beginning; None for all.
        now: the moment.

    Returns:
        The names of the keys that ended; empty when none was active.
    """
    names = [one.name for one in active_keys(connection, party) if key is None or one.name.startswith(key)]
    for name in names:
        _end(connection, party, name, int(now.timestamp()))
    return tuple(names)


def revoke_named(connection: Connection, key: str, now: datetime) -> list[tuple[str, str]]:
    """End the active keys of any party whose names begin so; (party, name) of those that ended."""
    query = select(party_keys.c.party, party_keys.c.key).where(
        party_keys.c.key.startswith(key, autoescape=True), party_keys.c.slot.is_not(None)
    )
    found = [(row.party, row.key) for row in connection.execute(query.order_by(party_keys.c.key)).all()]
    for party, name in found:
        _end(connection, party, name, int(now.timestamp()))
    return found


def _end(connection: Connection, party: str, name: str, seconds: int) -> None:
    row = (party_keys.c.party == party, party_keys.c.key == name)
    connection.execute(update(party_keys).where(*row).values(slot=None, ended_at=seconds))
