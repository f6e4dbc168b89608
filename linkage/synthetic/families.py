"""Who is whose sibling, spouse and child, with sexes and birth dates; no names yet.

Three generations (born 1926–1949, 1950–1979, from 1980). Each is made of sibling groups, twins among them. Many groups of
the second and third get a couple of an earlier one as parents, of an age to be. Couples form within a generation,
people of about the same age, never siblings. People of the same file may have parents, siblings or a spouse outside it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from linkage.synthetic.frequencies import Frequencies, Integers, chance, texts, weighted

__all__ = ["FIRST_YEAR", "LAST_YEAR", "NOBODY", "Kinship", "kinship", "month_days"]

FIRST_YEAR = 1926
LAST_YEAR = 2008
NOBODY = -1

# Share of the people not yet born, years of birth of the eldest of each group.
_GENERATIONS = ((0.16, 1926, 1949), (0.5, 1950, 1979), (1.0, 1980, LAST_YEAR))
_CHILDREN = weighted("1:40 2:35 3:17 4:8")
_YEARS_BETWEEN = weighted("0:3 2:34 3:30 4:17 5:10 6:6")  # 0: twins
_MOTHER_AGES = (20, 37)
_OLDEST_MOTHER = 46
_YOUNGEST_FATHER = 17
_PARENTS = 0.8  # groups for which parents are sought; several may want the same couple, the first gets it
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
_SEASONS = np.array([975, 985, 985, 985, 1000, 1005, 1035, 1025, 1030, 1005, 985, 985], dtype=np.int64)  # births a day
_MONTHS = Frequencies(values=texts(str(month) for month in range(1, 13)), counts=_MONTH_DAYS * _SEASONS)
_SPOUSE_ELSEWHERE = 0.15  # of those who could pair off in the file
# Born before …: share of those who married.
_MARRIED = ((1950, 0.90), (1970, 0.78), (1985, 0.55), (1996, 0.30), (2003, 0.05))


@dataclass(frozen=True, kw_only=True)
class Kinship:
    """People in rows, parents before their children; (n,) int64 each.

    Attributes:
        generation: 0, 1 or 2.
        family: number of the sibling group.
        woman: 1 for a woman, 0 for a man.
        year, month, day: of birth, a valid date.
        father, mother, spouse: row, or `NOBODY`.
        married: 1 for whoever has ever married, in the file or outside.
    """

    generation: Integers
    family: Integers
    woman: Integers
    year: Integers
    month: Integers
    day: Integers
    father: Integers
    mother: Integers
    spouse: Integers
    married: Integers

    def __len__(self) -> int:
        return len(self.family)


def kinship(size: int, rng: np.random.Generator) -> Kinship:
    """The families of `size` people."""
    done = _nobody()
    for number, (share, first, last) in enumerate(_GENERATIONS):
        count = round((size - len(done)) * share)
        done = _joined(done, _generation(rng, number, count, (first, last), done))
    return done


def month_days(years: Integers, months: Integers) -> Integers:
    """(n,) int64, how many days each month has."""
    leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    days: Integers = _MONTH_DAYS[months - 1] + (leap & (months == 2))
    return days


def _nobody() -> Kinship:
    return Kinship(**{field.name: np.zeros(0, dtype=np.int64) for field in fields(Kinship)})


def _joined(first: Kinship, second: Kinship) -> Kinship:
    return Kinship(
        **{
            field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
            for field in fields(Kinship)
        }
    )


def _generation(rng: np.random.Generator, number: int, count: int, years: tuple[int, int], elders: Kinship) -> Kinship:
    """`count` people whose rows follow those of their elders."""
    family = np.repeat(np.arange(count), _CHILDREN.draw(rng, count).astype(np.int64))[:count]
    first = np.flatnonzero(np.diff(family, prepend=-1))  # row of the eldest of each group
    gaps = _YEARS_BETWEEN.draw(rng, count).astype(np.int64)
    gaps[first] = 0
    since = np.cumsum(gaps)
    since -= since[first][family]
    span = since[np.append(first[1:], count)[: len(first)] - 1]
    eldest = _eldest_years(rng, years, span)
    twin = gaps == 0
    twin[first] = False
    year = eldest[family] + since
    month, day = _days(rng, year, twin)
    father, mother = _parents(rng, elders, eldest, eldest + span)
    woman = chance(rng, 0.512, count)
    married = rng.random(count) < _marriage_rates(year)
    spouse = _spouses(rng, np.flatnonzero(married & ~woman), np.flatnonzero(married & woman), year, family)
    return Kinship(
        generation=np.full(count, number, dtype=np.int64),
        family=family + (int(elders.family[-1]) + 1 if len(elders) else 0),
        woman=woman.astype(np.int64),
        year=year,
        month=month,
        day=day,
        father=father[family],
        mother=mother[family],
        spouse=np.where(spouse == NOBODY, NOBODY, spouse + len(elders)),
        married=married.astype(np.int64),
    )


def _eldest_years(rng: np.random.Generator, years: tuple[int, int], span: Integers) -> Integers:
    """(g,) int64, the birth year of the eldest of each group, so that the youngest is born by the last year."""
    first, last = years
    drawn = rng.random(len(span))
    if first == FIRST_YEAR:  # of the oldest, fewer and fewer are left
        drawn = np.maximum(drawn, rng.random(len(span)))
    offsets: Integers = np.floor(drawn * (np.minimum(last, LAST_YEAR - span) - first + 1)).astype(np.int64)
    return first + offsets


def _days(rng: np.random.Generator, year: Integers, twin: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Month and day of birth, (n,) int64 each; a twin has those of the row before."""
    month = _MONTHS.draw_numbers(rng, len(year)) + 1
    day = np.floor(rng.random(len(year)) * month_days(year, month)).astype(np.int64) + 1
    shared = np.maximum.accumulate(np.where(twin, 0, np.arange(len(year))))
    return month[shared], day[shared]


def _parents(
    rng: np.random.Generator, elders: Kinship, eldest: Integers, youngest: Integers
) -> tuple[Integers, Integers]:
    """The rows of the father and the mother of each group, (g,) int64 each, `NOBODY` where no couple fits."""
    father = np.full(len(eldest), NOBODY, dtype=np.int64)
    mother = father.copy()
    free = (elders.woman == 1) & (elders.spouse != NOBODY) & ~np.isin(np.arange(len(elders)), elders.mother)
    wives = np.flatnonzero(free)
    wives = wives[np.argsort(elders.year[wives], kind="stable")]
    wanted = eldest - rng.integers(_MOTHER_AGES[0], _MOTHER_AGES[1] + 1, len(eldest))
    start = np.searchsorted(elders.year[wives], wanted, side="left")
    stop = np.searchsorted(elders.year[wives], wanted, side="right")
    picked = start + np.floor(rng.random(len(eldest)) * (stop - start)).astype(np.int64)
    groups = np.flatnonzero((stop > start) & chance(rng, _PARENTS, len(eldest)))
    _, kept = np.unique(picked[groups], return_index=True)  # one group a couple
    groups = groups[kept]
    wife = wives[picked[groups]]
    husband = elders.spouse[wife]
    fits = (eldest[groups] - elders.year[husband] >= _YOUNGEST_FATHER) & (
        youngest[groups] - elders.year[wife] <= _OLDEST_MOTHER
    )
    father[groups[fits]] = husband[fits]
    mother[groups[fits]] = wife[fits]
    return father, mother


def _marriage_rates(year: Integers) -> NDArray[np.float64]:
    """(n,) float64, how likely someone born that year has ever married."""
    rates = np.zeros(len(year), dtype=np.float64)
    for before, rate in reversed(_MARRIED):
        rates[year < before] = rate
    return rates


def _spouses(rng: np.random.Generator, men: Integers, women: Integers, year: Integers, family: Integers) -> Integers:
    """(n,) int64, the row of the spouse within the generation, or `NOBODY`."""
    couples = min(len(men), len(women))
    husbands, wives = (
        rows[np.argsort(year[rows] + 4 * rng.random(couples), kind="stable")]
        for rows in (rng.permutation(men)[:couples], rng.permutation(women)[:couples])
    )
    together = (family[husbands] != family[wives]) & ~chance(rng, _SPOUSE_ELSEWHERE, couples)
    spouse = np.full(len(year), NOBODY, dtype=np.int64)
    spouse[husbands[together]] = wives[together]
    spouse[wives[together]] = husbands[together]
    return spouse
