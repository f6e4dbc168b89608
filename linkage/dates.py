"""Dates of birth: a raw cell to eight digits, zeros where a part is unknown, and a `?` where what is written means nothing.

Canonical forms: `19921129`; `19920700` and `19920000` when the day, or the month too, is unknown; `00000714` without the
year. `19920101?` is every 1 January: files write it when they only know the year, so neither its month nor its day says
much. `19920501?` is a first of the month of somebody born abroad (`weaken_day`), whose day alone is weak.

Nothing is guessed: a date that no calendar has is refused, and no inversion of day and month is tried. Months 20 to 42
and 50 to 99 are how the national identification number codes an unknown month; where day and month may have been
exchanged, months up to 31 are not taken for one, unless no day stands beside them.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from linkage.cells import BadValue, fold, is_placeholder

__all__ = ["WEAK", "date_of", "weaken_day"]

WEAK = "?"

_DATE_FORMATS = {
    "AAAA-MM-JJ": re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})", re.ASCII),
    "AAAAMMJJ": re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})", re.ASCII),
    "JJ/MM/AAAA": re.compile(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})", re.ASCII),
    "JJ.MM.AAAA": re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})", re.ASCII),
    "JJ-MM-AAAA": re.compile(r"(?P<d>\d{1,2})-(?P<m>\d{1,2})-(?P<y>\d{4})", re.ASCII),
    "JJMMAAAA": re.compile(r"(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{4})", re.ASCII),
    "MM/JJ/AAAA": re.compile(r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})", re.ASCII),
}
_YEAR_FIRST = {"AAAA-MM-JJ", "AAAAMMJJ"}
# Some exports give a birth date the small hours, so that no time zone moves its day.
_TIME = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2})?([.,]\d+)?( ?[AaPp][Mm])?( ?(Z|[+-]\d{2}:?\d{2}))?$", re.ASCII)
_CANONICAL_WEAK = re.compile(r"\d{6}01\?", re.ASCII)
_YEARS = range(1850, 2101)
_LEAP_YEAR = 2000  # for 29 February when the year is unknown
_EXCEL = re.compile(r"(\d{1,5})([.,]\d+)?", re.ASCII)
_EXCEL_EPOCH = date(1899, 12, 30)
_EXCEL_NO_DAY = 60  # 29 February 1900, which spreadsheets believe in; days before it count from one day later
_LAST_DAY_LIKE = 31
_YEAR_DIGITS = 4


def date_of(raw: str, formats: tuple[str, ...]) -> str | None:
    """The canonical date of a cell, or None where it holds nothing but zeros or a placeholder.

    Args:
        raw: as the file writes it; a time of day after the date is dropped, with its zone.
        formats: accepted ones, in order, out of `linkage.attribute.DATE_FORMATS`.

    Raises:
        BadValue: `E_DATE_ILLISIBLE`, `E_DATE_IMPOSSIBLE`.
    """
    text = _TIME.sub("", raw.strip())
    weak = _CANONICAL_WEAK.fullmatch(text) is not None
    text = text.removesuffix(WEAK) if weak else text
    if not text.strip("0/-. "):
        return None
    for name in ("AAAAMMJJ",) if weak else formats:
        serial = _EXCEL.fullmatch(text) if name == "EXCEL" else None
        if serial:
            return _excel_date(serial[1])
        found = _DATE_FORMATS[name].fullmatch(text) if name in _DATE_FORMATS else None
        if found:
            value = _checked_date(int(found["y"]), int(found["m"]), int(found["d"]), year_first=name in _YEAR_FIRST)
            return weaken_day(value) if weak else value
    if is_placeholder(fold(text)):
        return None
    raise BadValue("E_DATE_ILLISIBLE", f"la date doit s'écrire {' ou '.join(formats)}")


def weaken_day(value: str) -> str:
    """A canonical date whose first of the month is weak, as for people born abroad; any other day is left as it is."""
    return value + WEAK if len(value) == 8 and value.endswith("01") and value[4:6] != "00" else value


def _checked_date(year: int, month: int, day: int, *, year_first: bool) -> str:
    """Eight digits; a zero month or day means unknown, as the State's identity providers write it."""
    coded = 20 <= month <= 42 or 50 <= month <= 99
    if coded and day <= _LAST_DAY_LIKE and (year_first or month > _LAST_DAY_LIKE or not day):
        month = day = 0
    if (year and year not in _YEARS) or month > 12 or (day and not month) or not (year or month):
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier")
    try:
        date(year or _LEAP_YEAR, month or 1, day or 1)
    except ValueError:
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier") from None
    value = f"{year:04}{month:02}{day:02}"
    return value + WEAK if value.endswith("0101") else value


def _excel_date(written: str) -> str:
    serial = int(written)
    if len(written) == _YEAR_DIGITS and serial in _YEARS:  # days of 1905 look the same, and are rarer
        raise BadValue(
            "E_DATE_ILLISIBLE", "une année seule n'est pas une date : complétez-la par des zéros (AAAA-00-00)"
        )
    if serial == _EXCEL_NO_DAY:
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier")
    day = _EXCEL_EPOCH + timedelta(days=serial + (serial < _EXCEL_NO_DAY))
    return _checked_date(day.year, day.month, day.day, year_first=True)
