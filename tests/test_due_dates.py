"""The days on which a démarche is due, by a calendar or by each person's date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.clauses import Trigger
from service.due_dates import last_due, next_runs
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


@settings(deadline=None, max_examples=40)
@given(
    st.dates(date(2024, 1, 1), date(2040, 1, 1)),
    st.sampled_from(["FREQ=WEEKLY", "FREQ=YEARLY;BYMONTH=6,10", "FREQ=DAILY"]),
)
def test_the_latest_due_day_comes_before_the_next(today, rrule):
    """It has come, nothing is due between it and today, and it is a day of the recurrence."""
    latest = last_due(of(rrule), today)
    if latest is None:
        assert next_runs(of(rrule), today)[0] > today
        return
    assert latest <= today
    assert latest == next_runs(of(rrule), latest)[0]
    assert next_runs(of(rrule), latest + timedelta(days=1))[0] > today


def test_offsets_from_a_persons_date_are_no_calendar_of_runs():
    """They are steps of the journey; no run is due, and none has been."""
    assert ([], None) == (next_runs(of(days=(0, 30)), date(2026, 1, 1)), last_due(of(days=(0, 30)), date(2026, 1, 1)))
