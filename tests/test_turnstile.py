"""Nonces are spent once and durably, by keys that are active, many in one commit."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from crypto.keys import Identity
from service.successions import key_digest
from service.third_party.party_keys import revoke
from service.third_party.store import add_party
from service.third_party.turnstile import Passage, Ticket, Turnstile, spend
from tests.simulator import START

ME = Identity.generate("caf", "CAF")


@pytest.fixture
def house(database):
    """A database with one party."""
    with database.write() as connection:
        add_party(connection, ME.public, START)
    return database


def ticket(nonce: str, **changes: Any) -> Ticket:
    members: dict[str, Any] = {
        "party": "caf", "key": key_digest(ME.public.signing_key), "nonce": nonce, "now": START,
        "forget_at": START + timedelta(seconds=800),
    }  # fmt: skip
    return Ticket(**{**members, **changes})


def test_a_nonce_is_fresh_once(house):
    """In one transaction and in the next; of two in the same commit, the first."""
    with house.write() as connection:
        answers = spend(connection, [ticket("a"), ticket("b"), ticket("a")])
    assert [Passage.FRESH, Passage.FRESH, Passage.SEEN] == answers
    assert Passage.SEEN is Turnstile(house).enter_now(ticket("b"))


def test_a_key_that_ended_gets_nobody_in(house):
    """From the transaction that ended it on; nothing of its requests is kept."""
    with house.write() as connection:
        revoke(connection, "caf", None, START)
    assert [Passage.ENDED] * 2 == [Turnstile(house).enter_now(ticket("a")) for _ in range(2)]
    assert Passage.ENDED is Turnstile(house).enter_now(ticket("a", key="0" * 64))


def test_a_key_that_ended_spends_no_nonce_of_another_key(house):
    """Two keys, one nonce, one commit: the first of them decides, and what it does not spend stays fresh."""
    other = "f" * 64
    with house.write() as connection:
        assert [Passage.ENDED, Passage.SEEN] == spend(connection, [ticket("a", key=other), ticket("a")])
        assert [Passage.FRESH, Passage.ENDED] == spend(connection, [ticket("a"), ticket("a", key=other)])


def test_many_at_once_share_commits(house):
    """Each gets its own answer."""
    one = Turnstile(house)

    async def all_of_them() -> list[Passage]:
        return await asyncio.gather(*(one.enter(ticket(f"n{number // 2}")) for number in range(600)))

    answers = asyncio.run(all_of_them())
    assert [Passage.FRESH, Passage.SEEN] * 300 == answers
    assert [Passage.SEEN] * 600 == asyncio.run(all_of_them())


def test_old_nonces_are_dropped_on_the_way(house):
    """Those that no clock would accept."""
    one = Turnstile(house)
    one.enter_now(ticket("a"))
    late = START + timedelta(seconds=900)
    one.enter_now(ticket("b", now=late, forget_at=late + timedelta(seconds=800)))
    assert Passage.FRESH is one.enter_now(ticket("a", now=late))


def test_a_database_that_fails_lets_nobody_in(house):
    """Every request that waits is told."""
    one = Turnstile(house)
    wrong: Any = ticket("a", forget_at=None)

    async def two() -> list[Any]:
        return list(await asyncio.gather(one.enter(wrong), one.enter(ticket("c")), return_exceptions=True))

    assert all(isinstance(answer, (SQLAlchemyError, AttributeError)) for answer in asyncio.run(two()))
    assert Passage.FRESH is one.enter_now(ticket("c"))
