"""The table of several runs of `benchmarks.privacy`, one row an attack, with the worlds of each file of results put together.

    python -m benchmarks.privacy_table RESULTS … [--by-size]

RESULTS are files of `--results`. People of all worlds count together in each pass, passes are added up, as nobody can join them;
the interval holds both Wilson's and that of blocks drawn again, over all worlds. Percent: rate, interval, chance, `sure`. With
`--by-size` a row is an attack and a size of blocks instead, and the rate is that of one pass, since sizes do not come in
every pass alike; chance is one blind guess a block.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from linkage.attacks.clustered import by_blocks, widest
from linkage.attacks.outcome import wilson
from linkage.profiles import PROFILES

__all__ = ["SIZES", "Cell", "by_size", "cells", "main", "table"]

Key = tuple[str, str, str, float]  # profile, number, attack, known
SIZES = ((20, 150), (150, 350), (350, 700), (700, 1500), (2000, 3500))  # rows of a block


@dataclass(kw_only=True)
class _Pass:
    """One pass of several worlds: people tried and found in each block; people expected of chance; people found surely."""

    blocks: list[tuple[int, int]] = field(default_factory=list)
    chance: float = 0.0
    sure: float = 0.0

    @property
    def tried(self) -> int:
        return sum(tried for tried, _ in self.blocks)

    @property
    def right(self) -> int:
        return sum(right for _, right in self.blocks)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is said of one attack: shares, all of one.

    Attributes:
        rate: of people found.
        low: of its interval, the wider of two.
        high: the same.
        chance: of blind guesses.
        sure: found while nine of ten of the most confident guesses are right.
        tried: people.
        blocks: attacked.
        worlds: attacked.
    """

    rate: float
    low: float
    high: float
    chance: float
    sure: float
    tried: int
    blocks: int
    worlds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.privacy_table")
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--by-size", action="store_true")
    options = parser.parse_args(arguments)
    lines = [json.loads(one) for path in options.results for one in path.read_text("utf-8").splitlines()]
    print("\n".join(by_size(lines) if options.by_size else table(cells(lines))))
    return 0


def cells(lines: Iterable[Mapping[str, Any]]) -> dict[Key, Cell]:
    """Profile, number, attack and what is known → what was found over all passes of all worlds."""
    passes: dict[Key, dict[str, _Pass]] = {}
    worlds: dict[Key, set[tuple[Any, ...]]] = {}
    for line in lines:
        if line["of"] == "union":
            continue
        key = _key(line)
        one = passes.setdefault(key, {}).setdefault(line["of"], _Pass())
        one.blocks += [(tried, right) for tried, right in line["blocks"]]
        one.chance += line["chance"] * line["tried"]
        one.sure += line["sure"] * line["tried"]
        worlds.setdefault(key, set()).add((line["world"], line["seed"]))
    return {key: _cell(list(passes[key].values()), len(worlds[key])) for key in sorted(passes)}


def _key(line: Mapping[str, Any]) -> Key:
    return line["profile"], line["number"], line["attack"], line["known"]


def _cell(passes: Sequence[_Pass], worlds: int) -> Cell:
    some = [one for one in passes if one.tried]
    rates, intervals = [one.right / one.tried for one in some], [wilson(one.right, one.tried) for one in some]
    rate = sum(rates)
    down = sqrt(sum((own - low) ** 2 for own, (low, _) in zip(rates, intervals, strict=True)))
    up = sqrt(sum((high - own) ** 2 for own, (_, high) in zip(rates, intervals, strict=True)))
    drawn = by_blocks([one.blocks for one in some], np.random.default_rng(0))
    low, high = widest((min(1.0, max(0.0, rate - down)), min(1.0, rate + up)), drawn)
    return Cell(
        rate=min(1.0, rate),
        low=low,
        high=high,
        chance=sum(one.chance / one.tried for one in some),
        sure=sum(one.sure / one.tried for one in some),
        tried=sum(one.tried for one in some),
        blocks=sum(len(one.blocks) for one in some),
        worlds=worlds,
    )


def table(found: Mapping[Key, Cell]) -> list[str]:
    """Lines of Markdown, a row an attack, the profiles side by side."""
    profiles = [profile for profile in PROFILES if any(profile == key[0] for key in found)]
    titles = [f"`{profile}` | chance | sure | worlds, blocks, people" for profile in profiles]
    rows = [f"| attack | known | {' | '.join(titles)} |", f"|---|---|{'---|' * (4 * len(profiles))}"]
    for number, attack, known in sorted({key[1:] for key in found}, key=lambda one: (int(one[0][1:]), *one[1:])):
        shown = [_shown(found.get((profile, number, attack, known))) for profile in profiles]
        rows.append(f"| {number} {attack} | {_known(known)} | {' | '.join(shown)} |")
    return rows


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return "– | – | – | –"
    counts = f"{cell.worlds}, {cell.blocks}, {cell.tried:,}"
    return f"{_rated(cell.rate, cell.low, cell.high)} | {cell.chance:.1%} | {cell.sure:.2%} | {counts}".replace("%", "")


def _rated(rate: float, low: float, high: float) -> str:
    return f"{100 * rate:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _known(share: float) -> str:
    return "nobody" if not share else "all others" if share == 1.0 else f"{100 * share:g} %"


def by_size(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Lines of Markdown, a row an attack and a size of blocks: the rate of one pass."""
    found: dict[tuple[Key, tuple[int, int]], list[tuple[int, int]]] = {}
    for line in lines:
        if line["of"] == "union":
            continue
        for tried, right in line["blocks"]:
            rows = tried / (1.0 - line["known"]) if line["known"] < 1.0 else tried
            for size in SIZES:
                if size[0] <= rows < size[1]:
                    found.setdefault((_key(line), size), []).append((tried, right))
    rows = [
        "| profile | attack | known | rows | blocks | people | rate | chance |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for ((profile, number, attack, known), size), blocks in sorted(found.items()):
        tried, right = (sum(one[place] for one in blocks) for place in (0, 1))
        low, high = widest(wilson(right, tried), by_blocks([blocks], np.random.default_rng(0)))
        shown = f"{_rated(right / tried, low, high)} | {100 * len(blocks) / tried:.1f}"
        about = f"{profile} | {number} {attack} | {_known(known)} | {size[0]}–{size[1]}"
        rows.append(f"| {about} | {len(blocks)} | {tried:,} | {shown} |")
    return rows


if __name__ == "__main__":
    sys.exit(main())
