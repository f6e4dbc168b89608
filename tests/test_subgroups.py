"""Figures by value of a column: right for each group, and never about a handful of people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.expectation import Estimate
from linkage.subgroups import LEAST_GROUP, POOLED, by_values

CELLS = ["F"] * 20 + [" M "] * 15 + [""] * 12 + ["x"] * 7 + ["y"] * 6


def links_of(*pairs: tuple[int, int]) -> np.ndarray:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def test_each_group_has_its_own_figures():
    """Precision over its links, recall over its true pairs, the largest group first, small ones together."""
    links = links_of((0, 0), (1, 1), (2, 9), (20, 20), (50, 50))
    true = links_of((0, 0), (1, 1), (2, 2), (3, 3), (20, 20), (21, 21))
    groups = {group.value: group for group in by_values(CELLS, links, true, 100)}
    assert ["F", "M", POOLED, "(vide)"] == list(groups)
    women = groups["F"]
    assert (20, 3, 0.5) == (women.people, women.links, women.recall)
    assert women.precision == pytest.approx(2 / 3)
    assert (15, 1, 1.0, 0.5) == (groups["M"].people, groups["M"].links, groups["M"].precision, groups["M"].recall)
    assert (13, 1, 0.0, None) == (
        groups[POOLED].people,
        groups[POOLED].links,
        groups[POOLED].precision,
        groups[POOLED].recall,
    )
    assert (None, None) == (groups["(vide)"].precision, groups["(vide)"].recall)


def test_without_truth_precision_is_expected():
    """What is not known is None; what is expected comes with its interval."""

    def wrong(group, count):
        assert len(CELLS) == len(group)
        return [Estimate(mean=0.5, variance=0.5, unit=0.5)] * count

    groups = by_values(CELLS, links_of(*((row, row) for row in range(20))), None, 100, wrong)
    assert {None} == {group.precision for group in groups} | {group.recall for group in groups}
    assert groups[0].expected_precision is not None
    low, middle, high = groups[0].expected_precision
    assert (low < middle < high, high) == (True, 1.0)
    assert groups[1].expected_precision is None


@given(st.lists(st.sampled_from("abcdefgh"), max_size=80))
def test_no_group_is_small_and_nobody_is_lost(cells):
    """Eleven people at least, unless the file itself has fewer; each person in one group."""
    groups = by_values(cells, links_of(), None, 1)
    assert len(cells) == sum(group.people for group in groups)
    if len(cells) >= LEAST_GROUP:
        assert min(group.people for group in groups) >= LEAST_GROUP
    assert len({group.value for group in groups}) == len(groups)
