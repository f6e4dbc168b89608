"""Builds `linkage/places.txt`: every commune code since 1943, with the current commune that each one has become part of.

Sources, both published copies of INSEE's Code officiel géographique (Licence Ouverte):

- the communes of today with their former codes: npm package `@etalab/decoupage-administratif` (MIT, compiled from INSEE's
  file), `data/communes.json` in the archive that `npm pack @etalab/decoupage-administratif@6.0.0` writes;
- all codes of 1943–2017 with what became of them: INSEE's `France2017.txt`, republished as it was in the folder `sources`
  of github.com/etalab/geohisto (commit e2738eb6).

A code that is a commune today stands for itself, whatever was once part of it: a commune that was absorbed and
re-established is not tied to its neighbour. A code that no commune has any more stands for the commune that holds the chef-lieu
of its place today. So each class has one commune of today, and no chain of splits and mergers ties distant ones together.

    python -m benchmarks.place_history etalab-decoupage-administratif-6.0.0.tgz France2017.txt > linkage/places.txt
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["main"]

CURRENT, OLD_DEPARTEMENT = "1", "4"
KINDS_WITH_POLE = {"2", "3", OLD_DEPARTEMENT, "5", "6"}  # associated, extinct, moved, arrondissement, delegated
# Territories whose code changed outside the two files: INSEE, codes of the communes of overseas collectivities.
OVERSEAS = {"97123": "97701", "97127": "97801", "98405": "97409"}
OVERSEAS |= {f"985{number:02}": f"976{number:02}" for number in range(1, 18)}
# Births in the départements of Algeria before 1962, and in Algeria.
ALGERIA = {f"9{number}352": "99352" for number in range(1, 5)}

HEADER = """\
# Codes of communes since 1943 and what became of them. Built by benchmarks/place_history.py; do not edit.
# Data: INSEE, Code officiel géographique (Licence Ouverte / Etalab 2.0), as republished by Etalab in
# @etalab/decoupage-administratif 6.0.0 (MIT; COG 2026) and github.com/etalab/geohisto (sources/France2017.txt).
# A line: a code, then the codes that stand for the same place; three signs alone share the first two of the line's code.
# Lines that begin with = list the communes of today that nothing was added to, as ranges of their last three signs."""


def main() -> None:
    """Reads the two sources named on the command line, writes the table to the standard output."""
    today = communes_of_today(Path(sys.argv[1]))
    became = resolved(today, former_codes(Path(sys.argv[2])))
    classes = defaultdict(list)
    for code, heir in became.items():
        classes[heir].append(code)
    print(HEADER)
    for heir in sorted(classes):
        print(heir, *(code[2:] if code[:2] == heir[:2] else code for code in sorted(classes[heir])))
    current = {one["code"] for one in today if one["type"] == "commune-actuelle"}
    for line in ranges(current - set(classes)):
        print(line)
    sizes = Counter(1 + len(codes) for codes in classes.values())
    print(
        "codes that changed:",
        len(became),
        "classes:",
        len(classes),
        "sizes:",
        dict(sorted(sizes.items())),
        file=sys.stderr,
    )
    print("unresolved:", sorted(heir for heir in classes if heir not in current), file=sys.stderr)


def communes_of_today(archive: Path) -> list[dict[str, Any]]:
    """The entries of `communes.json` in the npm archive."""
    with tarfile.open(archive) as package:
        content = package.extractfile("package/data/communes.json")
        assert content is not None
        found: list[dict[str, Any]] = json.load(content)
        return found


def former_codes(source: Path) -> dict[str, str]:
    """Every code of 1943–2017 that is no commune in 2017, with the commune of 2017 that it leads to."""
    rows = csv.DictReader(io.StringIO(source.read_text("cp1252")), delimiter="\t")
    found = [(row["DEP"] + row["COM"], row["POLE"], row["ACTUAL"]) for row in rows]
    current = {code for code, _, kind in found if kind == CURRENT}
    return {code: pole for code, pole, kind in found if kind in KINDS_WITH_POLE and pole and code not in current}


def resolved(today: list[dict[str, Any]], former: dict[str, str]) -> dict[str, str]:
    """Every code that is no commune of today, with the commune of today that holds its place."""
    current = {one["code"] for one in today if one["type"] == "commune-actuelle"}
    heirs = {one["code"]: one["commune"] for one in today if one["type"] == "arrondissement-municipal"}
    heirs |= {one["code"]: one["chefLieu"] for one in today if "chefLieu" in one and one["code"] not in current}
    heirs |= {old: one["code"] for one in today for old in one.get("anciensCodes", ()) if old not in current}
    steps = {**former, **heirs, **OVERSEAS, **ALGERIA}
    became = {}
    for code in steps:
        heir, seen = code, {code}
        while heir not in current and heir in steps and steps[heir] not in seen:
            heir = steps[heir]
            seen.add(heir)
        if code not in current and heir != code:
            became[code] = heir
    return became


def ranges(codes: Iterable[str]) -> list[str]:
    """Codes by their first two signs, consecutive numbers as FIRST-LAST."""
    by_start = defaultdict(list)
    for code in sorted(codes):
        by_start[code[:2]].append(int(code[2:]))
    lines = []
    for start, numbers in sorted(by_start.items()):
        runs = [[numbers[0], numbers[0]]]
        for number in numbers[1:]:
            if number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        lines.append(f"={start} " + " ".join(f"{a:03}-{b:03}" if b > a else f"{a:03}" for a, b in runs))
    return lines


if __name__ == "__main__":
    main()
