"""One pure function per kind of field: a raw cell in, a canonical string out, or None for a missing value.

A cell that cannot be right raises `BadValue` with a code and the rule it breaks, never with the cell itself. Canonical
forms: names are upper-case words joined with a space; dates are eight digits, zeros where a part is unknown; codes are
upper-case letters and digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date

from linkage.sheet import Attribute

__all__ = ["BadValue", "fold", "normaliser"]

Normaliser = Callable[[str], str | None]

# Ligatures come before decomposition, which does not know them: Cœur is COEUR, not CUR.
_LIGATURES = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
)
_NOT_A_WORD = re.compile(r"[^\w]+|_", re.UNICODE)
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
_TITLES = {"M", "MR", "MME", "MLLE", "MONSIEUR", "MADAME", "MADEMOISELLE"}
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
_FRANCE = {"0", "100", "FR", "FRA", "FRANCE", "99100"}
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
_MEAN_LEAP_YEAR = 2000  # for 29 February when the year is unknown


class BadValue(ValueError):  # noqa: N818 - a row problem in the making, not an error of the program
    """A cell that cannot be right. Holds a code and the rule, never the cell."""

    def __init__(self, code: str, rule: str) -> None:
        super().__init__(rule)
        self.code = code
        self.rule = rule


def normaliser(attribute: Attribute) -> Normaliser:
    """The function for an attribute's kind.

    Raises:
        BadValue: `E_FORMAT_DATE` at once when the sheet names a date format that does not exist.
    """
    if attribute.kind == "date":
        unknown = [name for name in attribute.formats if name not in _DATE_FORMATS]
        if unknown:
            raise BadValue("E_FORMAT_DATE", f"format de date inconnu ; connus : {', '.join(_DATE_FORMATS)}")
        return lambda raw: _date(raw, attribute.formats)
    if attribute.kind in ("code", "cog"):
        return lambda raw: _code(raw, attribute.pad, cog=attribute.kind == "cog")
    return {"name": _name, "given_names": _given_names, "sex": _sex, "category": _category, "text": _text}[
        attribute.kind
    ]


def fold(text: str) -> str:
    """Upper case without accents, ligatures opened, everything but letters and digits turned into single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES).upper())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_A_WORD.sub(" ", bare).strip()


def _name(raw: str) -> str | None:
    words = [_SAINTS.get(word, word) for word in fold(raw).split()]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    joined = " ".join(words)
    return None if not joined or joined in _PLACEHOLDERS else joined


def _given_names(raw: str) -> str | None:
    """Names in order, separated by spaces (or commas); the hyphen of a composed name is kept."""
    names = ["-".join(fold(part) for part in word.split("-") if fold(part)) for word in re.split(r"[\s,;]+", raw)]
    joined = " ".join(name.replace(" ", "") for name in names if name)
    return None if not joined or joined.replace("-", " ") in _PLACEHOLDERS else joined


def _sex(raw: str) -> str | None:
    folded = fold(raw)
    if not folded or folded in ("0", "9", "INCONNU", "U"):
        return None
    try:
        return _SEXES[folded]
    except KeyError:
        raise BadValue("E_SEXE", "le sexe s'écrit M ou F, 1 ou 2, H ou F, Masculin ou Féminin") from None


def _category(raw: str) -> str | None:
    return fold(raw) or None


_text = _category


def _code(raw: str, pad: int, *, cog: bool) -> str | None:
    code = fold(raw).replace(" ", "")
    if not code or not code.strip("0"):
        return None
    if cog and code in _FRANCE:
        return "99100"
    return code.zfill(pad)


def _date(raw: str, formats: tuple[str, ...]) -> str | None:
    text = _TIME.sub("", raw.strip())
    if not text.strip("0/-. "):
        return None
    for name in formats:
        found = _DATE_FORMATS[name].fullmatch(text)
        if found:
            return _checked_date(int(found["y"]), int(found["m"]), int(found["d"]))
    raise BadValue("E_DATE_ILLISIBLE", f"la date doit s'écrire {' ou '.join(formats)}")


def _checked_date(year: int, month: int, day: int) -> str | None:
    """Eight digits; a zero month or day means unknown, as the State's identity providers write it."""
    if (year and year not in _YEARS) or month > 12 or (day and not month):
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier")
    try:
        date(year or _MEAN_LEAP_YEAR, month or 1, day or 1)
    except ValueError:
        raise BadValue("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier") from None
    return f"{year:04}{month:02}{day:02}"
