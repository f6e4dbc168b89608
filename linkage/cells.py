"""What all readers of one cell share: the letters that count, the words that mean nothing, and how a cell is refused.

Folding goes character by character: decomposition (NFKD), ligatures opened first, accents and invisible signs dropped,
upper case, and a space for every sign that is neither a letter nor a digit; runs of spaces are one.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "APOSTROPHES",
    "HYPHENS",
    "PLACEHOLDERS",
    "BadValue",
    "fold",
    "fold_character",
    "folded_words",
    "is_placeholder",
]

# Decomposition does not know ligatures and barred letters: without this Cœur would be CUR.
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"})
_LIGATURES |= str.maketrans({"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i"})
# Letters for Unicode, apostrophes for whoever typed them.
APOSTROPHES = frozenset("'ʼʻʹʾʿˈ´`’‘‛′＇")
HYPHENS = frozenset("-\u00ad‐‑‒–—―−﹣－")
_LATIN = 0x250  # characters folded once and for all: Latin-1 and its two extensions
_RUN_OF_X = re.compile(r"X[X ]*")  # with spaces where signs or unreadable characters stood
# What administrations write when they know no name. NA and NULL are surnames, not gaps.
PLACEHOLDERS = frozenset(
    {
        "SNP",
        "SP",
        "SPC",
        "SN",
        "SNC",
        "INCONNU",
        "INCONNUE",
        "SANS PRENOM",
        "SANS NOM",
        "NON RENSEIGNE",
        "NON COMMUNIQUE",
    }
)


class BadValue(ValueError):
    """A cell that cannot be right. Holds a code and the rule, never the cell."""

    def __init__(self, code: str, rule: str) -> None:
        super().__init__(rule)
        self.code = code
        self.rule = rule


def fold_character(character: str) -> str:
    """What one character becomes: capitals and digits, a space for another sign, nothing for an accent."""
    if character in APOSTROPHES:
        return " "
    folded = ""
    for part in unicodedata.normalize("NFKD", character).translate(_LIGATURES):
        # Neither accents nor what nobody sees (category Cf: soft hyphens, zero-width spaces).
        if unicodedata.combining(part) or unicodedata.category(part) == "Cf":
            continue
        folded += part.upper() if part.isalnum() and part not in APOSTROPHES else " "
    return folded


class _Folded(dict[int, str]):
    """The translation table of `fold`; characters beyond the Latin ones are folded as they come."""

    def __missing__(self, point: int) -> str:
        return fold_character(chr(point))


_FOLDED = _Folded({point: fold_character(chr(point)) for point in range(_LATIN)})


def fold(text: str) -> str:
    """Upper case without accents, ligatures opened, everything but letters and digits turned into single spaces."""
    return " ".join(folded_words(text))


def folded_words(text: str) -> list[str]:
    """The words of `fold`, apart."""
    if text.isascii() and text.isalnum():  # most names of most files
        return [text.upper()]
    return text.translate(_FOLDED).split()


def is_placeholder(folded: str) -> bool:
    """Whether a folded cell is what people write when they know no value."""
    return folded in PLACEHOLDERS or (folded[:1] == "X" and _RUN_OF_X.fullmatch(folded) is not None)
