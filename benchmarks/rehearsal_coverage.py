"""Do the intervals of a rehearsal hold what is true, and how far is the proposed threshold from the best one?

    python -m benchmarks.rehearsal_coverage FOLDER [--set NAME …] [--profile standard …] [--seeds 1] [--json FILE]

Each published set (`benchmarks.quality_sets`) and small French worlds with every pair of error profiles are rehearsed whole and
as samples: a share of the people, of whom only a part stay in both files, the others losing one of their two records. The
rehearsal never sees the truth; afterwards precision and recall are held against its 90 % intervals at the plan's and at
the proposed thresholds. *Regret* is the F1 that a threshold picked with labels would add: among those that a plan allows
(no looser than chance), and among all that were looked at. Nothing is tuned here: what falls outside is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_measure import read_sets
from linkage.errors import LinkageError
from linkage.evaluate import Instruments, rehearse
from linkage.expectation import Interval
from linkage.outlook import Outlook
from linkage.plan import Plan
from linkage.records import Column, Records, read_records
from linkage.sheet import Sheet, load_sheet
from linkage.sightings import dice_floors
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import PROFILES

__all__ = ["THRESHOLDS", "Case", "judge", "main", "summary", "worlds"]

THRESHOLDS = ("information", "strict", "proposed", "proposed strict")
_SAMPLES = ((1.0, 1.0), (1.0, 0.5), (0.4, 1.0), (0.4, 0.6), (0.4, 0.2))  # share of people, share of them in both files
_WORLDS = ((3000, 0.8), (6000, 0.2), (8000, 0.5))  # rows a side, share of them in both files
_SETS = (
    "febrl4",
    "febrl4-names",
    "febrl3",
    "essnet",
    "essnet-names",
    "leipzig",
    "pseudopeople",
    "rldata500",
    "fake1000",
)
_LEAST_PAIRS = 1000  # fewer true pairs make F1 itself a matter of chance

Pairs = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two files, and the truth for afterwards."""

    name: str
    left: Records
    right: Records
    true: Pairs
    sheet: Sheet


def main(arguments: list[str] | None = None) -> int:
    """Prints a line a rehearsal, then what they say together."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rehearsal_coverage")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", help="default: all, and the French worlds (france)")
    parser.add_argument("--profile", action="append", help="default: standard, reference")
    parser.add_argument("--seeds", type=int, default=1, help="samples of each kind")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in _cases(options.folder, Path(scratch), options.set or [*_SETS, "france"], options.seeds):
            for profile in options.profile or ["standard", "reference"]:
                start = time.perf_counter()
                try:
                    row = judge(case, profile)
                except LinkageError as refusal:
                    print(f"{case.name:32} {profile:10} {refusal.code}", flush=True)
                    continue
                rows.append(row)
                print(f"{_line(row)} {time.perf_counter() - start:6.1f} s", flush=True)
    print("\n".join(summary(rows)))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), "utf-8")
    return 0


def judge(case: Case, profile: str) -> dict[str, Any]:
    """A rehearsal, then the truth."""
    rehearsal = rehearse(case.left, case.right, case.sheet, profile, Instruments(clock=time.perf_counter))
    outlook, plan = rehearsal.outlook, rehearsal.plan
    assert outlook is not None
    width = len(case.right)
    links = outlook.seen.links
    right = np.isin(links[:, 0] * width + links[:, 1], case.true[:, 0] * width + case.true[:, 1])
    numbers: dict[str, Sequence[int]] = {
        "information": [one.information for one in plan.passes],
        "strict": [one.strict for one in plan.passes],
        "proposed": outlook.proposal.information.numbers,
        "proposed strict": outlook.proposal.strict.numbers,
    }
    row: dict[str, Any] = {
        "case": case.name,
        "profile": profile,
        "true": len(case.true),
        "records": [len(case.left), width],
    }
    for name, of_passes in numbers.items():
        floors = dice_floors(outlook.bounds, of_passes)
        forecast, linked = outlook.expectation.forecast(floors), outlook.expectation.linked(floors)
        found, count = int((right & linked).sum()), int(linked.sum())
        row[name] = {
            "precision": _held(found / count if count else 1.0, forecast.precision),
            "recall": _held(found / len(case.true), forecast.recall),
            "f1": 2 * found / (count + len(case.true)),
        }
    row["best"] = _best(outlook, outlook.bounds, right, len(case.true))
    row["regret"] = row["best"] - row["proposed"]["f1"]
    row["regret_unbound"] = _best(outlook, None, right, len(case.true)) - row["proposed"]["f1"]
    return row


def summary(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Coverage, widths and regret of all rows together, and by set."""
    lines = ["", f"{len(rows)} rehearsals: share of the 90 % intervals that hold the truth (below, above), mean width"]
    for threshold in THRESHOLDS:
        for figure in ("precision", "recall"):
            held = [row[threshold][figure] for row in rows]
            lines.append(f"  {threshold:16} {figure:10} {_coverage(held)}")
    lines.append(
        "by set: precision at plan and proposed thresholds, recall, regret (mean, largest), unbound regret (largest)"
    )
    for name in dict.fromkeys(row["case"].split()[0] for row in rows):
        some = [row for row in rows if row["case"].split()[0] == name]
        precision, recall = ([row[one][kind] for row in some for one in THRESHOLDS] for kind in ("precision", "recall"))
        regrets, unbound = ([row[kind] for row in some] for kind in ("regret", "regret_unbound"))
        figures = f"{np.mean(regrets):.4f} {max(regrets):.4f} | {max(unbound):.4f}"
        lines.append(f"  {name:20} {len(some):3} {_coverage(precision)} | {_coverage(recall)} | {figures}")
    large = [row["regret"] for row in rows if row["true"] >= _LEAST_PAIRS]
    if large:
        share = np.mean([one <= 0.005 for one in large])
        lines.append(
            f"regret at most .005 in {share:.1%} of the {len(large)} rehearsals with {_LEAST_PAIRS} true pairs or more"
        )
    return lines


def worlds(scratch: Path, seeds: int, sizes: Sequence[tuple[int, float]] = _WORLDS) -> Iterator[Case]:
    """French worlds, every pair of error profiles."""
    sheet, seed = load_sheet("P1"), 0
    for left, right in ((left, right) for left in PROFILES for right in PROFILES):
        for size, overlap in sizes:
            for _ in range(seeds):
                seed += 1
                files = two_files(
                    size_left=size,
                    size_right=size,
                    overlap=int(overlap * size),
                    seed=seed,
                    profile_left=PROFILES[left],
                    profile_right=PROFILES[right],
                )
                records = []
                for side, columns, person in (
                    ("left", files.left, files.left_person),
                    ("right", files.right, files.right_person),
                ):
                    path = scratch / f"world-{side}.csv"
                    truth = {"person": [str(number) for number in person.tolist()]}
                    write_file(path, {**columns, **truth}, encoding="utf-8", date_format="AAAA-MM-JJ")
                    records.append(read_records(path, sheet, side, bad_rows="skip", extra=["person"]))
                true = _same(*(one.extra["person"] for one in records))
                name = f"france {left}/{right} {size} {overlap}"
                yield Case(name=name, left=records[0], right=records[1], true=true, sheet=sheet)


def _cases(folder: Path, scratch: Path, names: Sequence[str], seeds: int) -> Iterator[Case]:
    for name in names:
        if name == "france":
            yield from worlds(scratch, seeds)
            continue
        for data in read_sets(folder, [name]):
            whole = Case(name=name, left=data.left, right=data.right, true=data.true, sheet=data.of.sheet)
            for share, overlap in _SAMPLES:
                for seed in range(1 if share * overlap == 1.0 else seeds):
                    yield _sample(whole, share, overlap, seed)


def _sample(case: Case, share: float, overlap: float, seed: int) -> Case:
    """Some of the people, some of whom lose one of their records."""
    if share == overlap == 1.0:
        return case
    chance = np.random.default_rng([seed, int(100 * share), int(100 * overlap)])
    kept = [chance.random(len(side)) < share for side in (case.left, case.right)]
    kept[1][case.true[:, 1]] = kept[0][case.true[:, 0]]
    fate = chance.random(len(case.true))
    kept[0][case.true[fate < (1 - overlap) / 2, 0]] = False
    kept[1][case.true[fate > (1 + overlap) / 2, 1]] = False
    rows = [np.flatnonzero(one) for one in kept]
    place = [np.cumsum(one) - 1 for one in kept]
    still = kept[0][case.true[:, 0]] & kept[1][case.true[:, 1]]
    true = np.stack([place[side][case.true[still, side]] for side in (0, 1)], axis=1)
    left, right = _rows(case.left, rows[0]), _rows(case.right, rows[1])
    return Case(name=f"{case.name} {share} {overlap}", left=left, right=right, true=true, sheet=case.sheet)


def _rows(records: Records, rows: NDArray[np.intp]) -> Records:
    columns = {name: Column(values=column.values, codes=column.codes[rows]) for name, column in records.columns.items()}
    return Records(ids=[str(row) for row in rows.tolist()], columns=columns)


def _same(left: Sequence[str], right: Sequence[str]) -> Pairs:
    place = {value: row for row, value in enumerate(right)}
    return np.array([(row, place[value]) for row, value in enumerate(left) if value in place], dtype=np.int64)


def _best(outlook: Outlook, bounds: Plan | None, right: NDArray[np.bool_], true: int) -> float:
    """The best F1 of any threshold, no looser than the bounds, or than what was looked at."""
    dice = outlook.seen.dice
    if bounds is not None:
        floors = dice_floors(bounds, [one.information for one in bounds.passes])
        dice = np.where(dice >= floors, dice, 0.0)
    score = dice.max(axis=1, initial=0.0)
    order = np.argsort(-score, kind="stable")
    found, count = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    last = np.diff(score[order], append=-1.0) < 0  # a threshold takes all pairs of one score
    f1 = np.where(last & (score[order] > 0), 2 * found / (count + true), 0.0)
    return float(f1.max(initial=0.0))


def _held(value: float, interval: Interval) -> list[float]:
    return [value, interval.low, interval.middle, interval.high]


def _coverage(held: Sequence[list[float]]) -> str:
    below = np.mean([value < low - 1e-9 for value, low, _, _ in held])
    above = np.mean([value > high + 1e-9 for value, _, _, high in held])
    width = np.mean([high - low for _, low, _, high in held])
    return f"{1 - below - above:6.1%} ({below:5.1%} {above:5.1%}) {width:.4f}"


def _line(row: dict[str, Any]) -> str:
    shown = [f"{row['case']:40} {row['profile']:10} {row['true']:6}"]
    for name in ("information", "proposed"):
        for figure in ("precision", "recall"):
            value, low, middle, high = row[name][figure]
            mark = " " if low - 1e-9 <= value <= high + 1e-9 else "*"
            shown.append(f"{name[0]}{figure[0]} {value:.4f}{mark}[{low:.4f} {middle:.4f} {high:.4f}]")
    return " ".join([*shown, f"regret {row['regret']:.4f} {row['regret_unbound']:.4f}"])


if __name__ == "__main__":
    sys.exit(main())
