"""Our matcher against its peers: same files, same cores, turn by turn, identical lists of pairs.

    python -m benchmarks.peers [--quick] [--data names] [--rows 10000] [--threshold 0.8 0.85 0.9] [--threads 1]

anonlink, FPSim2 and faiss are installed each in a throw-away environment (`--environments FOLDER` keeps and reuses them); one
that cannot be installed is left out and said so. `benchmarks.contestants` says how each is used, `benchmarks.match_data` what the
data are, `benchmarks.repeats` which runs count. Where sizes are large, peers compare a slice of the left rows (`--peer-pairs`)
with all right ones, and rates are compared; ours does everything, index building included, unless `--own-pairs` says otherwise.
Pairs are compared on the left rows that both were given. The exit status is 1 if any list differs or a tool stops.

Ours takes part as often as `--ours` says: `auto` as people get it, `full` without pruning, `sketch` as forced,
`avx2` and `avx2-auto` as on a processor without AVX-512. Figures are rates in thousand million pairs a second, the median of the
turns that count with the least and the largest; `core` is the same by processor second, which a busy neighbour hardly changes;
ratios are of runs of the same turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.contest import AVX2, Contestant, Outcome, Player, Task, compared, play
from benchmarks.match_data import KINDS, SEED, measure_of, on_disk
from benchmarks.peer_environments import environment, python_of
from benchmarks.repeats import kept, ratio_of, table

__all__ = ["OURS", "main", "rows_of"]

PEERS = {
    "anonlink": ("anonlink==0.15.3", "setuptools<81"),
    "fpsim2": ("FPSim2==0.7.4",),
    "faiss": ("faiss-cpu==1.15.1",),
    "rdkit": ("rdkit==2026.9.1",),
    "numpy": (),
}
_USUAL = ("anonlink", "fpsim2", "faiss", "numpy")
_DICE_ONLY = ("anonlink", "fpsim2", "rdkit")
OURS = {
    "auto": Contestant(name="allervers", tool="allervers", strategy="auto"),
    "full": Contestant(name="allervers full", tool="allervers"),
    "sketch": Contestant(name="allervers sketch", tool="allervers", strategy="sketch"),
    "avx2": Contestant(name="allervers avx2", tool="allervers", environ=AVX2),
    "avx2-auto": Contestant(name="allervers avx2 auto", tool="allervers", strategy="auto", environ=AVX2),
}
_QUICK = {"rows": [3000], "threshold": [0.8], "turns": 3}


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays and prints."""
    options = _parser().parse_args(arguments)
    if options.quick:
        vars(options).update(_QUICK)
    told = machine.describe()
    print(machine.in_words(told), flush=True)
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        peers = list(_peers(options, Path(scratch)))
        data = options.keep or Path(scratch)
        data.mkdir(parents=True, exist_ok=True)
        for kind in options.data:
            able = [one for one in peers if measure_of(kind) == "dice" or one.tool not in _DICE_ONLY]
            ours = [OURS[name] for name in options.ours]
            for rows in options.rows:
                files = on_disk(data, kind, rows, options.seed)
                with ExitStack() as stack:
                    players = [stack.enter_context(Player(one)) for one in (*ours, *able)]
                    for threshold in options.threshold:
                        task = _task(options, files, kind, rows, threshold)
                        results.append({"data": kind, **_played(players, task, options.turns)})
                        _written(options.json, told, results)
    alike = all(row["same"] for result in results for row in result["rows"])
    return 0 if alike and not any(result["stopped"] for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--quick", action="store_true", help="few rows, one threshold: that everything runs and agrees")
    parser.add_argument("--data", nargs="+", choices=KINDS, default=["names"])
    parser.add_argument("--rows", nargs="+", type=int, default=[10_000], help="of each side")
    parser.add_argument("--threshold", nargs="+", type=float, default=[0.8, 0.85, 0.9])
    parser.add_argument("--threads", type=int, default=1, help="or processes, of each contestant")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--peer", nargs="*", choices=PEERS, default=list(_USUAL))
    parser.add_argument("--ours", nargs="+", choices=OURS, default=["auto", "full"])
    parser.add_argument("--peer-pairs", type=float, default=1e9, help="pairs that a peer compares, at most")
    parser.add_argument("--own-pairs", type=float, help="pairs that ours compares, at most; all by default")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, help="folder for the data, reused when they are there")
    parser.add_argument("--environments", type=Path, help="folder for the environments, reused when they are there")
    parser.add_argument("--json", type=Path)
    return parser


def _peers(options: argparse.Namespace, scratch: Path) -> Iterator[Contestant]:
    """Those that can be installed."""
    for tool in options.peer:
        if not PEERS[tool]:
            yield Contestant(name=tool, tool=tool)
            continue
        place = (options.environments or scratch) / tool
        try:
            # An environment that pip left half made has no such mark.
            python = python_of(place) if (place / "made").exists() else environment(place, PEERS[tool])
            (place / "made").touch()
        except subprocess.CalledProcessError as failed:
            print(f"{tool}: not installed: {(failed.stderr or '').strip().splitlines()[-1:]}", flush=True)
            continue
        yield Contestant(name=tool, tool=tool, python=python)


def _task(options: argparse.Namespace, files: tuple[Path, Path], kind: str, rows: int, threshold: float) -> Task:
    return Task(
        left=files[0],
        right=files[1],
        rows=rows,
        threshold=threshold,
        measure=measure_of(kind),
        threads=options.threads,
        peer_pairs=int(options.peer_pairs),
        own_pairs=options.own_pairs and int(options.own_pairs),
    )


def _played(players: Sequence[Player], task: Task, turns: int) -> dict[str, Any]:
    outcomes = play(players, task, turns)
    against = [
        one.contestant.name for one in players if one.contestant.tool in _USUAL[:3] and one.contestant.name in outcomes
    ]
    records = rows_of(outcomes, against, task.rows)
    result = {
        "n": task.rows,
        "threshold": task.threshold,
        "measure": task.measure,
        "threads": task.threads,
        "rows": records,
        "stopped": [one.contestant.name for one in players if one.contestant.name not in outcomes],
    }
    print(f"\n{task.left.name.partition('-')[0]}, {task.rows} x {task.rows}", end=", ")
    print(f"{task.measure} >= {task.threshold:g}, {task.threads} thread(s)")
    print(shown(records, against), flush=True)
    return result


def rows_of(outcomes: dict[str, Outcome], against: Sequence[str], rows: int) -> list[dict[str, Any]]:
    """One record a contestant.

    Args:
        outcomes: by name; the pairs of the first are those that the others must have.
        against: names that all are divided by.
        rows: of the right side.
    """
    records = []
    first = next(iter(outcomes.values()), None)
    for name, outcome in outcomes.items():
        calm = kept(outcome.runs)
        more, fewer = compared(outcome, first, rows) if first is not None else (0, 0)
        records.append(
            {
                "name": name,
                "left_rows": outcome.left_rows,
                "rate": statistics.median(run.rate for run in calm),
                "least": min(run.rate for run in calm),
                "most": max(run.rate for run in calm),
                "core": statistics.median(run.core_rate for run in calm),
                "used": statistics.median(run.cpu / run.wall for run in calm),
                "turns": len([run for run in outcome.runs if not run.disturbed]),
                "of": len(outcome.runs),
                "found": outcome.runs[0].found,
                "same": (more, fewer) == (0, 0),
                "more": more,
                "fewer": fewer,
                "peak_mib": outcome.peak,
                "said": outcome.said,
                "seconds": statistics.median(run.wall for run in calm),
                "ratios": {other: asdict(ratio_of(outcome.runs, outcomes[other].runs)) for other in against},
            }
        )
    return records


def shown(records: Sequence[dict[str, Any]], against: Sequence[str]) -> str:
    """The table that people read."""
    head = ["tool", "left rows", "G pairs/s", "least-most", "core", *(f"x {name}" for name in against)]
    head += [*(f"x {name}, core" for name in against[:1]), "cpu/wall", "turns", "found", "same pairs"]
    lines = []
    for one in records:
        ratios = [one["ratios"][name] for name in against]
        line = [one["name"], str(one["left_rows"]), f"{one['rate']:.3f}", f"{one['least']:.3f}-{one['most']:.3f}"]
        line += [
            f"{one['core']:.3f}",
            *(f"{each['median']:.1f} ({each['least']:.1f}-{each['most']:.1f})" for each in ratios),
        ]
        line += [*(f"{each['core']:.1f}" for each in ratios[:1]), f"{one['used']:.2f}", f"{one['turns']}/{one['of']}"]
        line += [str(one["found"]), "yes" if one["same"] else f"NO: +{one['more']} -{one['fewer']}"]
        lines.append(line)
    text = table(head, lines)
    text += "".join(f"\n{one['name']}: {one['said']}" for one in records if one["said"])
    if any(not one["turns"] for one in records):
        text += "\nothers took the cores in every turn of some: read the ratios by processor second"
    return text


def _written(path: Path | None, told: dict[str, Any], results: list[dict[str, Any]]) -> None:
    if path is not None:
        peers = {name: list(packages) for name, packages in PEERS.items()}
        path.write_text(json.dumps({"machine": told, "peers": peers, "results": results}, indent=1), "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
