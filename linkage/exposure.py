"""How much a pass exposes: κ, the spread of the similarities that the third party can see inside a block.

κ = √L · sd of (1 − 2δ)^t over pairs of different people of one block, δ being the share of bits in which their filters differ
before diffusion. Whoever knows s people of a block and holds a reference file finds others at a rate that depends on κ·√s
alone (docs/threat-model.md). The diffusion degree t is chosen by pass so that no pass exposes much more than another.

What two strangers of a block have in common follows from public statistics: the likeness of names with the same first letters
(`benchmarks.public_statistics`), the calendar, the number of values of a code. Attributes are taken as independent. Families are
not considered: κ of files with families is up to three times as high, all of it made by relatives in one block (decision 0051).
Integers throughout: the same degree on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.features import insertions_by_group, parts_of
from linkage.profiles import Profile
from linkage.statistics import BILLION, Statistics

__all__ = ["SCALE", "Spectrum", "agreement", "common_insertions", "exposure", "least_degree"]

Spectrum = NDArray[np.int64]  # of common insertions: parts per billion of the pairs, (K + 1,)

SCALE = 30  # bits after the point of an agreement
_MOST_RAISED = 4  # above its least: where only relatives are still alike, more XORs cost links and hide nobody
_SAME_COUNTRY = 775  # per mille of pairs born in the same country: 88 % are born in France
_CENTURY = 2  # first place of a date whose digit is a token (`linkage.features`)
_MONTH = 4  # first place of the month
_UNDECLARED = 1000  # equally frequent values of a code of which the sheet says nothing
_ALIKE = 100  # per mille of the bits of a code that two different codes have in common


def exposure(
    attributes: Sequence[Attribute], statistics: Statistics, profile: Profile, left_out: Sequence[str], degree: int
) -> int:
    """κ in thousandths, rounded up, of blocks whose filters lack these components."""
    squared = _squared(common_insertions(attributes, statistics, profile, left_out), profile.length, degree)
    root = 0
    while root * root << 2 * SCALE < squared * 1_000_000:
        root += 1
    return root


def least_degree(profile: Profile, spectrum: Spectrum, least: int) -> int:
    """The smallest degree from `least` on at which κ is at most what the profile aims at, at most 4 more than `least`."""
    for degree in range(least, least + _MOST_RAISED):
        if _squared(spectrum, profile.length, degree) * 1_000_000 <= profile.exposure**2 << 2 * SCALE:
            return degree
    return least + _MOST_RAISED


def _squared(spectrum: Spectrum, length: int, degree: int) -> int:
    """κ² with twice `SCALE` bits after the point."""
    table = agreement(length, len(spectrum) - 1)
    mean = square = 0
    for common, weight in zip(
        *(part.tolist() for part in (np.flatnonzero(spectrum), spectrum[spectrum > 0])), strict=True
    ):
        value = table[common] ** degree >> SCALE * (degree - 1)
        mean += weight * value
        square += weight * value * value
    total = int(spectrum.sum())
    return length * (square * total - mean * mean) // (total * total)


@cache
def agreement(length: int, insertions: int) -> list[int]:
    """1 − 2δ of two filters by their number of common insertions, with `SCALE` bits after the point, at least 0.

    Each filter gets `insertions` positions out of `length` with repetition, of which C are the same:
    1 − 2(2·q^K − 2·q^(2K − C)) with q = 1 − 1/m, the chance that an insertion misses a given bit.
    """
    point = 1 << 62
    powers = [point]
    for _ in range(2 * insertions):
        powers.append(powers[-1] * (length - 1) // length)
    own = powers[insertions]
    exact = [point - 4 * own + 4 * powers[2 * insertions - common] for common in range(insertions + 1)]
    return [max(0, value) >> 62 - SCALE for value in exact]


def common_insertions(
    attributes: Sequence[Attribute], statistics: Statistics, profile: Profile, left_out: Sequence[str]
) -> Spectrum:
    """How many insertions two strangers of one block have in common, up to all that they have."""
    shares = insertions_by_group(attributes, profile.insertions, left_out)
    absent = sum(sum(shares[one.name].values()) for one in attributes if one.second_form_of)
    spectrum = np.zeros(profile.insertions - absent + 1, dtype=np.int64)
    spectrum[0] = BILLION
    for one in attributes:
        if one.second_form_of is None:  # few people have a second form of their name
            for part in _of_attribute(one, shares[one.name], statistics, parts_of(one, left_out)):
                spectrum = _sum(spectrum, part)
    for part in _across(attributes, shares, statistics):
        spectrum = _sum(spectrum, part)
    return spectrum


def _across(
    attributes: Sequence[Attribute], shares: Mapping[str, Mapping[str, int]], statistics: Statistics
) -> list[dict[int, int]]:
    """One person's surname against the other's first names, and so on: all names share their tokens."""
    kinds = {"grams": "name", "first": "given_names", "others": "given_names"}
    budgets = dict.fromkeys(kinds, 0)
    for one in attributes:
        for group, share in shares[one.name].items():
            if one.second_form_of is None and kinds.get(group) == one.kind:
                budgets[group] = max(budgets[group], share)
    found = []
    for name, likeness in statistics.likeness("across", "").items():
        least = min(budgets[group] for group in name.split("/"))
        found += [_scaled(likeness, least)] * 2  # each may be either person's
    return found


def _sum(left: Spectrum, right: Mapping[int, int]) -> Spectrum:
    """Of the sum of two independent numbers of insertions."""
    total = np.zeros_like(left)
    for common, weight in right.items():
        total[common:] += left[: len(left) - common] * weight // BILLION
    return total


def _of_attribute(
    attribute: Attribute, shares: Mapping[str, int], statistics: Statistics, parts: Sequence[str]
) -> list[dict[int, int]]:
    """Independent numbers of common insertions of one attribute, each with its parts per billion."""
    if not shares:
        return []
    if attribute.kind == "date":
        return _of_date(shares, statistics, attribute.name, frozenset(parts))
    whole = sum(shares.values())
    if attribute.kind in ("name", "given_names", "text", "cog") and attribute.compare in ("", "bigrams"):
        letters = max((part for part in parts if part != "value"), key=("initial", "two", "three").index, default="")
        known = statistics.likeness("name" if attribute.kind == "text" else attribute.kind, letters)
        if set(known) != set(shares):
            return [_scaled(next(iter(known.values())), whole)]
        return [_scaled(known[group], share) for group, share in shares.items()]
    same = _same(attribute, statistics)
    alike = whole * _ALIKE // 1000 if attribute.kind == "code" else 0
    return [{whole: same, alike: BILLION - same}]


def _scaled(likeness: Mapping[str, int], share: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for step, weight in likeness.items():
        common = share * int(step) // 1000
        found[common] = found.get(common, 0) + weight * (BILLION // 1_000_000)
    return found


def _same(attribute: Attribute, statistics: Statistics) -> int:
    """Parts per billion of the pairs of people with the same value."""
    if attribute.kind == "country":
        return BILLION // 1000 * _SAME_COUNTRY
    if attribute.kind == "sex" or attribute.name in statistics.declared:
        shares, counts = statistics.product([f"{attribute.name}.value"])
        return int((shares**2 * counts).sum()) // BILLION
    return BILLION // _UNDECLARED


def _of_date(
    shares: Mapping[str, int], statistics: Statistics, name: str, left_out: frozenset[str]
) -> list[dict[int, int]]:
    """Years, and days with months, are independent."""
    digits = len(set(range(_CENTURY, 8)) - {place for part in left_out for place in _HIDDEN[part]})
    each = shares.get("digits", 0) // max(1, digits)
    years = tuple(statistics.named(f"{name}.year").items())
    of_year = _of_years(years, each, shares.get("year", 0), left_out)
    wholes = (shares.get("month", 0), shares.get("day", 0), shares.get("day_month", 0))
    return [_normal(of_year), _normal(_of_days(wholes, each, left_out))]


_HIDDEN = {
    "year": range(4),
    "decade": range(3),
    "unit": range(3, 4),
    "month": range(4, 6),
    "day": range(6, 8),
    "day_month": range(4, 8),
}


@lru_cache(maxsize=256)  # public numbers, the same for everybody
def _of_years(years: tuple[tuple[str, int], ...], each: int, whole: int, left_out: frozenset[str]) -> dict[int, int]:
    """Common insertions of two years: `each` for an equal digit that is told, `whole` for the same year."""
    digits = np.array([list(year) for year, _ in years])
    equal = digits[:, None, :] == digits[None, :, :]
    given = sorted({place for part in left_out for place in _HIDDEN[part] if place < _MONTH})
    told = [place for place in range(_CENTURY, _MONTH) if place not in given]
    common = each * equal[:, :, told].sum(axis=2) + whole * equal.all(axis=2)
    kept = equal[:, :, given].all(axis=2)
    weights = np.array([share for _, share in years], dtype=np.int64)
    return _counted(common[kept], np.outer(weights, weights)[kept])  # together at most BILLION², under 2⁶³


@lru_cache(maxsize=256)  # public numbers, the same for everybody
def _of_days(wholes: tuple[int, int, int], each: int, left_out: frozenset[str]) -> dict[int, int]:
    """Common insertions of two days of the year, each day as likely (a leap day as well: it hardly matters).

    `wholes` are those for the same month, the same day and the same day and month, `each` for an equal digit.
    """
    month, day = np.repeat(np.arange(1, 13), 31), np.tile(np.arange(1, 32), 12)
    same_month, same_day = month[:, None] == month[None, :], day[:, None] == day[None, :]
    kept = np.ones_like(same_month)
    common = np.zeros(same_month.shape, dtype=np.int64)
    if left_out & {"month", "day_month"}:
        kept &= same_month
    else:
        common += wholes[0] * same_month + each * _equal_digits(month)
    if left_out & {"day", "day_month"}:
        kept &= same_day
    else:
        common += wholes[1] * same_day + each * _equal_digits(day)
    swapped = (month[:, None] == day[None, :]) & (day[:, None] == month[None, :])
    common += wholes[2] * ((same_month & same_day) | swapped)
    return _counted(common[kept], np.ones(np.count_nonzero(kept), dtype=np.int64))


def _counted(common: NDArray[np.int64], weights: NDArray[np.int64]) -> dict[int, int]:
    values, place = np.unique(common, return_inverse=True)
    totals = np.zeros(len(values), dtype=np.int64)
    np.add.at(totals, place.ravel(), weights)
    return dict(zip(values.tolist(), totals.tolist(), strict=True))


def _equal_digits(values: NDArray[np.int64]) -> NDArray[np.int64]:
    tens, units = values // 10, values % 10
    equal: NDArray[np.int64] = (tens[:, None] == tens[None, :]).astype(np.int64) + (units[:, None] == units[None, :])
    return equal


def _normal(weights: Mapping[int, int]) -> dict[int, int]:
    total = sum(weights.values())
    return {common: weight * BILLION // total for common, weight in weights.items()}
