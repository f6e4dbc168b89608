"""Privacy against links, drawn: what `benchmarks.calibration` measured, as an SVG of our own.

    python -m benchmarks.calibration_curve RESULTS [RESULTS …] --out docs/calibration.svg [--set NAME …]

One panel a set. Across: the largest expected κ of a pass, logarithmic, smaller (safer) to the left. Up: F1 at the plan's
thresholds. A line a filter length, a point a candidate; shipped profiles have a ring and their name. Repeats are averaged; only
candidates with the shipped cap of blocks are drawn.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.calibration import read_lines
from linkage.profiles import PROFILES

__all__ = ["Point", "draw", "main", "points"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _COLUMNS = 330, 220, 54, 30, 34, 2
_COLOURS = ("#444444", "#1f5fa8", "#b3541e", "#2f7d4f", "#7a3b8f")
_CAP = 1000
_SETS = ("essnet-names", "febrl4-names", "essnet", "febrl4", "pseudopeople", "france-certifie")
_LEAST = 1.0  # thousandths of κ: fewer are drawn as so many
_TICKS = 4


@dataclass(frozen=True, kw_only=True)
class Point:
    """One candidate on one set: its filters' length, the largest κ of a pass in thousandths, the mean F1."""

    candidate: str
    length: int
    kappa: float
    f1: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the SVG."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_curve")
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", help="default: six of them")
    options = parser.parse_args(arguments)
    lines = [line for path in options.results for line in read_lines(path)]
    panels = {name: points(lines, name) for name in options.set or _SETS}
    options.out.write_text(draw({name: some for name, some in panels.items() if some}), encoding="utf-8")
    return 0


def points(lines: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    """The candidates measured on a set, repeats averaged, in the order of length and κ."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        if line["set"] == name and "f1" in line and _drawn(line["candidate"]):
            found[line["candidate"]].append(line)
    some = [
        Point(
            candidate=candidate,
            length=same[0]["length"],
            kappa=max(_LEAST, *same[0]["kappas"]),
            f1=sum(one["f1"] for one in same) / len(same),
        )
        for candidate, same in found.items()
    ]
    return sorted(some, key=lambda one: (one.length, one.kappa, one.f1))


def _drawn(candidate: str) -> bool:
    return candidate in PROFILES or int(candidate.split(":")[2]) == _CAP


def draw(panels: Mapping[str, Sequence[Point]]) -> str:
    """The SVG of all panels."""
    rows = -(-len(panels) // _COLUMNS)
    size = _WIDTH * _COLUMNS, _HEIGHT * rows + 24
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}"'
            ' font-family="sans-serif" font-size="10" role="img">'
        ),
        "<title>F1 by the largest expected exposure of a pass, one line a filter length</title>",
        f'<rect width="{size[0]}" height="{size[1]}" fill="#ffffff"/>',
    ]
    lengths = sorted({one.length for some in panels.values() for one in some})
    colours = {length: _COLOURS[place % len(_COLOURS)] for place, length in enumerate(lengths)}
    for place, (name, some) in enumerate(panels.items()):
        at = (place % _COLUMNS) * _WIDTH, (place // _COLUMNS) * _HEIGHT
        parts.append(f'<g transform="translate({at[0]} {at[1]})">{_panel(name, some, colours)}</g>')
    parts += [
        f'<text x="{_LEFT + 110 * place}" y="{size[1] - 8}" fill="{colours[length]}">L = {length} bits</text>'
        for place, length in enumerate(lengths)
    ]
    return "\n".join([*parts, "</svg>", ""])


def _panel(name: str, some: Sequence[Point], colours: Mapping[int, str]) -> str:
    low, high = min(one.f1 for one in some), max(one.f1 for one in some)
    margin = max(0.0005, 0.08 * (high - low))
    up = _Axis(low - margin, high + margin, _HEIGHT - _BOTTOM, _TOP)
    logs = [math.log(one.kappa) for one in some]
    across = _Axis(min(logs) - 0.15, max(logs) + 0.15, _LEFT, _WIDTH - 14)
    parts = [f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(name)}: F1</text>', *_grid(across, up)]
    for length, colour in colours.items():
        places = [(across.of(math.log(one.kappa)), up.of(one.f1)) for one in some if one.length == length]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1" opacity=".5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in places]
    for one in some:
        if one.candidate in PROFILES:
            x, y = across.of(math.log(one.kappa)), up.of(one.f1)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="#000000"/>')
            parts.append(f'<text x="{x + 7:.1f}" y="{y + 11:.1f}">{escape(one.candidate)}</text>')
    return "".join(parts)


@dataclass(frozen=True)
class _Axis:
    """Values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def of(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / max(1e-12, self.high - self.low) * (self.end - self.start)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    """Ticks, numbers and the two axes."""
    parts = []
    for step in range(_TICKS + 1):
        f1 = up.low + step / _TICKS * (up.high - up.low)
        log = across.low + step / _TICKS * (across.high - across.low)
        y, x = up.of(f1), across.of(log)
        parts.append(
            f'<line x1="{_LEFT}" x2="{across.end:.0f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd" stroke-width=".5"/>'
            f'<text x="{_LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{f1:.4f}</text>'
            f'<text x="{x:.1f}" y="{up.start + 13:.1f}" text-anchor="middle">{math.exp(log) / 1000:.3f}</text>'
        )
    parts.append(f'<text x="{across.end:.0f}" y="{up.start + 25:.1f}" text-anchor="end">largest κ of a pass</text>')
    return parts


if __name__ == "__main__":
    sys.exit(main())
