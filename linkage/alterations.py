"""What normalisation does to the cells of a file, by family of rule: counted before encoding, so that an agent can object.

Each family is told from the cell and its canonical value alone; a cell may belong to several. Only counts leave here.
"""

from __future__ import annotations

import re
import unicodedata

from linkage.attribute import Attribute
from linkage.cells import BadValue, fold, fold_character
from linkage.dates import WEAK, date_of
from linkage.names import split_surname

__all__ = ["ALTERATIONS", "alterations", "date_format"]

# Family → what is said of it.
ALTERATIONS = {
    "emptied": "valeur de remplissage, comptée comme absente",
    "accents": "accents ôtés, ligatures ouvertes",
    "case": "passé en capitales",
    "punctuation": "traits d'union, apostrophes et autres signes remplacés",
    "spaces": "espaces superflus retirés",
    "title": "civilité retirée",
    "saint": "ST ou STE développé",
    "two_names": "nom de naissance et nom d'usage séparés (ÉPOUSE, NÉE…)",
    "cut": "coupé à la longueur dite par la feuille",
    "fewer_names": "prénoms au-delà de ceux que garde la feuille",
    "format": "date remise dans l'ordre année, mois, jour",
    "time": "heure retirée de la date",
    "partial": "date partielle : jour, mois ou année inconnu",
    "weak": "1er janvier : jour et mois comptés comme faibles",
    "padded": "code complété par des zéros à gauche",
    "decimal": "code lu comme un nombre à virgule, remis en code",
    "recoded": "écriture remplacée par le code commun",
    "country_as_place": "pays à la place de la commune : commune absente",
}

_NAMES = ("name", "given_names")
_WORDS = (*_NAMES, "text", "category")
_TITLES = frozenset(["M", "MR", "MME", "MLLE", "MONSIEUR", "MADAME", "MADEMOISELLE"])
_SAINTS = frozenset(["ST", "STE"])
_TIME = re.compile(r"\d[ T]\d{1,2}:\d{2}")
_SIGN = re.compile(r"[^A-Za-z0-9\s]")
_DECIMAL = re.compile(r"\d+[.,]0+")


def alterations(attribute: Attribute, raw: str, value: str | None) -> set[str]:
    """The families of `ALTERATIONS` that changed this cell into that canonical value.

    Args:
        attribute: says how the cell was read.
        raw: the cell as the file has it; it is not one that cannot be right.
        value: what it became, None for nothing.
    """
    text = raw.strip()
    if value is None:
        return _emptied(attribute, text)
    found = {"spaces"} if raw != " ".join(raw.split()) else set()
    if attribute.kind in _WORDS:
        found |= _letters(text)
    if attribute.kind in _NAMES:
        found |= _names(attribute, text, value)
    elif attribute.kind == "date":
        found |= _date(attribute, text, value)
    elif attribute.kind in ("code", "cog"):
        found |= _code(text, value)
    elif attribute.kind in ("sex", "country", "number") and value != text:
        found.add("recoded")
    return found


def date_format(raw: str, formats: tuple[str, ...]) -> str | None:
    """The first of these formats that reads a cell, or None."""
    for one in formats:
        try:
            if date_of(raw, (one,)) is not None:
                return one
        except BadValue:
            continue
    return None


def _emptied(attribute: Attribute, text: str) -> set[str]:
    if not text:
        return set()
    if attribute.kind == "cog" and fold(text).startswith("99"):
        return {"country_as_place"}
    return {"emptied"}


def _letters(text: str) -> set[str]:
    found = set()
    if not text.isascii() and any(map(_loses, text)):
        found.add("accents")
    if text != text.upper():
        found.add("case")
    if _SIGN.search(text) if text.isascii() else any(map(_is_sign, text)):
        found.add("punctuation")
    return found


def _is_sign(char: str) -> bool:
    return not (char.isalnum() or char.isspace() or unicodedata.combining(char))


def _loses(char: str) -> bool:
    """Whether a letter loses an accent, or is opened into two, or is an accent of its own."""
    return unicodedata.combining(char) > 0 or (char.isalpha() and fold_character(char) != char.upper())


def _names(attribute: Attribute, text: str, value: str) -> set[str]:
    words = fold(text).split()
    found = set()
    if len(words) > 1 and words[0] in _TITLES and words[0] != value.split(" ", 1)[0]:
        found.add("title")
    if attribute.kind == "name":
        if _SAINTS & set(words):
            found.add("saint")
        if split_surname(text)[1] is not None:
            found.add("two_names")
    if attribute.longest and len(value) >= attribute.longest and len(" ".join(words)) > len(value):
        found.add("cut")
    if attribute.most and len(value.split(" ")) == attribute.most < len(re.split(r"[\s,;/]+", text)):
        found.add("fewer_names")
    return found


def _date(attribute: Attribute, text: str, value: str) -> set[str]:
    found = set()
    if date_format(text, attribute.formats) not in ("AAAA-MM-JJ", "AAAAMMJJ"):
        found.add("format")
    if _TIME.search(text):
        found.add("time")
    if value.endswith(WEAK):
        found.add("weak")
    elif value[:4] == "0000" or value[4:6] == "00" or value[6:8] == "00":
        found.add("partial")
    return found


def _code(text: str, value: str) -> set[str]:
    if _DECIMAL.fullmatch(text):
        return {"decimal"} | ({"padded"} if len(value) > len(re.split(r"[.,]", text)[0]) else set())
    folded = fold(text).replace(" ", "")
    found = set()
    if text != text.upper():
        found.add("case")
    if len(folded) < len(text):
        found.add("punctuation")
    if len(value) > len(folded):
        found.add("padded")
    return found
