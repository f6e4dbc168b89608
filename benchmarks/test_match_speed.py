"""Pairs compared a second by the matcher, inputs to ordered result, on one thread.

Rows are random at fill ½, which prunes nothing, as diffused filters do. Each timing compares all pairs in full and
stores them; one left row in a hundred has a near copy on the right, so that the result is known. The figure to read is
``gigapairs`` (thousand million pairs a second, of the best round) in the extra information of each benchmark:

    python -m pytest benchmarks/test_match_speed.py --benchmark-only --benchmark-columns=min,median -s
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from linkage.match import Candidates, match, match_blocks
from linkage.plan import Measure

ROWS = 20_000
BLOCKS, BLOCK_ROWS = 200, 1_000
EVERY = 100  # one left row in so many has a near copy at the same place on the right
THRESHOLDS: dict[Measure, float] = {"dice": 0.8, "hamming": 0.8}

LENGTHS = pytest.mark.parametrize("length", [1024, 2048, 4096])
MEASURES = pytest.mark.parametrize("measure", ["dice", "hamming"])


def two_sides(rows: int, length: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Random rows on both sides; of the planted copies, one word in sixteen is drawn again: H/L near 1/32."""
    rng = np.random.default_rng(length)
    left, right = (rng.integers(0, 2**64, (rows, length // 64), dtype=np.uint64) for _ in range(2))
    right[::EVERY] = left[::EVERY]
    right[::EVERY, ::16] = rng.integers(0, 2**64, right[::EVERY, ::16].shape, dtype=np.uint64)
    return left, right


def timed(benchmark: BenchmarkFixture, work: Callable[[], Candidates], pairs: int) -> Candidates:
    """The result of the work, after seven rounds; the rate of the best one beside it."""
    found: Candidates = benchmark.pedantic(work, rounds=7, warmup_rounds=1)  # type: ignore[no-untyped-call]
    if benchmark.stats is not None:  # absent when benchmarks are switched off
        rate = pairs / benchmark.stats.stats.min / 1e9
        benchmark.extra_info["gigapairs"] = round(rate, 3)
        print(f"\n{benchmark.name}: {rate:.3f} G pairs/s")
    return found


@LENGTHS
@MEASURES
def test_all_against_all(benchmark: BenchmarkFixture, length: int, measure: Measure) -> None:
    """Twenty thousand rows against twenty thousand."""
    benchmark.group = f"all against all, {length} bits"
    left, right = two_sides(ROWS, length)

    def work() -> Candidates:
        return match(left, right, THRESHOLDS[measure], measure, threads=1)

    found = timed(benchmark, work, ROWS * ROWS)
    assert np.array_equal(np.arange(0, ROWS, EVERY), np.sort(found.left))


@LENGTHS
@MEASURES
def test_two_hundred_blocks(benchmark: BenchmarkFixture, length: int, measure: Measure) -> None:
    """Two hundred blocks of a thousand rows on each side."""
    benchmark.group = f"blocks, {length} bits"
    left, right = two_sides(BLOCKS * BLOCK_ROWS, length)
    starts = np.arange(0, BLOCKS * BLOCK_ROWS, BLOCK_ROWS)
    blocks = np.stack([starts, starts + BLOCK_ROWS, starts, starts + BLOCK_ROWS], axis=1)

    def work() -> Candidates:
        return match_blocks(left, right, blocks, THRESHOLDS[measure], measure, threads=1)

    found = timed(benchmark, work, BLOCKS * BLOCK_ROWS**2)
    assert np.array_equal(np.arange(0, BLOCKS * BLOCK_ROWS, EVERY), np.sort(found.left))
