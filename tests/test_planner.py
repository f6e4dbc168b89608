"""The pass plan: the same for both parties, sized by public statistics, with thresholds that keep their promise."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.chance import tail
from linkage.errors import LinkageError, SheetError
from linkage.exposure import exposure
from linkage.plan import PassPlan, Plan, estimated_dice
from linkage.planner import divide_pass, plan_passes, strangers_of_pass
from linkage.profiles import PROFILES
from linkage.sheet import Sheet
from linkage.sizing import Limits, size_blocks
from linkage.statistics import BILLION, Statistics
from tests import oracle
from tests.block_labels import block_label
from tests.invented import FEBRL4, FEBRL4_TABLE, P1, P1_TABLE

SHEETS = {"P1": (P1, P1_TABLE), "febrl4": (FEBRL4, FEBRL4_TABLE)}
SIZES = [(100, 100), (2000, 5000), (30_000, 30_000), (60_000, 1000), (50_000, 70_000)]

# A sheet whose plan has each kind of block: heavy values that are split, rare ones that are pooled, on both levels.
SPLIT_TABLE: dict[str, Any] = {
    "version": "linkage/v1",
    "attributes": {
        "nom": {"kind": "name", "bits": 20},
        "prenoms": {"kind": "given_names", "bits": 20},
        "naissance": {"kind": "date", "bits": 40},
        "sexe": {"kind": "sex", "bits": 2},
        "postal": {"kind": "code", "bits": 10},
    },
    "statistics": {"postal": 3000},
    "passes": [
        {"name": "noms", "blocks": [["nom.two"], ["nom.two", "prenoms.initial"]]},
        {"name": "annee", "blocks": [["naissance.year"], ["naissance.year", "sexe.value"]]},
        {"name": "postal", "blocks": [["postal.value", "sexe.value"]]},
    ],
}
SPLIT = Sheet.from_table(SPLIT_TABLE)


def expected_pairs(table: Any, plan: PassPlan, sizes: tuple[int, int]) -> float:
    """Pairs in one block, block values enumerated one by one; two pooled values meet in one bucket out of all."""
    pooled = []
    total = 0.0
    for share, count in oracle.combinations(table, plan.blocks):
        expected = plan.population * share // BILLION
        if expected < plan.floor:
            pooled.append((share / BILLION, count))
        total += count * (share / BILLION) ** 2 * split_pairs(table, plan, expected, plan.finer)
    return sizes[0] * sizes[1] * (total + meetings(pooled, plan.buckets))


def meetings(pooled: list[tuple[float, int]], buckets: int) -> float:
    """Pairs of two different pooled values that fall in one bucket."""
    mass = sum(share * count for share, count in pooled)
    return (mass**2 - sum(share**2 * count for share, count in pooled)) / buckets


def split_pairs(table: Any, plan: PassPlan, expected: int, finer: Sequence[str]) -> float:
    """Of the pairs of one value, those that stay in one block when it is split as long as it is too heavy."""
    if expected <= plan.cap * 2 // 3 or not finer:
        return 1.0
    parts = oracle.combinations(table, finer[:1])
    smaller = [(share / BILLION, count, expected * share // BILLION) for share, count in parts]
    pooled = [(share, count) for share, count, part in smaller if part < plan.floor]
    kept = [(share, count, part) for share, count, part in smaller if part >= plan.floor]
    alone = sum(share**2 * count for share, count in pooled)
    alone += sum(count * share**2 * split_pairs(table, plan, part, finer[1:]) for share, count, part in kept)
    return alone + meetings(pooled, oracle.pool(table, finer[:1], expected, plan.floor))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", SHEETS)
def test_both_parties_compute_the_same_plan(name, sizes, profile):
    """From the same sheet, profile and sizes, in either order, the same plan to the letter; columns do not count."""
    sheet, table = SHEETS[name]
    plan = plan_passes(sheet, profile, sizes)
    other = Sheet.from_table(copy.deepcopy({**table, "columns": {"autre": {"id": "x"}}}))
    assert plan_passes(other, profile, sizes) == plan
    assert plan_passes(sheet, profile, sizes[::-1]) == plan
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("profile", ["standard", "renforce"])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", [*SHEETS, "split"])
def test_expected_pairs_are_those_of_an_enumeration(name, sizes, profile):
    """The pairs of each pass are within 5 % of a sum over all block values (rounding aside)."""
    sheet, table = SHEETS.get(name, (SPLIT, SPLIT_TABLE))
    for one in plan_passes(sheet, profile, sizes).passes:
        assert one.expected_pairs == pytest.approx(expected_pairs(table, one, sizes), rel=0.05, abs=1)


@pytest.mark.parametrize("name", [*SHEETS, "split"])
def test_expected_pairs_are_those_of_a_world_that_follows_the_statistics(name):
    """People drawn from the public statistics, divided by the real labels, meet as often as the plan says (5 %)."""
    sheet, table = SHEETS.get(name, (SPLIT, SPLIT_TABLE))
    sizes = (24_000, 16_000)
    rng = np.random.default_rng(20261122)
    statistics = Statistics(sheet)
    for one in plan_passes(sheet, "standard", sizes).passes:
        sides = [labels_of_a_world(table, one, statistics, size, rng) for size in sizes]
        pairs = sum(count * sides[1].get(label, 0) for label, count in sides[0].items())
        assert pairs == pytest.approx(one.expected_pairs, rel=0.05)


def labels_of_a_world(
    table: Any, plan: PassPlan, statistics: Statistics, size: int, rng: np.random.Generator
) -> dict[bytes | None, int]:
    """How many of `size` people stand in each block."""
    columns = []
    for component in (*plan.blocks, *plan.finer):
        named = [
            (f"{value or place}", share)
            for value, share, count in oracle.shares_of(table, component)
            for place in range(count)
        ]
        weights = np.array([share for _, share in named], dtype=float)
        drawn = rng.choice(len(named), size=size, p=weights / weights.sum())
        columns.append([named[place][0] for place in drawn])
    counts: dict[bytes | None, int] = {}
    for values in zip(*columns, strict=True):
        label = block_label(values, plan, statistics)
        counts[label] = counts.get(label, 0) + 1
    return counts


def test_all_kinds_of_blocks_occur_in_that_world():
    """The world above has split, pooled and plain values on both levels, so that its agreement means something."""
    plan = plan_passes(SPLIT, "standard", (24_000, 16_000)).passes[0]
    values = [[value for value, _, _ in oracle.shares_of(SPLIT_TABLE, one)] for one in (*plan.blocks, *plan.finer)]
    statistics = Statistics(SPLIT)
    labels = [block_label(one, plan, statistics) for one in itertools.product(*values)]
    assert {label[8 : 8 + label[7]] for label in labels if label} == {b"value", b"split", b"rest", b"bucket"}


@pytest.mark.parametrize("name", SHEETS)
@given(first=st.integers(100, 70_000), second=st.integers(100, 70_000))
@settings(max_examples=8, deadline=None)
def test_the_coarsest_level_that_fits_is_taken(name, first, second):
    """No coarser level keeps its blocks, heavy values split, under two thirds of the cap with few people in split blocks."""
    sheet, table = SHEETS[name]
    population = max(first, second)
    for rule, one in zip(table["passes"], plan_passes(sheet, "standard", (first, second)).passes, strict=True):
        assert (one.cap, one.floor, one.population, one.target) == (1000, 100, population, 666)
        levels = [tuple(level) for level in rule["blocks"]]
        for level in levels:
            finer = tuple(part for part in rule.get("split", ()) if part not in level) or extensions(levels, level)
            largest, split = blocks_of(table, level, finer, population)
            if largest <= 666 and split <= 0.25:
                assert (one.blocks, one.finer) == (level, finer[: len(one.finer)])
                break
        else:
            assert one.blocks in levels
        assert blocks_of(table, one.blocks, one.finer, population)[0] <= 1000


def extensions(levels: list[tuple[str, ...]], level: tuple[str, ...]) -> tuple[str, ...]:
    """What the levels after one add to it, while each begins with the one before."""
    longer = level
    for other in levels[levels.index(level) + 1 :]:
        longer = other if other[: len(longer)] == longer else longer
    return longer[len(level) :]


def blocks_of(table: Any, level: Sequence[str], finer: Sequence[str], population: int) -> tuple[int, float]:
    """Records expected in the largest block, and the share of people in split blocks."""
    largest, split = 0, 0.0
    for share, count in oracle.combinations(table, level):
        expected = population * share // BILLION
        split += share / BILLION * count if expected > 666 and finer else 0
        largest = max(largest, parted(table, expected, finer))
    return largest, split


def parted(table: Any, expected: int, finer: Sequence[str]) -> int:
    """The largest part of a value that is split as long as it is too heavy."""
    if expected <= 666 or not finer:
        return expected
    return max(
        parted(table, expected * share // BILLION, finer[1:]) for share, _ in oracle.combinations(table, finer[:1])
    )


@pytest.mark.parametrize("profile", ["standard", "renforce"])
@pytest.mark.parametrize("size", [100, 10_000, 1_000_000, 10_000_000])
def test_p1_plans_from_a_hundred_to_ten_million_people(size, profile):
    """Four passes with blocks under two thirds of the cap; the exposure of most people's blocks is what the profile aims at."""
    statistics, chosen = Statistics(P1), PROFILES[profile]
    plan = plan_passes(P1, profile, (size, size))
    assert [one.name for one in plan.passes] == ["jour", "annee", "noms", "usage"]
    for one in plan.passes:
        limits = Limits(population=size, cap=one.target, floor=one.floor)
        sizing = size_blocks(statistics, one.blocks, one.finer, limits)
        assert sizing.largest <= 666
        assert exposure(P1.attributes, statistics, chosen, one.left_out(0), one.degree) <= chosen.exposure
        assert one.expected_pairs <= 666 * size


def test_a_usage_name_is_compared_only_where_the_block_value_ignores_the_name():
    """Left out of passes that divide by the birth name, and of its own pass, where it stands in the birth name's place."""
    for size, without in ((20_000, [(), (), ("nom_usage",), ("nom_usage",)]), (10**6, [(), *[("nom_usage",)] * 3])):
        passes = plan_passes(P1, "standard", (size, size)).passes
        assert [one.without for one in passes] == without
        assert [one.form for one in passes] == ["", "", "", "nom_usage"]
        for one in passes:
            assert ("nom_usage.value" in one.left_out(0)) == bool(one.without)


@pytest.mark.parametrize("profile", ["standard", "renforce"])
@pytest.mark.parametrize("sizes", SIZES)
def test_thresholds_are_the_largest_that_keep_the_promise(profile, sizes):
    """Over all passes at most 1 % (strict: 0.1 %) of the smaller file in strangers; one more bit would be too much."""
    sheet, chosen = replace(P1, information=0, strict=0), PROFILES[profile]
    plan, statistics = plan_passes(sheet, profile, sizes), Statistics(sheet)
    together: dict[int, int] = {}
    for rule, one in zip(sheet.passes, plan.passes, strict=True):
        division = divide_pass(rule, sheet, statistics, chosen, max(sizes))
        for step, pairs in strangers_of_pass(
            division, sheet.attributes, statistics, chosen, one.expected_pairs
        ).items():
            together[step] = together.get(step, 0) + pairs
    first = plan.passes[0]

    def expected(distance: int) -> int:
        return sum(pairs * tail(first.length, step)[distance] for step, pairs in together.items() if step < 128)

    for distance, thousandths in ((first.information, 10), (first.strict, 1)):
        allowed = thousandths * min(sizes) * BILLION << 256
        assert 1000 * expected(distance) <= allowed < 1000 * expected(distance + 1)
    assert {(one.information, one.strict, one.length) for one in plan.passes} == {
        (first.information, first.strict, first.length)
    }
    assert first.strict < first.information < first.length // 2


def test_random_filters_link_more_seldom_than_promised():
    """Independent random filters, as many pairs as the plan expects: people are more alike than that, links stay under 1 %."""
    sizes = (2000, 2000)
    plan = plan_passes(P1, "standard", sizes)
    pairs = sum(one.expected_pairs for one in plan.passes)
    rng = np.random.default_rng(7)
    side = int(sqrt(pairs)) + 1
    words = plan.passes[0].length // 64
    left, right = (rng.integers(0, 2**64, size=(side, words), dtype=np.uint64) for _ in range(2))
    found = 0
    for row in left:
        distances = np.bitwise_count(right ^ row).sum(axis=1, dtype=np.int64)
        found += int((distances <= plan.passes[0].information).sum())
    assert found <= sizes[0] / 100


def test_names_only_passes_get_one_xor_more_at_least():
    """Blocks of names, with or without sex, and even where their heaviest are split by something else; letters cost more."""
    table: Any = copy.deepcopy(SPLIT_TABLE)
    table["passes"] = [
        {"name": "noms", "blocks": [["nom.initial"], ["nom.initial", "prenoms.initial"]]},
        {"name": "sexe", "blocks": [["nom.two", "sexe.value"]]},
        {"name": "fin", "blocks": [["nom.initial"]], "split": ["naissance.month"]},
        {"name": "mixte", "blocks": [["nom.initial", "naissance.month"]]},
        {"name": "date", "blocks": [["naissance.month", "sexe.value"]]},
        {"name": "postal", "blocks": [["postal.value"]]},
    ]
    for profile in ("standard", "renforce"):
        plan = plan_passes(Sheet.from_table(table), profile, (20_000, 20_000))
        least = PROFILES[profile].degree
        assert all(one.degree > least for one in plan.passes if one.name in ("noms", "sexe", "fin"))
        degrees = {one.name: one.degree for one in plan.passes}
        assert least <= min(degrees["mixte"], degrees["date"]) < degrees["noms"]
        assert plan.passes[2].finer == ("naissance.month",)


def test_the_plain_profile_compares_all_with_all():
    """One pass without blocks, on Dice; it needs no pass in the sheet and takes no notice of those that are there."""
    table = {**P1_TABLE, "passes": []}
    for sheet in (P1, Sheet.from_table(table)):
        plan = plan_passes(sheet, "reference", (300, 200))
        (one,) = plan.passes
        assert (one.blocks, one.finer, one.degree, one.measure, one.length) == ((), (), 0, "dice", 1024)
        assert one.expected_pairs == pytest.approx(60_000, abs=1)


def only_passes(*components: str) -> dict[str, Any]:
    """P1 with passes on these components only."""
    return {**P1_TABLE, "passes": [{"name": f"p{n}", "blocks": [[one]]} for n, one in enumerate(components)]}


def heavy_name(bits: int) -> dict[str, Any]:
    """P1 where nearly all bits are those of one attribute."""
    attributes = {**P1_TABLE["attributes"]}
    attributes["nom_naissance"] = {**attributes["nom_naissance"], "bits": bits}
    return {**P1_TABLE, "attributes": attributes}


@pytest.mark.parametrize(
    ("code", "table", "profile", "sizes"),
    [
        ("E_PROFIL", P1_TABLE, "inconnu", (1000, 1000)),
        ("E_PASSES", {"version": "linkage/v1", "attributes": {"a": {"kind": "code", "bits": 1}}}, "standard", (99, 99)),
        ("E_PASSES", only_passes("nom_naissance.initial", "prenoms.two"), "standard", (1000, 1000)),
        ("E_PASSES", only_passes("date_naissance.day", "date_naissance.year"), "standard", (1000, 1000)),
        ("E_PASSES", heavy_name(1000), "standard", (20_000, 20_000)),  # t = 12 does not hide it
        ("E_PASSES", P1_TABLE, "standard", (1000, 10**9)),  # no step of the sheet keeps such blocks under the cap
        ("E_EFFECTIFS", P1_TABLE, "standard", (0, 1000)),
        ("E_EFFECTIFS", P1_TABLE, "standard", (1000, -5)),
        ("E_EFFECTIFS", P1_TABLE, "standard", (1000, 10**9 + 1)),
        ("E_FEUILLE", {**FEBRL4_TABLE, "statistics": {}}, "standard", (1000, 1000)),
    ],
)
def test_impossible_plans_are_refused(code, table, profile, sizes):
    """Unknown profile, no pass, sizes that no file has, values that nothing is known of."""
    with pytest.raises(LinkageError) as refusal:
        plan_passes(Sheet.from_table(table), profile, sizes)
    assert refusal.value.code == code


def test_small_and_huge_files_have_a_plan():
    """One record, or as many as the finest steps allow: numbers do not overflow."""
    for size in (1, 2, 10_000_000):
        for one in plan_passes(P1, "standard", (size, size)).passes:
            assert 0 < one.expected_pairs <= size * size + 1
            assert one.buckets >= 1


def test_the_strict_floor_of_the_sheet_holds_in_every_pass():
    """No strict link under the sheet's estimated Dice, whatever the pass's degree; without a floor, only chance counts."""
    plan, free = (
        plan_passes(replace(P1, information=0, strict=floor), "standard", (50_000, 50_000)) for floor in (830, 0)
    )
    for one, other in zip(plan.passes, free.passes, strict=True):
        assert estimated_dice(one.strict, one.length, one.degree) >= 0.83
        assert one.strict == other.strict or estimated_dice(one.strict + 1, one.length, one.degree) < 0.83
        assert (one.information, one.blocks) == (other.information, other.blocks)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"n": {"kind": "name", "bits": 9}, "p": {"kind": "given_names", "bits": 9}}, "que des noms"),
        ({"d": {"kind": "date", "bits": 9}}, "que la date"),
        ({"d": {"kind": "date", "bits": 9}, "s": {"kind": "sex", "bits": 1}}, "que la date"),
    ],
)
def test_a_sheet_of_one_kind_is_told_to_add_another(attributes, said):
    """Names only, or dates only: to ask for one more pass would not help."""
    sheet = Sheet.from_table({"version": "linkage/v1", "attributes": attributes})
    with pytest.raises(SheetError, match=said) as refusal:
        plan_passes(sheet, "standard", (50_000, 50_000))
    assert refusal.value.code == "E_PASSES"


def test_the_solving_is_that_of_the_sheet():
    """Every pass of a plan is solved as the sheet says."""
    for solving in ("one-to-one", "many-to-one"):
        plan = plan_passes(replace(P1, solving=solving), "standard", (20_000, 20_000))
        assert {solving} == {one.solving for one in plan.passes}
