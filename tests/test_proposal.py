"""Passes for sheets without any: the same for both parties, sound, and better than the training sheets' own."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from linkage.costing import cost_plan
from linkage.plan import target_size
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from linkage.proposal import MOST_PASSES, propose_passes
from linkage.sheet import Sheet, load_sheet
from linkage.sizing import Limits, size_blocks
from linkage.statistics import Statistics
from tests.invented import FEBRL4, FEBRL4_TABLE, P1, P1_TABLE

SHEETS = {"P1": (P1, P1_TABLE), "febrl4": (FEBRL4, FEBRL4_TABLE)}
NAMES = {"name", "given_names"}


@pytest.mark.parametrize("size", [500, 20_000, 1_000_000])
@pytest.mark.parametrize("name", SHEETS)
def test_proposed_passes_are_sound(name, size):
    """Three to five, of which one without dates and one without names; blocks under the target; a sheet could hold them."""
    sheet, table = SHEETS[name]
    rules = propose_passes(sheet, PROFILES["standard"], Statistics(sheet), (size, size))
    assert 3 <= len(rules) <= MOST_PASSES
    kinds = [{sheet.attribute(one.partition(".")[0]).kind for one in rule.ladder[0]} for rule in rules]
    assert any("date" not in some for some in kinds)
    assert any(not some & NAMES for some in kinds)
    passes: list[dict[str, Any]] = [
        {"name": rule.name, "blocks": [list(rule.ladder[0])], **({"split": list(rule.split)} if rule.split else {})}
        | ({"form": rule.form} if rule.form else {})
        for rule in rules
    ]
    assert Sheet.from_table({**table, "passes": passes}).passes == rules


@pytest.mark.parametrize("name", SHEETS)
def test_both_parties_propose_the_same(name):
    """Whoever reads the sheet, in either order of sizes, with other columns; the plan follows the proposal."""
    sheet, table = SHEETS[name]
    bare = Sheet.from_table({**copy.deepcopy(table), "passes": [], "columns": {"autre": {"id": "x"}}})
    plan = plan_passes(replace(sheet, passes=()), "standard", (20_000, 30_000))
    assert plan_passes(bare, "standard", (30_000, 20_000)) == plan
    rules = propose_passes(bare, PROFILES["standard"], Statistics(bare), (20_000, 30_000))
    assert [one.blocks for one in plan.passes] == [rule.ladder[0] for rule in rules]


def test_a_sheet_that_declares_passes_keeps_them():
    """The planner proposes only where the sheet is silent."""
    names = [one.name for one in plan_passes(P1, "standard", (20_000, 20_000)).passes]
    assert names == [rule.name for rule in P1.passes]


@pytest.mark.parametrize("size", [5_000, 60_000])
@pytest.mark.parametrize("name", SHEETS)
def test_proposals_link_as_many_as_the_sheets_own_passes(name, size):
    """Under the same assumptions, within half a point, with no more passes."""
    sheet, _ = SHEETS[name]
    sizes = (size, size)
    own, proposed = (
        cost_plan(one, plan_passes(one, "standard", sizes), sizes) for one in (sheet, replace(sheet, passes=()))
    )
    assert proposed.linking >= own.linking - 0.005
    assert len(proposed.passes) <= MOST_PASSES


def test_what_nothing_is_known_of_proposes_nothing():
    """A code without a declared number of values cannot divide."""
    sheet = Sheet.from_table({"version": "linkage/v1", "attributes": {"a": {"kind": "code", "bits": 1}}})
    assert propose_passes(sheet, PROFILES["standard"], Statistics(sheet), (1000, 1000)) == ()


@pytest.mark.parametrize("name", ["P1", "P2", "P3"])
@pytest.mark.parametrize("size", [20_000, 150_000, 1_000_000, 10_000_000])
def test_blocks_of_first_names_keep_room_for_what_these_tell(name, size):
    """Two letters of a first name tell the sex, all of them something of the generation: blocks of both stay smaller."""
    sheet = replace(load_sheet(name), passes=())
    plan, statistics = plan_passes(sheet, "standard", (size, size)), Statistics(sheet)
    limits = Limits(population=size, cap=target_size(1000), floor=100)
    for one in plan.passes:
        components = {*one.blocks, *one.finer}
        letters = {"prenoms.initial", "prenoms.two", "prenoms.three"} & components
        generation = {"date_naissance.year", "date_naissance.decade"} & components
        if letters and generation:
            assert size_blocks(statistics, one.blocks, one.finer, limits).largest * 3 <= target_size(1000) * 2
        assert not (letters - {"prenoms.initial"} and "sexe.value" in one.blocks)
