"""People of the left file under both kinds of rule, with a truth and without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.expectation import Forecast, Interval
from linkage.outcomes import RULES, expected_outcomes, outcomes

COUNT = 12
PAIRS = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)), max_size=20, unique=True)


def exactly(value: float) -> Interval:
    """A number without doubt."""
    return Interval(low=value, middle=value, high=value)


def array(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@given(PAIRS, st.data(), PAIRS)
def test_people_are_counted_one_by_one(links, data, true):
    """As the rules say it: strict links award and subtract, grey ones inform; what the truth wants is told or missed."""
    strict = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    found = outcomes(array(links), np.array(strict, dtype=bool), COUNT, array(true))
    slow = {rule: [0, 0, 0, 0] for rule in RULES}
    for person in range(COUNT):
        kinds = {sure for (left, _), sure in zip(links, strict, strict=True) if left == person}
        wanted = any(left == person for left, _ in true)
        award = {"a & b": True in kinds, "a - b": not kinds}
        told = {"a & b": bool(kinds), "a - b": True not in kinds}
        for rule, want in zip(RULES, (wanted, not wanted), strict=True):
            slow[rule][0] += award[rule]
            slow[rule][1] += told[rule] and not award[rule]
            slow[rule][2] += want and not told[rule]
            slow[rule][3] += told[rule] and not want
    assert slow == {rule: [one.award, one.information, one.missed, one.useless] for rule, one in found.items()}


def test_without_truth_errors_are_not_counted():
    """What is done is known; whether it is right is not."""
    found = outcomes(array([(0, 0)]), np.array([True]), COUNT, None)
    assert (1, 0, None, None) == tuple(vars(found["a & b"]).values())


def forecast(links: int, wrong: Interval, people: Interval) -> Forecast:
    found = Interval(low=links - wrong.high, middle=links - wrong.middle, high=links - wrong.low)
    share = exactly(1.0)
    return Forecast(links=links, wrong=wrong, precision=share, recall=share, found=found, missed=people)


def test_expected_errors_are_the_true_ones_when_nothing_is_in_doubt():
    """100 people, 60 in both files; 50 rightly linked, 5 of the 40 others wrongly, all links strict."""
    links = array([*((row, row) for row in range(50)), *((row, row) for row in range(60, 65))])
    true = array([(row, row) for row in range(60)])
    strict = np.ones(len(links), dtype=bool)
    told = outcomes(links, strict, 100, true)
    # Of the 50 records without a right link, 40 have no partner: 6.25 wrong links touch 5 of them.
    both = forecast(len(links), exactly(5.0), exactly(60.0))
    expected = expected_outcomes(told, 100, exactly(60.0), both, both)
    share = 40 / 50
    assert expected["a & b"].useless.middle == pytest.approx(5 * share)
    assert expected["a & b"].missed.middle == pytest.approx(60 - 55 + 5 * share)
    assert expected["a - b"].missed.middle == pytest.approx(5 * share)
    assert expected["a - b"].useless.middle == pytest.approx(45 - (40 - 5 * share))


def test_doubt_widens_every_figure():
    """Low, middle and high in order, shares between 0 and 1."""
    links = array([(row, row) for row in range(50)])
    told = outcomes(links, np.ones(50, dtype=bool), 100, None)
    doubt = forecast(50, Interval(low=1, middle=4, high=9), exactly(0))
    people = Interval(low=48, middle=55, high=70)
    for one in expected_outcomes(told, 100, people, doubt, doubt).values():
        for interval in vars(one).values():
            assert interval.low <= interval.middle <= interval.high
        assert one.precision.high <= 1
        assert one.recall.low >= 0
        assert set(one.to_json()) == {"missed", "useless", "precision", "recall"}
