"""Cells read as numbers, periods and flags; days moved; intervals compared."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.selection_values import Quantity, civil, compared, flag_of, number_of, period_of, plain, shifted


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("1 234,5", 1234.5), ("1.234,50 €", 1234.5), ("12.5", 12.5), ("-3", -3.0), ("1\u202f000", 1000.0)],
)
def test_numbers_are_read_as_people_write_them(cell, expected):
    """Blanks, commas, the sign of the euro."""
    assert (expected, expected) == number_of(cell)


@pytest.mark.parametrize("cell", ["x", "1e3", "12 rue", "0x10", "1,2,3", "٣"])
def test_what_is_no_number_is_not_read(cell):
    """Nothing is guessed, and other scripts' digits are not ours."""
    assert None is number_of(cell)


def test_partial_dates_are_periods():
    """A whole month or a whole year, and nothing without a year."""
    assert (date(2024, 2, 1).toordinal(), date(2024, 2, 29).toordinal()) == period_of("2024-02-00")
    assert (date(1992, 1, 1).toordinal(), date(1992, 12, 31).toordinal()) == period_of("00/00/1992")
    assert all(np.isnan(end) for end in period_of("00000000") or (0.0,))
    assert None is period_of("31/02/2020")


def test_flags_have_many_words_and_no_others():
    """Oui, non, empty, and anything else."""
    assert [(1.0, 1.0)] * 4 == [flag_of(one) for one in ("oui", "X", "1", "Vrai")]
    assert [(0.0, 0.0)] * 3 == [flag_of(one) for one in ("Non", "0", "FALSE")]
    assert all(np.isnan(end) for end in flag_of(" ") or (0.0,))
    assert None is flag_of("peut-être")


def test_words_are_compared_without_accents_and_with_their_signs():
    """Déménagement is demenagement, A+ is not A."""
    assert plain(" Déménagement ") == plain("DEMENAGEMENT")
    assert plain("cœur") == plain("COEUR")
    assert plain("A+") != plain("A")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("", date(2024, 2, 29)),
        ("+1a", date(2025, 2, 28)),
        ("-18a", date(2006, 2, 28)),
        ("-6m", date(2023, 8, 29)),
        ("+2s", date(2024, 3, 14)),
        ("+30", date(2024, 3, 30)),
    ],
)
def test_days_move_by_calendar_steps(step, expected):
    """29 February has no day a year later: the last of its month."""
    assert expected == shifted(date(2024, 2, 29), step)


@given(st.integers(1, date(2400, 1, 1).toordinal()))
def test_civil_parts_are_those_of_the_calendar(ordinal):
    """Year, month, day, as the standard library has them; nan stays nan."""
    day = date.fromordinal(ordinal)
    parts = civil(np.array([float(ordinal), np.nan]))
    assert (day.year, day.month, day.day) == tuple(int(part[0]) for part in parts)
    assert all(np.isnan(part[1]) for part in parts)


ends = st.tuples(st.integers(0, 4), st.integers(0, 3))


@given(st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), ends, ends)
def test_intervals_decide_what_all_their_points_decide(sign, one, other):
    """Against every pair of points of the two intervals."""
    points = {
        "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    }[sign]  # fmt: skip
    found = {
        points(a, b)
        for a in range(one[0], one[0] + one[1] + 1)
        for b in range(other[0], other[0] + other[1] + 1)
    }  # fmt: skip
    sides = [Quantity(low=np.array([float(low)]), high=np.array([float(low + width)])) for low, width in (one, other)]
    truth = compared(sign, *sides)
    assert ({True} == found, {False} == found) == (bool(truth.yes[0]), bool(truth.no[0]))


@pytest.mark.parametrize("step", ["+99999a", "-99999a", "-3000a", "+99999999", "+99999m"])
def test_a_day_beyond_the_calendar_is_refused(step):
    """With a sentence, and no trace of the machine."""
    with pytest.raises(LinkageError, match=r"E_SELECTION.*calendrier"):
        shifted(date(2026, 1, 1), step)


def test_numbers_that_are_no_day_have_no_date():
    """Whatever an operation on dates gives."""
    assert np.isnan(np.array(civil(np.array([0.0, 1e45, -1e45, np.inf, 3_652_060.0])))).all()
    assert [[9999.0], [12.0], [31.0]] == [part.tolist() for part in civil(np.array([3_652_059.0]))]
