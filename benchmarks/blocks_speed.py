"""Matching of passes in blocks: time, the share of the kernel's own rate, memory, and what skew costs.

    python -m benchmarks.blocks_speed                                 # 10⁶ × 10⁶ rows of 2,048 bits, the passes of sheet P1
    python -m benchmarks.blocks_speed --rows 10000000 --slice 10      # a tenth of the blocks of 10⁷ × 10⁷, and the whole from it
    python -m benchmarks.blocks_speed --skew                          # as many rows in blocks of ever less even sizes
    python -m benchmarks.blocks_speed --even 1000                     # every block of 1,000 rows
    python -m benchmarks.blocks_speed --rows 100000 --even 100000 --scheduler tls://HOST:PORT --ca … --cert … --key-file …

Sizes of blocks are those that the plan of P1 expects for two files of that many people from the public statistics, each drawn
anew from a Poisson law, on both sides the same. What is in the blocks is random: filters half full; half of the left rows have a
near copy on the right. Rows are written to a temporary file and read from a memory map in pieces of 16 MiB, as the worker reads
chunks, so that the memory told is the linker's own beside the pages of that file; clear rows in a file are for benchmarks only.

The kernel's rate is that of `match_blocks` on 64 blocks of 1,000 × 1,000 rows in memory, by as many threads, measured before and
after. Wall times mean something on an idle machine only; processor times (of this process) are told beside them. With a scheduler
each pass is compared by its cluster (docs/operations.md) after it was compared here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import peak
from linkage.batch import Executor, Threads
from linkage.cluster import Credentials, joined
from linkage.linker import PassLinks, link_pieces
from linkage.match import match_blocks
from linkage.memory import MEMORY
from linkage.plan import PassPlan
from linkage.planner import plan_passes
from linkage.scanning import processors
from linkage.sheet import load_sheet
from linkage.statistics import BILLION, Statistics
from linkage.wire import EncodedPass

__all__ = ["Timing", "expected_sizes", "main", "pieces_of", "timed_pass"]

_PIECE = 16 << 20  # bytes of filters
_CHANGED_BITS = 64  # of a near copy
_KERNEL_BLOCKS, _KERNEL_ROWS = 64, 1000
_SIGMAS = (0.0, 0.5, 1.0, 1.5)  # of the logarithm of the sizes of uneven blocks

Sizes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One pass: seconds of the wall and of processors, and what was found."""

    name: str
    wall: float
    cpu: float
    links: PassLinks


def expected_sizes(plan: PassPlan, statistics: Statistics, rows: int, seed: int = 0) -> Sizes:
    """Rows of each block of a file of so many people, by the plan's rule for values that are split or share buckets."""
    rng = np.random.default_rng(seed)
    found = []
    shares, counts = statistics.product(plan.blocks)
    records = shares / BILLION * rows
    rare = records < plan.floor
    pooled = float((records * counts)[rare].sum())
    found.append(np.full(plan.buckets, pooled / plan.buckets))
    records, counts = records[~rare], counts[~rare]
    for component in plan.finer:
        heavy = records > plan.target
        found.append(np.repeat(records[~heavy], counts[~heavy]))
        some, many = statistics.product([component])
        records = (records[heavy][:, None] * some[None, :] / BILLION).ravel()
        counts = (counts[heavy][:, None] * many[None, :]).ravel()
        rare = records < plan.floor  # few of a value that is heavy: left as they are
        found.append(np.repeat(records[rare], counts[rare]))
        records, counts = records[~rare], counts[~rare]
    found.append(np.repeat(records, counts))
    drawn = rng.poisson(np.concatenate(found))
    return drawn[drawn > 0].astype(np.int64)


def pieces_of(filters: NDArray[np.uint64], sizes: Sizes) -> Iterator[EncodedPass]:
    """The rows of a pass with blocks of these sizes, read from `filters` again and again, in order of tag and id."""
    total, step = int(sizes.sum()), max(1, _PIECE // (8 * filters.shape[1]))
    ends = np.cumsum(sizes)
    start = 0
    while start < total:
        at = start % len(filters)
        numbers = np.arange(start, min(start + min(step, len(filters) - at), total))
        tags = np.zeros((len(numbers), 2), dtype=">u8")
        tags[:, 0] = np.searchsorted(ends, numbers, side="right")
        ids = np.zeros((len(numbers), 2), dtype=">u8")
        ids[:, 0] = numbers
        rows = [tags.view(np.uint8), ids.view(np.uint8)]
        yield EncodedPass(tags=rows[0], ids=rows[1], filters=np.array(filters[at : at + len(numbers)]))
        start += len(numbers)


def timed_pass(
    name: str, sides: tuple[NDArray[np.uint64], NDArray[np.uint64]], sizes: Sizes, executor: Executor, memory: int
) -> Timing:
    """Link one pass of blocks of these sizes."""
    length = 64 * sides[0].shape[1]
    plan = PassPlan(
        name=name, blocks=("jour",), finer=(), length=length, degree=4, measure="hamming", information=length * 2 // 5,
        strict=length // 3, cap=0, floor=20, population=1, buckets=0, expected_pairs=0,
    )  # fmt: skip
    wall, cpu = time.perf_counter(), time.process_time()
    left, right = (pieces_of(side, sizes) for side in sides)
    links = link_pieces(left, right, plan, executor=executor, memory=memory)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Timing(name=name, wall=wall, cpu=cpu, links=links)


def _sides(folder: Path, rows: int, length: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Random rows on both sides, memory-mapped."""
    found = []
    for name in ("left", "right"):
        path, rng = folder / name, np.random.default_rng(rows)  # the same rows on both sides
        with path.open("wb") as file:
            for start in range(0, rows, 1 << 16):
                some = rng.integers(0, 2**64, (min(1 << 16, rows - start), length // 64), dtype=np.uint64)
                if name == "right":  # another row, but for one in two: that one with some bits changed
                    some[1::2] = ~some[1::2] ^ np.roll(some[1::2], 1, axis=1)
                    some[::2, 0] ^= np.random.default_rng(start).integers(0, 2**64, len(some[::2]), dtype=np.uint64)
                file.write(some.tobytes())
        found.append(np.memmap(path, dtype=np.uint64, mode="r", shape=(rows, length // 64)))
    return found[0], found[1]


def _kernel_rate(sides: tuple[NDArray[np.uint64], NDArray[np.uint64]], threads: int) -> tuple[float, float]:
    """Pairs a second of the wall, and of a processor."""
    rows = _KERNEL_BLOCKS * _KERNEL_ROWS
    left, right = (np.array(np.resize(side[:rows], (rows, side.shape[1]))) for side in sides)
    starts = np.arange(0, rows, _KERNEL_ROWS)
    blocks = np.stack([starts, starts + _KERNEL_ROWS] * 2, axis=1)
    best = [float("inf"), float("inf")]
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        match_blocks(left, right, blocks, 0.6, "hamming", threads=threads)
        best = [min(best[0], time.perf_counter() - wall), min(best[1], time.process_time() - cpu)]
    pairs = _KERNEL_BLOCKS * _KERNEL_ROWS**2
    return pairs / best[0], pairs / best[1]


def _passes(arguments: argparse.Namespace) -> list[tuple[str, Sizes]]:
    rng = np.random.default_rng(1)
    if arguments.even:
        return [(f"even {arguments.even}", np.full(arguments.rows // arguments.even, arguments.even))]
    if arguments.skew:
        found = []
        for sigma in _SIGMAS:
            sizes = np.maximum(1, rng.lognormal(5.5, sigma, 4 * arguments.rows // 250)).astype(np.int64)
            found.append((f"sigma {sigma}", sizes[np.cumsum(sizes) <= arguments.rows]))
        return found
    sheet = load_sheet("P1")
    statistics = Statistics(sheet)
    plan = plan_passes(sheet, "standard", (arguments.rows, arguments.rows))
    found = []
    for one in plan.passes:
        sizes = rng.permutation(expected_sizes(replace(one), statistics, arguments.rows))
        found.append((one.name, sizes[: -(-len(sizes) // arguments.slice)]))
    return found


def main() -> None:
    """Run, and print one line a pass."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.blocks_speed")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--slice", type=int, default=1, help="one block in so many")
    parser.add_argument("--threads", type=int, default=processors())
    parser.add_argument("--memory", type=int, default=MEMORY >> 20, help="MiB")
    parser.add_argument("--skew", action="store_true")
    parser.add_argument("--even", type=int, default=0)
    parser.add_argument("--scheduler")
    for name in ("--ca", "--cert", "--key-file"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = _sides(Path(folder), min(arguments.rows // arguments.slice, 1_000_000), arguments.length)
        kernel = _kernel_rate(sides, arguments.threads)
        timings = []
        with Threads(arguments.threads) as threads, _cluster(arguments) as cluster:
            for executor in (threads, cluster or threads):  # once for what is compiled or loaded at the first call
                timed_pass("warm", sides, np.full(20, 300), executor, arguments.memory << 20)
            for name, sizes in _passes(arguments):
                timings.append(timed_pass(name, sides, sizes, threads, arguments.memory << 20))
                if cluster is not None:
                    timings.append(timed_pass(f"{name}, cluster", sides, sizes, cluster, arguments.memory << 20))
        again = _kernel_rate(sides, arguments.threads)
        kernel = max(kernel[0], again[0]), max(kernel[1], again[1])
    print(f"kernel on 1,000 × 1,000: {kernel[0] / 1e9:.3f} G pairs/s, {kernel[1] / 1e9:.3f} a processor second")
    for one in timings:
        _print(one, kernel)
    wall, cpu = sum(one.wall for one in timings), sum(one.cpu for one in timings)
    print(f"all: {wall:.2f} s, {cpu:.2f} processor s; times {arguments.slice}: {arguments.slice * wall:.1f} s")
    print(f"largest resident: {peak() >> 10} MiB")


@contextmanager
def _cluster(arguments: argparse.Namespace) -> Iterator[Executor | None]:
    if arguments.scheduler is None:
        yield None
        return
    credentials = Credentials(ca=arguments.ca, cert=arguments.cert, key=arguments.key_file)
    with joined(arguments.scheduler, credentials) as cluster:
        yield cluster


def _print(one: Timing, kernel: tuple[float, float]) -> None:
    skew, pairs = one.links.skew, one.links.compared
    print(
        f"{one.name}: {skew.blocks} blocks, largest {skew.largest}, median of both sides {skew.median}, {pairs:.3e} pairs, "
        f"{len(one.links.score)} links; {one.wall:.2f} s, {one.cpu:.2f} processor s; "
        f"{pairs / one.wall / 1e9:.3f} G pairs/s, {pairs / one.wall / kernel[0]:.2f} of the kernel's rate, "
        f"{pairs / one.cpu / kernel[1]:.2f} by processor time"
    )


if __name__ == "__main__":
    main()
