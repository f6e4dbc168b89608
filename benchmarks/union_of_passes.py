"""What dividing costs: F1 of the union of passes beside that of comparing all with all in the same profile.

    python -m benchmarks.union_of_passes FOLDER [--set NAME …] [--profile NAME …] [--propose] [--repeats N]

All with all is one pass without blocks, with the profile's length and degree, all attributes in the filter, and thresholds from
the plan's own rule over all pairs. `--propose` ignores the passes of the sheet and takes those that the planner proposes.
Rows: set, profile, passes; then precision, recall, F1 of the union and of all with all, and the difference of F1. For each
pass: the share of true pairs that meet in a block and that are linked. FOLDER as in `benchmarks.quality`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_measure import Read, read_sets
from benchmarks.quality_sets import SETS
from crypto.keys import RunKey, fresh_share
from linkage.holder import HolderPass, encode_passes
from linkage.linker import link_pass
from linkage.plan import INFORMATION_PER_THOUSAND, Plan, distance_of_dice, largest_distance
from linkage.planner import plan_passes
from linkage.profiles import profile_named
from linkage.sheet import Sheet

__all__ = ["main"]

Pairs = set[tuple[int, int]]
_NO_CAP = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.union_of_passes")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", choices=sorted(SETS), help="default: all")
    parser.add_argument("--profile", action="append", choices=["standard", "renforce"], help="default: both")
    parser.add_argument("--propose", action="store_true")
    parser.add_argument("--repeats", type=int, default=1, help="runs under fresh keys; medians count")
    options = parser.parse_args(arguments)
    for data in read_sets(options.folder, options.set or SETS):
        sheet = replace(data.of.sheet, passes=()) if options.propose else data.of.sheet
        for profile in options.profile or ["standard", "renforce"]:
            _report(data, sheet, profile, options.repeats)
    return 0


def _report(data: Read, sheet: Sheet, profile: str, repeats: int) -> None:
    name, true = data.of.name, {(int(i), int(j)) for i, j in data.true}
    plan = plan_passes(sheet, profile, (len(data.left), len(data.right)))
    whole = _without_blocks(plan, sheet, (len(data.left), len(data.right)))
    runs = [(_links(data, sheet, plan), _links(data, sheet, whole)) for _ in range(repeats)]
    union = [_score(set().union(*passes.values()), true) for (passes, _), _ in runs]
    alone = [_score(set().union(*passes.values()), true) for _, (passes, _) in runs]
    middle = [tuple(median(some) for some in zip(*scores, strict=True)) for scores in (union, alone)]
    shown = ["{:.4f} {:.4f} {:.4f}".format(*one) for one in middle]
    print(f"{name:17} {profile:9} union {shown[0]}  all {shown[1]}  difference {middle[0][2] - middle[1][2]:+.4f}")
    (passes, met), _ = runs[0]
    for rule in plan.passes:
        meeting, linked = (len(some[rule.name] & true) / max(1, len(true)) for some in (met, passes))
        blocks = " + ".join([*rule.blocks, *(f"({one})" for one in rule.finer)])
        print(f"{'':17} {rule.name:9} t={rule.degree} meet {meeting:.4f} link {linked:.4f} {blocks}")
    print(
        f"{'':17} {'meeting':9} in some pass {len(set().union(*met.values()) & true) / max(1, len(true)):.4f}",
        flush=True,
    )


def _without_blocks(plan: Plan, sheet: Sheet, sizes: tuple[int, int]) -> Plan:
    """The same profile in one pass."""
    profile = profile_named(plan.profile)
    random = largest_distance(profile.length, sizes[0] * sizes[1], (INFORMATION_PER_THOUSAND * min(sizes), 1000))
    floor = sheet.information
    distance = min(random, distance_of_dice(floor, profile.length, profile.degree)) if floor else random
    changes: dict[str, Any] = {"name": "tout", "blocks": (), "finer": (), "without": (), "form": "", "buckets": 1}
    one = replace(plan.passes[0], **changes, degree=profile.degree, information=distance, strict=distance, cap=_NO_CAP)
    return replace(plan, passes=(one,))


def _links(data: Read, sheet: Sheet, plan: Plan) -> tuple[dict[str, Pairs], dict[str, Pairs]]:
    """For each pass the links, and the true pairs that share a block."""
    key = RunKey(fresh_share())
    links, met = {}, {}
    sides = [encode_passes(side, sheet, plan, key) for side in (data.left, data.right)]
    for one, ours, theirs in zip(plan.passes, *sides, strict=True):
        found = link_pass(ours.encoded, theirs.encoded, one)
        rows = ours.records[found.left_rows].tolist(), theirs.records[found.right_rows].tolist()
        links[one.name] = set(zip(*rows, strict=True))
        met[one.name] = _meeting(ours, theirs, data.true)
    return links, met


def _meeting(ours: HolderPass, theirs: HolderPass, true: NDArray[np.int64]) -> Pairs:
    tags = [
        dict(zip(one.records.tolist(), (tag.tobytes() for tag in one.encoded.tags), strict=True))
        for one in (ours, theirs)
    ]
    return {(i, j) for i, j in true.tolist() if i in tags[0] and tags[0][i] == tags[1].get(j)}


def _score(links: Pairs, true: Pairs) -> tuple[float, float, float]:
    right = len(links & true)
    return right / max(1, len(links)), right / max(1, len(true)), 2 * right / max(1, len(links) + len(true))


if __name__ == "__main__":
    sys.exit(main())
