"""Public statistics: exact shares of block values, the same on any machine."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import COMPONENTS
from linkage.errors import SheetError
from linkage.sheet import Sheet
from linkage.statistics import BILLION, BUCKET_FILL, Statistics
from tests import oracle
from tests.invented import FEBRL4, FEBRL4_TABLE, P1, P1_TABLE

TABLE: dict[str, Any] = {
    "version": "linkage/v1",
    "attributes": {
        "nom": {"kind": "name", "bits": 10},
        "prenoms": {"kind": "given_names", "bits": 10},
        "sexe": {"kind": "sex", "bits": 2},
        "naissance": {"kind": "date", "bits": 20},
        "arrivee": {"kind": "date", "bits": 20},
        "postal": {"kind": "code", "bits": 5},
        "situation": {"kind": "category", "bits": 5},
    },
    "statistics": {
        "postal": 6000,
        "arrivee.year": {"from": 2000, "to": 2024},
        "situation": {"SEUL": 3, "MARIE": 5, "NEUF": 0},
        "prenoms.initial": {"A": 1, "B": 2},
    },
}
SHEET = Sheet.from_table(TABLE)
COMPONENTS_OF_TABLE = [
    f"{name}.{part}" for name, one in TABLE["attributes"].items() for part in COMPONENTS[one["kind"]]
]
FEW_VALUES = [one for one in COMPONENTS_OF_TABLE if not one.endswith(".three")]  # that an enumeration can multiply
some_components = st.lists(st.sampled_from(FEW_VALUES), max_size=2, unique=True)


def test_calendar_components_are_calendar_arithmetic():
    """Of 1,457 parts, 29 February has one, 1 January none, the others four; shares are rounded down."""
    statistics = Statistics(SHEET)
    assert statistics.share(["naissance.day_month"], ["0229"]) == BILLION // 1457
    assert statistics.share(["naissance.day_month"], ["1231"]) == BILLION * 4 // 1457
    assert statistics.share(["naissance.day_month"], ["0101"]) == 0
    assert statistics.share(["naissance.month"], ["02"]) == BILLION * 113 // 1457
    assert statistics.share(["naissance.month"], ["01"]) == BILLION * 120 // 1457
    assert statistics.share(["naissance.day"], ["31"]) == BILLION * 28 // 1457
    assert statistics.share(["naissance.day_month"], ["0230"]) == 0


def test_decades_and_last_digits_follow_the_years():
    """Built-in ones the pyramid, declared ones what the sheet says of the years."""
    statistics = Statistics(SHEET)
    assert statistics.share(["naissance.decade"], ["196"]) == BILLION * 130 // 1100
    assert statistics.share(["naissance.unit"], ["7"]) == BILLION // 10
    shares = [statistics.share(["arrivee.decade"], [one]) for one in ("199", "200", "202")]
    assert shares == [0, 400_000_000, 200_000_000]
    assert [statistics.share(["arrivee.unit"], [one]) for one in ("0", "9")] == [120_000_000, 80_000_000]


def test_letters_that_nobody_lists_are_as_rare_as_their_average():
    """Rare letters are pooled in the published table: each counts as one of them."""
    letters = oracle.public_statistics()["letters"]["name"]["three"]
    mass, count = letters["rest"]
    assert Statistics(SHEET).share(["nom.three"], ["ZZQ"]) == 1000 * mass // count
    assert Statistics(SHEET).share(["nom.three"], ["MAR"]) == 1000 * letters["shares"]["MAR"]


def test_likeness_of_names_is_a_distribution():
    """Of each group, steps of 25 per mille up to all the bits, a million parts together; first letters make people alike."""
    statistics = Statistics(SHEET)
    means = []
    for part in ("", "initial", "two", "three"):
        for likeness in statistics.likeness("name", part).values():
            assert sum(likeness.values()) == pytest.approx(1_000_000, abs=40)
            assert all(0 <= int(step) <= 1000 and int(step) % 25 == 0 for step in likeness)
            means.append(sum(int(step) * weight for step, weight in likeness.items()))
    assert means == sorted(means)
    assert statistics.likeness("sex", "") == {}


def test_declared_statistics_come_before_built_in_ones():
    """A number of values, years from and to, and frequencies."""
    statistics = Statistics(SHEET)
    assert statistics.share(["postal.value"], ["whatever"]) == BILLION // 6000
    assert [statistics.share(["arrivee.year"], [year]) for year in ("1999", "2000", "2024", "2025")] == [
        0,
        40_000_000,
        40_000_000,
        0,
    ]
    assert [statistics.share(["situation.value"], [one]) for one in ("SEUL", "MARIE", "NEUF", "x")] == [
        375_000_000,
        625_000_000,
        0,
        0,
    ]
    assert statistics.share(["prenoms.initial"], ["B"]) == BILLION * 2 // 3
    assert statistics.share(["prenoms.initial"], ["C"]) == 0
    assert statistics.share([], []) == BILLION


@pytest.mark.parametrize("component", COMPONENTS_OF_TABLE)
def test_shares_of_a_component_make_a_whole(component):
    """All values of a component together are everybody, up to rounding."""
    shares, counts = Statistics(SHEET).product([component])
    total = int((shares * counts).sum())
    assert BILLION - int(counts.sum()) - 10_000 <= total <= BILLION + 10_000  # letters are in parts per million


@given(some_components)
@settings(max_examples=20, deadline=None)
def test_products_are_those_of_the_oracle(components):
    """All combinations of values with their shares, as enumerated one by one."""
    shares, counts = Statistics(SHEET).product(components)
    expected: Counter[int] = Counter()
    for share, count in oracle.combinations(TABLE, components):
        expected[share] += count
    found: Counter[int] = Counter()
    for share, count in zip(shares.tolist(), counts.tolist(), strict=True):
        found[share] += count
    assert found == expected


@given(st.data())
@settings(deadline=None)
def test_the_share_of_values_together_is_that_of_the_oracle(data):
    """The product of the shares, rounded down after each; 0 for a value nobody has heard of."""
    components = data.draw(some_components)
    values = [
        data.draw(st.sampled_from([one or "75001" for one, _, _ in oracle.shares_of(TABLE, component)] + ["?"]))
        for component in components
    ]
    assert Statistics(SHEET).share(components, values) == oracle.share(TABLE, components, values)


@given(some_components, st.integers(1, 10**7), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_rare_values_share_buckets_of_three_floors(components, records, floor):
    """The pooled share is that of all values under the floor, and a bucket is expected to hold at least three floors."""
    mass, buckets = Statistics(SHEET).buckets(components, records, floor)
    assert mass == sum(s * n for s, n in oracle.combinations(TABLE, components) if s * records // BILLION < floor)
    assert buckets == oracle.pool(TABLE, components, records, floor)
    assert buckets == 1 or mass * records // BILLION // buckets >= BUCKET_FILL * floor


def test_what_nothing_is_known_of_cannot_divide():
    """A code, category or text needs a declared number of values."""
    sheet = Sheet.from_table({**TABLE, "statistics": {}})
    for component in ("postal.value", "situation.value"):
        with pytest.raises(SheetError) as refusal:
            Statistics(sheet).product([component])
        assert refusal.value.code == "E_FEUILLE"
        assert component.removesuffix(".value") in refusal.value.message


def test_the_digest_names_the_numbers_and_nothing_else():
    """Declared statistics change it, bits and passes do not; two sheets without any share one."""
    other = copy.deepcopy(TABLE)
    other["attributes"]["nom"]["bits"] = 11
    assert Statistics(Sheet.from_table(other)).digest == Statistics(SHEET).digest
    other["statistics"]["postal"] = 6001
    assert Statistics(Sheet.from_table(other)).digest != Statistics(SHEET).digest
    assert Statistics(P1).digest != Statistics(FEBRL4).digest
    assert Statistics(P1).digest == Statistics(Sheet.from_table({**TABLE, "statistics": {}})).digest


def test_every_component_of_the_passes_in_use_is_known():
    """P1 and FEBRL divide only by what public statistics cover."""
    for sheet, table in ((P1, P1_TABLE), (FEBRL4, FEBRL4_TABLE)):
        for level in (level for rule in table["passes"] for level in rule["blocks"]):
            shares, counts = Statistics(sheet).product(level)
            assert 0.99 * BILLION < int((shares * counts).sum()) <= BILLION
