"""Time as the service keeps it: forward only, never delayed by a clock that jumps back, nor hurried by a passing leap.

The system's clock says what time it is; a monotonic one says how much has passed. Between the two:

* the clock goes back: the service goes on from where it was, at the monotonic pace, so no destruction waits a second longer;
* it leaps ahead by more than `LEAP`: believed only once it has lasted `PATIENCE`, so that a passing fault destroys nothing early;
* it runs, or is corrected by less: believed.

Across restarts the highest moment shown is kept in the table `marks`. Calendar months follow article 641 of the code de procédure
civile: the same day of the month, and where the month has no such day, its last day at midnight.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from service.third_party.schema import marks
from service.third_party.store import from_seconds, to_seconds

__all__ = ["CLOCK", "LEAP", "PATIENCE", "SteadyClock", "forget", "mark", "marked", "months_after"]

CLOCK = "clock"
"""Name of the mark of the highest moment shown."""

LEAP = timedelta(seconds=20)
PATIENCE = timedelta(seconds=20)


class SteadyClock:
    """A clock that only goes forward. Threads may share it.

    Args:
        wall: the system's clock; aware, UTC.
        ticks: seconds, monotonic, of any origin.
        floor: a moment that was shown before; the clock never shows an earlier one.
    """

    def __init__(self, wall: Callable[[], datetime], ticks: Callable[[], float], floor: datetime | None = None) -> None:
        self._wall = wall
        self._ticks = ticks
        self._tick = ticks()
        self._shown = max(wall(), floor) if floor else wall()
        self._ahead_since: float | None = None
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """The present moment."""
        with self._lock:
            tick = self._ticks()
            steady = self._shown + timedelta(seconds=max(0.0, tick - self._tick))
            self._tick, self._shown = tick, self._judged(steady, tick)
            return self._shown

    def raise_to(self, floor: datetime) -> None:
        """Never show an earlier moment than this one."""
        self()  # what has passed until now passed before the floor: it is not added to it
        with self._lock:
            self._shown = max(self._shown, floor)

    def drift(self) -> timedelta:
        """How far the system's clock is behind what is shown; negative when it is ahead."""
        return self() - self._wall()

    def _judged(self, steady: datetime, tick: float) -> datetime:
        wall = self._wall()
        if wall - steady <= LEAP:
            self._ahead_since = None
            return max(steady, wall)
        if self._ahead_since is None:
            self._ahead_since = tick
        return wall if tick - self._ahead_since >= PATIENCE.total_seconds() else steady


def months_after(moment: datetime, months: int) -> datetime:
    """The moment some calendar months later."""
    years, month = divmod(moment.month - 1 + months, 12)
    try:
        return moment.replace(year=moment.year + years, month=month + 1)
    except ValueError:  # the month has no such day: it is over when the next one begins
        years, month = divmod(moment.month + months, 12)
        first = moment.replace(year=moment.year + years, month=month + 1, day=1)
        return first.replace(hour=0, minute=0, second=0, microsecond=0)


def mark(connection: Connection, name: str, at: datetime) -> None:
    """Keep a moment under a name, in place of the one before; never an earlier one."""
    held, seconds = marked(connection, name), to_seconds(at)
    if held is None:
        connection.execute(insert(marks).values(name=name, at=seconds))
    elif to_seconds(held) < seconds:
        connection.execute(update(marks).where(marks.c.name == name).values(at=seconds))


def marked(connection: Connection, name: str) -> datetime | None:
    """The moment kept under a name."""
    seconds = connection.scalar(select(marks.c.at).where(marks.c.name == name))
    return None if seconds is None else from_seconds(seconds)


def forget(connection: Connection, name: str) -> None:
    """Drop the moment kept under a name."""
    connection.execute(delete(marks).where(marks.c.name == name))
