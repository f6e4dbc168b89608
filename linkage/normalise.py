"""One pure function per kind of field: a raw cell in, a canonical string out, or None for a missing value.

A cell that cannot be right raises `BadValue` with a code and the rule it breaks, never with the cell itself. Canonical
forms: names are upper-case words joined with a space; dates are eight digits, zeros where a part is unknown; codes are
upper-case letters and digits; countries are INSEE codes, `99` and three digits, France being 99100.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta

from linkage.sheet import Attribute

__all__ = ["BadValue", "fold", "normaliser"]

Normaliser = Callable[[str], str | None]

# Decomposition does not know ligatures and barred letters: without this Cœur would be CUR.
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"})
_LIGATURES |= str.maketrans({"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i"})
# Letters for Unicode, apostrophes for whoever typed them.
_APOSTROPHES = str.maketrans(dict.fromkeys("ʼʻʹʾʿˈ´`’‘‛′＇", "'"))
_HYPHENS = str.maketrans(dict.fromkeys("\u00ad‐‑‒–—―−﹣－", "-"))
_NOT_A_WORD = re.compile(r"[\W_]+")
# What administrations write when they know no name. NA and NULL are surnames, not gaps.
_PLACEHOLDERS = {
    "X",
    "XX",
    "XXX",
    "SNP",
    "SP",
    "SPC",
    "SN",
    "SNC",
    "INCONNU",
    "INCONNUE",
    "SANS PRENOM",
    "SANS NOM",
}
# A title stands before a space or a dot. Before an apostrophe M is the beginning of a name: M'Baye.
_TITLES = re.compile(r"^\s*(?:(?:MME|MLLE|MR|M|MONSIEUR|MADAME|MADEMOISELLE)(?:\.\s*|\s+))+(?=\S)", re.IGNORECASE)
_SAINTS = {"ST": "SAINT", "STE": "SAINTE"}
_SEXES = {
    "1": "M",
    "M": "M",
    "H": "M",
    "HOMME": "M",
    "MASCULIN": "M",
    "MR": "M",
    "MONSIEUR": "M",
    "MALE": "M",
}
_SEXES |= {
    "2": "F",
    "F": "F",
    "FEMME": "F",
    "FEMININ": "F",
    "MME": "F",
    "MADAME": "F",
    "MLLE": "F",
    "FEMALE": "F",
}
_FRANCE = {"100", "FR", "FRA", "FRANCE", "99100"}  # and nothing but zeros
_ABROAD = "99"
_COG_LENGTH = 5
_FLOAT = re.compile(r"(\d+)\.0+")  # a code that a spreadsheet or a dataframe took for a number
_DATE_FORMATS = {
    "AAAA-MM-JJ": re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"),
    "AAAAMMJJ": re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
    "JJ/MM/AAAA": re.compile(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})"),
    "JJ.MM.AAAA": re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})"),
    "JJ-MM-AAAA": re.compile(r"(?P<d>\d{1,2})-(?P<m>\d{1,2})-(?P<y>\d{4})"),
    "JJMMAAAA": re.compile(r"(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{4})"),
    "MM/JJ/AAAA": re.compile(r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})"),
}
_TIME = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$")
_YEARS = range(1850, 2101)
_LEAP_YEAR = 2000  # for 29 February when the year is unknown
_EXCEL = re.compile(r"\d{1,5}(\.\d+)?")
_EXCEL_EPOCH = date(1899, 12, 30)
_EXCEL_NO_DAY = 60  # 29 February 1900, which spreadsheets believe in; days before it count from one day later


class BadValue(ValueError):
    """A cell that cannot be right. Holds a code and the rule, never the cell."""

    def __init__(self, code: str, rule: str) -> None:
        super().__init__(rule)
        self.code = code
        self.rule = rule


def normaliser(attribute: Attribute) -> Normaliser:
    """The function for an attribute's kind; it raises `BadValue` on a cell that cannot be right."""
    if attribute.kind == "date":
        return lambda raw: _date(raw, attribute.formats)
    if attribute.kind in ("code", "cog"):
        return lambda raw: (_cog if attribute.kind == "cog" else _code)(raw, attribute.pad)
    simple: dict[str, Normaliser] = {
        "name": _name,
        "given_names": _given_names,
        "sex": _sex,
        "country": _country,
        "category": _folded,
        "text": _folded,
    }
    return simple[attribute.kind]


def fold(text: str) -> str:
    """Upper case without accents, ligatures opened, everything but letters and digits turned into single spaces."""
    decomposed = unicodedata.normalize("NFKD", text).translate(_LIGATURES).translate(_APOSTROPHES)
    # Neither accents nor what nobody sees (category Cf: soft hyphens, zero-width spaces).
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    return _NOT_A_WORD.sub(" ", bare.upper()).strip()


def _name(raw: str) -> str | None:
    """Words of a surname, without titles; ST is SAINT."""
    joined = " ".join(_SAINTS.get(word, word) for word in fold(_TITLES.sub("", raw)).split())
    return None if not joined or joined in _PLACEHOLDERS else joined


def _given_names(raw: str) -> str | None:
    """Names in order, separated by spaces (or commas); the hyphen of a composed name is kept."""
    words = re.split(r"[\s,;]+", raw.translate(_HYPHENS))
    names = ["-".join(fold(part).replace(" ", "") for part in word.split("-") if fold(part)) for word in words]
    joined = " ".join(name for name in names if name)
    return None if not joined or joined.replace("-", " ") in _PLACEHOLDERS else joined


def _sex(raw: str) -> str | None:
    folded = fold(raw)
    if not folded or folded in ("0", "9", "INCONNU", "U"):
        return None
    try:
        return _SEXES[folded]
    except KeyError:
        raise BadValue("E_SEXE", "le sexe s'écrit M ou F, 1 ou 2, H ou F, Masculin ou Féminin") from None


def _folded(raw: str) -> str | None:
    return fold(raw) or None


def _code(raw: str, pad: int) -> str | None:
    number = _FLOAT.fullmatch(raw.strip())
    code = number[1] if number else fold(raw).replace(" ", "")
    return code.zfill(pad) if code.strip("0") else None


def _cog(raw: str, pad: int) -> str | None:
    """A commune. Where a file writes the country of birth in its place, the commune is unknown."""
    code = _code(raw, pad)
    if code is None or fold(raw) in _PLACEHOLDERS or (len(code) == _COG_LENGTH and code.startswith(_ABROAD)):
        return None
    return code


def _country(raw: str) -> str | None:
    """A country of birth, whichever way France is written; three digits want their `99`."""
    if fold(raw) in {"", *_PLACEHOLDERS}:
        return None
    code = _code(raw, 0)
    if code is None or code in _FRANCE:
        return _ABROAD + "100"
    return _ABROAD + code if len(code) == 3 and code.isdecimal() else code


def _date(raw: str, formats: tuple[str, ...]) -> str | None:
    text = _TIME.sub("", raw.strip())
    if not text.strip("0/-. "):
        return None
    for name in formats:
        if name == "EXCEL" and _EXCEL.fullmatch(text):
            return _excel_date(int(float(text)))
        found = _DATE_FORMATS[name].fullmatch(text) if name in _DATE_FORMATS else None
        if found:
            return _checked_date(int(found["y"]), int(found["m"]), int(found["d"]))
    raise BadValue("E_DATE_ILLISIBLE", f"la date doit s'écrire {' ou '.join(formats)}")


def _checked_date(year: int, month: int, day: int) -> str | None:
    """Eight digits; a zero month or day means unknown, as the State's identity providers write it."""
    if (year and year not in _YEARS) or month > 12 or (day and not month):
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier")
    try:
        date(year or _LEAP_YEAR, month or 1, day or 1)
    except ValueError:
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier") from None
    return f"{year:04}{month:02}{day:02}"


def _excel_date(serial: int) -> str | None:
    if serial == _EXCEL_NO_DAY:
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier")
    day = _EXCEL_EPOCH + timedelta(days=serial + (serial < _EXCEL_NO_DAY))
    return _checked_date(day.year, day.month, day.day)
