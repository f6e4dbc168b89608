"""Public statistics: how often a block value is expected in the population, known before any file is seen.

Shares are integers in parts per billion, so that both parties compute the same plan on any machine. They come from
calendar arithmetic, from INSEE's tables of names (first letters only, `public_statistics.json`) and from what the sheet
declares under `[statistics]` (decades and last digits of years follow what it declares of the years):

* ``"postcode" = 2500``: that many values, taken as equally frequent;
* ``"birth.year" = {from = 1900, to = 1999}``: equally frequent years;
* ``"sex" = {M = 480, F = 520}``: relative frequencies of named values.

Components are taken as independent: the share of several values together is the product of theirs, rounded down after each.
Shares are among those who have the value: 1 January, which stands for days that nobody knows, divides nobody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto.framing import canonical_json
from linkage.errors import SheetError
from linkage.sheet import Sheet

__all__ = ["BILLION", "BUCKET_FILL", "Statistics"]

BILLION = 1_000_000_000
BUCKET_FILL = 3  # a bucket of rare values is expected to hold this many times the floor

Shares = tuple[NDArray[np.int64], NDArray[np.int64]]  # parts per billion, and how many values have each
_PER_MILLION = BILLION // 1_000_000
_YEARS = ("year", "decade", "unit")
_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
# Persons living in France by year of birth, relative and rounded by decade: enough to size blocks, not a demographic table.
_PYRAMID = {
    1920: 1,
    1930: 5,
    1940: 9,
    1950: 12,
    1960: 13,
    1970: 13,
    1980: 13,
    1990: 12,
    2000: 12,
    2010: 11,
    2020: 9,
}


class Statistics:
    """Shares of block components for one sheet. `digest` names all the numbers they come from, `declared` are the sheet's."""

    def __init__(self, sheet: Sheet) -> None:
        public = resources.files("linkage").joinpath("public_statistics.json").read_bytes()
        built_in = {"days": _DAYS, "pyramid": {str(decade): weight for decade, weight in _PYRAMID.items()}}
        numbers = canonical_json([built_in, dict(sheet.statistics)])
        self.digest = hashlib.sha256(public + numbers).hexdigest()
        self._public: dict[str, Any] = json.loads(public)
        self.declared = sheet.statistics
        self._kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
        self._tables: dict[str, tuple[dict[str, int], int, int]] = {}
        self._products: dict[tuple[str, ...], Shares] = {}
        self._buckets: dict[tuple[tuple[str, ...], int, int], tuple[int, int]] = {}

    def share(self, components: Sequence[str], values: Sequence[str]) -> int:
        """Expected share of records with these values, in parts per billion; 0 for a value nobody has heard of."""
        share = BILLION
        for component, value in zip(components, values, strict=True):
            named, anonymous, _ = self._table(component)
            share = share * named.get(value, anonymous) // BILLION
        return share

    def named(self, component: str) -> Mapping[str, int]:
        """The shares of the values that are known by name."""
        return self._table(component)[0]

    def likeness(self, kind: str, left_out: str) -> Mapping[str, Mapping[str, int]]:
        """How alike two people of one block are (`benchmarks.public_statistics`), by group; nothing when it is not known."""
        known: Mapping[str, Mapping[str, int]] = self._public["likeness"].get(kind, {}).get(left_out, {})
        return known

    def product(self, components: Sequence[str]) -> Shares:
        """(shares, multiplicities) of all combinations of values, (k,) int64 each; equal shares of a component are one."""
        key = tuple(components)
        if key not in self._products:
            shares, counts = np.array([BILLION], dtype=np.int64), np.array([1], dtype=np.int64)
            for component in key:
                some, many = self._merged(component)
                shares = (shares[:, None] * some[None, :] // BILLION).ravel()
                counts = (counts[:, None] * many[None, :]).ravel()
            self._products[key] = shares, counts
        return self._products[key]

    def _merged(self, component: str) -> Shares:
        named, anonymous, count = self._table(component)
        rows = [(share, 1) for share in named.values()] + ([(anonymous, count)] if count else [])
        table = np.array(rows, dtype=np.int64)
        shares, place = np.unique(table[:, 0], return_inverse=True)
        counts = np.zeros(len(shares), dtype=np.int64)
        np.add.at(counts, place.ravel(), table[:, 1])
        return shares, counts

    def buckets(self, components: Sequence[str], records: int, floor: int) -> tuple[int, int]:
        """How values rarer than the floor are pooled among `records` records divided by these components.

        Returns:
            (their share together in parts per billion, the number of buckets that they share, at least 1).
        """
        key = (tuple(components), records, floor)
        if key not in self._buckets:
            shares, counts = self.product(components)
            rare = shares * records // BILLION < floor
            mass = int(np.sum(shares[rare] * counts[rare]))
            self._buckets[key] = mass, max(1, mass * records // BILLION // (BUCKET_FILL * max(1, floor)))
        return self._buckets[key]

    def _table(self, component: str) -> tuple[dict[str, int], int, int]:
        if component not in self._tables:
            self._tables[component] = self._make(component)
        return self._tables[component]

    def _make(self, component: str) -> tuple[dict[str, int], int, int]:
        attribute, _, part = component.partition(".")
        kind = self._kinds[attribute]
        declared = self.declared.get(attribute if part == "value" else component)
        if declared is None and part in _YEARS and isinstance(self.declared.get(f"{attribute}.year"), Mapping):
            return _of_years(part, self._make(f"{attribute}.year")[0]), 0, 0
        if declared is None:
            return self._default(component, kind, part)
        # `linkage.sheet` has checked the form of what is declared.
        if not isinstance(declared, Mapping):
            return {}, BILLION // declared, declared
        if set(declared) == {"from", "to"}:
            return _scaled({f"{year}": 1 for year in range(declared["from"], declared["to"] + 1)}), 0, 0
        return _scaled(declared), 0, 0

    def _default(self, component: str, kind: str, part: str) -> tuple[dict[str, int], int, int]:
        if kind == "date":
            return _scaled(_calendar(part)), 0, 0
        if kind in self._public["letters"]:
            letters = self._public["letters"][kind][part]
            mass, count = letters["rest"]
            named = {key: share * _PER_MILLION for key, share in letters["shares"].items()}
            return named, mass * _PER_MILLION // max(1, count), count
        if kind == "sex":
            return _scaled({"M": 1, "F": 1}), 0, 0
        raise SheetError(
            "E_FEUILLE",
            f"{component} sert à diviser : déclarez [statistics] {component.removesuffix('.value')} = nombre de valeurs",
        )


def _calendar(part: str) -> dict[str, int]:
    if part in _YEARS:
        years = {f"{decade + k:04}": weight for decade, weight in _PYRAMID.items() for k in range(10)}
        return _of_years(part, years)
    days = {(m, d): 4 for m in range(1, 13) for d in range(1, _DAYS[m - 1] + 1) if (m, d) != (1, 1)} | {(2, 29): 1}
    weights: dict[str, int] = {}
    for (month, day), weight in days.items():
        key = {"month": f"{month:02}", "day": f"{day:02}", "day_month": f"{month:02}{day:02}"}[part]
        weights[key] = weights.get(key, 0) + weight
    return weights


def _of_years(part: str, years: Mapping[str, int]) -> dict[str, int]:
    """Weights of years, decades or last digits from those of years."""
    weights: dict[str, int] = {}
    for year, weight in years.items():
        key = {"year": year, "decade": year[:3], "unit": year[3:]}[part]
        weights[key] = weights.get(key, 0) + weight
    return weights


def _scaled(weights: Mapping[str, Any]) -> dict[str, int]:
    total = sum(weights.values())
    return {key: BILLION * weight // total for key, weight in weights.items()}
