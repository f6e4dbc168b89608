"""What a selection computes with: columns of cells read as numbers, days, words or flags, in three-valued logic.

A number or a day is an interval, both ends nan where nothing is known: a date of birth without its day is every day of its
month, and what holds for all of them holds. A truth is two masks, what is surely true and what is surely false. An unreadable
cell counts as an empty one and is counted (`Sight.unreadable`). Each distinct cell of a column is read once.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from linkage.cells import BadValue, fold
from linkage.dates import WEAK, date_of
from linkage.errors import LinkageError

__all__ = [
    "Bools",
    "Cells",
    "Floats",
    "Quantity",
    "Sight",
    "Strings",
    "Truth",
    "civil",
    "compared",
    "flag_of",
    "number_of",
    "period_of",
    "plain",
    "shifted",
]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Strings = NDArray[np.object_]  # of str; empty: nothing is known

_FORMATS = ("AAAA-MM-JJ", "JJ/MM/AAAA", "AAAAMMJJ", "JJ.MM.AAAA", "JJ-MM-AAAA")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_BLANKS = re.compile(r"[\s\u00a0\u202f€]+")
_YES = frozenset({"OUI", "O", "1", "VRAI", "TRUE", "YES", "Y", "X"})
_NO = frozenset({"NON", "N", "0", "FAUX", "FALSE", "NO"})


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Numbers, or days as proleptic ordinals: (n,) float64 each, nan where nothing is known."""

    low: Floats
    high: Floats

    @classmethod
    def exactly(cls, values: Floats) -> Quantity:
        """Numbers that are what they are."""
        return cls(low=values, high=values)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """(n,) bool each; neither where nobody knows."""

    yes: Bools
    no: Bools


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A column: distinct cells, and which of them each row has, (n,) integers."""

    values: Sequence[str]
    codes: NDArray[np.integer]

    def taken(self, read: Callable[[str], str]) -> Strings:
        """(n,) str, what each cell becomes."""
        distinct = np.empty(len(self.values), dtype=object)
        distinct[:] = [read(value) for value in self.values]
        return distinct[self.codes] if len(distinct) else np.empty(0, dtype=object)


@dataclass(frozen=True)
class Sight:
    """The rows that an expression looks at, on one day.

    Attributes:
        columns: by name.
        today: what J is.
        rows: how many.
        unreadable: (column, what was expected) → rows whose cell says something else; filled while reading.
    """

    columns: Mapping[str, Cells]
    today: date
    rows: int
    unreadable: dict[tuple[str, str], int] = field(default_factory=dict)

    def quantity(self, name: str, *, days: bool) -> Quantity:
        """A column as numbers or as days."""
        read = period_of if days else number_of
        found = self._read(name, "une date" if days else "un nombre", read)
        return Quantity(low=found[:, 0], high=found[:, 1])

    def truth(self, name: str) -> Truth:
        """A column as flags."""
        found = self._read(name, "oui ou non", flag_of)[:, 0]
        return Truth(yes=found == 1.0, no=found == 0.0)

    def _read(self, name: str, expected: str, read: Callable[[str], tuple[float, float] | None]) -> Floats:
        """(n, 2) what `read` makes of each cell; None for a cell that it cannot read."""
        cells = self.columns[name]
        distinct = [read(value) for value in cells.values]
        wrong = np.array([one is None for one in distinct], dtype=bool)
        if wrong.any():
            count = int(wrong[cells.codes].sum())
            self.unreadable[name, expected] = max(count, self.unreadable.get((name, expected), 0))
        table = np.array([one or (np.nan, np.nan) for one in distinct], dtype=np.float64).reshape(-1, 2)
        read_out: Floats = table[cells.codes]
        return read_out


def number_of(cell: str) -> tuple[float, float] | None:
    """A number as people write it (1 234,5; 12.5 €) twice, nan for an empty cell, None for anything else."""
    text = _BLANKS.sub("", cell)
    if not text:
        return np.nan, np.nan
    text = text.replace(".", "").replace(",", ".") if "," in text else text
    if not _NUMBER.fullmatch(text):
        return None
    return float(text), float(text)


def period_of(cell: str) -> tuple[float, float] | None:
    """First and last day that a date may be, as ordinals; nan without a year, None for what is no date."""
    try:
        canonical = date_of(cell, _FORMATS)
    except BadValue:
        return None
    digits = (canonical or "").removesuffix(WEAK)
    if not digits or digits.startswith("0000"):
        return np.nan, np.nan
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    last_month = month or 12
    last_day = day or calendar.monthrange(year, last_month)[1]
    return float(date(year, month or 1, day or 1).toordinal()), float(date(year, last_month, last_day).toordinal())


def flag_of(cell: str) -> tuple[float, float] | None:
    """1 for yes, 0 for no, twice; nan for an empty cell, None for anything else."""
    word = fold(cell)
    if not word:
        return np.nan, np.nan
    if word not in _YES | _NO:
        return None
    return (1.0, 1.0) if word in _YES else (0.0, 0.0)


def plain(cell: str) -> str:
    """A word as it is compared: without accents, capitals and needless spaces; signs count."""
    opened = unicodedata.normalize("NFKD", cell.replace("œ", "oe").replace("Œ", "oe"))
    return " ".join("".join(sign for sign in opened if not unicodedata.combining(sign)).casefold().split())


def compared(sign: str, left: Quantity, right: Quantity) -> Truth:
    """`left sign right`, where sign is one of `= != < <= > >=`."""
    if sign in (">", ">="):
        return compared("<" if sign == ">" else "<=", right, left)
    if sign == "!=":
        same = compared("=", left, right)
        return Truth(yes=same.no, no=same.yes)
    apart = (left.high < right.low) | (right.high < left.low)
    if sign == "=":
        alone = (left.low == left.high) & (right.low == right.high)
        return Truth(yes=alone & (left.low == right.low), no=apart)
    if sign == "<":
        return Truth(yes=left.high < right.low, no=left.low >= right.high)
    return Truth(yes=left.high <= right.low, no=left.low > right.high)


def shifted(day: date, step: str) -> date:
    """A day moved by steps such as `+30`, `-6m`, `-18a`; the end of the month where it has no such day.

    Args:
        day: from where.
        step: sign, digits, then `j` (the default), `s`, `m` or `a`; empty: the same day.

    Raises:
        LinkageError: `E_SELECTION`, a day that no calendar has.
    """
    try:
        return _shifted(day, step)
    except (ValueError, OverflowError):
        sentence = f"J{step} tombe hors du calendrier (années 1 à 9999) : rapprochez ce jour"
        raise LinkageError("E_SELECTION", sentence) from None


def _shifted(day: date, step: str) -> date:
    unit = step[-1] if step[-1:] in tuple("jsma") else "j"
    count = int(step.rstrip("jsma") or 0)
    if unit in "js":
        return day + timedelta(days=count * (7 if unit == "s" else 1))
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "a" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def civil(ordinals: Floats) -> tuple[Floats, Floats, Floats]:
    """Year, month and day of ordinals, (n,) float64 each, nan where they are or no calendar has that day."""
    known = (ordinals >= 1) & (ordinals <= date.max.toordinal())
    days = np.where(known, ordinals, 1).astype(np.int64) - date(1970, 1, 1).toordinal()
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    number = months.astype(np.int64)
    first = months.astype("datetime64[D]").astype(np.int64)
    parts = (number // 12 + 1970, number % 12 + 1, days - first + 1)
    year, month, day = (np.where(known, part, np.nan) for part in parts)
    return year, month, day
