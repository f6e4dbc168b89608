"""What a plan costs: bytes as they are sent, people as they meet, exposure and time in proportion."""

from __future__ import annotations

import pytest

from linkage.costing import cost_plan
from linkage.exposure import exposure
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from linkage.statistics import Statistics
from linkage.wire import row_bytes
from tests.invented import FEBRL4, P1

SIZES = (60_000, 40_000)


@pytest.mark.parametrize("profile", ["standard", "renforce"])
def test_bytes_are_rows_of_each_side(profile):
    """Each pass sends a row of id, tag and filter for each record; the total is the sum of the passes."""
    plan = plan_passes(P1, profile, SIZES)
    cost = cost_plan(P1, plan, SIZES)
    row = row_bytes(PROFILES[profile].length)
    assert [one.bytes for one in cost.passes] == [(60_000 * row, 40_000 * row)] * 4
    assert cost.to_json()["bytes"] == [4 * 60_000 * row, 4 * 40_000 * row]


def test_recall_of_the_union_is_above_that_of_each_pass():
    """People meet before they are linked, and in some pass more often than in any one."""
    for sheet in (P1, FEBRL4):
        cost = cost_plan(sheet, plan_passes(sheet, "standard", SIZES), SIZES)
        for one in cost.passes:
            assert 0 < one.linking <= one.meeting <= 1
        assert max(one.meeting for one in cost.passes) <= cost.meeting <= 1
        assert max(one.linking for one in cost.passes) <= cost.linking <= cost.meeting
        assert 0.98 < cost.linking


def test_numbers_are_those_of_the_plan():
    """Pairs, degree and exposure of each pass as the plan and `linkage.exposure` say."""
    plan = plan_passes(P1, "standard", SIZES)
    cost = cost_plan(P1, plan, SIZES)
    for one, shown in zip(plan.passes, cost.to_json()["passes"], strict=True):
        assert (shown["pairs"], shown["degree"], shown["name"]) == (one.expected_pairs, one.degree, one.name)
        assert shown["largest_block"] <= one.target
        least = exposure(P1.attributes, Statistics(P1), PROFILES["standard"], one.left_out(0), one.degree)
        assert least / 1000 <= shown["exposure"] <= 0.25
        assert 0.7 < shown["threshold"] <= shown["strict_threshold"] < 1


def test_a_stronger_profile_costs_more_and_exposes_less():
    """Twice the bytes and the time, about half of the exposure."""
    weak, strong = (cost_plan(P1, plan_passes(P1, profile, SIZES), SIZES) for profile in ("standard", "renforce"))
    for one, other in zip(weak.passes, strong.passes, strict=True):
        assert other.match_seconds == pytest.approx(2 * one.match_seconds)
        assert other.exposure < 0.75 * one.exposure
    assert strong.linking <= weak.linking


def test_the_plain_profile_has_costs_too():
    """One pass that compares all with all, thresholds as plain Dice."""
    cost = cost_plan(P1, plan_passes(P1, "reference", (300, 200)), (300, 200)).to_json()
    assert (cost["meeting"], cost["passes"][0]["threshold"], cost["passes"][0]["largest_block"]) == (1.0, 0.8, 300)


def test_exact_passes_and_twins_cost_rows_and_link_nobody_else():
    """A token a row; a twin doubles the rows of its pass, and links whom its pass links."""
    alone = cost_plan(P1, plan_passes(P1, "standard", SIZES), SIZES)
    both = P1.with_exact("ine").with_twins("commune", "cog")
    cost = cost_plan(both, plan_passes(both, "standard", SIZES), SIZES)
    assert 2 * len(alone.passes) + 1 == len(cost.passes)
    exact = next(one for one in cost.passes if one.plan.measure == "exact")
    assert (32 * SIZES[0], 32 * SIZES[1]) == exact.bytes
    assert (0.0, 0.0, 0) == (exact.meeting, exact.linking, exact.exposure)
    assert abs(alone.linking - cost.linking) < 1e-9
