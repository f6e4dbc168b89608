"""The compiled half of a screen picks the drawn bits and keeps the pairs within the limit, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage import scanning, screen_rows, sieve
from linkage.screen import Look, bound_of, columns_of
from tests import oracle_matching, oracle_screen

pytestmark = pytest.mark.skipif(not scanning.kernel_runs(), reason="the JIT is off")


def read_only(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """As the matcher hands rows over."""
    rows.flags.writeable = False
    return rows


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 40),
    drawn=st.integers(1, 40),
    fill=st.sampled_from([0, None, 2**64 - 1]),
)
def test_drawn_bits_come_in_their_order(seed, words, drawn, fill):
    """From rows of any width, empty, full or neither, and nothing else is written."""
    rng, drawn = np.random.default_rng(seed), min(drawn, words)
    rows = rng.integers(0, 2**64, (5, words), dtype=np.uint64)
    if fill is not None:
        rows[:] = fill
    look = Look(length=64 * words, words=drawn, bound=0, missed=0.0, why="", draw=rng.bytes(32))
    masks, moves, places, columns = sieve._parts_of(columns_of(look), words)
    out, bits = np.full((7, drawn), 77, dtype=np.uint64), np.full(7, 77, dtype=np.int64)
    screen_rows.gather_rows(read_only(rows), masks, moves, places, out[1:6], bits[1:6])
    slow = [oracle_screen.gathered(row, columns.tolist()) for row in oracle_matching.integers(rows)]
    assert slow == oracle_matching.integers(out[1:6])
    assert [77, *[one.bit_count() for one in slow], 77] == bits.tolist()
    assert {77} == set(out[0].tolist()) | set(out[6].tolist())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), words=st.integers(1, 20), count=st.integers(0, 50), share=st.floats(0, 1))
def test_pairs_within_the_limit_are_kept(seed, words, count, share):
    """In their order, with the distance of whole rows."""
    rng, limit = np.random.default_rng(seed), int(share * 64 * words)
    left, right = (rng.integers(0, 2**64, (9, words), dtype=np.uint64) for _ in range(2))
    hits = np.column_stack([rng.integers(0, 9, (count, 2)), np.zeros(count)]).astype(np.int32)
    apart = [int(np.bitwise_count(left[i] ^ right[j]).sum()) for i, j in hits[:, :2].tolist()]
    slow = [[i, j, one] for (i, j), one in zip(hits[:, :2].tolist(), apart, strict=True) if one <= limit]
    kept = screen_rows.keep_near(read_only(left), read_only(right), limit, hits)
    assert slow == hits[:kept].tolist()


def test_pairs_at_the_threshold_are_missed_as_rarely_as_said():
    """Two million looks at pairs exactly at a plan's threshold: the share missed is that of the law, and at most 1e-4."""
    length, limit, words, count, draws = 2048, 808, 14, 20_000, 100
    rng = np.random.default_rng(4)
    bits = np.zeros((count, length), dtype=bool)
    for row in range(count):
        bits[row, rng.choice(length, limit, replace=False)] = True
    apart = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    apart.flags.writeable = False
    bound, chance = bound_of(length, limit, 64 * words, 1e-4)
    out, found, missed = np.empty((count, words), np.uint64), np.empty(count, np.int64), 0
    for number in range(draws):
        look = Look(length=length, words=words, bound=bound, missed=chance, why="", draw=number.to_bytes(32, "big"))
        parts = sieve._parts_of(columns_of(look), length // 64)
        screen_rows.gather_rows(apart, *parts[:3], out, found)
        missed += int((found > bound).sum())
    deviation = np.sqrt(chance / (count * draws))
    assert abs(missed / (count * draws) - chance) < 5 * deviation
    assert missed / (count * draws) < 1e-4 + 3 * deviation
