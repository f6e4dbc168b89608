"""Households of one invented département: who lives with whom, where, and the children under age.

Adults are those of `linkage.synthetic.people`. Spouses live together, and so do couples who never married; many young adults live
with their parents; the others live alone. Children are born to couples and to people alone, by the mother's age; they bear their
father's name, or both. Every proportion is an assumption, of the order of what is published for a mid-sized département.

The département bears a number that none has (96), its communes the codes 96001 to 96060, the largest first.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkage.synthetic.families import NOBODY, month_days
from linkage.synthetic.frequencies import Frequencies, Integers, Texts, chance, generator, texts, weighted
from linkage.synthetic.names import name_tables
from linkage.synthetic.people import FIRST_NAMES, People, population
from linkage.synthetic.places import FRANCE

__all__ = ["ADULT_YEARS", "COMMUNES", "Households", "households"]

ADULT_YEARS = 18
COMMUNES = 60

_HOUSEHOLD_STREAM = 11
_ADULT_SHARE = 0.69
_COHABITING = 0.95  # of those alone, aged 22 to 75, who could pair off
_WITH_PARENTS = 0.7  # of the young adults who have a parent in the world
_YOUNG = 25
_MOTHERS = (20, 44)  # ages at the birth of a child under age
_IN_COUPLE = weighted("0:18 1:25 2:36 3:15 4:6")  # children, of couples whose age allows some
_ALONE = weighted("0:66 1:20 2:11 3:3")
_BORN_HERE = 0.8
_BOTH_NAMES = 0.12
_GIVEN = weighted("1:22 2:38 3:32 4:8")
_WAYS = weighted("rue:52 avenue:12 chemin:11 impasse:8 allée:7 place:4 boulevard:3 route:3")
_WAY_NAMES = 160  # of streets, invented like the names of people
_MORE = weighted("_:82 bis:6 ter:2 bât._A:5 bât._B:5")


@dataclass(frozen=True, kw_only=True)
class Households:
    """Everybody, adults first, and who lives where.

    Attributes:
        people: adults and children; a child's parents are rows.
        born: (n,) int64, ordinals of the days of birth, unknown days taken as the first.
        home: (n,) int64, the household of each person.
        head: (h,) int64, the row of the adult who stands first in each household.
        partner: (n,) int64, who lives with each adult as a couple, or `NOBODY`.
        commune: (h,) str, INSEE code; `postcode`, `street` of each household's address.
        postcode: (h,) str.
        street: (h,) str, number and street.
    """

    people: People
    born: Integers
    home: Integers
    head: Integers
    partner: Integers
    commune: Texts
    postcode: Texts
    street: Texts

    @property
    def count(self) -> int:
        """How many households there are."""
        return len(self.head)

    def ages(self, today: date) -> Integers:
        """(n,) int64, complete years on a day."""
        people = self.people
        month, day = np.maximum(people.birth_month, 1), np.maximum(people.birth_day, 1)
        before = (month > today.month) | ((month == today.month) & (day > today.day))
        ages: Integers = today.year - people.birth_year - before
        return ages


def households(size: int, seed: int, today: date, *, names_dir: str | Path | None = None) -> Households:
    """About `size` people and where they live on a day.

    Args:
        size: people, children included; the number comes out within a few in a hundred.
        seed: not negative; the same seed gives the same world on every machine.
        today: the day of the world.
        names_dir: as for `linkage.synthetic.people.population`.
    """
    rng = generator(seed, _HOUSEHOLD_STREAM)
    adults = population(round(size * _ADULT_SHARE), seed, names_dir=names_dir)
    ages = today.year - adults.birth_year
    partner = _couples(rng, adults, ages)
    home, head = _homes(rng, adults, ages, partner)
    children = _Children(rng, adults, ages, partner, today).made(names_dir)
    people = _joined(adults, children)
    home = np.concatenate([home, home[np.where(children.mother == NOBODY, children.father, children.mother)]])
    commune = _communes().draw_numbers(rng, len(head)) + 1
    number = 1 + np.floor(rng.random(len(head)) ** 2 * 120).astype(np.int64)
    names = name_tables(names_dir).surnames.values[: _WAY_NAMES * 3 : 3]
    name = names[rng.integers(0, _WAY_NAMES, len(head))]
    parts = zip(number.tolist(), _MORE.draw(rng, len(head)), _WAYS.draw(rng, len(head)), name, strict=True)
    street = texts(f"{n} {more.replace('_', ' ')} {way} {own}".replace("  ", " ") for n, more, way, own in parts)
    return Households(
        people=people,
        born=_ordinals(people),
        home=home,
        head=head,
        partner=np.concatenate([partner, np.full(len(children), NOBODY)]),
        commune=texts(f"96{one:03}" for one in commune.tolist()),
        postcode=texts(f"96{one * 10:03}" for one in commune.tolist()),
        street=street,
    )


def _communes() -> Frequencies:
    counts = np.array([round(100_000 / (rank + 1) ** 1.0) for rank in range(1, COMMUNES + 1)], dtype=np.int64)
    return Frequencies(values=texts(str(one) for one in range(COMMUNES)), counts=counts)


def _couples(rng: np.random.Generator, adults: People, ages: Integers) -> Integers:
    """(a,) int64, who each adult lives with."""
    married = (adults.spouse != NOBODY) & (adults.marital_state == "marie")
    partner = np.where(married & married[adults.spouse], adults.spouse, NOBODY)
    free = (partner == NOBODY) & (ages >= 22) & (ages <= 75) & (adults.marital_state != "veuf")
    sides = []
    for sex in ("M", "F"):
        rows = np.flatnonzero(free & (adults.sex == sex) & chance(rng, _COHABITING, len(ages)))
        sides.append(rows[np.argsort(ages[rows] + 5 * rng.random(len(rows)), kind="stable")])
    count = min(map(len, sides))
    men, women = (_spread(rows, count) for rows in sides)
    apart = (adults.family[men] != adults.family[women]) & (abs(ages[men] - ages[women]) <= 12)
    partner[men[apart]], partner[women[apart]] = women[apart], men[apart]
    return partner


def _spread(rows: Integers, count: int) -> Integers:
    """`count` of the rows, evenly from all of them."""
    spread: Integers = rows[np.floor(np.arange(count) * (len(rows) / max(count, 1))).astype(np.int64)]
    return spread


def _homes(rng: np.random.Generator, adults: People, ages: Integers, partner: Integers) -> tuple[Integers, Integers]:
    """The household of each adult, and its head."""
    rows = np.arange(len(ages))
    parent = np.where(adults.mother != NOBODY, adults.mother, adults.father)
    young = (ages < _YOUNG) & (partner == NOBODY) & (parent != NOBODY) & chance(rng, _WITH_PARENTS, len(ages))
    host = np.where(young, parent, rows)
    lead = np.where((partner[host] != NOBODY) & (partner[host] < host), partner[host], host)
    head, home = np.unique(lead, return_inverse=True)
    return home.reshape(-1).astype(np.int64), head.astype(np.int64)


class _Children:
    """Children under age: the mother's row stands for the household, also where the father lives alone with them."""

    def __init__(
        self, rng: np.random.Generator, adults: People, ages: Integers, partner: Integers, today: date
    ) -> None:
        self._rng, self._adults, self._ages, self._partner, self._today = rng, adults, ages, partner, today

    def made(self, names_dir: str | Path | None) -> People:
        rng, adults = self._rng, self._adults
        carer, year, month, day = self._births()
        count = len(carer)
        woman = adults.sex[carer] == "F"
        mother = np.where(woman, carer, NOBODY)
        father = np.where(woman, self._partner[carer], carer)
        sex = np.where(chance(rng, 0.512, count), "M", "F").astype(object)
        own = np.where(father != NOBODY, adults.birth_name[father], adults.birth_name[carer])
        both = chance(rng, _BOTH_NAMES, count) & woman & (father != NOBODY)
        surname = [
            f"{one}-{other}" if two and one != other and not any(mark in one + other for mark in " -'") else one
            for one, other, two in zip(own, adults.birth_name[carer], both.tolist(), strict=True)
        ]
        here = chance(rng, _BORN_HERE, count)
        near = np.array([f"96{1 + one:03}" for one in rng.integers(0, 4, count).tolist()], dtype=object)
        return People(
            person=np.arange(count),
            family=int(adults.family.max(initial=0)) + 1 + carer,
            father=father,
            mother=mother,
            spouse=np.full(count, NOBODY),
            sex=sex,
            birth_year=year,
            birth_month=month,
            birth_day=day,
            birth_commune=np.where(here, near, adults.birth_commune[rng.integers(0, len(adults), count)]),
            birth_country=np.full(count, FRANCE, dtype=object),
            birth_name=texts(surname),
            usage_name=np.full(count, "", dtype=object),
            first_names=_first_names(rng, sex, year, names_dir),
            marital_state=np.full(count, "celibataire", dtype=object),
        )

    def _births(self) -> tuple[Integers, Integers, Integers, Integers]:
        """The parent who has each child, and the day of birth, siblings at least a year apart."""
        rng, ages, adults = self._rng, self._ages, self._adults
        women = adults.sex == "F"
        able = (ages >= _MOTHERS[0]) & (ages <= _MOTHERS[1] + ADULT_YEARS - 1)
        couple, alone = self._partner != NOBODY, self._partner == NOBODY
        wanted = np.zeros(len(ages), dtype=np.int64)
        for rows, law in ((couple & women & able, _IN_COUPLE), (alone & able & (ages > _YOUNG), _ALONE)):
            wanted[rows] = law.draw(rng, int(rows.sum())).astype(np.int64)
        wanted[alone & ~women] //= 2  # fathers alone with their children are fewer
        carer = np.repeat(np.flatnonzero(wanted), wanted[wanted > 0])
        earliest = np.maximum(0, ages[carer] - _MOTHERS[1])
        latest = np.minimum(ADULT_YEARS - 1, ages[carer] - _MOTHERS[0])
        age = earliest + np.floor(rng.random(len(carer)) * (latest - earliest + 1)).astype(np.int64)
        _, first = np.unique(carer * 100 + age, return_index=True)  # one child a year and household
        carer, age = carer[np.sort(first)], age[np.sort(first)]
        days = self._today.toordinal() - (age * 365.2425 + 1 + rng.random(len(age)) * 364).astype(np.int64)
        return carer, *_parts(days)


def _first_names(rng: np.random.Generator, sex: Texts, year: Integers, names_dir: str | Path | None) -> Texts:
    """(n, 4) str."""
    tables = name_tables(names_dir).first_names
    names = np.full((len(sex), FIRST_NAMES), "", dtype=object)
    many = _GIVEN.draw(rng, len(sex)).astype(np.int64)
    for one in ("M", "F"):
        rows = np.flatnonzero(sex == one)
        for place in range(FIRST_NAMES):
            drawn = tables[one].values[tables[one].draw_numbers(rng, year[rows] - 40 * (place > 0))]
            repeated = (names[rows, :place] == drawn[:, None]).any(axis=1) if place else np.zeros(len(rows), dtype=bool)
            names[rows, place] = np.where((many[rows] > place) & ~repeated, drawn, "")
        names[rows] = _closed_up(names[rows])
    return names


def _closed_up(names: Texts) -> Texts:
    """Names without gaps between them, in their order."""
    order = np.argsort(names == "", axis=1, kind="stable")
    closed: Texts = np.take_along_axis(names, order, axis=1)
    return closed


def _parts(days: Integers) -> tuple[Integers, Integers, Integers]:
    """Year, month and day of ordinals."""
    moment = (days - date(1970, 1, 1).toordinal()).astype("datetime64[D]")
    months = moment.astype("datetime64[M]")
    number = months.astype(np.int64)
    day = (moment - months.astype("datetime64[D]")).astype(np.int64) + 1
    return number // 12 + 1970, number % 12 + 1, day


def _ordinals(people: People) -> Integers:
    """(n,) int64, days of birth."""
    month = np.maximum(people.birth_month, 1)
    day = np.minimum(np.maximum(people.birth_day, 1), month_days(people.birth_year, month))
    months = (people.birth_year - 1970) * 12 + month - 1
    start: NDArray[np.int64] = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return start + day - 1 + date(1970, 1, 1).toordinal()


def _joined(adults: People, children: People) -> People:
    """Adults, then children, numbered anew."""
    columns = {
        one.name: np.concatenate([getattr(adults, one.name), getattr(children, one.name)]) for one in fields(People)
    }
    columns["person"] = np.arange(len(adults) + len(children))
    return People(**columns)
