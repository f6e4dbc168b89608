"""Counts of people as others than their holder may see them: never under 11, never exact.

A band is one of ``0-10, 11-19, 20-49, 50-99, 100-199, 200-499 …``: bounds at 1, 2 and 5 times a power of ten. What is under
`LEAST` is one band, zero included, so that nobody can tell that there is nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from service.forms import Count, Message, integer

__all__ = ["LEAST", "Band", "band_of", "spelled"]

LEAST = 11  # people: the smallest number that is ever told
_LARGEST = 10**15


@dataclass(frozen=True, kw_only=True)
class Band(Message):
    """Between which bounds a count lies, both included."""

    least: Count
    most: Annotated[int, integer(0, _LARGEST)]


def band_of(count: int) -> Band:
    """The band of a count.

    Raises:
        ValueError: a negative number counts nobody.
    """
    if count < 0:
        raise ValueError("a count is not negative")
    if count < LEAST:
        return Band(least=0, most=LEAST - 1)
    least, step = LEAST, 0
    while True:
        most = (2, 5, 10)[step % 3] * 10 ** (1 + step // 3)
        if count < most:
            return Band(least=least, most=most - 1)
        least, step = most, step + 1


def spelled(band: Band) -> str:
    """A band in French words."""
    if band.most < LEAST:
        return f"moins de {LEAST}"
    return f"de {band.least} à {band.most}"
