"""Linkage quality of candidate profiles: what longer filters, more XORs and smaller blocks cost, set by set.

    python -m benchmarks.calibration FOLDER RESULTS [--set NAME …] [--candidate LENGTH:AIM:CAP[:FLOOR] …] [--repeats N]

A candidate is a length L = m, an aim for the exposure κ in thousandths, a cap and a floor of blocks (20 unless told). Its degree
t is, in every pass, the least from 4 on at which the planner expects no more than that exposure. Sets, passes, thresholds are
those of `benchmarks.quality`: whatever the candidate, the expected random links are 1 % of the smaller file, so that F1 is
compared at an equal rate of false links. RESULTS gets one line of JSON a measurement (set, candidate, precision, recall, F1, the
degree and the expected κ of each pass); what it holds already is not measured again. `benchmarks.calibration_curve` draws it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality_measure import Read, read_sets
from benchmarks.quality_sets import SETS
from crypto.keys import RunKey, fresh_share
from linkage.attribute import with_bits
from linkage.errors import LinkageError
from linkage.evaluate import score
from linkage.exposure import exposure
from linkage.holder import encode_passes
from linkage.linker import link_pass
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.profiles import PROFILES, Profile
from linkage.sheet import Sheet
from linkage.statistics import Statistics

__all__ = ["candidate", "kappas", "main", "offered", "quality_of"]

_LEAST_DEGREE = 4
_FLOOR = 20
_REFUSED = 400
_ROOM = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is not measured yet; prints a line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--set", action="append", choices=sorted(SETS), help="default: all")
    parser.add_argument("--candidate", action="append", help="LENGTH:AIM:CAP[:FLOOR], or the name of a profile")
    parser.add_argument("--repeats", type=int, default=1, help="each under fresh keys")
    options = parser.parse_args(arguments)
    known = {_key(one) for one in read_lines(options.results)}
    for data in read_sets(options.folder, options.set or SETS):
        for name in options.candidate or ["standard", "renforce"]:
            for repeat in range(options.repeats):
                if (data.of.name, name, repeat) not in known:
                    _measure(data, name, repeat, options.results)
    return 0


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The measurements of a file of results; none where there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _key(one: dict[str, Any]) -> tuple[str, str, int]:
    return one["set"], one["candidate"], one["repeat"]


def _measure(data: Read, name: str, repeat: int, results: Path) -> None:
    start = time.perf_counter()
    with offered(candidate(name)) as profile:
        try:
            found = quality_of(data, profile)
        except LinkageError as error:
            found = {"refused": error.code}
    line = {"set": data.of.name, "candidate": name, "repeat": repeat, "attributes": data.of.attributes, **found}
    line["seconds"] = round(time.perf_counter() - start, 2)
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    shown = found.get("refused") or f"F1 {found['f1']:.4f} P {found['precision']:.4f} R {found['recall']:.4f}"
    print(f"{data.of.name:17} {name:16} {shown}  t {found.get('degrees')} κ {found.get('kappas')}", flush=True)


def candidate(name: str) -> Profile:
    """A shipped profile, or the one that LENGTH:AIM:CAP[:FLOOR] describes.

    Raises:
        ValueError: neither.
    """
    if name in PROFILES:
        return PROFILES[name]
    length, aim, cap, *floor = map(int, name.split(":"))
    degrees = {"degree": _LEAST_DEGREE, "names_degree": _LEAST_DEGREE}
    return Profile(
        name=name, length=length, **degrees, cap=cap, floor=(*floor, _FLOOR)[0], exposure=aim, refused=_REFUSED
    )


@contextmanager
def offered(profile: Profile) -> Iterator[Profile]:
    """Lets planner and encoder know a profile for a while."""
    shipped = PROFILES.get(profile.name)
    PROFILES[profile.name] = profile
    try:
        yield profile
    finally:
        if shipped is None:
            del PROFILES[profile.name]
        else:
            PROFILES[profile.name] = shipped


def quality_of(data: Read, profile: Profile) -> dict[str, Any]:
    """Precision, recall and F1 of the union of passes at the plan's thresholds, under fresh keys."""
    plan = plan_passes(data.of.sheet, profile.name, (len(data.left), len(data.right)))
    key, links = RunKey(fresh_share()), []
    sides = [encode_passes(side, data.of.sheet, plan, key) for side in (data.left, data.right)]
    for one, ours, theirs in zip(plan.passes, *sides, strict=True):
        found = link_pass(ours.encoded, theirs.encoded, one)
        rows = ours.records[found.left_rows], theirs.records[found.right_rows]
        links.append(rows[0].astype(np.int64) << _ROOM | rows[1])
    linked, true = np.unique(np.concatenate(links)), data.true[:, 0].astype(np.int64) << _ROOM | data.true[:, 1]
    precision, recall, f1 = score(int(np.isin(linked, true).sum()), len(linked), len(true))
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "length": profile.length,
        "passes": [one.name for one in plan.passes],
        "degrees": [one.degree for one in plan.passes],
        "kappas": kappas(data.of.sheet, plan, profile),
    }


def kappas(sheet: Sheet, plan: Plan, profile: Profile) -> list[int]:
    """κ in thousandths that the planner expects of each pass, in blocks that are not split."""
    statistics = Statistics(sheet)
    return [
        exposure(with_bits(sheet.attributes, one.bits), statistics, profile, one.left_out(0), one.degree)
        for one in plan.passes
        if one.degree
    ]


if __name__ == "__main__":
    sys.exit(main())
