"""What a cell may hold, by the format of its feature, and the word that is hashed for it.

- string: an encoding, and either a case and lengths in characters, or a pattern that the whole cell follows.
- integer: base 10 as Python reads it (signs, outer spaces, `_` between digits), within bounds; hashed without them.
- date: a `strptime` format; hashed as year, month and day, the year without leading zeros as the C library writes it.
- enum: one of a list.

A rule is a French sentence that never repeats the cell. The sentinel of missing values is judged elsewhere: no rule
applies to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["DateFormat", "EnumFormat", "Format", "IntegerFormat", "PatternFormat", "TextFormat", "is_date_format"]

# Usual formats: where year, month and day begin, and the sign between them. What has every digit in its place and is a day of
# the calendar is read the same by `strptime`, which takes a hundred times as long.
_USUAL = {
    "%Y%m%d": (0, 4, 6, ""),
    "%Y-%m-%d": (0, 5, 8, "-"),
    "%Y/%m/%d": (0, 5, 8, "/"),
    "%d/%m/%Y": (6, 3, 0, "/"),
    "%d-%m-%Y": (6, 3, 0, "-"),
    "%d.%m.%Y": (6, 3, 0, "."),
    "%m/%d/%Y": (6, 0, 3, "/"),
}
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, kw_only=True)
class TextFormat:
    """Strings of a case and within lengths."""

    encoding: str = "utf-8"
    case: Literal["upper", "lower", "mixed"] = "mixed"
    shortest: int = 0
    longest: int | None = None

    def rule_broken(self, cell: str) -> str | None:
        """The rule that a cell breaks."""
        if len(cell) < self.shortest:
            return f"moins de {self.shortest} caractère(s)"
        if self.longest is not None and len(cell) > self.longest:
            return f"plus de {self.longest} caractère(s)"
        return None if self._in_case(cell) else f"n'est pas entièrement en {_CASES[self.case]}"

    def all_right(self, cells: Sequence[str]) -> bool:
        """Whether no cell of many breaks a rule: changing case letter by letter, all can be looked at in one text."""
        lengths = [*map(len, cells)]
        short, long = min(lengths, default=self.shortest), max(lengths, default=0)
        fits = short >= self.shortest and (self.longest is None or long <= self.longest)
        return fits and (self.case == "mixed" or self._in_case("".join(cells)))

    def word(self, cell: str) -> str:
        """The cell itself."""
        return cell

    def _in_case(self, text: str) -> bool:
        return self.case == "mixed" or text == (text.upper() if self.case == "upper" else text.lower())


_CASES = {"upper": "majuscules", "lower": "minuscules"}


@dataclass(frozen=True, kw_only=True)
class PatternFormat:
    """Strings that follow a regular expression from end to end."""

    pattern: re.Pattern[str]
    encoding: str = "utf-8"

    def rule_broken(self, cell: str) -> str | None:
        """The rule that a cell breaks."""
        return None if self.pattern.fullmatch(cell) else "ne suit pas le motif du schéma"

    def word(self, cell: str) -> str:
        """The cell itself."""
        return cell


@dataclass(frozen=True, kw_only=True)
class IntegerFormat:
    """Whole numbers within bounds."""

    minimum: int | None = None
    maximum: int | None = None
    encoding: str = "utf-8"

    def rule_broken(self, cell: str) -> str | None:
        """The rule that a cell breaks."""
        try:
            value = int(cell)
        except ValueError:
            return "n'est pas un nombre entier"
        if self.minimum is not None and value < self.minimum:
            return f"plus petit que le minimum, {self.minimum}"
        if self.maximum is not None and value > self.maximum:
            return f"plus grand que le maximum, {self.maximum}"
        return None

    def word(self, cell: str) -> str:
        """The number without sign `+`, spaces nor leading zeros.

        Raises:
            ValueError: it is none.
        """
        return str(int(cell))


@dataclass(frozen=True, kw_only=True)
class DateFormat:
    """Days, written as `format` says."""

    format: str
    encoding: str = "utf-8"

    def rule_broken(self, cell: str) -> str | None:
        """The rule that a cell breaks."""
        try:
            self.word(cell)
        except ValueError:
            return f"n'est pas une date au format {self.format}"
        return None

    def word(self, cell: str) -> str:
        """Year, month and day in digits.

        Raises:
            ValueError: it is no such day.
        """
        day = datetime.strptime(cell, self.format)  # noqa: DTZ007 - a day has no zone
        return f"{day.year}{day.month:02}{day.day:02}"

    def plain_words(self, cells: Sequence[str]) -> list[str]:
        """The words of many cells at once; empty for those that only `word` can judge."""
        if self.format not in _USUAL:
            return [""] * len(cells)
        *places, mark = _USUAL[self.format]
        digits = _digits(cells, (places[0], places[1], places[2]), mark)
        text = (digits + np.uint8(ord("0"))).tobytes().decode("ascii")
        words = [text[start : start + 8] for start in range(0, len(text), 8)]
        for place in np.flatnonzero(~_is_day(digits)).tolist():
            words[place] = ""
        return words


@dataclass(frozen=True, kw_only=True)
class EnumFormat:
    """One of some values."""

    values: frozenset[str]
    encoding: str = "utf-8"

    def rule_broken(self, cell: str) -> str | None:
        """The rule that a cell breaks."""
        return None if cell in self.values else "valeur absente de la liste du schéma"

    def word(self, cell: str) -> str:
        """The cell itself."""
        return cell


Format: TypeAlias = TextFormat | PatternFormat | IntegerFormat | DateFormat | EnumFormat


def is_date_format(text: str) -> bool:
    """Whether `strptime` knows every directive of a format."""
    try:
        datetime.strptime("", text)  # noqa: DTZ007
    except ValueError as error:
        # Any known format is refused too, for the empty text does not match it: only the words tell which.
        return "bad directive" not in str(error) and "stray %" not in str(error)
    except (re.error, IndexError):  # a directive that is repeated, a lone %
        return False
    return True


def _digits(cells: Sequence[str], places: tuple[int, int, int], mark: str) -> NDArray[np.uint8]:
    """(cells, 8) year, month and day in figures; zeros, which are no day, where a cell is written otherwise."""
    year, month, day = places
    width = 8 + 2 * len(mark)
    order = [*range(year, year + 4), month, month + 1, day, day + 1]
    fits = np.fromiter(map(len, cells), np.int64, len(cells)) == width
    text = "".join(cells if fits.all() else [cell for cell in cells if len(cell) == width])
    if not text.isascii():
        fits &= np.fromiter(map(str.isascii, cells), np.bool_, len(cells))
        text = "".join([cell for cell, fit in zip(cells, fits.tolist(), strict=True) if fit])
    signs = np.frombuffer(text.encode("ascii"), dtype=np.uint8).reshape(-1, width)
    figures = signs[:, order] - np.uint8(ord("0"))
    between = [place for place in range(width) if place not in order]
    right = (figures < 10).all(axis=1) & (signs[:, between] == (ord(mark) if mark else 0)).all(axis=1)
    digits = np.zeros((len(cells), 8), dtype=np.uint8)
    digits[fits] = figures * right[:, None]
    return digits


def _is_day(digits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which rows are a day of the calendar after the year 999."""
    year = digits[:, :4].astype(np.int64) @ [1000, 100, 10, 1]
    month, day = (digits[:, at] * np.int64(10) + digits[:, at + 1] for at in (4, 6))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _MONTH_DAYS[np.minimum(month, 12)] - ((month == 2) & ~leap)
    right: NDArray[np.bool_] = (digits[:, 0] > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)
    return right
