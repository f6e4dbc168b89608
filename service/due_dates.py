"""The days on which a démarche of a calendar is due.

Two calendars: a recurrence (`FREQ=YEARLY;BYMONTH=6,10`: RFC 5545, whole days), or offsets in days from a date of each person
(`-90, 0, 30`), where a day is due for the people whose date is that many days before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulestr

from service.clauses import Trigger
from service.errors import ServiceError

__all__ = ["dates_due_on", "next_runs"]

_FIRST = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday and a first of January: where recurrences without a start begin


def next_runs(trigger: Trigger, today: date, count: int = 3) -> list[date]:
    """The next days of a recurrence, that of today included; none for another trigger.

    Raises:
        ServiceError: `E_DEMARCHE`, the recurrence cannot be read, or never comes.
    """
    if trigger.rrule is None:
        return []
    start = datetime(today.year, today.month, today.day, tzinfo=UTC)
    try:
        days = [one.date() for one in islice(rrulestr(trigger.rrule, dtstart=_FIRST).xafter(start, inc=True), count)]
    except ValueError:
        days = []
    if not days:
        sentence = "[declencheur] : « rrule » ne donne aucune date (RFC 5545) ; corrigez-la"
        raise ServiceError("E_DEMARCHE", sentence)
    return days


def dates_due_on(trigger: Trigger, today: date) -> list[date]:
    """The dates (of birth, of a term) of the people for whom a step is due today, one for each offset."""
    return [today - timedelta(days=days) for days in trigger.days]
