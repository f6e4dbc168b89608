"""The three clocks of R114-9-7."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.administration.journal.legal_clocks import objections_end, over, plus_months, results_end, traces_end
from service.rule_sheet import Retention


def kept(results: int = 12, objection: int = 24) -> Retention:
    return Retention(results=results, traces=36, objection=objection)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 11, 20), 36, date(2029, 11, 20)),
    ],
)
def test_months_end_on_a_day_that_exists(day, months, expected):
    """A short month ends the clock on its last day."""
    assert expected == plus_months(day, months)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_results_never_live_longer_than_a_year(day, months):
    """Whatever a démarche says, twelve months are the most."""
    assert results_end(day, kept(results=months)) <= plus_months(day, 12)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_objections_live_between_one_and_two_years(day, months):
    """Whatever a démarche says, the bounds of the law hold."""
    assert plus_months(day, 12) <= objections_end(day, kept(objection=months)) <= plus_months(day, 24)


def test_a_clock_is_over_on_its_day():
    """Not the day after, and not before."""
    end = traces_end(date(2026, 11, 20))
    assert [False, True, True] == [
        over(end, day) for day in (date(2029, 11, 19), date(2029, 11, 20), date(2029, 11, 21))
    ]
