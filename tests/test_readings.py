"""Short readings of many requests share a transaction; each has its own answer, and its own refusal."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from service.errors import absent
from service.third_party.database import Database
from service.third_party.glance import Glance
from service.third_party.readings import Readings
from service.third_party.schema import parties
from tests.postgres import TEMPLATE, TempPg

ROW = {"identity": b"{}", "enrolled_at": 0}


def all_of(readings: Readings, reads: Sequence[Callable[[Glance], Any]]) -> list[Any]:
    """What each of them gets, asked for at the same moment."""

    async def gathered() -> list[Any]:
        return await asyncio.gather(*(readings.run(one) for one in reads), return_exceptions=True)

    return asyncio.run(gathered())


def test_each_gets_its_own_answer(database: Database):
    """However many there are, in their order."""
    reads = [lambda _, number=number: number for number in range(300)]
    assert list(range(300)) == all_of(Readings(database), reads)


def test_a_refusal_is_told_to_the_one_it_concerns(database: Database):
    """The others are answered."""

    def refuse(_: Glance) -> None:
        raise absent()

    first, second, third = all_of(Readings(database), [lambda _: 1, refuse, lambda _: 3])
    assert (1, "E_INTROUVABLE", 3) == (first, second.code, third)


def test_they_see_one_state(database: Database):
    """What is written while they read is not seen by those that come after, in the same transaction."""

    def count(_: Glance) -> int:
        with database.read() as connection:
            return len(connection.execute(select(parties)).all())

    def write_elsewhere(glance: Glance) -> int:
        before = count(glance)
        if not database.on_sqlite:  # there, a writer waits for its readers
            other = Database(database.url.render_as_string(hide_password=False))
            with other.write() as connection:
                connection.execute(insert(parties).values(party="caf", **ROW))
            other.close()
        return before

    assert [0, 0] == all_of(Readings(database), [write_elsewhere, count])


def test_one_that_the_database_interrupts_leaves_the_others_alone(database: Database):
    """They go on in another transaction."""

    def fail(_: Glance) -> None:
        with database.read() as connection:
            connection.execute(text("SELECT * FROM nowhere"))

    def count(_: Glance) -> int:
        with database.read() as connection:
            return len(connection.execute(select(parties)).all())

    first, second, third, fourth = all_of(Readings(database), [count, fail, count, fail])
    assert (0, 0) == (first, third)
    assert isinstance(second, DBAPIError)
    assert isinstance(fourth, DBAPIError)


def test_nothing_is_written_by_a_reading(database: Database):
    """It would wait for itself: it is refused at once, and the next one may write."""

    def write(_: Glance) -> None:
        with database.write():
            pass

    (found,) = all_of(Readings(database), [write])
    assert isinstance(found, RuntimeError)
    with database.write() as connection:
        connection.execute(insert(parties).values(party="caf", **ROW))


def test_a_database_that_is_gone_is_told_to_all(postgres: TempPg):
    """None waits for ever."""
    name = postgres.create(TEMPLATE)
    database = Database(postgres.url(name))
    database.close()
    postgres.drop(name)
    assert [OperationalError] * 3 == [type(one) for one in all_of(Readings(database), [lambda _: 1] * 3)]


def test_one_that_comes_as_all_threads_end_is_answered(database: Database):
    """Both have found nothing more to do, and are still counted among those at work."""

    async def late() -> int:
        readings, door = Readings(database), threading.Event()
        early = []
        for _ in range(2):
            early.append(asyncio.create_task(readings.run(lambda _: door.wait())))
            await asyncio.sleep(0.05)
        door.set()
        time.sleep(0.2)  # noqa: ASYNC251 - the loop is busy: both end in one step of it
        while not all(one.done() for one in early):
            async with asyncio.timeout(5):
                assert 2 == await readings.run(lambda _: 2)
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            return await readings.run(lambda _: 3)

    assert 3 == asyncio.run(late())


def test_where_no_thread_can_be_had_all_are_told(database: Database):
    """Instead of waiting for ever; the next ones are told too."""

    async def refused() -> list[Any]:
        threads = ThreadPoolExecutor()
        threads.shutdown()
        asyncio.get_running_loop().set_default_executor(threads)
        readings = Readings(database)
        async with asyncio.timeout(5):
            found = [await asyncio.gather(*(readings.run(lambda _: 1) for _ in range(3)), return_exceptions=True)]
            return [*found[0], *await asyncio.gather(readings.run(lambda _: 1), return_exceptions=True)]

    assert [RuntimeError] * 4 == [type(one) for one in asyncio.run(refused())]
