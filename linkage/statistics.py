"""Public statistics: how often a block value is expected in the population, known before any file is seen.

Shares are integers in parts per billion, so that both parties compute the same plan on any machine. They come from
calendar arithmetic, from INSEE's tables of names (first letters only, `public_statistics.json`) and from what the sheet
declares under `[statistics]`:

* ``"postcode" = 2500``: that many values, taken as equally frequent;
* ``"birth.year" = {from = 1900, to = 1999}``: equally frequent years;
* ``"sex" = {M = 480, F = 520}``: relative frequencies of named values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from crypto.framing import canonical_json
from linkage.errors import SheetError
from linkage.sheet import Sheet

__all__ = ["BILLION", "Statistics"]

BILLION = 1_000_000_000
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
        self.digest = hashlib.sha256(public + canonical_json(dict(sheet.statistics))).hexdigest()
        self._initials: dict[str, dict[str, dict[str, int]]] = json.loads(public)
        self._declared = sheet.statistics
        self._kinds = {attribute.name: attribute.kind for attribute in sheet.attributes}
        self._tables: dict[str, tuple[dict[str, int], int, int]] = {}

    def share(self, component: str, value: str) -> int:
        """Expected share of records with that value, in parts per billion; 0 for a value nobody has heard of."""
        named, anonymous, _ = self._table(component)
        return anonymous or named.get(value, 0)

    def shares(self, component: str) -> list[tuple[int, int]]:
        """All values of a component as (share in parts per billion, number of values with that share)."""
        named, anonymous, count = self._table(component)
        return [(anonymous, count)] if anonymous else [(share, 1) for share in named.values()]

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
        if isinstance(declared, int) and declared > 0:
            return {}, BILLION // declared, declared
        if isinstance(declared, Mapping) and set(declared) == {"from", "to"}:
            years = range(int(declared["from"]), int(declared["to"]) + 1)
            return _scaled({f"{year:04}": 1 for year in years}), 0, 0
        if isinstance(declared, Mapping) and all(type(weight) is int for weight in declared.values()):
            return _scaled(dict(declared)), 0, 0
        raise SheetError("E_FEUILLE", f"[statistics] {component} : un nombre, {{from, to}} ou des fréquences entières")

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
    weights: dict[str, int] = {}
    for (month, day), weight in days.items():
        key = {"month": f"{month:02}", "day": f"{day:02}", "day_month": f"{month:02}{day:02}"}[part]
        weights[key] = weights.get(key, 0) + weight
    return weights


def _scaled(weights: Mapping[str, Any]) -> dict[str, int]:
    total = sum(weights.values())
    return {key: BILLION * weight // total for key, weight in weights.items()}
