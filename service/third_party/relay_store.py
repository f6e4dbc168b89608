"""The rows of relays: pieces that a recipient and its joiner seal to each other. Same rules as `parcels`.

What a piece holds is kept sealed under the key of what waits for its addressee, and emptied with it by `purge`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, insert, select

from service.agreement import Agreement
from service.messages import Relay, statement_digest
from service.third_party.parcels import acknowledged_by
from service.third_party.schema import relays
from service.third_party.site import Site
from service.third_party.store import unstored

__all__ = [
    "add_piece",
    "addressees",
    "announced",
    "digests_of",
    "is_complete",
    "load_piece",
    "owes_hits",
    "pieces_about",
    "relay_digest",
    "relays_to",
    "route_of",
]

Route = tuple[str, str, str]  # kind, sender, recipient


def route_of(relay: Relay) -> Route:
    """Which relay a piece belongs to."""
    return relay.kind, relay.from_, relay.to


def add_piece(site: Site, connection: Connection, relay: Relay, data: bytes) -> None:
    """Keep a piece, sealed for as long as it waits."""
    kind, sender, recipient = route_of(relay)
    row = {"run": relay.run, "kind": kind, "sender": sender, "recipient": recipient, "number": relay.number}
    sealed = site.vault.seal_parcel(relay.run, recipient, data)
    digest = statement_digest(unstored(data))
    connection.execute(insert(relays).values(**row, pieces=relay.pieces, digest=digest, statement=sealed))


def load_piece(site: Site, connection: Connection, run: str, route: Route, number: int) -> bytes | None:
    """A stored piece."""
    query = select(relays.c.statement).where(*_where(run, route), relays.c.number == number)
    held = connection.scalar(query)
    return None if held is None else site.vault.open_parcel(run, route[2], held)


def announced(connection: Connection, run: str, route: Route) -> set[int]:
    """How many pieces the pieces held say there are: one number, or none."""
    return set(connection.scalars(select(relays.c.pieces).where(*_where(run, route)).distinct()))


def is_complete(connection: Connection, run: str, route: Route) -> bool:
    """Whether every piece of a relay is held."""
    pieces = list(connection.scalars(select(relays.c.pieces).where(*_where(run, route))))
    return bool(pieces) and len(pieces) == pieces[0]


def pieces_about(connection: Connection, run: str, party: str) -> dict[tuple[Route, int], list[int]]:
    """(relay, its number of pieces) → the pieces held, of the relays that a party sends or receives."""
    one = relays.c
    about = (one.run == run, (one.sender == party) | (one.recipient == party))
    query = select(one.kind, one.sender, one.recipient, one.pieces, one.number).where(*about)
    held: dict[tuple[Route, int], list[int]] = {}
    for kind, sender, recipient, pieces, number in connection.execute(query):
        held.setdefault(((kind, sender, recipient), pieces), []).append(number)
    return {name: sorted(held[name]) for name in sorted(held)}


def addressees(connection: Connection, run: str) -> set[str]:
    """The parties for whom a run holds relays."""
    return set(connection.scalars(select(relays.c.recipient).where(relays.c.run == run).distinct()))


def owes_hits(connection: Connection, run: str, agreement: Agreement, party: str) -> bool:
    """Whether a party is a joiner whose hits are not all here: its deliveries are still needed."""
    mine = [one.recipient for one in agreement.joiners if one.joiner == party]
    done = acknowledged_by(connection, run)
    return any(not is_complete(connection, run, ("hits", party, one)) for one in mine if one not in done)


def relays_to(connection: Connection, run: str, recipient: str) -> list[tuple[Route, int, str]]:
    """(relay, pieces held, digest) of each relay that is addressed to a party; opens none of them."""
    one = relays.c
    where = (one.run == run, one.recipient == recipient)
    names = connection.execute(select(one.kind, one.sender).where(*where).distinct().order_by(one.kind, one.sender))
    found = []
    for kind, sender in names.all():
        route = (str(kind), str(sender), recipient)
        digests = digests_of(connection, run, route)
        found.append((route, len(digests), relay_digest(digests)))
    return found


def digests_of(connection: Connection, run: str, route: Route) -> list[str]:
    """The digests of the signed pieces held of a relay, in their order."""
    return list(connection.scalars(select(relays.c.digest).where(*_where(run, route)).order_by(relays.c.number)))


def relay_digest(digests: Iterable[str]) -> str:
    """What names a relay: SHA-256 of the digests of its signed pieces, in their order."""
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def _where(run: str, route: Route) -> tuple[ColumnElement[bool], ...]:
    one, (kind, sender, recipient) = relays.c, route
    return one.run == run, one.kind == kind, one.sender == sender, one.recipient == recipient
