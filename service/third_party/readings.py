"""Short readings of many requests, done together: one thread, one transaction, one state of the database.

Readings gather in the event loop while those before them are being done. Each gets its own answer or its own refusal; one
that the database interrupts leaves the others to a transaction of their own. What they ask about runs is asked for all of
them (`glance`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from service.third_party.database import Database
from service.third_party.glance import Glance

__all__ = ["Readings"]

Answer = TypeVar("Answer")

_MOST_AT_ONCE = 64  # readings in one transaction
_THREADS = 2

_Settled = tuple[Any, Exception | None]
_Asked = tuple[Callable[[Glance], Any], str | None]


class Readings:
    """The short readings of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[_Asked, asyncio.Future[Any]]] = []
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self, read: Callable[[Glance], Answer], about: str | None = None) -> Answer:
        """Do a reading together with those of other requests.

        Args:
            read: called in a thread where `Database.read` is the common transaction; it writes nothing.
            about: the run that it will ask the glance for.

        Returns:
            What it returns.

        Raises:
            Exception: what it raises.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(((read, about), answer))
        if sum(not one.done() for one in self._at_work) < _THREADS:  # who has ended is taken off a moment later
            task = asyncio.create_task(self._work())
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            batch = self._waiting[:_MOST_AT_ONCE]
            del self._waiting[: len(batch)]
            try:
                settled = await asyncio.to_thread(self._all_of, [asked for asked, _ in batch])
            except Exception as failure:  # noqa: BLE001 - each of the requests that wait raises it
                settled = [(None, failure)] * len(batch)
            for (_, answer), (value, error) in zip(batch, settled, strict=True):
                if answer.done():  # whoever asked may have left
                    continue
                if error is None:
                    answer.set_result(value)
                else:
                    answer.set_exception(error)

    def _all_of(self, asked: Sequence[_Asked]) -> list[_Settled]:
        settled: list[_Settled] = []
        while len(settled) < len(asked):
            left = asked[len(settled) :]
            try:
                with self._database.reading() as connection:
                    glance = Glance(connection, [name for _, name in left if name is not None])
                    for read, _ in left:
                        settled.append(_settle(read, glance))
                        if isinstance(settled[-1][1], SQLAlchemyError):
                            break  # nothing more can be read in this transaction
            except SQLAlchemyError as error:  # it did not begin, or not end: nobody else is told more
                settled += [(None, error)] * (len(asked) - len(settled))
        return settled


def _settle(read: Callable[[Glance], Any], glance: Glance) -> _Settled:
    try:
        return read(glance), None
    except Exception as error:  # noqa: BLE001 - the request that waits raises it
        return None, error
