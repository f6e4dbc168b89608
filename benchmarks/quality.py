"""Linkage quality on the training sets and on a synthetic French world, through the production path.

    python -m benchmarks.quality FOLDER [--set NAME …] [--profile NAME …] [--repeats N] [--json FILE] [--groups]
        [--bits N,N,…] [--information N]

FOLDER holds the sets as `<name>/<file>.parquet`; those that are missing are said to be missing. Thresholds are the tool's own:
those of the plan, or for `reference` the label-free one. Columns:

    P R F1     of the links told (union over passes), over all true pairs
    rehearsed  the F1 of the thresholds that a rehearsal proposes for the next agreement, without labels
    best       the F1 of the best thresholds, picked with labels: nobody has it; regret is what it would add to F1
    1-1        F1 if one-to-one held across passes too: a diagnostic, since no party sees scores of several passes

`--bits` and `--information` ask what another sheet would have given: bits of its attributes in their order (0 leaves one
out; the passes have none of their own then), and the floor under all links. `--groups` adds precision and recall by group of
people, and what missed and false pairs look like.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.quality_measure import measure, read_sets
from benchmarks.quality_sets import SETS
from linkage.sheet import Sheet

__all__ = ["main"]

_PROFILES = ["reference", "standard", "renforce"]
_HEAD = "set               profile    P      R      F1     rehearsed best regret  1-1     links seconds"


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; writes the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", choices=sorted(SETS), help="default: all")
    parser.add_argument("--profile", action="append", choices=_PROFILES, help="default: all")
    parser.add_argument(
        "--repeats", type=int, default=1, help="runs under fresh keys; the one with the median F1 counts"
    )
    parser.add_argument("--json", type=Path, help="where to write all numbers")
    parser.add_argument("--bits", help="of the attributes, instead of the sheet's")
    parser.add_argument("--information", type=int, help="floor in thousandths, instead of the sheet's")
    parser.add_argument("--groups", action="store_true", help="precision and recall by group, and patterns of errors")
    options = parser.parse_args(arguments)
    results: list[dict[str, Any]] = []
    print(_HEAD)
    for read in read_sets(options.folder, options.set or SETS):
        sheet = _changed(read.of.sheet, options.bits, options.information)
        data = replace(read, of=replace(read.of, sheet=sheet))
        for profile in options.profile or _PROFILES:
            results.append(measure(data, profile, repeats=options.repeats, with_labels=data.of.gold))
            print(_line(results[-1]), flush=True)
            if options.groups:
                print(_details(results[-1]), flush=True)
        if data.of.note:
            print(f"{'':17} {data.of.note}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


def _changed(sheet: Sheet, bits: str | None, information: int | None) -> Sheet:
    """The sheet with other bits, another floor, or as it is."""
    if bits is not None:
        pairs = zip(sheet.attributes, map(int, bits.split(",")), strict=True)
        attributes = tuple(replace(one, bits=weight) for one, weight in pairs if weight)
        sheet = replace(sheet, attributes=attributes, passes=tuple(replace(one, bits=()) for one in sheet.passes))
    return sheet if information is None else replace(sheet, information=information)


def _line(found: dict[str, Any]) -> str:
    numbers = " ".join(f"{found[key]:6.4f}" for key in ("precision", "recall", "f1"))
    others = " " * 28
    if "best_f1" in found:
        rehearsed = f"{found['rehearsed'][2]:6.4f}" if "rehearsed" in found else " " * 6
        others = f"{rehearsed} {found['best_f1']:6.4f} {found['regret']:7.4f} {found['one_to_one'][2]:6.4f}"
    return f"{found['set']:17} {found['profile']:10} {numbers} {others} {found['links']:6} {found['seconds']:7.1f}"


def _details(found: dict[str, Any]) -> str:
    lines = [
        f"    {name:18} {group['true_pairs']:6} true pairs   P {group['precision']:6.4f}   R {group['recall']:6.4f}"
        for name, group in found["groups"].items()
    ]
    for key, label in (("missed_patterns", "missed"), ("false_patterns", "false")):
        shown = "  ".join(f"{pattern} {count}" for pattern, count in found[key].items())
        lines.append(f"    {label:6} {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
