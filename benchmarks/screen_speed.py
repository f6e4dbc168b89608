"""What a screen gains on diffused filters at the thresholds of plans, all against all and in blocks, one core, in turns.

    python -m benchmarks.screen_speed [--rows 20000] [--rounds 5] [--engine best | vectors]    # four times the rows in blocks

Rows are independent bits, as strangers' diffused filters are; one in a hundred has a near copy on the other side. A line says the
length, the largest distance of the threshold (in standard deviations under one half), rows of a block, the columns chosen,
the chance of missing a pair at the threshold, the share that survived, and the time of the whole call over that of the full
comparison: less than 1 is a gain. Least processor time of the rounds, both forms alternating; none where no screen is chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from time import process_time

import numpy as np
from numpy.typing import NDArray

from linkage import matrix_kernel
from linkage.candidates import Candidates
from linkage.match import match_blocks
from linkage.plan import distance_of_dice
from linkage.planner import plan_passes
from linkage.screen import Screen
from linkage.sheet import load_sheet

__all__ = ["main"]

Rows = NDArray[np.uint64]
SIZES = (50_000, 1_000_000)
BLOCKS = (0, 1000, 500, 200)  # rows; 0: all against all


def thresholds() -> list[tuple[int, int]]:
    """(length, largest distance): 1,024 bits at estimated Dice .80 and .85 under t = 4, and those of shipped plans."""
    found = {(1024, distance_of_dice(dice, 1024, 4)) for dice in (800, 850)}
    for sheet in ("P1", "P2"):
        for profile in ("standard", "renforce"):
            for size in SIZES:
                plan = plan_passes(load_sheet(sheet), profile, (size, size))
                found |= {(one.length, one.information) for one in plan.passes}
    return sorted(found, key=lambda one: (one[0], -one[1]))


def sides(rows: int, length: int) -> tuple[Rows, Rows]:
    """Strangers, and a near copy for one row in a hundred."""
    rng = np.random.default_rng(length)
    left, right = (rng.integers(0, 2**64, (rows, length // 64), dtype=np.uint64) for _ in range(2))
    right[::100] = left[::100]
    right[::100, ::16] = rng.integers(0, 2**64, right[::100, ::16].shape, dtype=np.uint64)
    return left, right


def line(length: int, limit: int, block: int, given: argparse.Namespace) -> str:
    """One case."""
    rows = given.rows if block == 0 else 4 * given.rows // block * block
    left, right = sides(rows, length)
    starts = np.arange(0, rows, block or rows)
    stops = starts + (block or rows)
    blocks = np.stack([starts, stops, starts, stops], axis=1).astype(np.int64)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    found: dict[bool, Candidates] = {}
    for _ in range(given.rounds + 1):
        for screened in (False, True):
            screen = Screen(awards=False) if screened else None
            begun = process_time()
            found[screened] = match_blocks(left, right, blocks, 1 - limit / length, "hamming", threads=1, screen=screen)
            seconds[screened].append(process_time() - begun)
        done = found[True].screened
        if done is None or not done.columns:
            break
    deviations = (limit / length - 0.5) * 2 * length**0.5
    told = f"{length} bits, {limit} ({deviations:+.1f}), {f'blocks of {block}' if block else 'all'}:"
    if done is None or not done.columns:
        return f"{told} no screen"
    lost = len(found[False]) - len(found[True])
    ratio = min(seconds[True][1:]) / min(seconds[False][1:])
    return f"{told} {done.columns} columns, missed {done.missed:.1e}, survived {done.share:.1e}, time {ratio:.2f}, lost {lost}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description="What a screen gains.")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engine", choices=["best", "vectors"], default="best")
    given = parser.parse_args(argv)
    if given.engine == "vectors":
        matrix_kernel.runs = lambda: False
    for length, limit in thresholds():
        for block in BLOCKS:
            print(line(length, limit, block, given), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
