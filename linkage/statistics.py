"""Public statistics: how often a block value is expected in the population, known before any file is seen.

Shares are integers in parts per billion, so that both parties compute the same plan on any machine. They come from
calendar arithmetic, from INSEE's tables of names (first letters only, `public_statistics.json`) and from what the sheet
declares under `[statistics]`:

* ``"postcode" = 2500``: that many values, taken as equally frequent;
* ``"birth.year" = {from = 1900, to = 1999}``: equally frequent years;
* ``"sex" = {M = 480, F = 520}``: relative frequencies of named values.

Components are taken as independent: the share of several values together is the product of theirs, rounded down after each.
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
_NEW_YEAR = 5  # times another day: what files say of people whose day of birth nobody knows
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
    """Shares of block components for one sheet. `digest` names all the numbers they come from."""

    def __init__(self, sheet: Sheet) -> None:
        public = resources.files("linkage").joinpath("public_statistics.json").read_bytes()
        pyramid = {str(decade): weight for decade, weight in _PYRAMID.items()}
        built_in = {"days": _DAYS, "new_year": _NEW_YEAR, "pyramid": pyramid}
        numbers = canonical_json([built_in, dict(sheet.statistics)])
        self.digest = hashlib.sha256(public + numbers).hexdigest()
        self._initials: dict[str, dict[str, dict[str, int]]] = json.loads(public)
        self._declared = sheet.statistics
        self._kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
        self._tables: dict[str, tuple[dict[str, int], int, int]] = {}
        self._products: dict[tuple[str, ...], Shares] = {}
        self._buckets: dict[tuple[tuple[str, ...], int, int], tuple[int, int]] = {}

    def share(self, components: Sequence[str], values: Sequence[str]) -> int:
        """Expected share of records with these values, in parts per billion; 0 for a value nobody has heard of."""
        share = BILLION
        for component, value in zip(components, values, strict=True):
            named, anonymous, _ = self._table(component)
            share = share * (anonymous or named.get(value, 0)) // BILLION
        return share

    def product(self, components: Sequence[str]) -> Shares:
        """(shares, multiplicities) of all combinations of values, (k,) int64 each."""
        key = tuple(components)
        if key not in self._products:
            shares, counts = np.array([BILLION], dtype=np.int64), np.array([1], dtype=np.int64)
            for component in key:
                named, anonymous, count = self._table(component)
                rows = [(anonymous, count)] if anonymous else [(share, 1) for share in named.values()]
                table = np.array(rows, dtype=np.int64)
                shares = (shares[:, None] * table[None, :, 0] // BILLION).ravel()
                counts = (counts[:, None] * table[None, :, 1]).ravel()
            self._products[key] = shares, counts
        return self._products[key]

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
        declared = self._declared.get(attribute if part == "value" else component)
        if declared is None:
            return self._default(component, kind, part), 0, 0
        # `linkage.sheet` has checked the form of what is declared.
        if not isinstance(declared, Mapping):
            return {}, BILLION // declared, declared
        if set(declared) == {"from", "to"}:
            return _scaled({f"{year}": 1 for year in range(declared["from"], declared["to"] + 1)}), 0, 0
        return _scaled(declared), 0, 0

    def _default(self, component: str, kind: str, part: str) -> dict[str, int]:
        if kind == "date":
            return _scaled(_calendar(part))
        if part in ("initial", "two"):
            return _scaled(self._initials[kind][part])
        if kind == "sex":
            return _scaled({"M": 1, "F": 1})
        raise SheetError(
            "E_FEUILLE",
            f"{component} sert à diviser : déclarez [statistics] {component.removesuffix('.value')} = nombre de valeurs",
        )


def _calendar(part: str) -> dict[str, int]:
    if part == "year":
        return {f"{decade + k:04}": weight for decade, weight in _PYRAMID.items() for k in range(10)}
    days = {(m, d): 4 for m in range(1, 13) for d in range(1, _DAYS[m - 1] + 1)} | {(2, 29): 1}
    days[1, 1] = 4 * _NEW_YEAR
    weights: dict[str, int] = {}
    for (month, day), weight in days.items():
        key = {"month": f"{month:02}", "day": f"{day:02}", "day_month": f"{month:02}{day:02}"}[part]
        weights[key] = weights.get(key, 0) + weight
    return weights


def _scaled(weights: Mapping[str, Any]) -> dict[str, int]:
    total = sum(weights.values())
    return {key: BILLION * weight // total for key, weight in weights.items()}
