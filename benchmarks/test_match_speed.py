"""Pairs compared a second by the matcher, inputs to ordered result, on one thread.

Rows are random at fill ½, which prunes nothing, as diffused filters do. Each timing compares all pairs in full and
stores them; one left row in a hundred has a near copy on the right, so that the result is known. The figure to read is
``gigapairs`` (thousand million pairs a second, of the best round) in the extra information of each benchmark:

    python -m pytest benchmarks/test_match_speed.py --benchmark-only --benchmark-columns=min,median -s
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from linkage.candidates import Candidates
from linkage.match import match, match_blocks
from linkage.plan import Measure

ROWS = 20_000
PAIRS = 100_000_000
ROOT = Path(__file__).parent.parent
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
        return match(left, right, THRESHOLDS[measure], measure, threads=1, strategy="full")

    found = timed(benchmark, work, ROWS * ROWS)
    assert np.array_equal(np.arange(0, ROWS, EVERY), np.sort(found.left))


@LENGTHS
@pytest.mark.parametrize("rows", [1000, 200, 50])
def test_blocks(benchmark: BenchmarkFixture, length: int, rows: int) -> None:
    """As many blocks of so many rows on each side as make a hundred million pairs, compared as diffused filters are."""
    benchmark.group = f"blocks of {rows}, {length} bits"
    count = PAIRS // rows**2
    left, right = two_sides(count * rows, length)
    starts = np.arange(0, count * rows, rows)
    blocks = np.stack([starts, starts + rows, starts, starts + rows], axis=1)

    def work() -> Candidates:
        return match_blocks(left, right, blocks, 0.8, "hamming", threads=1)

    found = timed(benchmark, work, count * rows**2)
    assert np.array_equal(np.arange(0, count * rows, EVERY), np.sort(found.left))


FIRST = """
import numpy as np
from linkage.match import match
rows = np.random.default_rng(0).integers(0, 2**64, (1000, 32), dtype=np.uint64)
assert len(match(rows, rows, 0.9, "hamming")) == 1000
"""


@pytest.mark.parametrize("cache", ["warm", "cold"])
def test_first_result(benchmark: BenchmarkFixture, tmp_path: Path, cache: str) -> None:
    """A fresh process from nothing to the pairs of a thousand rows against themselves, with and without compiled code."""
    benchmark.group = "first result"
    folders = (tmp_path / str(number) for number in range(100))
    same = tmp_path / "same"

    def work() -> None:
        folder = same if cache == "warm" else next(folders)
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
        subprocess.run([sys.executable, "-c", FIRST], cwd=ROOT, env=environment, check=True)

    benchmark.pedantic(work, rounds=3, warmup_rounds=1)  # type: ignore[no-untyped-call]
    if benchmark.stats is not None:
        print(f"\n{benchmark.name}: {benchmark.stats.stats.min:.2f} s")


# VmHWM: what `getrusage` says of a process starts from the size of the one that started it.
MEMORY = """
from pathlib import Path
import numpy as np
from linkage.match import match_blocks
rng = np.random.default_rng(0)
left, right = (rng.integers(0, 2**64, (1_000_000, 16), dtype=np.uint64) for _ in range(2))
right[::2] = left[::2]
blocks = np.arange(0, 1_000_000, 1000)
blocks = np.stack([blocks, blocks + 1000, blocks, blocks + 1000], axis=1)
found = match_blocks(left, right, blocks, 0.9)
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 2**20, len(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read where Linux writes it")
def test_peak_memory(benchmark: BenchmarkFixture) -> None:
    """A million rows on each side and half a million pairs: inputs, compiler and all stay under 1 GiB and 16 bytes a pair."""
    command = [sys.executable, "-c", MEMORY]

    def work() -> str:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    peak, pairs = benchmark.pedantic(work, rounds=1).split()  # type: ignore[no-untyped-call]
    print(f"\npeak memory {float(peak):.2f} GiB, {pairs} pairs")
    assert float(peak) < 1 + 16 * int(pairs) / 2**30
