"""Expected sizes of blocks: those of an enumeration, and of people drawn from the same statistics."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.sheet import Sheet
from linkage.sizing import Limits, Sizing, largest_share, size_blocks
from linkage.statistics import BILLION, Statistics
from tests import oracle

TABLE: dict[str, Any] = {
    "version": "linkage/v1",
    "attributes": {
        "nom": {"kind": "name", "bits": 20},
        "naissance": {"kind": "date", "bits": 20},
        "sexe": {"kind": "sex", "bits": 2},
        "postal": {"kind": "code", "bits": 5},
    },
    "statistics": {"postal": 300},
}
STATISTICS = Statistics(Sheet.from_table(TABLE))
components = st.sampled_from(
    ["nom.initial", "nom.two", "naissance.month", "naissance.decade", "sexe.value", "postal.value"]
)


def enumerated(blocks: list[str], finer: list[str], limits: Limits) -> dict[str, Any]:
    """All values one by one: pairs in one block, share of people by depth, the largest block that is not a bucket."""
    found: dict[str, Any] = {"pairs": 0.0, "depths": Counter(), "largest": 0}
    pooled = []
    for share, count in oracle.combinations(TABLE, blocks):
        expected = share * limits.population // BILLION
        if expected < limits.floor:
            pooled += [share / BILLION] * count
            found["depths"][0] += share / BILLION * count
        else:
            follow(found, share / BILLION, expected, count, finer, limits, 0)
    add_pool(found, pooled, oracle.pool(TABLE, blocks, limits.population, limits.floor))
    return found


def follow(
    found: dict[str, Any], share: float, expected: int, count: int, finer: list[str], limits: Limits, depth: int
) -> None:
    """One value, split as long as it is too heavy."""
    if expected <= limits.cap or not finer:
        found["pairs"] += count * share**2
        found["depths"][depth] += count * share
        found["largest"] = max(found["largest"], expected)
        return
    pooled = []
    for part, many in oracle.combinations(TABLE, finer[:1]):
        smaller = expected * part // BILLION
        if smaller < limits.floor:
            pooled += [share * part / BILLION] * many
            found["depths"][depth + 1] += count * share * part / BILLION * many
        else:
            follow(found, share * part / BILLION, smaller, count * many, finer[1:], limits, depth + 1)
    for _ in range(count):
        add_pool(found, pooled, oracle.pool(TABLE, finer[:1], expected, limits.floor))


def add_pool(found: dict[str, Any], pooled: list[float], buckets: int) -> None:
    """Rare values meet themselves, and each other in one bucket out of all."""
    alone = sum(share**2 for share in pooled)
    found["pairs"] += alone + (sum(pooled) ** 2 - alone) / buckets


@given(
    st.lists(components, min_size=1, max_size=3, unique=True),
    st.integers(1, 2),
    st.sampled_from([100, 5_000, 300_000]),
    st.sampled_from([50, 400]),
)
@settings(max_examples=25, deadline=None)
def test_sizes_are_those_of_an_enumeration(parts, base, population, cap):
    """Any components, split or not: the same pairs, shares by depth and largest block, up to rounding."""
    blocks, finer = parts[:base], parts[base:]
    limits = Limits(population=population, cap=cap, floor=20)
    sizing = size_blocks(STATISTICS, blocks, finer, limits)
    expected = enumerated(blocks, finer, limits)
    assert sizing.pair_share / BILLION**2 == pytest.approx(expected["pairs"], rel=0.02, abs=1e-7)
    for depth, share in enumerate(sizing.depths):
        assert share / BILLION == pytest.approx(expected["depths"][depth], abs=1e-3)
    assert sizing.largest >= expected["largest"]
    assert sizing.split == sum(sizing.depths[1:])


def test_no_blocks_is_one_block():
    """Without components everybody is together."""
    sizing = size_blocks(STATISTICS, [], [], Limits(population=500, cap=100, floor=20))
    assert sizing == Sizing(largest=500, blocks=1, pair_share=BILLION**2, depths=(BILLION,), buckets=1)


def test_blocks_are_counted():
    """Sex and decade: two times eleven, the first decade being too rare for a block of its own."""
    limits = Limits(population=10_000, cap=1000, floor=20)
    sizing = size_blocks(STATISTICS, ["naissance.decade", "sexe.value"], [], limits)
    assert (sizing.blocks, sizing.largest) == (22, 590)
    assert largest_share(STATISTICS, ["naissance.decade", "sexe.value"]) == BILLION * 130 // 1100 // 2


def test_people_drawn_from_the_statistics_fill_such_blocks():
    """The largest of the drawn blocks is near the largest expected one."""
    limits = Limits(population=40_000, cap=666, floor=20)
    sizing = size_blocks(STATISTICS, ["nom.initial"], ["naissance.month"], limits)
    rng = np.random.default_rng(5)
    letters = STATISTICS.named("nom.initial")
    shares = np.array(list(letters.values()), dtype=float)
    names = rng.choice(list(letters), size=40_000, p=shares / shares.sum())
    months = rng.integers(1, 13, 40_000)
    counts = Counter(
        (name, month) if letters[name] * 40_000 // BILLION > 666 else (name,)
        for name, month in zip(names.tolist(), months.tolist(), strict=True)
    )
    assert max(counts.values()) == pytest.approx(sizing.largest, rel=0.1)
