"""Where each signed request passes once: its nonce is spent and its key found active, durably, in one commit.

Many requests share a commit: those of the event loop gather while the previous commit is on its way, and one thread
writes them. A request goes on once its nonce is on the disk, so no crash and no second process makes it fresh again;
it goes on only if its key was active in that very transaction, so a revocation counts at once, everywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_

from service.third_party.database import Database
from service.third_party.party_keys import still_active
from service.third_party.schema import nonces
from service.third_party.store import to_seconds

__all__ = ["Passage", "Ticket", "Turnstile", "spend"]

_MOST_AT_ONCE = 512  # tickets in one commit
_MOST_FORGOTTEN = 2000  # old nonces dropped in one commit


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
    """Spend tickets in one transaction, for `Database.grouped`; of two with one nonce, the first is fresh.

    It takes no lock but those of its rows, always in the same order, so that several processes may do it at once.
    Nonces that no clock would accept any more are dropped on the way.
    """
    active = still_active(connection, (one.key for one in tickets))
    rows = {
        (one.party, one.nonce): {"party": one.party, "nonce": one.nonce, "forget_at": to_seconds(one.forget_at)}
        for one in tickets
        if one.key in active
    }
    fresh: set[tuple[str, str]] = set()
    if rows:
        returned = connection.execute(_insert(connection.dialect.name), [rows[name] for name in sorted(rows)])
        fresh = {(party, nonce) for party, nonce in returned}
    _forget(connection, to_seconds(min(one.now for one in tickets)))
    answers = []
    for one in tickets:
        if one.key not in active:
            answers.append(Passage.ENDED)
        elif (one.party, one.nonce) in fresh:
            fresh.discard((one.party, one.nonce))
            answers.append(Passage.FRESH)
        else:
            answers.append(Passage.SEEN)
    return answers


def _forget(connection: Connection, oldest: int) -> None:
    old = select(nonces.c.party, nonces.c.nonce).where(nonces.c.forget_at < oldest).limit(_MOST_FORGOTTEN)
    if connection.dialect.name == "postgresql":
        old = old.with_for_update(skip_locked=True)
    connection.execute(delete(nonces).where(tuple_(nonces.c.party, nonces.c.nonce).in_(old)))


@cache
def _insert(dialect: str) -> Any:
    # Made once: a statement for many rows is not compiled again for each number of rows. Only the dialect in use
    # is loaded, which the engine has done already.
    made = import_module(f"sqlalchemy.dialects.{dialect}").insert(nonces)
    return made.on_conflict_do_nothing().returning(nonces.c.party, nonces.c.nonce)


class Turnstile:
    """The passage of one process; `enter` is awaited in its event loop, `enter_now` called from a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Ticket, asyncio.Future[Passage]]] = []
        self._writing: asyncio.Task[None] | None = None

    def enter_now(self, ticket: Ticket) -> Passage:
        """Spend a ticket.

        Raises:
            SQLAlchemyError: nothing was spent.
        """
        return self._database.grouped(spend, ticket)

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

    async def _write(self) -> None:
        while self._waiting:
            batch = self._waiting[:_MOST_AT_ONCE]
            del self._waiting[: len(batch)]
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
        return self._database.grouped(_spend_lists, tickets)


def _spend_lists(connection: Connection, lists: Sequence[list[Ticket]]) -> list[list[Passage]]:
    answers = iter(spend(connection, [one for tickets in lists for one in tickets]))
    return [[next(answers) for _ in tickets] for tickets in lists]
