"""The thresholds that a rehearsal proposes: sensible on mixtures whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.expectation import Expectation
from linkage.plan import distance_of_dice
from linkage.sightings import dice_floors
from linkage.threshold import propose, with_floor
from tests.mixtures import LENGTH, Mixture, mixture, plan_of, right_links, seen_in


def f1(one: Mixture, links: np.ndarray) -> float:
    """Of some links."""
    return float(2 * right_links(one, links).sum() / (len(links) + one.shared))


@pytest.mark.parametrize(("shared", "alone"), [(300, 0), (300, 300), (60, 500)])
@pytest.mark.parametrize("noise", [0.02, 0.08, 0.15])
def test_the_information_threshold_is_nearly_the_best_there_is(shared, alone, noise):
    """With much or little overlap, few or many errors, and relatives, F1 is within .02 of the best."""
    one = mixture(shared, alone, noise, kin=0.3)
    lowest, _, seen = seen_in(one)
    proposal = propose(lowest, Expectation(seen), shared + alone)
    reached = [f1(one, seen.links[seen.dice[:, 0] >= number / 1000]) for number in range(500, 1000)]
    assert reached[proposal.information.per_mille - 500] >= max(reached) - 0.02
    assert proposal.information.numbers == (proposal.information.per_mille,)


def test_the_strict_threshold_expects_at_most_one_wrong_link_in_a_thousand():
    """It is at or above the other one, and relatives count, too."""
    one = mixture(200, 300, 0.1, kin=0.6)
    lowest, _, seen = seen_in(one)
    expectation = Expectation(seen)
    proposal = propose(lowest, expectation, 500)
    assert proposal.strict.per_mille >= proposal.information.per_mille
    assert expectation.wrong(dice_floors(lowest, proposal.strict.numbers)).mean <= 0.5 + 1e-9
    linked = seen.links[expectation.linked(dice_floors(lowest, proposal.strict.numbers))]
    assert (~right_links(one, linked)).sum() <= 2


def test_a_proposal_never_goes_under_the_plan():
    """However well pairs could be told apart lower, the plan's bound on chance stays."""
    one = mixture(100, 0, 0.15)
    lowest, _, seen = seen_in(one)
    higher = replace(lowest, passes=(replace(lowest.passes[0], information=850, strict=900),))
    proposal = propose(higher, Expectation(seen), 100)
    assert proposal.information.numbers[0] >= 850
    assert proposal.strict.numbers[0] >= 900


def test_the_choice_is_the_same_each_time():
    """No chance in it once links and neighbours are seen."""
    lowest, _, seen = seen_in(mixture(150, 100, 0.1))
    assert propose(lowest, Expectation(seen), 250) == propose(lowest, Expectation(seen), 250)


@given(st.integers(500, 1000), st.integers(0, LENGTH // 2))
def test_a_floor_only_ever_tightens(per_mille, bound):
    """Distances: the smaller of both. Plain filters: the higher Dice."""
    plan = plan_of("hamming", 200)
    assert [min(bound, distance_of_dice(per_mille, LENGTH, 4))] == with_floor(plan, [bound], per_mille)
    assert [max(bound, per_mille)] == with_floor(plan_of(), [bound], per_mille)


def test_files_without_anybody_in_common_get_some_threshold():
    """Nothing to find: a threshold all the same, at which next to nothing is linked."""
    one = mixture(0, 200, 0.1)
    lowest, _, seen = seen_in(one)
    proposal = propose(lowest, Expectation(seen), 200)
    assert proposal.strict.forecast.wrong.middle <= 1


def test_a_file_of_equal_rows_gets_some_threshold():
    """Where strangers are all alike, nothing can be told apart, and nothing breaks."""
    one = mixture(1, 0, 0.0)
    same = Mixture(left=np.repeat(one.left, 30, axis=0), right=np.repeat(one.left, 30, axis=0), shared=30)
    lowest, _, seen = seen_in(same)
    assert 500 <= propose(lowest, Expectation(seen), 30).information.per_mille <= 1000
