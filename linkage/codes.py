"""Codes: a raw cell to upper-case letters and digits, or None where nothing is known.

A commune (`cog`) has five signs, and keeps the code that its file writes, of whatever epoch: `linkage.places` knows its history.
Somebody born abroad has a country only. Countries are INSEE codes, `99` and three digits, France being 99100, whether a file
writes them so, shortened, by ISO codes or by name. A number is a
whole one, written in figures with its sign. Sexes are M and F.
"""

from __future__ import annotations

import re

from linkage.cells import BadValue, fold, is_placeholder
from linkage.places import country_code

__all__ = ["code_of", "commune_of", "country_of", "number_of", "sex_of"]

_SEXES = dict.fromkeys(["1", "M", "H", "HOMME", "MASCULIN", "GARCON", "MR", "MONSIEUR", "MALE"], "M")
_SEXES |= dict.fromkeys(["2", "F", "FEMME", "FEMININ", "FILLE", "MME", "MADAME", "MLLE", "FEMALE"], "F")
_NO_SEX = frozenset(["", "0", "9", "INCONNU", "U"])
_FRANCE = frozenset(["100", "FR", "FRA", "FRANCE", "99100"])  # and nothing but zeros
_ABROAD = "99"
# Before 1962 the départements of Algeria numbered their births as 91 to 94.
_OLD_ALGERIA = re.compile(r"9[1-4]352", re.ASCII)
_COG_LENGTH = 5
_FLOAT = re.compile(r"(\d+)\.0+", re.ASCII)  # a code that a spreadsheet or a dataframe took for a number
_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f\u2009'’](?=\d{3}(?:\D|$))", re.ASCII)
_NUMBER = re.compile(r"([+-]?)0*(\d{1,15})(?:[.,]0*)?", re.ASCII)
_MINUS = str.maketrans("−﹣－", "---")


def sex_of(raw: str) -> str | None:
    """M or F.

    Raises:
        BadValue: `E_SEXE`.
    """
    number = _FLOAT.fullmatch(raw.strip())
    folded = number[1] if number else fold(raw)
    if folded in _NO_SEX or is_placeholder(folded):
        return None
    try:
        return _SEXES[folded]
    except KeyError:
        raise BadValue("E_SEXE", "le sexe s'écrit M ou F, 1 ou 2, H ou F, Masculin ou Féminin") from None


def code_of(raw: str, pad: int) -> str | None:
    """Letters and digits, left-padded with zeros where the sheet says so; zeros alone are no code."""
    number = _FLOAT.fullmatch(raw.strip())
    code = number[1] if number else fold(raw).replace(" ", "")
    return code.zfill(pad) if code.strip("0") else None


def commune_of(raw: str, pad: int) -> str | None:
    """A commune. Where a file writes the country of birth in its place, the commune is unknown."""
    code = code_of(raw, 0)
    if code is None or _says_nothing(fold(raw), code):
        return None
    code = code.zfill(pad)
    if len(code) == _COG_LENGTH - 1 and code.isdecimal():
        code = "0" + code  # a spreadsheet's work: no code of a commune is shorter
    return None if len(code) == _COG_LENGTH and code.startswith(_ABROAD) else code


def country_of(raw: str) -> str | None:
    """A country of birth, whichever way France is written; three digits want their `99`."""
    folded, code = fold(raw), code_of(raw, 0)
    known = country_code(folded) or country_code(code or "")
    if known:
        return known
    if not folded or _says_nothing(folded, code):
        return None
    if code is None or code in _FRANCE:
        return _ABROAD + "100"
    if _OLD_ALGERIA.fullmatch(code):
        return _ABROAD + code[2:]
    return _ABROAD + code if len(code) == 3 and code.isdecimal() else code


def _says_nothing(folded: str, code: str | None) -> bool:
    """Whether a cell is a placeholder, as words or run together as in a code: `S.N.P.`."""
    return is_placeholder(folded) or is_placeholder(code or "")


def number_of(raw: str) -> str | None:
    """A whole number in figures, without leading zeros; spaces between thousands go, and so do decimals that are zeros.

    Raises:
        BadValue: `E_NOMBRE`.
    """
    text = _THOUSANDS.sub("", raw.strip().translate(_MINUS))
    if not text or is_placeholder(fold(text)):
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise BadValue("E_NOMBRE", "un nombre entier de quinze chiffres au plus est attendu, sans unité ni décimales")
    sign = "-" if found[1] == "-" and found[2] != "0" else ""
    return sign + found[2]
