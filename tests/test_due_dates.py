"""The days on which a démarche is due, by a calendar or by each person's date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clauses import Trigger
from service.due_dates import dates_due_on, next_runs
from service.errors import ServiceError


def of(rrule=None, days=()):
    return Trigger(kind="calendrier", when="Parfois.", rrule=rrule, field="naissance" if days else None, days=days)


@pytest.mark.parametrize(
    ("rrule", "expected"),
    [
        ("FREQ=YEARLY;BYMONTH=6,10", [date(2026, 10, 1), date(2027, 6, 1), date(2027, 10, 1)]),
        ("FREQ=MONTHLY;BYMONTHDAY=5", [date(2026, 10, 5), date(2026, 11, 5), date(2026, 12, 5)]),
        ("FREQ=WEEKLY", [date(2026, 10, 5), date(2026, 10, 12), date(2026, 10, 19)]),
        ("FREQ=DAILY", [date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 3)]),
    ],
)
def test_the_next_days_of_a_recurrence(rrule, expected):
    """That of today included; weeks begin on Mondays, months and years on their first day."""
    assert expected == next_runs(of(rrule), date(2026, 10, 1))


@pytest.mark.parametrize("rrule", ["FREQ=YEARLY;BYMONTH=13", "FREQ=MONTHLY;BYDAY=XX", "FREQ=MONTHLY;BYMONTHDAY=32"])
def test_a_recurrence_that_never_comes_is_refused(rrule):
    """Neither a month nor a day that does not exist."""
    with pytest.raises(ServiceError, match="E_DEMARCHE"):
        next_runs(of(rrule), date(2026, 10, 1))


@given(st.dates(date(1930, 1, 1), date(2100, 1, 1)), st.lists(st.integers(-900, 900), unique=True, max_size=8))
def test_each_person_is_due_once_for_each_offset(today, days):
    """Whoever has one of these dates is that many days after it today; a recurrence has no offsets."""
    found = dates_due_on(of(days=tuple(days)), today)
    assert days == [(today - one).days for one in found]
    assert [] == next_runs(of(days=tuple(days)), today)
    assert all(today == one + timedelta(days=offset) for one, offset in zip(found, days, strict=True))
