"""What a rehearsal expects without truth, held against mixtures whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.expectation import Estimate, Expectation, count_interval
from linkage.sightings import DRAWS, Neighbours, Sightings
from tests.mixtures import mixture, right_links, seen_in

LOWEST = 0.5


def simulated(shared: int, alone: int, seed: int) -> tuple[Sightings, int]:
    """One pass and one block with scores drawn outright: strangers around .4, a few relatives at .6, people around .8.

    Returns:
        what is seen, and people of both files.
    """
    rng = np.random.default_rng(seed)
    size = shared + alone

    def strangers(rows: int, columns: int) -> np.ndarray:
        near = rng.random((rows, columns)) < 1 / size
        return np.where(near, rng.normal(0.6, 0.06, (rows, columns)), rng.normal(0.4, 0.03, (rows, columns)))

    across = strangers(size, size)
    across[np.arange(shared), np.arange(shared)] = np.minimum(1.0, rng.normal(0.8, 0.08, shared))
    links, scores, free = [], [], [np.ones(size, bool), np.ones(size, bool)]
    for place in np.argsort(-across, axis=None):
        i, j = divmod(int(place), size)
        if across[i, j] < LOWEST:
            break
        if free[0][i] and free[1][j]:
            free[0][i] = free[1][j] = False
            links.append((i, j))
            scores.append(across[i, j])
    sides = []
    for _ in range(2):
        upper = np.triu(strangers(size, size), 1)
        score = upper + upper.T
        record, other = np.nonzero(score >= LOWEST)
        count = np.full(len(record), size, dtype=np.int64)
        sides.append(
            Neighbours(
                record=record, other=other, dice=score[record, other][:, None], own_rows=count, other_rows=count,
                stand_ins=rng.integers(0, size, (len(record), DRAWS)), scale=1.0,
            )
        )  # fmt: skip
    return Sightings(
        sizes=(size, size), links=np.array(links, dtype=np.int64), dice=np.array(scores)[:, None],
        lowest=np.array([LOWEST]), neighbours=(sides[0], sides[1]),
    ), shared  # fmt: skip


def judged(seen: Sightings, shared: int, floor: float) -> tuple[int, float, bool, bool]:
    """Wrong links there are and that are expected, and whether both intervals hold the truth."""
    expectation = Expectation(seen)
    floors = np.array([floor])
    linked = seen.links[expectation.linked(floors)]
    right = int(((linked[:, 0] == linked[:, 1]) & (linked[:, 0] < shared)).sum())
    forecast = expectation.forecast(floors)
    precision, recall = right / max(1, len(linked)), right / shared
    return (
        len(linked) - right,
        forecast.wrong.middle,
        forecast.precision.low - 1e-9 <= precision <= forecast.precision.high + 1e-9,
        forecast.recall.low - 1e-9 <= recall <= forecast.recall.high + 1e-9,
    )


@pytest.mark.parametrize(("shared", "alone"), [(160, 20), (100, 80), (30, 150)])
def test_expected_wrong_links_are_those_of_the_truth_on_average(shared, alone):
    """Over many draws the estimate has no bias to speak of, and the intervals hold the truth nine times in ten."""
    found = [judged(*simulated(shared, alone, seed), floor) for seed in range(20) for floor in (0.55, 0.65)]
    wrong, expected = (sum(one[place] for one in found) for place in (0, 1))
    assert wrong == pytest.approx(expected, rel=0.15)
    assert np.mean([one[2] for one in found]) >= 0.9
    assert np.mean([one[3] for one in found]) >= 0.85


def test_relatives_are_expected_where_they_are():
    """Two files with relatives who look alike: wrong links above what chance gives, and expected there."""
    one = mixture(150, 250, 0.12, kin=0.8)
    _, _, seen = seen_in(one)
    floors = np.array([0.72])
    expectation = Expectation(seen)
    linked = seen.links[expectation.linked(floors)]
    wrong = int((~right_links(one, linked)).sum())
    expected = expectation.forecast(floors).wrong
    assert wrong >= 5
    assert expected.low <= wrong <= expected.high


def test_higher_thresholds_never_expect_more_wrong_links():
    """The curve falls, and at each point it is the sum of what reaches it."""
    seen, _ = simulated(60, 60, 1)
    expectation = Expectation(seen)
    curve = expectation.wrong_above(np.array([LOWEST]), np.arange(50, 100) / 100)
    assert (np.diff(curve) <= 1e-12).all()
    assert expectation.wrong_above(np.array([0.7]), np.array([0.5]))[0] == pytest.approx(curve[20])


def test_groups_share_what_the_left_file_expects():
    """Wrong links by group add up, and a record without neighbours expects none."""
    seen, _ = simulated(60, 60, 2)
    expectation, floors = Expectation(seen), np.array([0.55])
    everybody = expectation.wrong_by(np.zeros(120, dtype=np.int64), 1, floors)[0].mean
    halves = expectation.wrong_by(np.arange(120) % 2, 2, floors)
    assert everybody == pytest.approx(halves[0].mean + halves[1].mean)
    assert everybody > 0


def test_a_bound_of_one_pass_holds_for_that_pass_only():
    """A pair counts when any pass lets it through."""
    seen, _ = simulated(40, 10, 3)
    doubled = [replace(side, dice=np.repeat(side.dice, 2, axis=1)) for side in seen.neighbours]
    twice = replace(
        seen,
        dice=np.repeat(seen.dice, 2, axis=1),
        lowest=np.repeat(seen.lowest, 2),
        neighbours=(doubled[0], doubled[1]),
    )
    once, both = Expectation(seen), Expectation(twice)
    assert once.forecast(np.array([0.6])).links == both.forecast(np.array([0.6, 0.95])).links
    assert once.wrong(np.array([0.6])).mean == pytest.approx(both.wrong(np.array([0.95, 0.6])).mean)


def test_nothing_seen_is_nothing_promised():
    """Empty files: no link, and no certainty about it."""
    none = np.zeros(0, dtype=np.int64)
    nobody = Neighbours(
        record=none, other=none, dice=np.zeros((0, 1)), own_rows=none, other_rows=none,
        stand_ins=np.zeros((0, DRAWS), dtype=np.int64), scale=1.0,
    )  # fmt: skip
    seen = Sightings(
        sizes=(5, 5), links=np.zeros((0, 2), dtype=np.int64), dice=np.zeros((0, 1)), lowest=np.array([0.5]),
        neighbours=(nobody, nobody),
    )  # fmt: skip
    forecast = Expectation(seen).forecast(np.array([0.5]))
    assert (0, 0.0) == (forecast.links, forecast.wrong.high)
    assert forecast.recall.high <= 1.0


@given(st.floats(0, 500), st.floats(0, 500), st.floats(0, 3), st.integers(0, 1000))
def test_an_interval_is_in_order_and_within_what_there_is(mean, deviation, unit, most):
    """Low, middle and high, none above the number of links."""
    found = count_interval(Estimate(mean=mean, variance=deviation**2, unit=unit), most)
    assert 0 <= found.low <= found.high <= most
    assert found.middle <= most


@pytest.mark.parametrize(("mean", "variance"), [(0.4, 0.5), (3.0, 2.0), (40.0, 90.0), (300.0, 10.0)])
def test_an_interval_holds_nine_draws_in_ten(mean, variance):
    """Poisson counts over a gamma mean, drawn outright."""
    found = count_interval(Estimate(mean=mean, variance=variance, unit=0.0), 10**6)
    rng = np.random.default_rng(5)
    draws = rng.poisson(rng.gamma(mean**2 / variance, variance / mean, 40_000))
    assert (draws < found.low).mean() <= 0.055
    assert (draws > found.high).mean() <= 0.055
    assert (draws < found.low + 1).mean() >= 0.045
    assert (draws > found.high - 1).mean() >= 0.045
