"""Where each signed request passes once: its nonce is spent and its key found active, durably, in one commit.

Many requests share a commit: those of the event loop gather while the previous commit is on its way, and for a moment
more where they come in numbers; one thread writes them. A request goes on once its nonce is on the disk, so no crash and
no second process makes it fresh again; it goes on only if its key was active in that very transaction, so a revocation
counts at once, everywhere. Nonces that no clock would accept any more are dropped on the way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import Connection, delete, select, text, tuple_

from service.third_party.database import Database
from service.third_party.party_keys import still_active
from service.third_party.schema import nonces
from service.third_party.store import to_seconds

__all__ = ["Passage", "Ticket", "Turnstile", "forget", "spend"]

_MOST_AT_ONCE = 512  # tickets in one commit
_MOST_FORGOTTEN = 2000  # old nonces dropped in one commit
_FORGETTING = timedelta(seconds=1)  # between two commits that drop some
_GATHER = 0.004  # seconds that tickets wait for others, once several came together


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What a request must spend to get in."""

    party: str
    key: str  # name of the key that signed
    nonce: str
    now: datetime
    forget_at: datetime


class Passage(Enum):
    """What became of a ticket."""

    FRESH = auto()
    SEEN = auto()  # the nonce was spent before
    ENDED = auto()  # the key is not active any more


def spend(connection: Connection, tickets: Sequence[Ticket]) -> list[Passage]:
    """Spend tickets in one transaction; of two with one nonce, the first is fresh.

    One statement finds the keys active and keeps the nonces. It takes no lock but those of its rows, always in the same
    order, so that several processes may do it at once.
    """
    first: dict[tuple[str, str], Ticket] = {}
    for one in tickets:
        first.setdefault((one.party, one.nonce), one)
    rows = [
        {"party": one.party, "nonce": one.nonce, "forget_at": to_seconds(one.forget_at), "key": one.key}
        for one in first.values()
    ]
    returned = connection.execute(_SPEND[connection.dialect.name], {"rows": json.dumps(rows)})
    fresh = {id(first[party, nonce]) for party, nonce in returned}
    answers = [Passage.FRESH if id(one) in fresh else Passage.SEEN for one in tickets]
    if Passage.SEEN in answers:
        active = still_active(connection, (one.key for one in tickets))
        answers = [
            Passage.ENDED if passage is Passage.SEEN and one.key not in active else passage
            for one, passage in zip(tickets, answers, strict=True)
        ]
    return answers


def forget(connection: Connection, now: datetime) -> None:
    """Drop nonces that no clock would accept any more."""
    old = select(nonces.c.party, nonces.c.nonce).where(nonces.c.forget_at < to_seconds(now)).limit(_MOST_FORGOTTEN)
    if connection.dialect.name == "postgresql":
        old = old.with_for_update(skip_locked=True)
    connection.execute(delete(nonces).where(tuple_(nonces.c.party, nonces.c.nonce).in_(old)))


# A ticket whose key is not active, or whose nonce is there, gives no row. The tickets are one value, so that the
# statement is the same whatever their number.
_SPEND = {
    "postgresql": text(
        "INSERT INTO nonces (party, nonce, forget_at) SELECT ticket.party, ticket.nonce, ticket.forget_at "
        "FROM json_to_recordset(CAST(:rows AS json)) AS ticket (party text, nonce text, forget_at bigint, key text) "
        "JOIN party_keys ON party_keys.key = ticket.key WHERE party_keys.slot IS NOT NULL "
        "ORDER BY ticket.party, ticket.nonce ON CONFLICT DO NOTHING RETURNING party, nonce"
    ),
    "sqlite": text(
        "INSERT INTO nonces (party, nonce, forget_at) SELECT json_extract(ticket.value, '$.party'), "
        "json_extract(ticket.value, '$.nonce'), json_extract(ticket.value, '$.forget_at') "
        "FROM json_each(:rows) AS ticket JOIN party_keys ON party_keys.key = json_extract(ticket.value, '$.key') "
        "WHERE party_keys.slot IS NOT NULL ON CONFLICT DO NOTHING RETURNING party, nonce"
    ),
}


class Turnstile:
    """The passage of one process; `enter` is awaited in its event loop, `enter_now` called from a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Ticket, asyncio.Future[Passage]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._forgotten: datetime | None = None  # when old nonces were last dropped

    def enter_now(self, ticket: Ticket) -> Passage:
        """Spend a ticket.

        Raises:
            SQLAlchemyError: nothing was spent.
        """
        return self._commit([ticket])[0]

    async def enter(self, ticket: Ticket) -> Passage:
        """Spend a ticket, together with those of other requests.

        Raises:
            SQLAlchemyError: nothing was spent.
        """
        answer: asyncio.Future[Passage] = asyncio.get_running_loop().create_future()
        self._waiting.append((ticket, answer))
        if self._writing is None or self._writing.done() or self._writing.get_loop() is not answer.get_loop():
            self._writing = asyncio.create_task(self._write())
        return await answer

    async def prepare(self) -> None:
        """Commit no ticket, once.

        Raises:
            SQLAlchemyError: the database does not answer.
        """
        await asyncio.to_thread(self._database.grouped, _spend_lists, ([], None))

    async def _write(self) -> None:
        crowded = False
        while self._waiting:
            if crowded:
                await asyncio.sleep(_GATHER)
            batch = self._waiting[:_MOST_AT_ONCE]
            del self._waiting[: len(batch)]
            crowded = len(batch) > 1
            try:
                answers = await asyncio.to_thread(self._commit, [ticket for ticket, _ in batch])
            except Exception as error:  # noqa: BLE001 - each of the requests that wait raises it
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), passage in zip(batch, answers, strict=True):
                if not answer.done():  # whoever asked may have left
                    answer.set_result(passage)

    def _commit(self, tickets: list[Ticket]) -> list[Passage]:
        now = min(one.now for one in tickets)
        due = self._forgotten is None or abs(now - self._forgotten) >= _FORGETTING
        if due:
            self._forgotten = now
        return self._database.grouped(_spend_lists, (tickets, now if due else None))


def _spend_lists(connection: Connection, lists: Sequence[tuple[list[Ticket], datetime | None]]) -> list[list[Passage]]:
    answers = iter(spend(connection, [one for tickets, _ in lists for one in tickets]))
    for _, due in lists:
        if due is not None:
            forget(connection, due)
    return [[next(answers) for _ in tickets] for tickets, _ in lists]
