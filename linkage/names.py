"""Surnames and first names: a raw cell to upper-case words joined with a space, or None for a missing name.

Surnames lose their titles and their hyphens; ST and STE are written out; particles stay (`headword` looks past them). The
apostrophe of D' and L' parts two words, that of M'Baye or O'Brien none: before a space, M is a title. A cell with two
surnames, `DUPONT EPOUSE MARTIN`, counts for the one born with; `split_surname` gives both.

First names keep their order, and the hyphen of a composed one; spaces, commas, semicolons and slashes part them.
"""

from __future__ import annotations

import re

from linkage.cells import APOSTROPHES, HYPHENS, fold_character, folded_words, is_placeholder

__all__ = [
    "PARTICLES",
    "SPECIAL_WORDS",
    "GivenNames",
    "fold_of_given_names",
    "headword",
    "split_surname",
    "surname_of",
    "usage_surname_of",
]

# Words before a name that it is not filed under.
PARTICLES = frozenset(["DE", "DU", "DES", "D", "L", "LA", "LE", "LES", "DOS", "DA", "DEL", "EL"])
PARTICLES |= {"AL", "BEN", "AIT", "VAN", "VON"}
_SAINTS = {"ST": "SAINT", "STE": "SAINTE"}
# Beside a first name a lone M may be the initial of another one.
_TITLES_OF_FIRST_NAMES = frozenset(["MME", "MLLE", "MR", "MONSIEUR", "MADAME", "MADEMOISELLE"])
_TITLES = _TITLES_OF_FIRST_NAMES | {"M"}
# Words between two surnames: the one born with comes first, or last. EP is a surname too, at the head of a cell.
_BORN_FIRST = frozenset(["EPOUSE", "EPSE", "EP", "VEUVE", "VVE", "DIVORCEE", "DIT", "DITE"])
_BORN_LAST = "NEE"
_MARKERS = _BORN_FIRST | {_BORN_LAST, "NE"}
_HEADS = frozenset(["EPOUSE", "EPSE", "VEUVE", "VVE", _BORN_LAST])
# A cell without any of these words says one name and no more.
SPECIAL_WORDS = _TITLES | _MARKERS | frozenset(_SAINTS)
# An apostrophe after a lone letter that is no French particle belongs to the word.
_WITHIN_A_WORD = re.compile(
    r"(?:^|(?<=[\s,;.()/-]))([A-CE-KM-Za-ce-km-z])[" + "".join(sorted(APOSTROPHES)) + r"](?=\w)"
)
_SEPARATORS = frozenset(",;/")
_MOST_WORDS = 1 << 16  # that are remembered


def fold_of_given_names(character: str) -> str:
    """What a character of a cell of first names becomes: hyphens stay, separators are spaces, other signs go."""
    if character.isspace() or character in _SEPARATORS:
        return " "
    return "-" if character in HYPHENS else fold_character(character).replace(" ", "")


class _FirstNames(dict[int, str]):
    """The translation table of first names; characters beyond the Latin ones are folded as they come."""

    def __missing__(self, point: int) -> str:
        return fold_of_given_names(chr(point))


_FIRST_NAMES = _FirstNames()
_FIRST_NAMES.update({point: _FIRST_NAMES[point] for point in range(0x250)})


def surname_of(raw: str) -> str | None:
    """The canonical surname of a cell; of two surnames, the one born with."""
    words = _surname_words(raw)
    if len(words) > 1:
        words = _split(_untitled(words, _TITLES))[0]
    joined = " ".join([_SAINTS.get(word, word) for word in _untitled(words, _TITLES)])
    return None if not joined or is_placeholder(joined) else joined


def usage_surname_of(raw: str) -> str | None:
    """The canonical name of usage of a cell made for it; where the cell tells both, the one not born with."""
    return surname_of(split_surname(raw)[1] or raw)


class GivenNames:
    """The canonical first names of cells, in order; what a word becomes is remembered from one cell to the next."""

    def __init__(self) -> None:
        self._words = _Words()

    def __call__(self, raw: str) -> str | None:
        """The canonical first names of one cell."""
        words = self._words
        joined = " ".join([names for word in raw.split() if (names := words[word])])
        if joined[:1] == "M":  # a title?
            joined = " ".join(_untitled(joined.split(" "), _TITLES_OF_FIRST_NAMES))
        return None if not joined or is_placeholder(joined.replace("-", " ")) else joined


class _Words(dict[str, str]):
    """What words of cells of first names become: names, none or several; all forgotten when they are too many."""

    def __missing__(self, word: str) -> str:
        if len(self) >= _MOST_WORDS:
            self.clear()
        names = ("-".join([part for part in name.split("-") if part]) for name in word.translate(_FIRST_NAMES).split())
        self[word] = " ".join([name for name in names if name])
        return self[word]


def split_surname(raw: str) -> tuple[str, str | None]:
    """The surname born with and the name of usage that one cell may hold; both still to be normalised.

    `DUPONT EPOUSE MARTIN`, `DUPONT EP. MARTIN`, `MARTIN NEE DUPONT`, `DUPONT VVE MARTIN`, `DUPONT DIT MARTIN` all give
    (`DUPONT`, `MARTIN`). One name alone, whatever stands before it or is unknown beside it, is (that name, None).
    """
    words = _surname_words(raw)
    if len(words) < 2 or _MARKERS.isdisjoint(words):
        return raw, None
    born, usage = _split(_untitled(words, _TITLES))
    return " ".join(born), " ".join(usage) or None


def headword(name: str) -> str:
    """The first word of a canonical surname that is not a particle: DE LA TOUR is filed under TOUR."""
    words = name.split(" ")
    return next((word for word in words if word not in PARTICLES), words[-1])


def _surname_words(raw: str) -> list[str]:
    return folded_words(raw if APOSTROPHES.isdisjoint(raw) else _WITHIN_A_WORD.sub(r"\1", raw))


def _untitled(words: list[str], titles: frozenset[str]) -> list[str]:
    """Without the titles before the first word that is none."""
    while len(words) > 1 and words[0] in titles:
        words = words[1:]
    return words


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The words born with and those of usage; a marker counts between two names, a few also at the head."""
    if _MARKERS.isdisjoint(words):
        return words, []
    joined = f" {' '.join(words)} "
    while " NE E " in joined:  # a second one may begin with the space that ends the first
        joined = joined.replace(" NE E ", " NEE ")
    words = joined.split()
    parts: list[tuple[str, list[str]]] = [("", [])]
    for place, word in enumerate(words):
        if (word in _HEADS if place == 0 else word in _BORN_FIRST or word == _BORN_LAST) and place < len(words) - 1:
            parts.append((word, []))
        else:
            parts[-1][1].append(word)
    parts = [(marker, part) for marker, part in parts if part]
    born = next((part for marker, part in parts if marker == _BORN_LAST), parts[0][1])
    usage = next((part for _, part in parts if part is not born), [])
    if usage and is_placeholder(" ".join(_untitled(born, _TITLES))):  # MARTIN NEE X: one name alone is the name
        return usage, []
    return born, usage
