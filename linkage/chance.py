"""How many pairs of strangers are expected within a distance: the likeness of people of one block counted, not only coin tosses.

Two unrelated filters agree bit by bit like coin tosses only if nothing is alike in them. People of one block are alike a
little: they share a sex, a country, some letters of their names. A pair with agreement a = (1 − 2δ)^t has its distance H
distributed as Binomial(L, (1 − a)/2). From the public spectrum of a (`linkage.exposure`) follows the number of strangers
expected at distance h or less, and with it the thresholds of a plan (design, §5): at most 1 % of the smaller file, or 0.1 %,
over all passes. Relatives are not strangers: a floor in the sheet is there for them.

Integers throughout, so that both parties get the same thresholds on any machine. The agreement is written in steps of 1/256,
a pair between two steps being shared between them (the tail is convex there: this errs on the careful side). Strangers who
agree on half or more are namesakes in everything that the sheet knows: no threshold tells them from one person, and they are
not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import accumulate
from math import comb

from linkage.exposure import SCALE, Spectrum, agreement
from linkage.statistics import BILLION

__all__ = [
    "NAMESAKES",
    "Agreements",
    "largest_distance_of_strangers",
    "strangers_by_agreement",
    "strangers_within",
    "tail",
]

_STEPS = 256  # of the agreement
NAMESAKES = 128  # steps: estimated Dice .92 at t = 4
_POINT = 256  # bits after the point of a probability: 10⁻⁷⁷, far under one pair in 10²⁰

Agreements = dict[int, int]  # step → pairs, in billionths of a pair


def strangers_by_agreement(spectrum: Spectrum, length: int, degree: int, pairs: int) -> Agreements:
    """The pairs of a pass by the step of their agreement.

    Args:
        spectrum: parts per billion of the pairs by their common insertions (`linkage.exposure.common_insertions`).
        length: m, bits of a filter before diffusion.
        degree: t.
        pairs: compared pairs expected.

    Returns:
        Steps 0 to `NAMESAKES` with billionths of pairs.
    """
    table = agreement(length, len(spectrum) - 1)
    found: Agreements = {}
    for common, weight in enumerate(spectrum.tolist()):
        if weight:
            value = table[common] ** degree >> SCALE * (degree - 1)
            step, over = divmod(value * _STEPS, 1 << SCALE)
            for place, part in ((step, (1 << SCALE) - over), (step + 1, over)):
                if part:
                    found[min(place, NAMESAKES)] = found.get(min(place, NAMESAKES), 0) + (
                        pairs * weight * part >> SCALE
                    )
    return found


def largest_distance_of_strangers(length: int, strangers: Iterable[Agreements], allowed: tuple[int, int]) -> int:
    """The largest h at which no more strangers than allowed are expected to be as near, and at least 0.

    Args:
        length: L, bits of a diffused filter.
        strangers: of each pass, see `strangers_by_agreement`.
        allowed: pairs, as (numerator, denominator).

    Returns:
        h in 0 … length/2.
    """
    together = _together(strangers)
    limit = (allowed[0] * BILLION << _POINT) // allowed[1]
    low, high = 0, length // 2
    while low < high:
        middle = (low + high + 1) // 2
        if _expected(length, together, middle) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def strangers_within(length: int, strangers: Iterable[Agreements], distance: int) -> float:
    """How many strangers are expected to be as near as that, for people to read.

    Args:
        length: L, bits of a diffused filter.
        strangers: of each pass, see `strangers_by_agreement`.
        distance: h in 0 … length/2.
    """
    return _expected(length, _together(strangers), distance) / (BILLION << _POINT)


def _together(strangers: Iterable[Agreements]) -> Agreements:
    together: Agreements = {}
    for one in strangers:
        for step, pairs in one.items():
            together[step] = together.get(step, 0) + pairs
    return together


def _expected(length: int, strangers: Mapping[int, int], distance: int) -> int:
    return sum(pairs * tail(length, step)[distance] for step, pairs in strangers.items() if step < NAMESAKES)


@lru_cache(maxsize=4 * NAMESAKES)  # public numbers, the same for everybody
def tail(length: int, step: int) -> list[int]:
    """P(H ≤ h) for h in 0 … length/2 at an agreement of step/256, with `_POINT` bits after the point, rounded down.

    The chance of H = length/2 is exact, each smaller one follows from the one above it:
    P(k − 1) = P(k) · k(256 + step) / (length − k + 1)(256 − step).
    """
    differ, agree, half = _STEPS - step, _STEPS + step, length // 2
    chances = [(comb(length, half) * differ**half * agree ** (length - half) << _POINT) // (2 * _STEPS) ** length]
    for place in range(half, 0, -1):
        chances.append(chances[-1] * (place * agree) // ((length - place + 1) * differ))
    return list(accumulate(reversed(chances)))
