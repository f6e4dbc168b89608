"""Codes that open a right (`[action] jeton_droit`): what a sheet may say of their form, and how they are drawn.

A form is letters and signs: ``A`` a letter, ``9`` a digit, ``X`` either, ``-`` itself; ``AA-XXXX-XXXX`` gives KD-7T2M-P94Z. O and
I are never drawn: read aloud or copied by hand they are taken for 0 and 1. Codes come from the system's generator, never from a
person, a date or a number: whoever has one learns nothing of another. A form of less than forty bits would be guessed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator
from math import log2

__all__ = ["LEAST_BITS", "LONGEST_FORM", "bits_of", "draw_codes", "is_form"]

LEAST_BITS = 40
LONGEST_FORM = 40
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "0123456789"
_SETS = {"A": _LETTERS, "9": _DIGITS, "X": _LETTERS + _DIGITS}
_FORM = re.compile(r"[A9X]+(-[A9X]+)*")


def is_form(text: str) -> bool:
    """Whether a text is a form of codes that nobody guesses."""
    return len(text) <= LONGEST_FORM and _FORM.fullmatch(text) is not None and bits_of(text) >= LEAST_BITS


def bits_of(form: str) -> float:
    """How many bits are drawn for a code."""
    return sum(log2(len(_SETS[sign])) for sign in form if sign in _SETS)


def draw_codes(form: str, taken: Collection[str] = ()) -> Iterator[str]:
    """Codes without end, none twice and none of those that are taken.

    Args:
        form: of each.
        taken: codes that are given already.
    """
    given = set(taken)
    while True:
        code = "".join(secrets.choice(_SETS[sign]) if sign in _SETS else sign for sign in form)
        if code not in given:
            given.add(code)
            yield code
