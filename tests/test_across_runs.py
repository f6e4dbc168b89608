"""Two runs of the same people against each other."""

import numpy as np
import pytest

from linkage.attacks.across_runs import across_runs, two_runs
from linkage.attacks.scene import one_table
from linkage.planner import plan_passes
from tests.attacked import SHEET, sides


def outcome(profile, size, known=0):
    """What is recognised across two runs of one file."""
    file = sides(size)[0]
    rng = np.random.default_rng(0)
    scene = next(two_runs(file, file, SHEET, one_table(SHEET, profile, size)))
    if known:
        scene = scene.knowing(known, rng)
    return scene.score(across_runs(scene.view, rng))


def test_plain_filters_are_recognised():
    """G8's control at 500 people."""
    assert outcome("reference", 500).rate >= 0.9


@pytest.mark.soak
def test_control_at_full_size():
    """G8: 2,000 people, nine in ten at least."""
    assert outcome("reference", 2000).rate >= 0.9


def test_diffused_filters_are_not():
    """Neither without a start nor from twenty known rows."""
    assert outcome("standard", 500).right < 25
    assert outcome("standard", 500, known=20).right < 25


def test_blocks_of_two_runs_are_paired_by_their_value():
    """The truth joins rows of the same person, in every pass; rows are in another order in the other run."""
    first, second = sides(1000, 750, "certifie")
    plan = plan_passes(SHEET, "standard", (1000, 1000))
    found = list(two_runs(first, second, SHEET, plan, most=2))
    assert {scene.view.filters[0].shape[1] for scene in found} == {plan.passes[0].length // 64}
    assert len(found) >= len(plan.passes)
    shared = sum(int((scene.truth >= 0).sum()) for scene in found)
    assert shared >= sum(len(scene.people) for scene in found) * 0.5
    assert any((np.diff(scene.truth[scene.truth >= 0]) < 0).any() for scene in found)
