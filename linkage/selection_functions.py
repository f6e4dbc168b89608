"""The functions of the selection language: a closed list, each with the kinds of what it takes and gives.

    age(date) age(date, jour) age_mois(date)   complete years or months at J, or at another day
    annee(date) mois(date)                     of a day; `mois_de(date)` is the text AAAA-MM
    jours_depuis(date) jours_avant(date)       from it to J, from J to it
    oui(colonne)                               like the column as a flag, but an empty cell means no
    vide(colonne) rempli(colonne)              whether a cell says anything
    nombre(x) date(x) texte(x)                 how to read a column
    commence_par(x, mot) contient(x, mot)      words, compared without accents or capitals
    departement(code)                          of a commune or postal code
    min(a, b) max(a, b) arrondi(x)             numbers
    joint(a, b, …) premier_rempli(a, b, …)     words with a space between them; the first that is not empty

`si(condition, a, b)` and `tranche(x, table)` are read by `linkage.selection`, whose parts are of any kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from linkage.selection_values import Floats, Quantity, Sight, Strings, Truth, civil, plain

__all__ = ["FUNCTIONS", "Function", "Kind", "shown"]

Kind = Literal["number", "day", "text", "truth", "cell"]
_OVERSEAS = ("97", "98")
_CODE = 5  # characters of a commune or postal code


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function.

    Attributes:
        takes: kinds of its arguments; the last one again and again where `more`.
        optional: how many of the last ones may be left out.
        more: whether any number of further arguments may come.
        gives: kind of its result.
        apply: sight and arguments to the result.
    """

    takes: tuple[Kind, ...]
    gives: Kind
    apply: Callable[[Sight, Sequence[Any]], Any]
    optional: int = 0
    more: bool = False

    def kinds(self, count: int) -> tuple[Kind, ...] | None:
        """Kinds of so many arguments, or None where it does not take so many."""
        least, most = len(self.takes) - self.optional, len(self.takes)
        if count < least or (count > most and not self.more):
            return None
        return (*self.takes, *(self.takes[-1:] * (count - most)))[:count]


def _today(sight: Sight) -> Quantity:
    return Quantity.exactly(np.full(sight.rows, float(sight.today.toordinal())))


def _months(birth: Floats, at: Floats) -> Floats:
    """(n,) float64, complete months from one day to another."""
    (year, month, day), (to_year, to_month, to_day) = civil(birth), civil(at)
    months: Floats = (to_year - year) * 12 + (to_month - month) - (to_day < day)
    return months


def _age_in_months(sight: Sight, given: Sequence[Any]) -> Quantity:
    birth, at = given[0], given[1] if len(given) > 1 else _today(sight)
    return Quantity(low=_months(birth.high, at.low), high=_months(birth.low, at.high))


def _age(sight: Sight, given: Sequence[Any]) -> Quantity:
    months = _age_in_months(sight, given)
    return Quantity(low=np.floor_divide(months.low, 12), high=np.floor_divide(months.high, 12))


def _year(_: Sight, given: Sequence[Any]) -> Quantity:
    return Quantity(low=civil(given[0].low)[0], high=civil(given[0].high)[0])


def _month(_: Sight, given: Sequence[Any]) -> Quantity:
    (first_year, first, _day), (last_year, last, _end) = civil(given[0].low), civil(given[0].high)
    same = first_year == last_year
    return Quantity(low=np.where(same, first, np.nan), high=np.where(same, last, np.nan))


def _month_of(_: Sight, given: Sequence[Any]) -> Strings:
    (year, month, _day), (last_year, last, _end) = civil(given[0].low), civil(given[0].high)
    sure = (year == last_year) & (month == last)
    written = [
        f"{int(y):04}-{int(m):02}" if known else "" for y, m, known in zip(year, month, sure.tolist(), strict=True)
    ]
    return _strings(written)


def _since(sight: Sight, given: Sequence[Any]) -> Quantity:
    today = _today(sight).low
    return Quantity(low=today - given[0].high, high=today - given[0].low)


def _until(sight: Sight, given: Sequence[Any]) -> Quantity:
    today = _today(sight).low
    return Quantity(low=given[0].low - today, high=given[0].high - today)


def _sure_yes(_: Sight, given: Sequence[Any]) -> Truth:
    return Truth(yes=given[0].yes, no=~given[0].yes)


def _empty(_: Sight, given: Sequence[Any]) -> Truth:
    empty = np.array([not one for one in given[0]], dtype=bool)
    return Truth(yes=empty, no=~empty)


def _filled(sight: Sight, given: Sequence[Any]) -> Truth:
    empty = _empty(sight, given)
    return Truth(yes=empty.no, no=empty.yes)


def _begins(_: Sight, given: Sequence[Any]) -> Truth:
    return _of_words(given, str.startswith)


def _contains(_: Sight, given: Sequence[Any]) -> Truth:
    return _of_words(given, str.__contains__)


def _of_words(given: Sequence[Any], test: Callable[[str, str], bool]) -> Truth:
    known = np.array([bool(one) and bool(word) for one, word in zip(*given, strict=True)], dtype=bool)
    holds = np.array([test(plain(one), plain(word)) for one, word in zip(*given, strict=True)], dtype=bool)
    return Truth(yes=known & holds, no=known & ~holds)


def _departement(_: Sight, given: Sequence[Any]) -> Strings:
    return _strings(_departement_of(one) for one in given[0])


def _departement_of(code: str) -> str:
    whole = code.strip().upper()
    whole = whole.zfill(_CODE) if len(whole) == _CODE - 1 else whole
    return whole[: 3 if whole.startswith(_OVERSEAS) else 2] if len(whole) == _CODE else ""


def _least(_: Sight, given: Sequence[Any]) -> Quantity:
    low, high = (np.minimum(getattr(given[0], end), getattr(given[1], end)) for end in ("low", "high"))
    return Quantity(low=low, high=high)


def _most(_: Sight, given: Sequence[Any]) -> Quantity:
    low, high = (np.maximum(getattr(given[0], end), getattr(given[1], end)) for end in ("low", "high"))
    return Quantity(low=low, high=high)


def _rounded(_: Sight, given: Sequence[Any]) -> Quantity:
    return Quantity(low=np.floor(given[0].low + 0.5), high=np.floor(given[0].high + 0.5))


def _joined(_: Sight, given: Sequence[Any]) -> Strings:
    return _strings(" ".join(filter(None, row)) for row in zip(*given, strict=True))


def _first_filled(_: Sight, given: Sequence[Any]) -> Strings:
    return _strings(next(filter(None, row), "") for row in zip(*given, strict=True))


def _same(_: Sight, given: Sequence[Any]) -> Any:
    return given[0]


def _strings(values: Any) -> Strings:
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def shown(kind: Kind, value: Any) -> Strings:
    """A result as cells of a file: empty where it is not surely known; days as AAAA-MM-JJ, flags as oui and non."""
    if kind == "truth":
        return _strings("oui" if yes else "non" if no else "" for yes, no in zip(value.yes, value.no, strict=True))
    if kind == "text":
        return _strings(value)
    sure = (value.low == value.high).tolist()
    if kind == "day":
        parts = zip(*civil(value.low), sure, strict=True)
        return _strings(f"{int(y):04}-{int(m):02}-{int(d):02}" if known else "" for y, m, d, known in parts)
    return _strings(
        f"{number:.6f}".rstrip("0").rstrip(".") if known else "" for number, known in zip(value.low, sure, strict=True)
    )


FUNCTIONS: dict[str, Function] = {
    "age": Function(takes=("day", "day"), optional=1, gives="number", apply=_age),
    "age_mois": Function(takes=("day", "day"), optional=1, gives="number", apply=_age_in_months),
    "annee": Function(takes=("day",), gives="number", apply=_year),
    "mois": Function(takes=("day",), gives="number", apply=_month),
    "mois_de": Function(takes=("day",), gives="text", apply=_month_of),
    "jours_depuis": Function(takes=("day",), gives="number", apply=_since),
    "jours_avant": Function(takes=("day",), gives="number", apply=_until),
    "oui": Function(takes=("truth",), gives="truth", apply=_sure_yes),
    "vide": Function(takes=("text",), gives="truth", apply=_empty),
    "rempli": Function(takes=("text",), gives="truth", apply=_filled),
    "nombre": Function(takes=("number",), gives="number", apply=_same),
    "date": Function(takes=("day",), gives="day", apply=_same),
    "texte": Function(takes=("text",), gives="text", apply=_same),
    "commence_par": Function(takes=("text", "text"), gives="truth", apply=_begins),
    "contient": Function(takes=("text", "text"), gives="truth", apply=_contains),
    "departement": Function(takes=("text",), gives="text", apply=_departement),
    "min": Function(takes=("number", "number"), gives="number", apply=_least),
    "max": Function(takes=("number", "number"), gives="number", apply=_most),
    "arrondi": Function(takes=("number",), gives="number", apply=_rounded),
    "joint": Function(takes=("text",), more=True, gives="text", apply=_joined),
    "premier_rempli": Function(takes=("text",), more=True, gives="text", apply=_first_filled),
}
