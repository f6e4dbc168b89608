"""One slip of the hand or of the reader in a name: a letter replaced, lost, added, two swapped, or misread.

Replacing and adding follow the French keyboard (a neighbouring key, or the same one twice); misreading follows shapes
that scanners confuse (rn and m, i and l). A slip always changes the text, keeps at least one letter, and brings only
unaccented letters in.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from linkage.synthetic.frequencies import weighted
from linkage.synthetic.morphemes import without_accents

__all__ = ["mistyped"]

_KINDS = weighted("replaced:35 lost:22 added:18 swapped:12 misread:13")
_KEYBOARD = ("azertyuiop", "qsdfghjklm", "wxcvbn")
_MISREAD = (
    ("rn", "m"), ("m", "rn"), ("cl", "d"), ("d", "cl"), ("li", "h"), ("nn", "m"), ("u", "n"), ("n", "u"), ("i", "l"),
    ("l", "i"), ("e", "c"), ("c", "e"), ("b", "h"), ("h", "b"), ("o", "a"), ("a", "o"), ("f", "t"), ("t", "f"), ("v", "y"),
)  # fmt: skip


def _neighbours() -> dict[str, str]:
    """Each letter with those of the keys around it."""
    near: dict[str, str] = {}
    for line, keys in enumerate(_KEYBOARD):
        for place, key in enumerate(keys):
            around = [
                other[near_place]
                for other in _KEYBOARD[max(line - 1, 0) : line + 2]
                for near_place in range(max(place - 1, 0), min(place + 2, len(other)))
            ]
            near[key] = "".join(letter for letter in around if letter != key)
    return near


_NEIGHBOURS = _neighbours()


def mistyped(text: str, rng: np.random.Generator) -> str:
    """The text with one slip; `text` holds at least one letter."""
    kind = str(_KINDS.draw(rng, 1)[0])
    letters = [place for place, letter in enumerate(text) if letter.isalpha()]
    if kind == "swapped":
        swapped = _swapped(text, rng)
        if swapped != text:
            return swapped
    if kind == "misread":
        misread = _misread(text, rng)
        if misread != text:
            return misread
    place = letters[int(rng.integers(0, len(letters)))]
    if kind == "lost" and len(letters) > 1:
        return text[:place] + text[place + 1 :]
    key = without_accents(text[place]).lower()[0]
    around = _NEIGHBOURS.get(key, "e")
    if kind == "added":
        around += key * len(around)
        return text[: place + 1] + around[int(rng.integers(0, len(around)))] + text[place + 1 :]
    return text[:place] + _cased(around[int(rng.integers(0, len(around)))], text[place]) + text[place + 1 :]


def _cased(letters: str, model: str) -> str:
    return letters.upper() if model.isupper() else letters


def _swapped(text: str, rng: np.random.Generator) -> str:
    """Two neighbouring letters that differ, swapped; capitals stay in their places."""
    places = [
        place
        for place, (one, other) in enumerate(pairwise(text))
        if one.isalpha() and other.isalpha() and one.lower() != other.lower()
    ]
    if not places:
        return text
    place = places[int(rng.integers(0, len(places)))]
    one, other = text[place], text[place + 1]
    return text[:place] + _cased(other.lower(), one) + _cased(one.lower(), other) + text[place + 2 :]


def _misread(text: str, rng: np.random.Generator) -> str:
    """One shape taken for another."""
    lowered = text.lower()
    seen = [(lowered.find(shape), shape, other) for shape, other in _MISREAD if shape in lowered]
    if not seen:
        return text
    place, shape, other = seen[int(rng.integers(0, len(seen)))]
    return text[:place] + _cased(other, text[place : place + len(shape)]) + text[place + len(shape) :]
