"""Figures of our matcher that need no peer: `python -m benchmarks.match_table PART … [--quick]`.

    kernel    rate of the full kernel on one thread, as a share of the ceiling that `benchmarks.port_ceiling` measures meanwhile
    diffused  diffused rows, 2,048 and 4,096 bits, 10^5 x 10^5: a slice of the left rows, all threads, as a share of the ceiling
    pruning   names, 10^5 x 10^5 at .8, .85, .9: each strategy and the planner's choice
    planner   names and independent bits, 10^3 to 10^5 rows, thresholds .6 to .95, one thread: the choice over the best strategy
    million   names, 10^6 x 10^6, whole: seconds, rate, peak memory
    growth    names, 10^4 to 10^6 rows: seconds, and the exponent of their growth
    threads   the rate on all threads over that on one
    start     a fresh interpreter to the first result on 1,000 x 1,000 rows, with and without compiled code on disk

Every figure is the median of turns that count (`benchmarks.repeats`), with the least and the largest. `--quick` is for trying
that everything runs: its figures mean nothing. Ratios to peers come from `benchmarks.peers`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import machine
from benchmarks.contest import ROOT, Contestant, Outcome, Player, Stopped, Task, play
from benchmarks.match_data import SEED, SHARES, distribution, measure_of, on_disk
from benchmarks.repeats import exponent, kept, ratio_of, table

__all__ = ["PARTS", "Figure", "main", "regret", "shown"]

_STRATEGIES = ("full", "sketch")
_THRESHOLDS = (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)  # of the planner
_MOST_FOUND = 40_000_000  # pairs; beyond, writing them down is what would be measured
_PLANNER_PAIRS = 1_000_000_000
_SLICE_PAIRS = 2_000_000_000
_MEMORY_BASE, _MEMORY_PAIR = 1e9, 16  # bytes: the goal for a million rows a side, and for each pair found
_START = """
import sys, time
began = time.perf_counter()
import numpy as np
from linkage.match import match
rows = np.random.default_rng(1).integers(0, 2**64, (1000, 16), dtype=np.uint64)
for options in eval(sys.argv[1]):
    match(rows, rows, 0.8, **options)
print(time.perf_counter() - began, time.process_time())
"""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        part: of `PARTS`.
        what: that was measured.
        value: median.
        least: of the turns.
        most: of the turns.
        unit: of the three.
        goal: the value that it should reach, if there is one.
        below: whether the goal is to stay below it.
        note: what else is worth saying.
    """

    part: str
    what: str
    value: float
    least: float
    most: float
    unit: str
    goal: float | None = None
    below: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.below else self.value >= self.goal


class Bench:
    """What the parts need: data, options, players."""

    def __init__(self, options: argparse.Namespace, scratch: Path) -> None:
        self.quick: bool = options.quick
        self.threads: int = options.threads
        self.turns: int = options.turns
        self.thresholds: list[float] = options.threshold
        self._data: Path = options.keep or scratch
        self._data.mkdir(parents=True, exist_ok=True)

    def rows(self, wanted: int) -> int:
        """So many, or few when all is quick."""
        return min(wanted, 2000) if self.quick else wanted

    def task(self, kind: str, rows: int, threshold: float, *, threads: int, own_pairs: int | None = None) -> Task:
        """Ours on such data."""
        left, right = on_disk(self._data, kind, rows, SEED)
        return Task(
            left=left,
            right=right,
            rows=rows,
            threshold=threshold,
            measure=measure_of(kind),
            threads=threads,
            peer_pairs=1,
            own_pairs=own_pairs,
        )

    def play(self, task: Task, contestants: Sequence[Contestant], turns: int | None = None) -> dict[str, Outcome]:
        """Fresh processes that take turns."""
        with ExitStack() as stack:
            players = [stack.enter_context(Player(one)) for one in contestants]
            return play(players, task, turns or self.turns)

    def found(self, task: Task) -> float:
        """Pairs that the threshold lets through, from a sample."""
        sample = distribution(np.load(task.left, mmap_mode="r"), np.load(task.right, mmap_mode="r"), "dice", 2000)
        lower = max(share for share in (0.0, *SHARES) if share <= task.threshold)
        return sample.shares.get(lower, 1.0) * task.rows * task.left_rows("allervers")


def ours(strategy: str, threads: int = 0) -> Contestant:
    """Our matcher with a strategy."""
    return Contestant(
        name=f"{strategy} {threads}".removesuffix(" 0"), tool="allervers", strategy=strategy, threads=threads
    )


def _rates(part: str, what: str, outcome: Outcome, note: str = "") -> Figure:
    calm = kept(outcome.runs)
    rates = [run.rate for run in calm]
    core = statistics.median(run.core_rate for run in calm)
    counted = sum(not run.disturbed for run in outcome.runs)
    note = f"{core:.3f} by processor second; {counted}/{len(outcome.runs)} turns; {outcome.runs[0].found} pairs found; {note}"
    return _figure(part, what, rates, "G pairs/s", note=note.rstrip("; "))


def _figure(
    part: str, what: str, values: Sequence[float], unit: str, *, goal: float | None = None, note: str = ""
) -> Figure:
    return Figure(
        part=part,
        what=what,
        value=statistics.median(values),
        least=min(values),
        most=max(values),
        unit=unit,
        goal=goal,
        below=unit in ("s", "GB"),
        note=note,
    )


def _kernel(bench: Bench) -> Iterator[Figure]:
    for kind, rows in (("rand50", 20_000), ("diffused2048", 16_000), ("diffused4096", 12_000)):
        task = bench.task(kind, bench.rows(rows), 0.8, threads=1)
        yield from _against_ceiling(bench, "kernel", kind, task)


def _diffused(bench: Bench) -> Iterator[Figure]:
    for kind in ("diffused2048", "diffused4096"):
        task = bench.task(kind, bench.rows(100_000), 0.8, threads=bench.threads, own_pairs=_SLICE_PAIRS)
        yield from _against_ceiling(bench, "diffused", kind, task)


def _against_ceiling(bench: Bench, part: str, kind: str, task: Task) -> Iterator[Figure]:
    top = Contestant(name="ceiling", tool="ceiling", threads=1)
    outcomes = bench.play(task, [ours("full"), top])
    what = f"{kind}, {task.left_rows('allervers')} x {task.rows}, {task.threads} thread(s)"
    for name, outcome in outcomes.items():
        yield _rates(part, f"{what}, {name}", outcome)
    if len(outcomes) == 2:
        runs = outcomes["full"].runs
        ratio = ratio_of(runs, outcomes["ceiling"].runs)
        yield Figure(
            part=part,
            what=f"{what}, full / ceiling",
            value=ratio.core,
            least=ratio.least / task.threads,
            most=ratio.most / task.threads,
            unit="x",
            goal=0.9,
            note="by processor second; least and most by the clock",
        )


def _pruning(bench: Bench) -> Iterator[Figure]:
    with ExitStack() as stack:
        players = _everyone(stack)
        for threshold in bench.thresholds:
            task = bench.task("names", bench.rows(100_000), threshold, threads=bench.threads)
            yield from _strategies("pruning", task, players, bench.turns)


def _planner(bench: Bench) -> Iterator[Figure]:
    sets = (("names", 1000), ("names", 10_000), ("names", 100_000), ("rand50", 1000), ("rand50", 20_000))
    for kind, rows in sets[:1] if bench.quick else sets:
        with ExitStack() as stack:
            players = _everyone(stack)
            for threshold in (0.8,) if bench.quick else _THRESHOLDS:
                # A slice, for a strategy that does not pay may take a hundred times as long as one that does.
                task = bench.task(kind, rows, threshold, threads=1, own_pairs=_PLANNER_PAIRS)
                if bench.found(task) <= _MOST_FOUND:
                    yield from list(_strategies("planner", task, players, 3))[-1:]


def _everyone(stack: ExitStack) -> list[Player]:
    """The planner's choice and each strategy, until the stack is left."""
    return [stack.enter_context(Player(ours(strategy))) for strategy in ("auto", *_STRATEGIES)]


def _strategies(part: str, task: Task, players: Sequence[Player], turns: int) -> Iterator[Figure]:
    outcomes = play(players, task, turns)
    kind = task.left.name.partition("-")[0]
    what = f"{kind}, {task.left_rows('allervers')} x {task.rows}, >= {task.threshold:g}, {task.threads} thread(s)"
    for name, outcome in outcomes.items():
        yield _rates(part, f"{what}, {name}", outcome, outcome.said)
    if len(outcomes) > 1 and "auto" in outcomes:
        yield regret(part, what, outcomes)


def regret(part: str, what: str, outcomes: dict[str, Outcome]) -> Figure:
    """Rate of the planner's choice over that of the best strategy that was forced, by processor second; the goal is 0.9."""
    forced = {name: outcome for name, outcome in outcomes.items() if name != "auto"}
    best = max(forced, key=lambda name: statistics.median(run.core_rate for run in kept(forced[name].runs)))
    ratio = ratio_of(outcomes["auto"].runs, forced[best].runs)
    return Figure(
        part=part,
        what=f"{what}, auto / best",
        value=ratio.core,
        least=ratio.least,
        most=ratio.most,
        unit="x",
        goal=0.9,
        note=f"best: {best}; least and most by the clock",
    )


def _million(bench: Bench) -> Iterator[Figure]:
    for threshold in bench.thresholds:
        task = bench.task("names", bench.rows(1_000_000), threshold, threads=bench.threads)
        outcome = bench.play(task, [ours("auto")], 1).get("auto")
        if outcome is None:
            continue
        what = f"names, {task.rows} x {task.rows}, >= {threshold:g}, {task.threads} thread(s)"
        yield _rates("million", what, outcome, outcome.said)
        yield _figure("million", f"{what}: time", [run.wall for run in outcome.runs], "s")
        allowed = (_MEMORY_BASE + _MEMORY_PAIR * outcome.runs[0].found) / 1e9
        yield _figure("million", f"{what}: memory", [outcome.peak * (1 << 20) / 1e9], "GB", goal=allowed)


def _growth(bench: Bench) -> Iterator[Figure]:
    sizes = [500, 1000, 2000] if bench.quick else [10_000, 30_000, 100_000, 300_000, 1_000_000]
    for threshold in bench.thresholds:
        spent = {}
        for rows in sizes:
            task = bench.task("names", rows, threshold, threads=bench.threads)
            turns = 1 if rows >= 300_000 else bench.turns
            outcome = bench.play(task, [ours("auto")], turns).get("auto")
            if outcome is None:
                return
            spent[rows] = [run.cpu for run in kept(outcome.runs)]
            yield _figure("growth", f"names, {rows} x {rows}, >= {threshold:g}: processor time", spent[rows], "s")
        for some in (sizes, sizes[-3:]):
            power = exponent(some, [statistics.median(spent[rows]) for rows in some])
            yield _figure("growth", f"names, >= {threshold:g}: exponent, {some[0]} to {some[-1]} rows", [power], "")


def _threads(bench: Bench) -> Iterator[Figure]:
    for strategy, kind, rows in (("full", "rand50", 60_000), ("auto", "names", 100_000)):
        task = bench.task(kind, bench.rows(rows), 0.85, threads=bench.threads)
        outcomes = bench.play(task, [ours(strategy, threads) for threads in (bench.threads, 1)])
        if len(outcomes) < 2:
            continue
        many, one = outcomes.values()
        ratio = ratio_of(many.runs, one.runs)
        yield Figure(
            part="threads",
            what=f"{kind}, {task.rows} x {task.rows}, {strategy}: {bench.threads} threads over one",
            value=ratio.median,
            least=ratio.least,
            most=ratio.most,
            unit="x",
            goal=1.9 if bench.threads == 2 else None,
            note=f"{ratio.turns}/{len(one.runs)} turns",
        )


def _start(bench: Bench) -> Iterator[Figure]:
    ways: tuple[tuple[str, list[dict[str, str]]], ...] = (
        ("as people call it", [{}]),
        ("all strategies", [{"strategy": name} for name in _STRATEGIES]),
    )
    for name, calls in ways:
        cold: list[tuple[float, float]] = []
        warm: list[tuple[float, float]] = []
        for _ in range(1 if bench.quick else 3):
            with tempfile.TemporaryDirectory() as cache:
                cold += [_first_result(calls, cache)]
                warm += [_first_result(calls, cache) for _ in range(2)]
        for what, goal, spent in (("compiled code on disk", 0.5, warm), ("nothing on disk", 5.0, cold)):
            busy = statistics.median(cpu for _, cpu in spent)
            note = f"{busy:.2f} s of processor, the start of Python included"
            yield _figure("start", f"{name}, {what}", [wall for wall, _ in spent], "s", goal=goal, note=note)


def _first_result(calls: object, cache: str) -> tuple[float, float]:
    """Seconds from the first statement of a fresh interpreter to its result, and processor seconds of the whole."""
    environ = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", _START, repr(calls)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Stopped((done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1])
    wall, cpu = done.stdout.split()
    return float(wall), float(cpu)


def _until_stopped(part: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """What a part gave before a process of it ended, if one did."""
    try:
        yield from figures
    except Stopped as stopped:
        print(f"{part}: {stopped}")


PARTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "kernel": _kernel,
    "diffused": _diffused,
    "pruning": _pruning,
    "planner": _planner,
    "million": _million,
    "growth": _growth,
    "threads": _threads,
    "start": _start,
}


def shown(figures: Sequence[Figure]) -> str:
    """The table that people read."""
    lines = []
    for one in figures:
        goal = "" if one.goal is None else f"{'<=' if one.below else '>='} {one.goal:.3g}"
        met = {None: "", True: "met", False: "MISSED"}[one.met]
        spread = f"{one.least:.3g}-{one.most:.3g}" if one.least < one.most else ""
        lines.append([one.what, f"{one.value:.3g}", one.unit, spread, goal, met, one.note])
    return table(["what", "median", "unit", "least-most", "goal", "", "note"], lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.match_table")
    parser.add_argument("part", nargs="*", choices=(*PARTS, []), help="all when absent")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threshold", nargs="+", type=float, default=[0.8, 0.85, 0.9])
    parser.add_argument("--keep", type=Path, help="folder for the data, reused when they are there")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    told, figures = machine.describe(), []
    print(machine.in_words(told), flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options, Path(scratch))
        for part in options.part or PARTS:
            some = list(_until_stopped(part, PARTS[part](bench)))
            print(f"\n{part}\n{shown(some)}", flush=True)
            figures += some
            if options.json is not None:
                lines = [{**asdict(one), "met": one.met} for one in figures]
                options.json.write_text(json.dumps({"machine": told, "figures": lines}, indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
