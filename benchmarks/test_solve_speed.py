"""Candidates solved a second, on one thread: the best pair first, as a whole, many-to-one, groups.

Candidates are random pairs of rows with scores in steps of 1/2048, so that there are many ties; the orders of magnitude of a
large pass with a low threshold. The figure to read is ``millions`` (of candidates, or rows, a second, of the best round) in the
extra information of each benchmark:

    python -m pytest benchmarks/test_solve_speed.py --benchmark-only --benchmark-columns=min,median -s

``ALLERVERS_CANDIDATES=100000000`` sets another number of candidates for the stream (ten million otherwise). The worst
cases of the optimal solver (a full component, ranked alike on both sides; long chains and rings) stand beside the common one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from linkage.ambiguity import Rivals
from linkage.assignment import solve_optimal
from linkage.candidates import Candidates
from linkage.components import PartyLinks, connect, connect_apart
from linkage.solve import Links, solve_many_to_one, solve_one_to_one

CANDIDATES = int(os.environ.get("ALLERVERS_CANDIDATES", "10_000_000"))
BATCH = 1 << 20
ROWS = 1_000_000
FULL = 2_000  # rows of each side of the full component
CHAIN = 100_000


def timed(benchmark: BenchmarkFixture, work: Callable[[], Any], count: int, rounds: int = 3) -> Any:
    """The result of the work, after some rounds (a single one is not preceded by another); the rate of the best one beside it."""
    found = benchmark.pedantic(work, rounds=rounds, warmup_rounds=int(rounds > 1))  # type: ignore[no-untyped-call]
    if benchmark.stats is not None:  # absent when benchmarks are switched off
        rate = count / benchmark.stats.stats.min / 1e6
        benchmark.extra_info["millions"] = round(rate, 2)
        print(f"\n{benchmark.name}: {rate:.2f} million a second, {benchmark.stats.stats.min:.2f} s")
    return found


def ordered(left: NDArray[np.int64], right: NDArray[np.int64], score: NDArray[np.float64]) -> Candidates:
    """Candidates in the promised order."""
    order = np.lexsort((right, left, -score))
    return Candidates(left=left[order], right=right[order], score=score[order])


def stream(count: int, rows: int = ROWS) -> Iterator[Candidates]:
    """Random pairs whose scores fall from 1 to .7, batch after batch; each score belongs to one batch, and so does each pair."""
    batches = -(-count // BATCH)
    for number in range(batches):
        rng = np.random.default_rng(number)
        size = min(BATCH, count - number * BATCH)
        pairs = np.unique(rng.integers(0, rows * rows, size))
        left, right = np.divmod(pairs, rows)
        step = rng.integers(0, 32, len(pairs)) / 32
        yield ordered(left, right, 1.0 - 0.3 * (number + step) / batches)


def whole(count: int) -> Candidates:
    """The same in one piece."""
    batches = list(stream(count))
    left, right = (np.concatenate([vars(one)[side] for one in batches]) for side in ("left", "right"))
    return Candidates(left=left, right=right, score=np.concatenate([one.score for one in batches]))


def test_a_stream_one_to_one(benchmark: BenchmarkFixture) -> None:
    """The best pair first, from batches that are held ready; nothing but links is kept."""
    benchmark.group = "best pair first"
    ready = list(stream(CANDIDATES)) if CANDIDATES <= 10**8 else []
    links = timed(benchmark, lambda: solve_one_to_one(ready or stream(CANDIDATES)), CANDIDATES)
    assert len(np.unique(links.left)) == len(np.unique(links.right)) == len(links)


def test_a_stream_many_to_one(benchmark: BenchmarkFixture) -> None:
    """Each left row with its best right row."""
    benchmark.group = "best pair first"
    ready = list(stream(CANDIDATES))
    links = timed(benchmark, lambda: solve_many_to_one(ready), CANDIDATES)
    assert len(np.unique(links.left)) == len(links)


def test_a_stream_with_its_rivals(benchmark: BenchmarkFixture) -> None:
    """One-to-one, and which links are ambiguous."""
    benchmark.group = "best pair first"
    ready = list(stream(CANDIDATES))

    def work() -> NDArray[np.bool_]:
        rivals = Rivals()
        return rivals.flag(solve_one_to_one(rivals.watch(ready)), 0.01)

    assert timed(benchmark, work, CANDIDATES).any()


def common() -> Candidates:
    """Two candidates a row, as far from the threshold as chance has it: components of all sizes, one of them large."""
    return whole(2 * ROWS)


def full() -> Candidates:
    """Every row with every row, at random."""
    left, right = np.divmod(np.arange(FULL * FULL), FULL)
    return ordered(left, right, 0.8 + 0.2 * np.random.default_rng(1).random(FULL * FULL))


def ranked() -> Candidates:
    """Every row with every row, ranked alike on both sides: the worst case known."""
    left, right = np.divmod(np.arange(FULL * FULL), FULL)
    return ordered(left, right, (left + 1) / FULL * ((right + 1) / FULL))


def chain() -> Candidates:
    """Rows that hang together one after the other."""
    edge = np.arange(2 * CHAIN)
    return ordered((edge + 1) // 2, edge // 2, 0.5 + 0.5 * np.random.default_rng(2).random(2 * CHAIN))


def ring() -> Candidates:
    """The same, closed."""
    edge = np.arange(2 * CHAIN)
    score = 0.5 + 0.5 * np.random.default_rng(2).random(2 * CHAIN)
    return ordered((edge + 1) // 2 % CHAIN, edge // 2, score)


def tangle() -> Candidates:
    """Three candidates a row, all nearly alike: paths are long."""
    rng = np.random.default_rng(4)
    pairs = np.unique(np.repeat(np.arange(CHAIN), 3) * CHAIN + rng.integers(0, CHAIN, 3 * CHAIN))
    left, right = np.divmod(pairs, CHAIN)
    return ordered(left, right, 0.9 + 0.1 * rng.random(len(pairs)))


@pytest.mark.parametrize("make", [common, full, ranked, chain, ring, tangle])
def test_the_largest_sum(benchmark: BenchmarkFixture, make: Callable[[], Candidates]) -> None:
    """The optimal solver, its worst cases included."""
    benchmark.group = "largest sum"
    candidates = make()
    floor = float(candidates.score.min()) if make in (common, full) else 0.0
    solve_optimal(ordered(np.arange(2), np.arange(2), np.ones(2)))
    rounds = 1 if make in (ranked, tangle) else 3
    found = timed(benchmark, lambda: solve_optimal(candidates, floor=floor), len(candidates), rounds)
    greedy = solve_one_to_one(candidates)
    sums = [(links.score - floor).sum() for links in (found.links, greedy)]
    print(f"sum {sums[0]:.6g}, best pair first {sums[1]:.6g}, unproved {int(found.unproved.sum())}")
    assert sums[0] >= sums[1] - 1e-6
    assert not found.unproved.any()


@pytest.mark.parametrize("apart", [False, True])
def test_groups_of_four_parties(benchmark: BenchmarkFixture, *, apart: bool) -> None:
    """Four files of a million rows, the links of all six pairs of them, a tenth of these wrong."""
    benchmark.group = "groups"
    rng, links = np.random.default_rng(5), []
    for one in range(4):
        for other in range(one + 1, 4):
            right = np.arange(ROWS)
            wrong = rng.permutation(ROWS)[: ROWS // 10]
            right[wrong] = right[np.roll(wrong, 1)]
            score = rng.integers(800, 1001, ROWS) / 1000
            links.append(PartyLinks(left=one, right=other, links=Links(left=np.arange(ROWS), right=right, score=score)))
    make = connect_apart if apart else connect
    groups = timed(benchmark, lambda: make((ROWS,) * 4, links), 6 * ROWS)
    print(f"{len(groups)} groups, {int(groups.crowded.sum())} crowded, {groups.refused} links refused")
    assert apart or groups.crowded.any()
