"""Links of two sets of CLKs, with and without blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clkhash.clk_files import ClkSet
from linkage.clkhash.clk_links import link_clks
from linkage.errors import LinkageError

SETS = st.lists(st.binary(min_size=3, max_size=3), max_size=8)
NAMES = st.lists(st.sampled_from("ab"), max_size=2).map(tuple)


def clks(raw, blocks=None) -> ClkSet:
    filters = np.frombuffer(b"".join(raw), dtype=np.uint8).reshape(len(raw), 3)
    return ClkSet(filters=filters, blocks=None if blocks is None else tuple(blocks))


def greedy(left, right, threshold, allowed) -> list[tuple[int, int]]:
    """All pairs by Dice, the best first, each row once."""
    pairs = []
    for one, a in enumerate(left):
        for other, b in enumerate(right):
            x, y = int.from_bytes(a), int.from_bytes(b)
            total = x.bit_count() + y.bit_count()
            score = 2 * (x & y).bit_count() / total if x and y else 0.0
            if score >= threshold and allowed(one, other):
                pairs.append((-score, one, other))
    found: list[tuple[int, int]] = []
    for _, one, other in sorted(pairs):
        if all(one != a and other != b for a, b in found):
            found.append((one, other))
    return found


@given(SETS, SETS, st.sampled_from([0.3, 0.6, 1.0]))
@settings(deadline=None)
def test_links_are_the_best_pairs_first(left, right, threshold):
    """As a plain loop finds them, for a length that is no whole number of words."""
    found = link_clks(clks(left), clks(right), threshold)
    assert greedy(left, right, threshold, lambda *_: True) == list(
        zip(found.left.tolist(), found.right.tolist(), strict=True)
    )


@given(
    st.lists(st.tuples(st.binary(min_size=3, max_size=3), NAMES), max_size=8),
    st.lists(st.tuples(st.binary(min_size=3, max_size=3), NAMES), max_size=8),
)
@settings(deadline=None)
def test_only_rows_of_a_common_block_are_linked(left, right):
    """A pair in two blocks counts once."""
    sides = [([raw for raw, _ in side], [names for _, names in side]) for side in (left, right)]
    found = link_clks(clks(*sides[0]), clks(*sides[1]), 0.4)
    common = lambda one, other: bool(set(sides[0][1][one]) & set(sides[1][1][other]))  # noqa: E731
    assert greedy(sides[0][0], sides[1][0], 0.4, common) == list(
        zip(found.left.tolist(), found.right.tolist(), strict=True)
    )


def test_blocks_on_one_side_only_are_refused():
    """Nobody could say what to compare."""
    with pytest.raises(LinkageError) as caught:
        link_clks(clks([b"abc"], [("a",)]), clks([b"abc"]), 0.5)
    assert caught.value.code == "E_BLOCS_CLK"


def test_other_sizes_and_thresholds_are_refused():
    """By the matcher."""
    wide = ClkSet(filters=np.ones((1, 40), dtype=np.uint8))
    for right, threshold, code in ((wide, 0.5, "E_LARGEURS"), (clks([b"abc"]), 0.0, "E_SEUIL")):
        with pytest.raises(LinkageError) as caught:
            link_clks(clks([b"abc"]), right, threshold)
        assert code == caught.value.code
