"""Attacks against the shipped profiles: what a curious third party recovers, with intervals and chance levels.

    python -m benchmarks.privacy [--n N] [--declared N] [--blocks K] [--largest] [--profile NAME …] [--attack NAME …]
        [--sheet NAME] [--overlap SHARE] [--victim MISTAKES] [--reference MISTAKES] [--names FOLDER] [--seeds S]
        [--results FILE] [--json]

N invented people are encoded as production encodes them, under fresh keys, and attacked with each attack of `linkage.attacks`
(`benchmarks.privacy_measure`). Without `--blocks` every block of every pass is attacked; with it, K of each pass, drawn at
random, or the largest. `reference` has one table of everybody: N should stay under 5,000 there. Rows: profile, attack, what is
known, the rate over the union of passes with Wilson's interval at 95 %, what blind guesses would find, the share of people
found with nine right guesses in ten (`sure`), seconds. `--results` appends every line, passes too, to a file of JSON lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.privacy_measure import EXPERIMENTS, Sampling, invented_world, measure
from linkage.profiles import PROFILES
from linkage.synthetic.mistakes import PROFILES as MISTAKES

__all__ = ["main", "row_of"]

_HEAD = "profile    attack               known      rate  [   95 %      ]   chance     sure  people  seconds"


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
        for profile in options.profile or list(PROFILES):
            sampling = Sampling(
                declared=options.declared or options.n,
                blocks=options.blocks if PROFILES[profile].degree else 0,
                largest=options.largest,
            )
            for line in measure(world, profile, chosen, sampling, np.random.default_rng(seed)):
                _tell({"seed": seed, "largest": options.largest, **line}, options.results, as_json=options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.privacy")
    parser.add_argument("--n", type=int, default=2000, help="people in either file")
    parser.add_argument("--declared", type=int, default=0, help="size for which the plan is made; default: N")
    parser.add_argument("--blocks", type=int, default=0, help="blocks of a pass; default: all")
    parser.add_argument("--largest", action="store_true", help="the largest blocks instead of random ones")
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
    interval = f"[{line['low']:6.2%}, {line['high']:6.2%}]"
    shares = f"{line['chance']:8.2%} {line['sure']:8.2%}"
    return (
        f"{line['profile']:10} {name:20} {known:10} {line['rate']:6.2%} {interval} {shares}"
        f" {line['tried']:7} {line['seconds']:8.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
