"""What exact pruning of plain filters takes: short codes, clusters, and the plan that chooses among them.

Rows are invented French people as CLKs of 1,024 bits (`benchmarks.planner_regret.names`), whose tails decide what pruning gains;
on independent bits the planner must see that there is nothing to gain. One thread. The figures to read are seconds, and
``gigapairs`` (thousand million pairs a second, of the best round) in the extra information of each benchmark:

    python -m pytest benchmarks/test_pruning.py --benchmark-only --benchmark-columns=min,median -s

``ALLERVERS_ROWS=100000`` sets another number of rows on each side (20,000 otherwise).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.planner_regret import names, noise
from linkage import sketch
from linkage.clusters import arrange, centres_of, count_for
from linkage.limits import share_of_distance
from linkage.match import Strategy, match
from linkage.projection import Projection, directions, projection
from linkage.short_codes import BIAS, STEP
from linkage.strategy import choose

ROWS = int(os.environ.get("ALLERVERS_ROWS", "20000"))
THRESHOLDS = pytest.mark.parametrize("threshold", [0.8, 0.85, 0.9])
Rows = NDArray[np.uint64]
_T = TypeVar("_T")


@cache  # nobody's
def people() -> tuple[Rows, Rows]:
    """Two files of invented people, half of them in both."""
    return names(ROWS)


@cache
def made(steps: int) -> Projection:
    """A projection on 64 · steps coordinates, learned from a sample of both sides."""
    sample = np.concatenate([side[:1024] for side in people()])
    return projection(directions(sample, steps * STEP - BIAS), steps, share_of_distance(1024, 0.85, "dice"))


def timed(benchmark: BenchmarkFixture, work: Callable[[], _T], pairs: int = 0) -> _T:
    """The result of the work, after five rounds; the rate of the best one beside it."""
    found: _T = benchmark.pedantic(work, rounds=5, warmup_rounds=1)  # type: ignore[no-untyped-call]
    if benchmark.stats is not None and pairs:  # absent when benchmarks are switched off
        rate = pairs / benchmark.stats.stats.min / 1e9
        benchmark.extra_info["gigapairs"] = round(rate, 3)
        print(f"\n{benchmark.name}: {rate:.3f} G pairs/s")
    return found


@THRESHOLDS
@pytest.mark.parametrize("strategy", ["auto", "full", "sketch", "clusters"])
def test_a_comparison(benchmark: BenchmarkFixture, strategy: Strategy, threshold: float) -> None:
    """From rows to pairs in order, plan and index included; every strategy gives the same."""
    benchmark.group = f"names, Dice {threshold}"
    left, right = people()
    found = timed(benchmark, lambda: match(left, right, threshold, strategy=strategy, threads=1), ROWS * ROWS)
    assert len(found) > ROWS // 20


@pytest.mark.parametrize("kind", ["names", "noise"])
@THRESHOLDS
def test_a_plan(benchmark: BenchmarkFixture, threshold: float, kind: str) -> None:
    """The choice of a strategy: of people, and of independent bits, where it must be `full` at once."""
    benchmark.group = "plan"
    left, right = people() if kind == "names" else noise(ROWS)
    choice = timed(benchmark, lambda: choose(left, right, threshold, threads=1))
    print(choice.why)
    assert kind == "names" or choice.name == "full"


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_short_codes(benchmark: BenchmarkFixture, steps: int) -> None:
    """Codes of one side, row by row."""
    benchmark.group = "short codes"
    rows, one = people()[1], made(steps)
    codes = np.zeros((len(rows), one.width), dtype=np.int8)
    bits, _ = timed(benchmark, lambda: one.code(rows, codes))
    assert np.array_equal(np.bitwise_count(rows).sum(axis=1, dtype=np.int64), bits)


def test_directions(benchmark: BenchmarkFixture) -> None:
    """Directions of a sample, and the projection on them."""
    benchmark.group = "short codes"
    sample, share = people()[0][:2048], share_of_distance(1024, 0.85, "dice")
    one = timed(benchmark, lambda: projection(directions(sample, 2 * STEP - BIAS), 2, share))
    assert one.width == 2 * STEP


def test_clusters(benchmark: BenchmarkFixture) -> None:
    """Centres taught, and the right side arranged by them."""
    benchmark.group = "clusters"
    rows, one, kind = people()[1], made(1), sketch.kinds()[-1]
    codes = np.zeros((-(-len(rows) // 32) * 32, one.width), dtype=np.int8)
    one.code(rows, codes)
    share = share_of_distance(1024, 0.85, "dice")

    with ThreadPoolExecutor(1) as pool:

        def work() -> NDArray[np.int32]:
            return arrange(rows, codes, centres_of(rows, count_for(len(rows)), one, kind), share, kind, pool).place

        place = timed(benchmark, work)
    assert np.array_equal(np.arange(len(rows)), np.sort(place[place >= 0]))
