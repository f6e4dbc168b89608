"""What one-to-one across passes would add to the union over passes that owners take, and what comes near it without it.

    python -m benchmarks.across_passes FOLDER [--set NAME …] [--profile NAME …] [--repeats N]

The third party solves each pass by itself and cannot join passes; the recipient gets, pass by pass, its own linked rows and takes
their union. So a row of the source may serve two rows of the recipient, in two passes. Each line is one way of choosing links:

    union       the best pair first in each pass, then the union: what a run does
    across      the same, then the best pair first over all passes: nobody in a run can, a diagnostic
    optimal     as union, with the largest sum of (score - threshold) in each pass
    many        as union, each row of the recipient with its best source row, which may repeat
    mutual      only links that are the best candidate of both their rows
    apart 16    only links without a rival within 16 bits of either row (dice: 16 thousandths)
    own 16      only links whose source row has no other row of the recipient within 16 bits
    twice       as union; a link under the strict threshold counts only for rows linked in two passes or more
    own twice   as union; the same, only where the link has such a rival

Whatever drops a link because of a source row that is linked to nothing (mutual, apart) lets that row be felt in what is
delivered, which a run must not; the other ways do not. `twice` is done by the recipient's tool with what it gets now.

Columns: precision, recall and F1 of pairs, which only a rehearsal sees; of the recipient's rows, which is what it gets: a row is
right when it has a true partner at all; of its rows that are certain (a strict link in some pass). Medians over the repeats, each
under fresh keys. FOLDER as in `benchmarks.quality`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_measure import Read, read_set
from benchmarks.quality_sets import SETS
from crypto.keys import RunKey, fresh_share
from linkage.ambiguity import Rivals
from linkage.assignment import solve_optimal
from linkage.blocks import shared_blocks
from linkage.candidates import Candidates
from linkage.evaluate import score
from linkage.holder import encode_passes
from linkage.match import match_blocks
from linkage.outlook import one_to_one
from linkage.plan import PassPlan, estimated_dice
from linkage.planner import plan_passes
from linkage.solve import Links, solve_many_to_one, solve_one_to_many, solve_one_to_one

__all__ = ["main"]

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = tuple[float, float, float]

_MARGIN = 16  # bits of distance, or thousandths of Dice


@dataclass(frozen=True, kw_only=True)
class Pass:
    """The candidates of one pass, and the record that each of its rows stands for."""

    plan: PassPlan
    candidates: Candidates
    records: tuple[Rows, Rows]

    @property
    def margin(self) -> float:
        """As a difference of scores."""
        return _MARGIN / self.plan.length if self.plan.measure == "hamming" else _MARGIN / 1000


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Links of all passes: pairs of records, what they score, in which pass."""

    pairs: Rows
    dice: NDArray[np.float64]
    strict: Flags
    number: Rows
    rival: Flags


Way = Callable[[Pass], Links]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.across_passes")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", choices=sorted(SETS), help="default: all")
    parser.add_argument("--profile", action="append", choices=["standard", "renforce"], help="default: standard")
    parser.add_argument("--repeats", type=int, default=1, help="runs under fresh keys; medians count")
    options = parser.parse_args(arguments)
    for name in options.set or SETS:
        with tempfile.TemporaryDirectory() as scratch:
            one = SETS[name](options.folder, Path(scratch))
            if one is None:
                print(f"{name:17} not in this folder")
                continue
            data = read_set(one)
        for profile in options.profile or ["standard"]:
            _report(data, profile, options.repeats)
    return 0


def _report(data: Read, profile: str, repeats: int) -> None:
    print(f"\n{data.of.name} ({profile}, {len(data.left)} × {len(data.right)}, {len(data.true)} true pairs)")
    print(f"{'':12}{'pairs: P      R      F1':26}{'rows: P       R      F1':26}{'certain rows: P R      F1':26}")
    runs = [_measured(data, _passes(data, profile)) for _ in range(repeats)]
    for way in runs[0]:
        numbers = [tuple(median(some) for some in zip(*(run[way][k] for run in runs), strict=True)) for k in range(3)]
        shown = "   ".join("{:.4f} {:.4f} {:.4f}".format(*one) for one in numbers)
        print(f"{way:12}{shown}", flush=True)


def _passes(data: Read, profile: str) -> list[Pass]:
    plan = plan_passes(data.of.sheet, profile, (len(data.left), len(data.right)))
    key, found = RunKey(fresh_share()), []
    sides = [encode_passes(side, data.of.sheet, plan, key) for side in (data.left, data.right)]
    for one, ours, theirs in zip(plan.passes, *sides, strict=True):
        blocks = shared_blocks(ours.encoded.tags, theirs.encoded.tags)
        filters = ours.encoded.filters, theirs.encoded.filters
        candidates = match_blocks(*filters, blocks, one.information_score, one.measure)
        found.append(Pass(plan=one, candidates=candidates, records=(ours.records, theirs.records)))
    return found


def _measured(data: Read, passes: list[Pass]) -> dict[str, tuple[Numbers, Numbers, Numbers]]:
    """For each way: pairs, rows, certain rows."""
    ways: dict[str, Way] = {
        "optimal": lambda one: solve_optimal(one.candidates, floor=one.plan.information_score).links,
        "many": lambda one: solve_many_to_one(one.candidates),
        "mutual": _mutual,
        f"apart {_MARGIN}": lambda one: _apart(one, ("left", "right")),
        f"own {_MARGIN}": lambda one: _apart(one, ("right",)),
    }
    union = _taken(passes, lambda one: solve_one_to_one(one.candidates))
    found = {"union": union, "across": _across(union)}
    found |= {name: _taken(passes, way) for name, way in ways.items()}
    found |= {"twice": _twice(union, union.strict), "own twice": _twice(union, union.strict | ~union.rival)}
    return {name: _scores(taken, data.true) for name, taken in found.items()}


def _mutual(one: Pass) -> Links:
    """What is first for both its rows."""
    links, best = solve_many_to_one(one.candidates), solve_one_to_many(one.candidates)
    width = max(int(links.right.max(initial=0)), int(best.right.max(initial=0))) + 1
    return _some(links, np.isin(links.left * width + links.right, best.left * width + best.right))


def _apart(one: Pass, sides: Sequence[Literal["left", "right"]]) -> Links:
    """What has no rival."""
    rivals = Rivals(sides)
    links = solve_one_to_one(rivals.watch(one.candidates))
    return _some(links, ~rivals.flag(links, one.margin))


def _some(links: Links, kept: Flags) -> Links:
    return Links(left=links.left[kept], right=links.right[kept], score=links.score[kept])


def _taken(passes: list[Pass], way: Way) -> Taken:
    pairs, dice, strict, number, rival = [], [], [], [], []
    for place, one in enumerate(passes):
        links = way(one)
        rivals = Rivals(sides=["right"])
        for _ in rivals.watch(one.candidates):
            pass
        pairs.append(np.stack([one.records[0][links.left], one.records[1][links.right]], axis=1))
        dice.append(_dice(one.plan, links.score))
        strict.append(links.score >= one.plan.strict_score)
        number.append(np.full(len(links), place, dtype=np.int64))
        rival.append(rivals.flag(links, one.margin))
    return Taken(
        pairs=np.concatenate(pairs),
        dice=np.concatenate(dice),
        strict=np.concatenate(strict),
        number=np.concatenate(number),
        rival=np.concatenate(rival),
    )


def _dice(plan: PassPlan, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if plan.measure == "dice":
        return scores
    distances, places = np.unique(np.rint((1 - scores) * plan.length), return_inverse=True)
    return np.array([estimated_dice(one, plan.length, plan.degree) for one in distances.tolist()])[places]


def _chosen(taken: Taken, kept: Flags) -> Taken:
    return Taken(**{name: column[kept] for name, column in vars(taken).items()})


def _across(union: Taken) -> Taken:
    """One link a record over all passes, the best first; a pair counts with its best score."""
    pairs, places = np.unique(union.pairs, axis=0, return_inverse=True)
    best = np.zeros(len(pairs))
    np.maximum.at(best, places.ravel(), union.dice)
    return _chosen(union, one_to_one(pairs, best)[places.ravel()])


def _twice(union: Taken, alone: Flags) -> Taken:
    """Links that are enough by themselves, and those of rows that are linked in two passes or more."""
    seen = np.unique(np.stack([union.pairs[:, 0], union.number], axis=1), axis=0)[:, 0]
    times = np.bincount(seen, minlength=int(union.pairs[:, 0].max(initial=0)) + 1)
    return _chosen(union, alone | (times[union.pairs[:, 0]] > 1))


def _scores(taken: Taken, true: Rows) -> tuple[Numbers, Numbers, Numbers]:
    pairs = np.unique(taken.pairs[:, 0] << 32 | taken.pairs[:, 1])
    meant = np.unique(true[:, 0] << 32 | true[:, 1])
    rows, certain = np.unique(taken.pairs[:, 0]), np.unique(taken.pairs[taken.strict, 0])
    people = np.unique(true[:, 0])
    return _of(pairs, meant), _of(rows, people), _of(certain, people)


def _of(found: Rows, meant: Rows) -> Numbers:
    return score(int(np.isin(found, meant).sum()), len(found), len(meant))


if __name__ == "__main__":
    sys.exit(main())
