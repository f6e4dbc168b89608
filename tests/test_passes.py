"""Division into blocks: who shares one, who falls out, and that names of blocks tell nothing and cannot collide."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.keys import PassKey
from linkage import passes as module
from linkage.passes import divide, in_form
from linkage.plan import PassPlan
from linkage.planner import plan_passes
from linkage.records import MISSING
from linkage.sheet import Sheet
from linkage.statistics import BILLION, Statistics
from tests import oracle
from tests.block_labels import block_label
from tests.invented import P1, P1_TABLE, cells_of_kind, people, records_of

KEY, OTHER_KEY = (PassKey(hashlib.sha256(name).digest()) for name in (b"pass", b"another pass"))
TABLE: dict[str, Any] = {
    "version": "linkage/v1",
    "attributes": {
        "nom": {"kind": "name", "bits": 20},
        "prenoms": {"kind": "given_names", "bits": 20},
        "naissance": {"kind": "date", "bits": 40},
        "sexe": {"kind": "sex", "bits": 2},
        "ville": {"kind": "cog", "bits": 2, "pad": 5},
    },
    "statistics": {"ville": 35_000},
    "passes": [
        {"name": "noms", "blocks": [["nom.two"], ["nom.two", "prenoms.initial"]]},
        {"name": "jour", "blocks": [["naissance.day"], ["naissance.day_month"]]},
    ],
}
SHEET = Sheet.from_table(TABLE)
STATISTICS = Statistics(SHEET)
FIRST = plan_passes(P1, "standard", (24_000, 24_000)).passes[0]


def plan_of(*blocks: str, finer: tuple[str, ...] = (), population: int = 24_000, buckets: int = 5) -> PassPlan:
    """A pass of the standard profile with these blocks, of 20 people at least."""
    return replace(FIRST, blocks=blocks, finer=finer, buckets=buckets, population=population, floor=20)


def kind_of(label: bytes | None) -> str | None:
    """The kind of a label: its first framed word."""
    return None if label is None else label[8 : 8 + label[7]].decode()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["MA", "J"], "split"),  # heavy: about 1,000 people of 24,000
        (["MA", "X"], "rest"),  # heavy, with a rare initial
        (["DU", "J"], "value"),
        (["DU", None], "value"),  # the finer component is only asked of heavy values
        (["MA", None], None),
        (["XY", "J"], "bucket"),  # a pair of letters that nobody has heard of
        (["XY", None], "bucket"),
        ([None, "J"], None),
    ],
)
def test_the_plan_decides_what_a_value_becomes(values, kind):
    """Heavy values are split, rare ones pooled on either level, others stand alone, missing ones fall out."""
    plan = plan_of("nom.two", finer=("prenoms.initial",), population=24_000)
    assert kind_of(block_label(values, plan, STATISTICS)) == kind


def test_population_cap_and_floor_are_limits():
    """A value exactly at two thirds of the cap is not split, one exactly at the floor not pooled."""
    share = STATISTICS.share(["nom.two"], ["MA"])
    for population, kind in ((667 * BILLION // share + 20, "split"), (666 * BILLION // share + 1, "value")):
        plan = plan_of("nom.two", finer=("prenoms.initial",), population=population)
        assert kind_of(block_label(["MA", "J"], plan, STATISTICS)) == kind
    for population, kind in ((20 * BILLION // share, "bucket"), (20 * BILLION // share + 1, "value")):
        assert kind_of(block_label(["MA"], plan_of("nom.two", population=population), STATISTICS)) == kind


def test_values_that_differ_have_blocks_that_differ():
    """Of all combinations, those that are not pooled have a label each; pooled ones are as few as their buckets."""
    plan = plan_passes(SHEET, "standard", (24_000, 24_000)).passes[0]
    assert (plan.blocks, plan.finer) == (("nom.two",), ("prenoms.initial",))
    public = oracle.public_statistics()["letters"]
    parts = ("name", "two"), ("given_names", "initial")
    firsts, seconds = (list[str](public[kind][part]["shares"]) for kind, part in parts)
    labels = Counter(block_label(values, plan, STATISTICS) for values in itertools.product(firsts, seconds))
    kinds = Counter(map(kind_of, labels))
    assert set(kinds) == {"value", "split", "rest", "bucket"}
    assert all(count == 1 for label, count in labels.items() if kind_of(label) == "split")
    assert all(count == len(seconds) for label, count in labels.items() if kind_of(label) == "value")
    assert kinds["bucket"] == plan.buckets
    heavy = [two for two in firsts if 24_000 * STATISTICS.share(["nom.two"], [two]) // BILLION > plan.target]
    assert len(heavy) <= kinds["rest"]


CODES = Sheet.from_table(
    {
        "version": "linkage/v1",
        "attributes": {"a": {"kind": "code", "bits": 1}, "b": {"kind": "code", "bits": 1}},
        "statistics": {"a": 100, "b": 10},
    }
)
CODE_STATISTICS = Statistics(CODES)
# Of 100,000 records each value of `a` is expected in 1,000, each of both in 100: cap and floor choose the kind of label.
LIMITS = {"value": (1500, 20), "split": (999, 100), "rest": (999, 101), "bucket": (2000, 1001)}
texts = st.text("ABC", min_size=1, max_size=3)


@given(st.lists(st.tuples(st.sampled_from(list(LIMITS)), texts, texts), min_size=2, max_size=2), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_labels_cannot_collide(drawn, buckets):
    """Two labels are equal only for one kind and one value, or for one kind and values pooled in one bucket."""
    labels, meanings = [], []
    for kind, first, second in drawn:
        cap, floor = LIMITS[kind]
        plan = replace(
            plan_of("a.value", finer=("b.value",), population=100_000, buckets=buckets), cap=cap, floor=floor
        )
        label = block_label([first, second], plan, CODE_STATISTICS)
        assert kind_of(label) == kind
        labels.append(label)
        pooled = {"bucket": ([first], buckets), "rest": ([second], 3)}.get(kind)
        meanings.append(
            {
                "value": (kind, first),
                "split": (kind, first, second),
                "rest": (kind, first, pooled and oracle.numbered(*pooled)),
                "bucket": (kind, pooled and oracle.numbered(*pooled)),
            }[kind]
        )
    assert (labels[0] == labels[1]) == (meanings[0] == meanings[1])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_labels_are_those_of_the_oracle(data):
    """Random people, components and sizes give the oracle's labels."""
    cells = {name: data.draw(cells_of_kind[entry["kind"]]) for name, entry in TABLE["attributes"].items()}
    components = [
        "nom.initial",
        "nom.two",
        "prenoms.initial",
        "naissance.day",
        "naissance.year",
        "sexe.value",
        "ville.value",
    ]
    drawn = data.draw(st.permutations(components))
    base = data.draw(st.integers(1, 2))
    plan = plan_of(
        *drawn[:base],
        finer=tuple(drawn[base : base + data.draw(st.integers(0, 1))]),
        population=data.draw(st.sampled_from([500, 24_000, 2_000_000])),
        buckets=data.draw(st.integers(1, 40)),
    )
    division = divide(records_of(SHEET, [cells]), SHEET, plan, STATISTICS, KEY)
    label = oracle.label(TABLE, vars(plan), oracle.values(TABLE, cells))
    assert (division.block[0] == MISSING) == (label is None)
    if label is not None:
        found = (division.tags[division.block[0]].tobytes(), division.secrets[division.block[0]])
        assert found == (oracle.block_tag(KEY, label), oracle.block_secret(KEY, label))


def test_records_of_one_value_share_a_block_and_a_missing_one_falls_out():
    """Equal block values are one block, whatever else differs; an unknown day, or a sex that is not told, is none."""
    crowd = people(40)
    for place, day in enumerate(["1980-07-14", "1955-01-14", "1980-07-00", "1980-00-00", "", "0000-07-14"]):
        crowd[place]["date_naissance"] = day
    plan = plan_of("date_naissance.day", population=4000)
    division = divide(records_of(P1, crowd), P1, plan, Statistics(P1), KEY)
    assert division.block[0] == division.block[1] == division.block[5] != MISSING
    assert division.block[2:5].tolist() == [MISSING] * 3
    days = [one["date_naissance"][8:] for one in crowd[6:]]
    for one, block in zip(days, division.block[6:], strict=True):
        assert [days[place] for place in np.flatnonzero(division.block[6:] == block)].count(one) == days.count(one)


def test_tags_and_secrets_depend_on_the_pass_key():
    """Two parties with one key agree; another pass has other tags and secrets; no two blocks share any."""
    plan = plan_of("nom_naissance.initial", population=4000)
    statistics = Statistics(P1)
    ours = divide(records_of(P1, people(200, seed=1)), P1, plan, statistics, KEY)
    theirs = divide(records_of(P1, people(200, seed=2)), P1, plan, statistics, KEY)
    other = divide(records_of(P1, people(200, seed=1)), P1, plan, statistics, OTHER_KEY)
    tags = [{row.tobytes() for row in division.tags} for division in (ours, theirs, other)]
    assert len(tags[0] & tags[1]) > 15
    assert tags[0] & tags[2] == set()
    assert set(ours.secrets) & set(theirs.secrets)
    assert set(ours.secrets) & set(other.secrets) == set()
    assert len(tags[0]) == len(ours.tags) == len(set(ours.secrets))
    assert not tags[0] & {secret[:16] for secret in ours.secrets}
    assert ours.tags.shape[1:] == (16,)


def test_without_blocks_everybody_is_together():
    """The plain profile has one block, nobody falls out."""
    plan = plan_passes(P1, "reference", (100, 100)).passes[0]
    division = divide(records_of(P1, [{}, *people(10)]), P1, plan, Statistics(P1), KEY)
    assert (division.block.tolist(), len(division.tags)) == ([0] * 11, 1)


@pytest.mark.parametrize("size", [3000, 24_000, 200_000])
def test_blocks_of_a_world_that_follows_the_statistics_keep_their_bounds(size):
    """Drawn from public statistics, no block of P1 is over one and a half caps, and few people are in blocks under the floor."""
    rng = np.random.default_rng(3)
    statistics = Statistics(P1)
    for plan in plan_passes(P1, "standard", (size, size)).passes:
        columns = []
        for component in (*plan.blocks, *plan.finer):
            shares = oracle.shares_of(P1_TABLE, component)
            weights = np.array([share for _, share, _ in shares], dtype=float)
            columns.append(
                [shares[place][0] for place in rng.choice(len(shares), size=size, p=weights / weights.sum())]
            )
        together = Counter(zip(*columns, strict=True))
        counts: Counter[bytes | None] = Counter()
        for values, count in together.items():
            counts[block_label(values, plan, statistics)] += count
        assert max(counts.values()) <= 1.5 * plan.cap
        assert sum(count for count in counts.values() if count < plan.floor / 2) <= 0.01 * size


def test_a_second_form_takes_the_first_ones_place_where_there_is_one():
    """In such a pass a usage name stands where the birth name did, and the other way round; who has none keeps the birth name."""
    crowd = people(30)
    records = records_of(P1, crowd)
    turned = in_form(records, P1, "nom_usage")

    def cells(of: Any, name: str) -> list[str | None]:
        column = of.columns[name]
        return [None if code == MISSING else column.values[code] for code in column.codes.tolist()]

    birth, usage = cells(records, "nom_naissance"), cells(records, "nom_usage")
    assert cells(turned, "nom_naissance") == [second or first for first, second in zip(birth, usage, strict=True)]
    assert cells(turned, "nom_usage") == [first if second else None for first, second in zip(birth, usage, strict=True)]
    assert turned.columns["prenoms"] is records.columns["prenoms"]
    for name in ("nom_naissance", "nom_usage"):
        column = turned.columns[name]
        assert np.array_equal(column.codes[7:19], column.part(7, 19))


def test_many_pairs_of_values_are_sorted_rather_than_looked_up(monkeypatch):
    """The same blocks, whichever way pairs of codes are numbered, a few records at a time or all."""
    records, statistics = records_of(P1, [{}, *people(150)]), Statistics(P1)
    for plan in plan_passes(P1, "standard", (200_000, 200_000)).passes:
        expected = divide(records, P1, plan, statistics, KEY)
        with monkeypatch.context() as patch:
            patch.setattr(module, "_SMALL", 0)
            patch.setattr(module, "AT_ONCE", 40)
            found = divide(records, P1, plan, statistics, KEY)
        assert expected.block.tolist() == found.block.tolist()
        assert expected.secrets == found.secrets


def test_heavy_values_take_finer_components_until_they_are_light():
    """The depth of a block is the number of finer components that its value needed; what is left out follows it."""
    plan = plan_of(
        "a.value", finer=("b.value", "b.value"), population=1_000_000
    )  # 10,000 a value, 1,000 of both, then 100
    for cap, kind, depth in ((15_001, "value", 0), (1_500, "split", 1), (900, "split", 2)):
        label = block_label(["X", "Y", "Z"], replace(plan, cap=cap), CODE_STATISTICS)
        assert kind_of(label) == kind
        assert label is not None
        assert label.count(b"Y") + label.count(b"Z") == depth
        assert replace(plan, without=("c",)).left_out(depth) == ("a.value", *["b.value"] * depth, "c.value")


# --- twins ------------------------------------------------------------------------------------------------------------

TWINS = Sheet.from_table(
    {**TABLE, "attributes": {**TABLE["attributes"], "ville": {"kind": "cog", "bits": 0}}, "twins": "ville"}
)


def twins_of(size: int) -> list[tuple[PassPlan, PassPlan]]:
    """(pass, its twin) of the plan for files of that size."""
    plans = {one.name: one for one in plan_passes(TWINS, "standard", (size, size)).passes}
    return [(plans[one.twin], one) for one in plans.values() if one.twin]


def townspeople(count: int, towns: int, *, gaps: int = 0) -> Any:
    """Records of which some have no town."""
    rng = np.random.default_rng(7)
    crowd = [
        {
            "nom": f"{'ABCDEFGH'[rng.integers(8)]}{'AEIO'[rng.integers(4)]}RAN",
            "prenoms": "ANNE",
            "naissance": f"19{rng.integers(30, 99)}-0{rng.integers(1, 9)}-{rng.integers(1, 28):02}",
            "sexe": "F",
            "ville": "" if number < gaps else f"{10_000 + rng.integers(towns)}",
        }
        for number in range(count)
    ]
    return records_of(TWINS, crowd)


def test_a_twin_divides_the_blocks_of_its_pass_by_the_attribute():
    """Same value: the same block of the twin wherever the pass has one; other values part most of those who met."""
    records, statistics = townspeople(400, 30), Statistics(TWINS)
    town = records.columns["ville"].codes
    for one, twin in twins_of(24_000):
        ours, theirs = (divide(records, TWINS, plan, statistics, KEY).block for plan in (one, twin))
        assert np.array_equal(ours == MISSING, theirs == MISSING)
        met = ours[:, None] == ours[None, :]
        again, same = theirs[:, None] == theirs[None, :], town[:, None] == town[None, :]
        assert not (again & ~met).any()
        assert np.array_equal(met & same, again & same)
        # By one part in so many do other towns stay together; twice as often is beyond chance here.
        assert (again & ~same).sum() <= 3 * (met & ~same).sum() / twin.parts


def test_records_without_the_attribute_are_in_no_pass():
    """Nobody could say whether it differs."""
    records, statistics = townspeople(50, 5, gaps=9), Statistics(TWINS)
    for one in itertools.chain(*twins_of(24_000)):
        block = divide(records, TWINS, one, statistics, KEY).block
        assert [MISSING] * 9 == block[:9].tolist()
        assert (block[9:] != MISSING).any()


def test_a_twin_keeps_some_people_in_a_block():
    """The number of parts follows from the expected size of the blocks of its pass; its thresholds are no stricter."""
    for size in (3_000, 24_000):
        for one, twin in twins_of(size):
            assert 2 <= twin.parts <= 64
            assert (twin.blocks, twin.finer, twin.degree) == (one.blocks, one.finer, one.degree)
            assert (twin.information, twin.strict) >= (one.information, one.strict)
            assert twin.left_out(0) == one.left_out(0)
