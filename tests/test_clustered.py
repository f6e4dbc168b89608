"""Bounds of rates whose people come in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.attacks.clustered import LEAST_BLOCKS, by_blocks, widest
from linkage.attacks.outcome import wilson

BLOCKS = 400


def test_independent_people_get_about_wilson_s_interval():
    """Four hundred blocks of fifty people, each found with the same chance: the two intervals are within a quarter."""
    rng = np.random.default_rng(7)
    right = rng.binomial(50, 0.04, BLOCKS)
    found = by_blocks([[(50, int(one)) for one in right]], rng)
    assert found is not None
    low, high = found
    expected = wilson(int(right.sum()), 50 * BLOCKS)
    assert high - low == pytest.approx(expected[1] - expected[0], rel=0.25)
    assert low < right.sum() / (50 * BLOCKS) < high


def test_people_found_by_whole_blocks_widen_it():
    """One block in twenty-five wholly found, the others not at all: about seven times as wide as Wilson's."""
    blocks = [(50, 50 if place % 25 == 0 else 0) for place in range(BLOCKS)]
    found = by_blocks([blocks], np.random.default_rng(7))
    assert found is not None
    low, high = found
    narrow = wilson(sum(right for _, right in blocks), 50 * BLOCKS)
    assert 6 < (high - low) / (narrow[1] - narrow[0]) < 8


def test_rates_of_passes_are_added():
    """Two passes without chance in them: 10 % and 20 % make 30 %, whatever is drawn."""
    passes = [[(10, 1)] * LEAST_BLOCKS, [(20, 4)] * LEAST_BLOCKS]
    assert by_blocks(passes, np.random.default_rng(7)) == pytest.approx((0.3, 0.3))


def test_a_sum_is_no_more_than_everybody():
    """Two passes in which nearly everybody is found."""
    assert by_blocks([[(10, 9)] * LEAST_BLOCKS] * 2, np.random.default_rng(7)) == (1.0, 1.0)


def test_few_blocks_say_nothing():
    """A pass with fewer blocks than eight has no such interval; blocks in which nobody was tried are no blocks."""
    rng = np.random.default_rng(7)
    enough, few = [(10, 1)] * LEAST_BLOCKS, [(10, 1)] * (LEAST_BLOCKS - 1)
    assert by_blocks([enough, few], rng) is None
    assert by_blocks([[*few, (0, 0)]], rng) is None
    assert by_blocks([[*few, (10, 0)]], rng) is not None


def test_the_widest_holds_both():
    """Either side from either interval; the first alone where there is no second."""
    assert widest((0.1, 0.3), (0.2, 0.4)) == (0.1, 0.4)
    assert widest((0.1, 0.3), (0.05, 0.2)) == (0.05, 0.3)
    assert widest((0.1, 0.3), None) == (0.1, 0.3)
