"""The four conditions of blocks, each kept and then dropped: what the attack that it stops makes of it.

    python -m benchmarks.conditions [--n N] [--joined N] [--table N] [--seed S] [--profile NAME] [--json]

1. *What makes the block value is left out of the filter.* The people of the largest block of a pass, encoded by the plan, then
   with everything in the filter, at the same degree.
2. *Passes cannot be joined.* Whoever sees which rows of all passes are one record, and which rows share a block, without a bit
   of any filter; beside it, what joins rows of two passes under separate ids.
3. *Blocks have a maximum.* `--table` people in one table at the profile's least degree, where the plan would divide them.
4. *A pass without dates and one without names*: the planner refuses a sheet without (`E_PASSES`), so nothing is attacked here;
   what such a plan loses is people, not secrets.

Invented people, the reference file complete and clean: the attacker's best case.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto.keys import PassKey, RunKey, fresh_share
from linkage.attacks.ceiling import ceiling, kappa
from linkage.attacks.landmarks import landmarks
from linkage.attacks.outcome import Outcome
from linkage.attacks.rejoining import blocks_of, joined, rejoined
from linkage.attacks.scene import Scene, Side, one_table, scenes
from linkage.attacks.seedless import seedless
from linkage.attacks.self_training import message_passing
from linkage.passes import divide
from linkage.plan import PassPlan, Plan
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from linkage.records import Records, records_from_table
from linkage.sheet import Sheet, load_sheet
from linkage.statistics import Statistics
from linkage.synthetic.files import TwoFiles, two_files
from linkage.synthetic.mistakes import SANS_ERREUR
from linkage.tables import RawTable

__all__ = ["blocks_kept", "main", "passes_joined", "table_uncapped"]

Rows = NDArray[np.int64]
_KNOWN = 0.10
_SHEET = "P1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line an experiment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conditions")
    parser.add_argument("--n", type=int, default=100_000, help="people, condition 1")
    parser.add_argument("--joined", type=int, default=20_000, help="people, condition 2")
    parser.add_argument("--table", type=int, default=3_000, help="people in one table, condition 3")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=[name for name in PROFILES if PROFILES[name].degree], default="standard")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    for measured in (
        blocks_kept(options.n, options.profile, rng),
        passes_joined(options.joined, options.profile, rng),
        table_uncapped(options.table, options.profile, rng),
    ):
        for line in measured:
            if options.json:
                print(json.dumps({"profile": options.profile, **line}), flush=True)
            else:
                bounds = f"{line['rate']:7.2%} [{line['low']:7.2%}, {line['high']:7.2%}] chance {line['chance']:.2%}"
                print(
                    f"{line['condition']} {line['case']:16} {line['attack']:22} {bounds}  {line['tried']}", flush=True
                )
    return 0


def blocks_kept(size: int, profile: str, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Condition 1: the largest block of the first pass, with its block value left out of the filters and with it kept."""
    sheet, files = load_sheet(_SHEET), _files(size)
    plan = plan_passes(sheet, profile, (size, size))
    one = plan.passes[0]
    rows = _largest_block(_records(files.left, sheet), sheet, one)
    people = files.left_person[rows]
    sides = _side(files.left, files.left_person, people, sheet), _side(files.right, files.right_person, people, sheet)
    table = one_table(sheet, profile, size).passes[0]
    for case, of in (("left out", one), ("kept", replace(table, degree=one.degree))):
        scene = next(scenes(*sides, sheet, replace(plan, passes=(of,))))
        yield from (_line(1, case, name, outcome, scene) for name, outcome in _attacked(scene, rng))


def _attacked(scene: Scene, rng: np.random.Generator) -> Iterator[tuple[str, Outcome]]:
    yield "seedless", scene.score(seedless(scene.view, rng))
    seeded = scene.knowing(_KNOWN, rng)
    yield f"self-training {_KNOWN:.0%}", seeded.score(message_passing(seeded.view, rng))
    yield "ceiling", ceiling(scene)


def passes_joined(size: int, profile: str, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Condition 2: joined ids, nobody known, no filter looked at; then separate ids, rows of two passes joined."""
    sheet, files = load_sheet(_SHEET), _files(size)
    plan = plan_passes(sheet, profile, (size, size))
    sides = [
        Side(records=_records(cells, sheet), people=people)
        for cells, people in ((files.left, files.left_person), (files.right, files.right_person))
    ]
    key = RunKey(fresh_share())
    known = [(blocks_of(side, sheet, plan, key), side.people) for side in sides]
    yield _line(2, "joined ids", "blocks only", joined(known[0], known[1], rng, labels=False))
    yield _line(2, "separate ids", "rows of two passes", rejoined(sides[0], sides[1], sheet, plan, rng))


def table_uncapped(size: int, profile: str, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Condition 3: everybody in one table, at the profile's least degree."""
    sheet, files = load_sheet(_SHEET), _files(size)
    sides = [
        Side(records=_records(cells, sheet), people=people)
        for cells, people in ((files.left, files.left_person), (files.right, files.right_person))
    ]
    plan: Plan = one_table(sheet, profile, size)
    scene = next(scenes(sides[0], sides[1], sheet, plan))
    seeded = scene.knowing(_KNOWN, rng)
    case = f"one table {size}"
    yield _line(3, case, f"landmarks {_KNOWN:.0%}", seeded.score(landmarks(seeded.view, rng)), scene)
    yield _line(3, case, "ceiling", ceiling(scene), scene)


def _line(condition: int, case: str, attack: str, outcome: Outcome, scene: Scene | None = None) -> dict[str, Any]:
    about = {"condition": condition, "case": case, "attack": attack, **outcome.to_json()}
    if scene is None:
        return about
    return {**about, "kappa": round(kappa(scene.view), 4), "degree": scene.view.degree}


def _files(size: int) -> TwoFiles:
    return two_files(
        size_left=size, size_right=size, overlap=size, seed=1, profile_left=SANS_ERREUR, profile_right=SANS_ERREUR
    )


def _records(cells: Mapping[str, list[str]], sheet: Sheet) -> Records:
    identifiers, attributes = sheet.for_side("")
    return records_from_table(RawTable.of("", dict(cells)), identifiers, attributes)


def _side(cells: Mapping[str, list[str]], people: Rows, wanted: Rows, sheet: Sheet) -> Side:
    """The rows of some people."""
    rows = np.flatnonzero(np.isin(people, wanted))
    some = {name: [values[row] for row in rows.tolist()] for name, values in cells.items()}
    return Side(records=_records(some, sheet), people=people[rows])


def _largest_block(records: Records, sheet: Sheet, plan: PassPlan) -> Rows:
    """The rows of the largest block of a pass."""
    block = divide(records, sheet, plan, Statistics(sheet), PassKey(fresh_share())).block
    found: Rows = np.flatnonzero(block == np.bincount(block[block >= 0]).argmax())
    return found


if __name__ == "__main__":
    sys.exit(main())
