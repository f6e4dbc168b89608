"""How often surnames and first names are borne: invented tables fitted to INSEE's published figures, or INSEE's own.

Surnames. The share of the name of rank r is proportional to (r + 21)^-0.82 over 220,000 names: 1/Σp² = 7,765 effective
names (published 7,763), the ten most frequent 1.7 % (1.7 %), the thousand most frequent 23.5 % (24 %).

First names. Each sex has 4,000 simple names, each with a popularity and the years when it was given, and composed names
(Jean-Pierre: a frequent first part, then another frequent name). In the decade d the share of the name of rank r is
proportional to (r + q_d)^-1.7: q_d sets the effective number of that decade, the turnover of the ranks that of a mixture
of cohorts: 130 for men and 184 for women born from 1940 to 2005.

The invented tables are always the same, whatever the seed of a population: they play the part of public statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from linkage.synthetic.frequencies import Frequencies, Integers, Texts, generator, texts
from linkage.synthetic.morphemes import invent_first_names, invent_surnames

__all__ = ["DECADES", "FIRST_NAMES_FILE", "SURNAMES_FILE", "FirstNames", "NameTables", "name_tables"]

SURNAMES_FILE = "insee_noms_1891_2000.parquet"
FIRST_NAMES_FILE = "insee_prenoms_1900_2022_by_decade.parquet"
DECADES = tuple(range(1900, 2010, 10))  # of birth; who is born later takes the names of the last one

_TABLE_SEED = 1791
_SURNAMES = 220_000
_SURNAME_SLOPE, _SURNAME_SHIFT = -0.82, 21
_SIMPLE_NAMES = 4_000
_UNISEX = 60  # first names that both sexes bear
_FIRST_NAME_SLOPE = -1.7
# Per decade of DECADES: the shift q of the ranks, and the composed names per thousand (INSEE, decades 1900 to 2000).
_SHIFTS = {
    "M": (7.6, 7.0, 6.1, 5.7, 4.9, 7.6, 10.0, 14.0, 20.5, 27.2, 43.0),
    "F": (3.8, 5.5, 8.9, 10.9, 10.5, 12.8, 11.3, 17.3, 25.4, 35.0, 49.0),
}
_COMPOSED = {
    "M": (4, 3, 4, 12, 68, 105, 84, 42, 26, 16, 8),
    "F": (9, 9, 10, 14, 48, 78, 56, 29, 21, 11, 9),
}
_COMPOSED_NAMES = 240
_HEADS = (0, 0, 1, 0, 2, 0, 3, 0, 1, 4)  # which of the most frequent names begins a composed one, in turn
_COMPOSED_DECADE = 1940  # whose frequent names they are made of
_FASHION = {"M": 23, "F": 22}  # years after which an ordinary name is out of fashion
_SCALE = 100_000_000  # counts of a table add up to about this


@dataclass(frozen=True, kw_only=True)
class FirstNames:
    """The first names of one sex.

    Attributes:
        values: (k,) str, the same rows for all decades.
        decades: decade of birth → frequencies over `values`.
    """

    values: Texts
    decades: Mapping[int, Frequencies]

    def draw_numbers(self, rng: np.random.Generator, years: Integers) -> Integers:
        """(n,) int64, a row of `values` for each of the years of birth, (n,) int64."""
        cohorts = np.clip(years // 10 * 10, DECADES[0], DECADES[-1])
        numbers = np.zeros(len(years), dtype=np.int64)
        for decade in DECADES:
            members = np.flatnonzero(cohorts == decade)
            numbers[members] = self.decades[decade].draw_numbers(rng, len(members))
        return numbers

    def mixture(self, decades: Mapping[int, int]) -> Frequencies:
        """The frequencies of cohorts together, each with its weight."""
        counts = np.zeros(len(self.values), dtype=np.int64)
        for decade, weight in decades.items():
            one = self.decades[decade]
            counts += np.rint(one.counts * (weight * _SCALE / int(one.cumulative[-1]))).astype(np.int64)
        return Frequencies(values=self.values, counts=counts)


@dataclass(frozen=True, kw_only=True)
class NameTables:
    """Surnames, and first names by sex (`M`, `F`)."""

    surnames: Frequencies
    first_names: Mapping[str, FirstNames]


@cache
def name_tables(names_dir: str | Path | None = None) -> NameTables:
    """The invented tables, or those read from INSEE's files.

    Args:
        names_dir: folder with `SURNAMES_FILE` and `FIRST_NAMES_FILE`.

    Raises:
        FileNotFoundError: the folder lacks one of them.
    """
    if names_dir is not None:
        return _published(Path(names_dir))
    surnames = texts(invent_surnames(generator(_TABLE_SEED, 0), _SURNAMES))
    counts = _ranked(_SURNAMES, _SURNAME_SHIFT, _SURNAME_SLOPE, _SCALE * 10)
    men = invent_first_names(generator(_TABLE_SEED, 1), _SIMPLE_NAMES, women=False)
    women = invent_first_names(generator(_TABLE_SEED, 2), _SIMPLE_NAMES, women=True)
    shared = men[_UNISEX : 2 * _UNISEX]
    women = list(dict.fromkeys([*women[:_UNISEX], *shared, *women[_UNISEX:]]))[:_SIMPLE_NAMES]
    return NameTables(
        surnames=Frequencies(values=surnames, counts=counts),
        first_names={
            "M": _cohorts(generator(_TABLE_SEED, 3), "M", men),
            "F": _cohorts(generator(_TABLE_SEED, 4), "F", women),
        },
    )


def _ranked(size: int, shift: float, slope: float, total: int) -> Integers:
    """(size,) int64, counts of ranks 1…size that decrease as (rank + shift)^slope and add up to about `total`."""
    shares = (np.arange(1, size + 1) + shift) ** slope
    # Rounded, so that the last bit of a power, which differs between machines, is not in the counts.
    counts: Integers = np.maximum(np.rint(shares * (total / shares.sum())), 1).astype(np.int64)
    return counts


def _cohorts(rng: np.random.Generator, sex: str, simple: list[str]) -> FirstNames:
    """The first names of one sex: the simple ones, then the composed ones."""
    handy = np.array([4 <= len(name) <= 8 for name in simple])
    strengths = rng.random(len(simple)) * np.where(handy, 1.0, 0.6)
    years = 1890 + 130 * rng.random(len(simple))
    patience = _FASHION[sex] * (1 + 2 * rng.random(len(simple)) ** 2)  # some names outlive fashions
    ranks = {}
    for decade in DECADES:
        aged = (decade + 5 - years) / patience
        ranks[decade] = np.argsort(aged * aged - 4 * strengths * strengths, kind="stable")
    composed = _composed([simple[number] for number in ranks[_COMPOSED_DECADE]])
    values = texts(simple + composed)
    decades = {}
    for decade, shift, permille in zip(DECADES, _SHIFTS[sex], _COMPOSED[sex], strict=True):
        counts = np.zeros(len(simple), dtype=np.int64)
        thousandth = _SCALE // 1000
        counts[ranks[decade]] = _ranked(len(simple), shift, _FIRST_NAME_SLOPE, thousandth * (1000 - permille))
        tail = _ranked(len(composed), 4, -1.2, thousandth * permille)
        decades[decade] = Frequencies(values=values, counts=np.concatenate([counts, tail]))
    return FirstNames(values=values, decades=decades)


def _composed(frequent: list[str]) -> list[str]:
    """Distinct composed names; their second parts are frequent names that begin none."""
    begun = [0] * len(frequent)
    composed = []
    for number in range(_COMPOSED_NAMES):
        head = _HEADS[number % len(_HEADS)]
        composed.append(f"{frequent[head]}-{frequent[max(_HEADS) + 1 + begun[head]]}")
        begun[head] += 1
    return composed


def _published(folder: Path) -> NameTables:
    """INSEE's tables: names in title case, without the pooled rows nor what Windows-1252 cannot write."""
    surnames = {
        _title(name): int(count)
        for name, count in zip(*_columns(folder / SURNAMES_FILE, "NOM", "total"), strict=True)
        if _writable(name) and count > 0
    }
    borne: dict[str, dict[str, dict[int, int]]] = {"M": {}, "F": {}}
    columns = _columns(folder / FIRST_NAMES_FILE, "sexe", "preusuel", "decennie", "nombre")
    for code, name, decade, count in zip(*columns, strict=True):
        if _writable(name):
            borne["M" if code == 1 else "F"].setdefault(_title(name), {})[int(decade)] = int(count)
    return NameTables(
        surnames=Frequencies(
            values=texts(surnames), counts=np.fromiter(surnames.values(), dtype=np.int64, count=len(surnames))
        ),
        first_names={sex: _published_cohorts(names) for sex, names in borne.items()},
    )


def _columns(path: Path, *names: str) -> list[list[Any]]:
    table = pq.read_table(path, columns=list(names))
    return [table[name].to_pylist() for name in names]


def _published_cohorts(names: dict[str, dict[int, int]]) -> FirstNames:
    values = texts(names)
    return FirstNames(
        values=values,
        decades={
            decade: Frequencies(
                values=values,
                counts=np.array([counts.get(decade, 0) for counts in names.values()], dtype=np.int64),
            )
            for decade in DECADES
        },
    )


def _title(name: str) -> str:
    return name if name == "NA" else name.title()


def _writable(name: str | None) -> bool:
    if not name or name.startswith("_") or not any(letter.isalpha() for letter in name):
        return False
    try:
        name.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
