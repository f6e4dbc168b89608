"""Attacks on worlds: whole files counted by person, drawn blocks added up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.privacy_measure import (
    EXPERIMENTS,
    Sampling,
    first_found,
    invented_world,
    measure,
    plan_of,
    summed,
)
from linkage.attacks.outcome import Outcome

CEILING = [one for one in EXPERIMENTS if one.name == "ceiling"]
LANDMARKS = [one for one in EXPERIMENTS if one.name == "landmarks" and one.known == 0.10]


@pytest.fixture(scope="module")
def world():
    """Six hundred people, sent with an agent's mistakes, known without any."""
    return invented_world(600, 5)


def test_both_files_are_about_the_same_people(world):
    """Everybody is in both; half of them when half was asked for."""
    assert set(world.victim.people.tolist()) == set(world.attacker.people.tolist())
    other = invented_world(200, 5, overlap=0.5)
    assert len(set(other.victim.people.tolist()) & set(other.attacker.people.tolist())) == 100


def test_the_reference_falls_and_a_diffused_profile_does_not(world):
    """With a tenth known, most of the plain filters are told apart; the ceiling of `standard` is far from that."""
    sampling = Sampling(declared=600)
    (plain,) = (one for one in measured(world, "reference", LANDMARKS, sampling) if one["of"] == "union")
    lines = measured(world, "standard", CEILING, sampling)
    union = lines[-1]
    assert plain["rate"] > 0.8
    assert union["rate"] < 0.5
    assert union["tried"] <= 600
    assert max(one["right"] for one in lines[:-1]) <= union["right"] <= sum(one["right"] for one in lines[:-1])
    assert [one.name for one in plan_of(world, "standard", sampling).passes] == [one["of"] for one in lines[:-1]]


def test_drawn_blocks_are_added_up(world):
    """Two blocks of each pass; the rate of all passes is the sum of theirs."""
    lines = measured(world, "standard", CEILING, Sampling(declared=20_000, blocks=2))
    assert {one["blocks"] for one in lines[0]["passes"].values()} == {2}
    assert lines[-1]["rate"] == pytest.approx(min(1.0, sum(one["rate"] for one in lines[:-1])))
    assert lines[-1]["low"] <= lines[-1]["rate"] <= lines[-1]["high"]


def test_a_sum_of_shares_keeps_its_bounds():
    """Two passes of 100 and 400 people, 3 and 4 found: 4 %; the bounds are less than the sum of Wilson's."""
    some = [outcome(100, 3), outcome(400, 4)]
    found = summed(some)
    assert found["rate"] == pytest.approx(0.04)
    assert found["chance"] == pytest.approx(0.01 + 0.0025)
    assert max(one.interval[1] for one in some) < found["high"] < sum(one.interval[1] for one in some)
    assert 0 < found["low"] < found["rate"]


def test_a_sum_of_large_shares_is_everybody():
    """Nine in ten found in either of two passes: bounds are no more than the rate can be."""
    found = summed([outcome(1000, 900), outcome(1000, 900)])
    assert (found["low"], found["rate"], found["high"]) == (1.0, 1.0, 1.0)


def test_who_is_found_twice_counts_once_in_bounds_by_blocks():
    """Ten blocks of ten people, the same people in two passes, one found in each block of both: 10 % whatever is drawn."""
    blocks = [np.arange(10) + 10 * place for place in range(10)]
    some = [replace(outcome(10, 1), people=people) for people in blocks]
    first, second = first_found([some, some])
    assert [one.right for one in first] == [1] * 10
    assert [one.right for one in second] == [0] * 10
    assert {one.tried for one in second} == {10}


def measured(world, profile, experiments, sampling):
    """The lines of a measurement with fixed choices; keys are fresh."""
    return list(measure(world, profile, experiments, sampling, np.random.default_rng(3)))


def outcome(tried: int, right: int) -> Outcome:
    """So many people tried, the first of them found, chance one person."""
    found = np.arange(tried) < right
    return Outcome(people=np.arange(tried), found=found, by_chance=1.0, confidence=np.zeros(tried), correct=found)
