"""Attacks against the shipped profiles: what a curious third party recovers, with intervals and chance levels.

    python -m benchmarks.privacy [--n N] [--declared N] [--blocks K] [--largest] [--sizes LEAST MOST] [--cap ROWS] [--table]
        [--profile NAME …] [--attack NAME …] [--sheet NAME] [--overlap SHARE] [--victim MISTAKES] [--reference MISTAKES]
        [--names FOLDER] [--seeds S] [--first-seed S] [--results FILE] [--json]

N invented people are encoded as production encodes them, under fresh keys, and attacked with each attack of `linkage.attacks`
(`benchmarks.privacy_measure`). Without `--blocks` every block of every pass is attacked; with it, K of each pass, drawn at
random, or the largest; `--sizes` keeps blocks of so many rows. `--cap` lets the planner make larger blocks than the profile does,
`--table` puts everybody in one, as for `reference`, where N should stay under 5,000.

Rows: profile, attack, what is known, the rate over the union of passes with its interval at 95 % (what holds both Wilson's and
that of blocks drawn again), what blind guesses would find, the share of people found with nine right guesses in ten (`sure`),
seconds. JSON has both intervals (`low`, `high`; `block_low`, `block_high`) and, in `passes`, the blocks and κ. `--results`
appends every line, those of single passes with the counts of each block too, to a file that `benchmarks.privacy_table` reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration import offered
from benchmarks.privacy_measure import EXPERIMENTS, Sampling, invented_world, measure
from linkage.attacks.clustered import widest
from linkage.profiles import PROFILES
from linkage.synthetic.mistakes import PROFILES as MISTAKES

__all__ = ["main", "row_of"]

_HEAD = "profile    attack               known      rate  [   95 %      ]   chance     sure  people  seconds"
_NO_LIMIT = 1 << 31


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or JSON lines."""
    options = _parser().parse_args(arguments)
    chosen = [one for one in EXPERIMENTS if not options.attack or one.name in options.attack]
    if not options.json:
        print(_HEAD)
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        world = invented_world(
            options.n,
            seed,
            sheet=options.sheet,
            overlap=options.overlap,
            mistakes=(options.victim, options.reference),
            names_dir=options.names,
        )
        about = {"seed": seed, "largest": options.largest, "cap": options.cap, "table": options.table}
        for profile in options.profile or list(PROFILES):
            with _capped(profile, options.cap):
                lines = measure(world, profile, chosen, _sampling(options, profile), np.random.default_rng(seed))
                for line in lines:
                    _tell({**about, **line}, options.results, as_json=options.json)
    return 0


def _sampling(options: argparse.Namespace, profile: str) -> Sampling:
    one_table = options.table or not PROFILES[profile].degree
    return Sampling(
        declared=options.declared or options.n,
        blocks=0 if one_table else options.blocks,
        sizes=tuple(options.sizes),
        largest=options.largest,
        table=one_table,
    )


@contextmanager
def _capped(profile: str, cap: int) -> Iterator[None]:
    """The profile with another cap, for a while; 0 for its own."""
    if not cap:
        yield
        return
    with offered(replace(PROFILES[profile], cap=cap)):
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.privacy")
    parser.add_argument("--n", type=int, default=2000, help="people in either file")
    parser.add_argument("--declared", type=int, default=0, help="size for which the plan is made; default: N")
    parser.add_argument("--blocks", type=int, default=0, help="blocks of a pass; default: all")
    parser.add_argument("--largest", action="store_true", help="the largest blocks instead of random ones")
    parser.add_argument("--sizes", type=int, nargs=2, default=(2, _NO_LIMIT), metavar=("LEAST", "MOST"))
    parser.add_argument("--cap", type=int, default=0, help="rows of the largest block; default: the profile's")
    parser.add_argument("--table", action="store_true", help="no blocks: everybody in one table")
    parser.add_argument("--profile", action="append", choices=list(PROFILES), help="default: all")
    names = list(dict.fromkeys(one.name for one in EXPERIMENTS))
    parser.add_argument("--attack", action="append", choices=names, help="default: all")
    parser.add_argument("--sheet", default="P1")
    parser.add_argument("--overlap", type=float, default=1.0, help="share of the people in the reference file")
    parser.add_argument("--victim", choices=list(MISTAKES), default="verifie_agent")
    parser.add_argument("--reference", choices=list(MISTAKES), default="sans_erreur")
    parser.add_argument("--names", type=Path, help="folder with INSEE's tables of names")
    parser.add_argument("--seeds", type=int, default=1, help="worlds")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--json", action="store_true")
    return parser


def _tell(line: dict[str, Any], results: Path | None, *, as_json: bool) -> None:
    if results is not None:
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    if line["of"] == "union":
        print(json.dumps(line) if as_json else row_of(line), flush=True)


def row_of(line: dict[str, Any]) -> str:
    """A line of the table."""
    known = "all others" if line["known"] == 1.0 else f"{line['known']:.1%}"
    name = f"{line['number']} {line['attack']}"
    blocks = (line["block_low"], line["block_high"]) if "block_low" in line else None
    low, high = widest((line["low"], line["high"]), blocks)
    shares = f"{line['chance']:8.2%} {line['sure']:8.2%}"
    return (
        f"{line['profile']:10} {name:20} {known:10} {line['rate']:6.2%} [{low:6.2%}, {high:6.2%}] {shares}"
        f" {line['tried']:7} {line['seconds']:8.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
