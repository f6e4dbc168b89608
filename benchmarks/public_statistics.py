"""Recomputes `linkage/public_statistics.json` from INSEE's tables of names, when a folder with them is given.

    python -m benchmarks.public_statistics FOLDER

FOLDER holds `insee_noms_1891_2000.parquet`, `insee_prenoms_1900_2022_by_decade.parquet` (INSEE, fichiers des noms et des
prénoms, Licence Ouverte) and `communes_cog_population.parquet` (INSEE, populations légales, Licence Ouverte). What is kept:

* `letters`: shares of the first one, two and three letters of names, in parts per million; rarer ones than a limit are
  pooled (`rest`: their share together and how many they are);
* `likeness`: of two people chosen at random among those with the same first letters (none, one, two, three), how much of
  the bits of a group of tokens they have in common: steps of 25 per mille, in parts per million. The same of the communes
  of birth, and of unlike groups of names (`across`), which share their tokens. People are drawn with a fixed seed.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from linkage.attribute import Attribute, parse_attribute
from linkage.cells import fold
from linkage.features import block_part, groups, tokens

__all__ = ["main"]

DECADES = range(1940, 2010, 10)
EARLIER = range(1900, 1970, 10)  # when the names that come second and third were in fashion
PARTS = ("initial", "two", "three")
LEAST_SHARE = 20  # parts per million: rarer letters are pooled
PAIRS = 60_000  # drawn for a likeness
STEP = 25  # per mille
MILLION = 1_000_000
BORN_ABROAD = 0.12
NAMES_AFTER_THE_FIRST = (0.18, 0.27, 0.45, 0.10)  # none, one, two, three

Weights = dict[str, float]
Tokens = dict[str, list[str]]


def main(folder: Path) -> None:
    """Writes the shares beside the planner that reads them."""
    rng = np.random.default_rng(1891)
    surnames, firsts, seconds = _surnames(folder), _first_names(folder, DECADES), _first_names(folder, EARLIER)
    several = _several(firsts, seconds, rng)
    shares = {
        "letters": {
            "name": {part: _letters("name", surnames, part) for part in PARTS},
            "given_names": {part: _letters("given_names", firsts, part) for part in PARTS},
        },
        "likeness": {
            "name": _likeness("name", _drawn(surnames, rng), rng),
            "given_names": _likeness("given_names", several, rng),
            "cog": _likeness("cog", _communes(folder, rng), rng),
            "across": {"": _across(_drawn(surnames, rng)(PAIRS), several(PAIRS), several(PAIRS))},
        },
    }
    target = Path(__file__).parent.parent / "linkage" / "public_statistics.json"
    target.write_text(json.dumps(shares, sort_keys=True, separators=(",", ":")).replace('},"', '},\n"') + "\n", "utf-8")
    sys.stdout.write(f"{target}\n")


def _surnames(folder: Path) -> Weights:
    table = pq.read_table(folder / "insee_noms_1891_2000.parquet")
    births = [f"_{year + 1}_{year + 10}" for year in DECADES if f"_{year + 1}_{year + 10}" in table.column_names]
    counts = np.sum([table[name].to_numpy() for name in births], axis=0).tolist()
    return _clean(table["NOM"].to_pylist(), counts)


def _first_names(folder: Path, decades: range) -> Weights:
    table = pq.read_table(folder / "insee_prenoms_1900_2022_by_decade.parquet")
    rows = zip(table["decennie"].to_pylist(), table["nombre"].to_pylist(), strict=True)
    return _clean(
        table["preusuel"].to_pylist(), [float(count or 0) if decade in decades else 0.0 for decade, count in rows]
    )


def _clean(names: Sequence[Any], counts: Sequence[float]) -> Weights:
    weights: Weights = {}
    for name, count in zip(names, counts, strict=True):
        folded = fold(name)
        letters = folded.replace(" ", "").replace("-", "")
        if count and letters.isalpha() and letters.isascii() and len(letters) > 1 and not name.startswith("_"):
            weights[folded] = weights.get(folded, 0) + count
    return weights


def _letters(kind: str, names: Weights, part: str) -> dict[str, Any]:
    attribute = _attribute(kind)
    counter: Counter[str] = Counter()
    for name, weight in names.items():
        letters = block_part(attribute, part, name)
        if letters is not None:
            counter[letters] += weight  # type: ignore[assignment]
    total = counter.total()
    ppm = {key: round(MILLION * value / total) for key, value in sorted(counter.items())}
    kept = {key: value for key, value in ppm.items() if value >= LEAST_SHARE}
    rare = len(ppm) - len(kept)
    return {"shares": kept, "rest": [MILLION - sum(kept.values()) if rare else 0, rare]}


def _several(firsts: Weights, others: Weights, rng: np.random.Generator) -> Callable[[int], list[str]]:
    draw_first, draw_other = _drawn(firsts, rng), _drawn(others, rng)

    def draw(size: int) -> list[str]:
        counts = rng.choice(len(NAMES_AFTER_THE_FIRST), size=size, p=NAMES_AFTER_THE_FIRST)
        rest = iter(draw_other(int(counts.sum())))
        return [
            " ".join([name, *(next(rest) for _ in range(count))])
            for name, count in zip(draw_first(size), counts, strict=True)
        ]

    return draw


def _drawn(weights: Weights, rng: np.random.Generator) -> Callable[[int], list[str]]:
    names = list(weights)
    shares = np.array(list(weights.values()), dtype=np.float64)
    return lambda size: [names[place] for place in rng.choice(len(names), size=size, p=shares / shares.sum())]


def _communes(folder: Path, rng: np.random.Generator) -> Callable[[int], list[str]]:
    table = pq.read_table(folder / "communes_cog_population.parquet")
    people = [float(count or 0) for count in table["population"].to_pylist()]
    draw = _drawn(dict(zip(map(str, table["code"].to_pylist()), people, strict=True)), rng)
    return lambda size: [one if rng.random() >= BORN_ABROAD else "" for one in draw(size)]


def _likeness(kind: str, draw: Callable[[int], list[str]], rng: np.random.Generator) -> dict[str, Any]:
    """Left-out part → group → common share of its bits (per mille) → frequency among pairs with that part in common."""
    attribute = _attribute(kind)
    found = {}
    for part in ("", *PARTS) if kind != "cog" else ("",):
        pairs = _pairs(attribute, part, draw, rng)
        cut = [[tokens(attribute, one, [part] if part else []) if one else {} for one in pair] for pair in pairs]
        found[part] = {group: _common(group, cut) for group in groups(attribute)}
        if kind == "cog":
            found[part] = {"all": _common_of_all(attribute, cut)}
    return found


def _pairs(
    attribute: Attribute, part: str, draw: Callable[[int], list[str]], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Pairs of values with the same letters, as often as two people of one block have them."""
    values = draw(PAIRS)
    if not part:
        return list(zip(values, draw(PAIRS), strict=True))
    members: dict[str, list[str]] = {}
    for value in values:
        members.setdefault(block_part(attribute, part, value) or "", []).append(value)
    members.pop("", None)
    sizes = np.array([len(some) * (len(some) - 1) for some in members.values()], dtype=np.float64)
    chosen = rng.choice(len(sizes), size=PAIRS, p=sizes / sizes.sum())
    blocks = list(members.values())
    two = [rng.choice(len(blocks[place]), 2, replace=False) for place in chosen]
    return [(blocks[place][i], blocks[place][j]) for place, (i, j) in zip(chosen, two, strict=True)]


def _common(group: str, cut: list[list[Tokens]]) -> dict[str, int]:
    return _histogram([_shared(left.get(group, []), right.get(group, [])) for left, right in cut])


def _common_of_all(attribute: Attribute, cut: list[list[Tokens]]) -> dict[str, int]:
    shares = groups(attribute)
    sums = [
        sum(share * _shared(left.get(group, []), right.get(group, [])) for group, share in shares.items()) / 1000
        for left, right in cut
    ]
    return _histogram(sums)


def _across(surnames: list[str], ours: list[str], theirs: list[str]) -> dict[str, dict[str, int]]:
    """Between unlike groups of two people's names: all names share their tokens."""
    grams = [tokens(_attribute("name"), one)["grams"] for one in surnames]
    given = [[tokens(_attribute("given_names"), one) for one in some] for some in (ours, theirs)]
    pairs = {
        "grams/first": zip(grams, [one["first"] for one in given[0]], strict=True),
        "grams/others": zip(grams, [one.get("others", []) for one in given[0]], strict=True),
        "first/others": zip(
            [one["first"] for one in given[0]], [one.get("others", []) for one in given[1]], strict=True
        ),
    }
    return {name: _histogram([_shared(left, right) for left, right in some]) for name, some in pairs.items()}


def _shared(left: list[str], right: list[str]) -> float:
    """Of the bits of a group, those of common tokens: each token has the smaller of its two numbers of positions."""
    return 1000 * len(set(left) & set(right)) / max(len(left), len(right), 1)


def _histogram(values: list[float]) -> dict[str, int]:
    counts = Counter(STEP * round(value / STEP) for value in values)
    return {f"{step}": round(MILLION * count / len(values)) for step, count in sorted(counts.items())}


def _attribute(kind: str) -> Attribute:
    return parse_attribute("a", {"kind": kind, "bits": 1})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
