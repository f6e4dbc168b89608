"""The days on which a démarche of a calendar is due.

A recurrence (`FREQ=YEARLY;BYMONTH=6,10`: RFC 5545, whole days) says on which days a run is due; one run is made for each. Offsets
in days from a date of each person are steps of the journey (`J+30`), which campaigns count.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import islice

from dateutil.rrule import rrulestr

from service.clauses import Trigger
from service.errors import ServiceError

__all__ = ["last_due", "next_runs"]

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday and a first of January: where recurrences without a start begin


def next_runs(trigger: Trigger, today: date, count: int = 3) -> list[date]:
    """The next days of a recurrence, that of today included; none for another trigger.

    Raises:
        ServiceError: `E_DEMARCHE`, the recurrence cannot be read, or never comes.
    """
    if trigger.rrule is None:
        return []
    try:
        found = rrulestr(trigger.rrule, dtstart=_FIRST).xafter(_midnight(today), inc=True)
        days = [one.date() for one in islice(found, count)]
    except ValueError:
        days = []
    if not days:
        sentence = "[declencheur] : « rrule » ne donne aucune date (RFC 5545) ; corrigez-la"
        raise ServiceError("E_DEMARCHE", sentence)
    return days


def last_due(trigger: Trigger, today: date) -> date | None:
    """The latest day of a recurrence that has come, that of today included; None before the first, or without a recurrence.

    Raises:
        ServiceError: `E_DEMARCHE`, the recurrence cannot be read.
    """
    if trigger.rrule is None:
        return None
    next_runs(trigger, today, 1)
    found = rrulestr(trigger.rrule, dtstart=_FIRST).before(_midnight(today), inc=True)
    return None if found is None else found.date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
