"""Twins and the strict floors of the shipped sheets."""

from __future__ import annotations

import pytest

from benchmarks.twins import main, twins_linked
from linkage.planner import plan_passes
from linkage.sheet import load_sheet

SIZES = (10_000, 50_000, 1_000_000)


@pytest.mark.parametrize("profile", ["standard", "renforce"])
@pytest.mark.parametrize("name", ["P1", "P2", "P3"])
def test_shipped_floors_let_two_twins_in_a_hundred_through(name, profile):
    """Decision 0030: no pass links more, and a floor a hundredth lower would in some pass of `standard`."""
    sheet = load_sheet(name)
    passes = [one for size in SIZES for one in plan_passes(sheet, profile, (size, size)).passes]
    assert max(twins_linked(sheet, one, profile, sheet.strict) for one in passes) <= 0.02
    if profile == "standard":
        assert max(twins_linked(sheet, one, profile, sheet.strict - 10) for one in passes) > 0.02


def test_a_higher_floor_links_fewer_twins():
    """From nearly a third of the pairs to none."""
    sheet = load_sheet("P1")
    one = plan_passes(sheet, "standard", (50_000, 50_000)).passes[1]
    shares = [twins_linked(sheet, one, "standard", floor) for floor in range(800, 910, 10)]
    assert sorted(shares, reverse=True) == shares
    assert shares[0] > 0.2
    assert shares[-1] < 0.001


def test_the_table_is_printed(capsys):
    """A heading, then a line a pass."""
    assert main(["--sheet", "P1", "--size", "2000"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 4
