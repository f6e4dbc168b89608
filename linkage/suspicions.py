"""Values of a file that are well formed and probably wrong, by kind. What is found is rows; a value never leaves.

Nothing here refuses a row: a frequent birthday may be a filler, or the age group that the file is about. Bounds come
from public statistics: in INSEE's files of names the most frequent surname is borne by 0.37 % of people, the most
frequent first name by 2.6 % overall and 10.4 % in its best decade; days of birth are those of the calendar, 1
January being written for people whose day nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from linkage.cells import fold
from linkage.field import Field
from linkage.places import is_known

__all__ = ["SUSPICIONS", "Suspicion", "suspicions"]

# Kind → what is said of it.
SUSPICIONS = {
    "frequent_name": "un même nom, bien plus fréquent qu'il ne l'est en France",
    "frequent_day": "un même jour de naissance, bien plus fréquent qu'un autre (01/01, valeur de remplissage ?)",
    "frequent_date": "une même date de naissance, bien plus fréquente qu'une autre (valeur de remplissage ?)",
    "filler_name": "un mot de remplissage à la place d'un nom (TEST, NEANT, AAA…)",
    "one_letter": "un nom d'une seule lettre",
    "digits": "un nom qui contient des chiffres",
    "broken_letters": "des lettres abîmées par une conversion (Ã©, �, ?)",
    "future": "naissance dans le futur",
    "over_120": "plus de 120 ans",
    "unknown_place": "aucune commune n'a ou n'a eu ce code",
    "place_abroad": "une commune française et un pays de naissance étranger",
    "unknown_country": "un pays dont ni le code ni le nom n'est connu",
    "sex_and_title": "une civilité dans le nom qui contredit le sexe",
    "same_names": "le nom et le prénom sont le même mot",
}

_OLDEST = 120
_FRANCE = "99100"
_SURNAME_CEILING = 0.02  # five times the most frequent surname
_FIRST_NAME_CEILING = 0.12  # above the most frequent first name in any decade
_DAY_CEILING = 3 / 365.25  # three times a day of the calendar
_NEW_YEAR_CEILING = 5 / 365.25
_DEVIATIONS, _FEWEST = 6, 5  # of a count above what chance allows
_FILLERS = frozenset(
    [
        "TEST",
        "TESTS",
        "ESSAI",
        "NEANT",
        "AUCUN",
        "AUCUNE",
        "VIDE",
        "ANONYME",
        "DUPLICATA",
        "DOUBLON",
        "ERREUR",
        "AZERTY",
    ]
)
_FILLERS |= {"A COMPLETER", "A RENSEIGNER", "NON CONNU", "NON CONNUE", "N A", "ND", "NC", "NR", "EN ATTENTE"}
_FILLERS |= {"NOM", "PRENOM", "USAGER", "BENEFICIAIRE", "ALLOCATAIRE", "MONSIEUR", "MADAME"}
_ONE_LETTER_REPEATED = re.compile(r"([A-Z])\1{2,}")
_BROKEN = re.compile(r"\ufffd|Ã[\u0080-\u00bf©¨ªà]|Â[\u0080-\u00bf]|\w\?\w|\?\w|\w\?")
_DIGIT = re.compile(r"\d")
_COUNTRY = re.compile(r"99\d{3}")
_MEN, _WOMEN = frozenset(["M", "MR", "MONSIEUR"]), frozenset(["MME", "MLLE", "MADAME", "MADEMOISELLE"])

Rows = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """Rows that something is said of.

    Attributes:
        kind: one of `SUSPICIONS`.
        attribute: whose cells.
        rows: (n,) bool.
    """

    kind: str
    attribute: str
    rows: Rows


def suspicions(fields: Sequence[Field], today: date) -> list[Suspicion]:
    """Everything suspicious that these fields of one file show; kinds without a row are left out.

    Args:
        fields: of one table, those that the file has.
        today: ages are counted up to it.
    """
    return [one for one in _all(fields, today) if one.rows.any()]


def _all(fields: Sequence[Field], today: date) -> Iterator[Suspicion]:
    """Everything that is looked for, one after the other: most of it is nothing, and rows are many."""
    for field in fields:
        for kind, rows in _of_one(field, today):
            yield Suspicion(kind=kind, attribute=field.attribute.name, rows=rows)
    yield from _across(fields)


def _of_one(field: Field, today: date) -> Iterator[tuple[str, Rows]]:
    kind = field.attribute.kind
    if kind in ("name", "given_names"):
        yield from _names(field)
    elif kind == "date":
        yield from _dates(field, today)
        yield from _frequent_dates(field)
    elif kind == "cog":
        yield from _places(field)
    elif kind == "country":
        yield from _countries(field)


def _names(field: Field) -> Iterator[tuple[str, Rows]]:
    first = field.attribute.kind == "given_names"
    ceiling = _FIRST_NAME_CEILING if first else _SURNAME_CEILING
    heads = [value and (value.split(" ")[0] if first else value) for value in field.values]
    yield "frequent_name", _frequent(field, heads, lambda _: ceiling)
    yield "filler_name", field.rows_where(lambda _, value: value is not None and _is_filler(value))
    yield "one_letter", field.rows_where(lambda _, value: value is not None and len(value) == 1)
    yield "digits", field.rows_where(lambda _, value: value is not None and bool(_DIGIT.search(value)))
    yield "broken_letters", field.rows_where(lambda raw, value: value is not None and bool(_BROKEN.search(raw)))


def _is_filler(value: str) -> bool:
    return value.replace("-", " ") in _FILLERS or _ONE_LETTER_REPEATED.fullmatch(value) is not None


def _places(field: Field) -> Iterator[tuple[str, Rows]]:
    yield "unknown_place", field.rows_where(lambda _, value: value is not None and not is_known(value))


def _countries(field: Field) -> Iterator[tuple[str, Rows]]:
    yield "unknown_country", field.rows_where(lambda _, value: value is not None and not _COUNTRY.fullmatch(value))


def _dates(field: Field, today: date) -> Iterator[tuple[str, Rows]]:
    now, oldest = f"{today:%Y%m%d}", f"{today.year - _OLDEST:04}{today:%m%d}"

    def future(_: str, value: str | None) -> bool:
        # A part that is unknown is zero: only what is known to be later counts.
        return value is not None and value[:8] > now

    def old(_: str, value: str | None) -> bool:
        if value is None or value[:4] == "0000":
            return False
        latest = value[:4] + (value[4:6] if value[4:6] != "00" else "99") + (value[6:8] if value[6:8] != "00" else "99")
        return latest < oldest

    yield "future", field.rows_where(future)
    yield "over_120", field.rows_where(old)


def _frequent_dates(field: Field) -> Iterator[tuple[str, Rows]]:
    def share(day_month: str) -> float:
        return _NEW_YEAR_CEILING if day_month == "0101" else _DAY_CEILING

    days = [
        value[4:8] if value is not None and "00" not in (value[4:6], value[6:8]) else None for value in field.values
    ]
    yield "frequent_day", _frequent(field, days, share)
    years = [value[:4] if value is not None else None for value in field.values]
    of_year = _counted(field, years)
    whole = [
        value[:8] if day is not None and value is not None else None
        for value, day in zip(field.values, days, strict=True)
    ]
    total = max(1, int(field.filled.sum()))
    yield "frequent_date", _frequent(field, whole, lambda day: share(day[4:]) * of_year[day[:4]] / total)


def _frequent(field: Field, parts: Sequence[str | None], ceiling: Callable[[str], float]) -> Rows:
    """Rows whose part is more frequent among the known ones than its ceiling and chance allow."""
    counted = _counted(field, parts)
    total = sum(counted.values())
    heavy = set()
    for part, count in counted.items():
        expected = ceiling(part) * total
        if count > expected + _DEVIATIONS * expected**0.5 + _FEWEST:
            heavy.add(part)
    return field.rows_of(np.array([part in heavy for part in parts], dtype=bool))


def _counted(field: Field, parts: Sequence[str | None]) -> dict[str, int]:
    """Rows of each part that is known."""
    counted: dict[str, int] = {}
    for part, count in zip(parts, field.counts.tolist(), strict=True):
        if part:
            counted[part] = counted.get(part, 0) + count
    return counted


def _across(fields: Sequence[Field]) -> Iterator[Suspicion]:
    """What only two attributes of one row together can say."""
    first = {kind: _first(fields, kind) for kind in ("name", "given_names", "sex", "cog", "country")}
    surname, given = first["name"], first["given_names"]
    place, country, sex = first["cog"], first["country"], first["sex"]
    if surname and given:
        rows = _equal_values(surname, given)
        yield Suspicion(kind="same_names", attribute=given.attribute.name, rows=rows)
    if place and country:
        abroad = country.rows_where(lambda _, value: value is not None and value != _FRANCE)
        yield Suspicion(kind="place_abroad", attribute=place.attribute.name, rows=place.filled & abroad)
    if sex:
        titles = [field for field in fields if field.attribute.kind in ("name", "given_names")]
        yield from _titles_against(sex, titles)


def _first(fields: Sequence[Field], kind: str) -> Field | None:
    return next((f for f in fields if f.attribute.kind == kind and f.attribute.second_form_of is None), None)


def _equal_values(one: Field, other: Field) -> Rows:
    index: Mapping[str, int] = {value: code for code, value in enumerate(dict.fromkeys(filter(None, one.values)))}
    codes = [
        np.array([index.get(value or "", gap) for value in field.values]) for field, gap in ((one, -1), (other, -2))
    ]
    rows: Rows = codes[0][one.codes] == codes[1][other.codes]
    return rows


def _titles_against(sex: Field, named: Sequence[Field]) -> Iterator[Suspicion]:
    men = sex.rows_where(lambda _, value: value == "M")
    women = sex.rows_where(lambda _, value: value == "F")
    for field in named:
        his = field.rows_where(lambda raw, value: value is not None and _titled(raw, _MEN))
        hers = field.rows_where(lambda raw, value: value is not None and _titled(raw, _WOMEN))
        yield Suspicion(kind="sex_and_title", attribute=field.attribute.name, rows=(his & women) | (hers & men))


def _titled(raw: str, titles: frozenset[str]) -> bool:
    text = raw.lstrip()
    if not text.startswith(("M", "m")):  # as all titles do
        return False
    words = fold(text).split()
    return len(words) > 1 and words[0] in titles
