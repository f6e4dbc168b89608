"""Expected strangers against counted ones, pass by pass, on the synthetic French world.

    python -m benchmarks.strangers [--sheet SHEET] [--profile NAME] [--size N] [--seed N]

Two files of N people, half of them in both, are encoded and compared as in a run, at the distance that coin tosses would
give (`linkage.plan.largest_distance`) and at both thresholds of the plan, the sheet's floors put aside. SHEET is the name of a
shipped sheet or a file; without it, names, sex and birth date (`france-names`).

    expected   strangers within the distance, from public statistics only (`linkage.chance`)
    counted    candidates that are two people and no relatives, before one-to-one
    relatives  candidates that are two people of one family: brothers and sisters, parents, spouses, cousins, in-laws
    alike      people expected to agree on half or more, whom the thresholds do not count
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey, fresh_share
from linkage.attribute import with_bits
from linkage.blocks import shared_blocks
from linkage.chance import NAMESAKES, Agreements, strangers_within
from linkage.holder import HolderPass, encode_passes
from linkage.match import match_blocks
from linkage.plan import INFORMATION_PER_THOUSAND, PassPlan, Plan, largest_distance
from linkage.planner import divide_pass, plan_passes, strangers_of_pass
from linkage.profiles import profile_named
from linkage.records import Records, read_records
from linkage.sheet import Sheet, load_sheet
from linkage.statistics import BILLION, Statistics
from linkage.synthetic.files import TwoFiles, two_files, write_file
from linkage.synthetic.mistakes import PROFILES
from linkage.synthetic.people import People

__all__ = ["Line", "main", "related", "strangers"]

_SHEET = Path(__file__).parent / "sheets" / "france-names.toml"
_SIZE, _SEED = 20_000, 20_261_122

Pairs = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One pass at one distance; counts of pairs, see the module's page."""

    name: str
    distance: int
    expected: float
    alike: float
    counted: int
    relatives: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a pass and distance, and the sums."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangers")
    parser.add_argument("--sheet", default=_SHEET)
    parser.add_argument("--profile", default="standard", choices=["standard", "renforce"])
    parser.add_argument("--size", type=int, default=_SIZE)
    parser.add_argument("--seed", type=int, default=_SEED)
    options = parser.parse_args(arguments)
    sheet = replace(load_sheet(options.sheet), information=0, strict=0)
    lines = strangers(sheet, options.profile, options.size, options.seed)
    print(f"{'pass':12} {'distance':>8} {'expected':>9} {'counted':>8} {'relatives':>9} {'alike':>6}")
    for distance in dict.fromkeys(line.distance for line in lines):
        some = [line for line in lines if line.distance == distance]
        for one in [*some, _sum(some)]:
            numbers = f"{one.expected:9.0f} {one.counted:8} {one.relatives:9} {one.alike:6.0f}"
            print(f"{one.name:12} {one.distance:8} {numbers}")
    return 0


def strangers(sheet: Sheet, profile: str, size: int, seed: int) -> list[Line]:
    """The lines of both files at the three distances, in the order of the passes."""
    chosen, errors = profile_named(profile), PROFILES["certifie"]
    files = two_files(
        size_left=size, size_right=size, overlap=size // 2, seed=seed, profile_left=errors, profile_right=errors
    )
    left, right = _records(files, sheet)
    plan = plan_passes(sheet, profile, (len(left), len(right)))
    compared = sum(one.expected_pairs for one in plan.passes)
    tosses = largest_distance(chosen.length, compared, (INFORMATION_PER_THOUSAND * min(len(left), len(right)), 1000))
    key, expected = RunKey(fresh_share()), _expected(sheet, plan, max(len(left), len(right)))
    sides = [encode_passes(records, sheet, plan, key) for records in (left, right)]
    people = [np.array([int(text) for text in records.extra["personne"]]) for records in (left, right)]
    found = []
    for one, agreements, ours, theirs in zip(plan.passes, expected, *sides, strict=True):
        for distance in (tosses, one.information, one.strict):
            pairs = _candidates(one, ours, theirs, distance)
            persons = np.stack([side[rows] for side, rows in zip(people, pairs, strict=True)], axis=1)
            different = persons[persons[:, 0] != persons[:, 1]]
            kin = int(related(files.people, different).sum())
            found.append(
                Line(
                    name=one.name,
                    distance=distance,
                    expected=strangers_within(one.length, [agreements], distance),
                    alike=agreements.get(NAMESAKES, 0) / BILLION,
                    counted=len(different) - kin,
                    relatives=kin,
                )
            )
    return found


def related(people: People, pairs: Pairs) -> NDArray[np.bool_]:
    """Whether two people belong to one family: the sibling groups of themselves, their parents and spouses meet.

    Args:
        people: of the world.
        pairs: (k, 2) people.
    """
    row = np.arange(len(people))
    kin = np.stack([row, people.father, people.mother, people.spouse], axis=1)
    groups = np.where(kin >= 0, people.family[kin], -1 - row[:, None])  # a stranger's is nobody else's
    left, right = groups[pairs[:, 0]], groups[pairs[:, 1]]
    met: NDArray[np.bool_] = (left[:, :, None] == right[:, None, :]).any(axis=(1, 2))
    return met


def _records(files: TwoFiles, sheet: Sheet) -> tuple[Records, Records]:
    """Both files, as a run reads them; each record with the number of its person."""
    found: list[Records] = []
    with tempfile.TemporaryDirectory() as scratch:
        for columns, person in ((files.left, files.left_person), (files.right, files.right_person)):
            path = Path(scratch) / f"{len(found)}.csv"
            numbered = {**columns, "personne": [str(number) for number in person.tolist()]}
            write_file(path, numbered, encoding="utf-8", date_format="AAAA-MM-JJ")
            found.append(read_records(path, sheet, "", bad_rows="skip", extra=["personne"]))
    return found[0], found[1]


def _expected(sheet: Sheet, plan: Plan, population: int) -> list[Agreements]:
    """Of each pass, the strangers of the plan's own computation by how alike they are."""
    statistics, profile = Statistics(sheet), profile_named(plan.profile)
    found = []
    for rule, one in zip(sheet.passes, plan.passes, strict=True):
        division = divide_pass(rule, sheet, statistics, profile, population)
        attributes = with_bits(sheet.attributes, rule.bits)
        found.append(strangers_of_pass(division, attributes, statistics, profile, one.expected_pairs))
    return found


def _candidates(plan: PassPlan, ours: HolderPass, theirs: HolderPass, distance: int) -> tuple[Pairs, Pairs]:
    """(left records, right records) of all pairs of a pass within a distance."""
    blocks = shared_blocks(ours.encoded.tags, theirs.encoded.tags)
    least = 1.0 - distance / plan.length
    found = match_blocks(ours.encoded.filters, theirs.encoded.filters, blocks, least, "hamming")
    return ours.records[found.left], theirs.records[found.right]


def _sum(lines: Sequence[Line]) -> Line:
    return Line(
        name="all passes",
        distance=lines[0].distance,
        expected=sum(one.expected for one in lines),
        alike=sum(one.alike for one in lines),
        counted=sum(one.counted for one in lines),
        relatives=sum(one.relatives for one in lines),
    )


if __name__ == "__main__":
    sys.exit(main())
