"""The synthetic population: families with names and places.

Birth names pass from father to children; a few children born from 2005 bear both parents' names. Siblings never share
their first name, a child very rarely has that of the parent of its sex, as first names repeat in some families. Most
married women have a usage name: their husband's, or both. About 12 % are born abroad, of whom some with no known day or
month; no register holds better for them, so 0 is the truth there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from linkage.synthetic.families import NOBODY, Kinship, kinship
from linkage.synthetic.frequencies import Frequencies, Integers, Texts, chance, generator, weighted
from linkage.synthetic.names import DECADES, FirstNames, NameTables, name_tables
from linkage.synthetic.places import FRANCE, communes, countries

__all__ = ["FIRST_NAMES", "MARITAL_STATES", "People", "population"]

FIRST_NAMES = 4  # at most, per person
MARITAL_STATES = ("celibataire", "marie", "divorce", "veuf")

_POPULATION_STREAM = 0
_GIVEN = weighted("1:18 2:27 3:45 4:10")  # how many first names people have
_YEARS_BEHIND = 40  # the other first names are those of grandparents
_ROUNDS = 12  # of redrawing first names that repeat; each leaves a hundredth of them
_NAMESAKES = 0.005  # children with a parent in the file who bear that parent's first name
_BOTH_NAMES_FROM, _BOTH_NAMES = 2005, 0.10
_GROUP_ABROAD, _BORN_ABROAD = 0.134, 0.88  # sibling groups from abroad; their members born there
_SAME_COMMUNE = 0.8
_YEAR_ONLY, _MONTH_ONLY = 0.04, 0.01  # of those born abroad
# Who was ever married: (before this birth year, share of women with a usage name).
_USAGE = ((1950, 0.95), (1970, 0.88), (2100, 0.75))
_KEPT_AFTER_DIVORCE = 0.35
_DOUBLE_USAGE, _MEN_USAGE = 0.08, 0.02


@dataclass(frozen=True, kw_only=True)
class People:
    """n people, one per row.

    Attributes:
        person: (n,) int64, the row itself: the name of a person in the truth.
        family: number of the sibling group.
        father, mother, spouse: rows, or -1 when not in the population.
        sex: `M` or `F`.
        birth_year, birth_month, birth_day: month and day are 0 when nobody knows them.
        birth_commune: five characters, empty for people born abroad.
        birth_country: `99100` for France, `99…` else.
        birth_name, usage_name: the latter often empty.
        first_names: (n, 4) str, in order, then empty.
        marital_state: one of `MARITAL_STATES`.
    """

    person: Integers
    family: Integers
    father: Integers
    mother: Integers
    spouse: Integers
    sex: Texts
    birth_year: Integers
    birth_month: Integers
    birth_day: Integers
    birth_commune: Texts
    birth_country: Texts
    birth_name: Texts
    usage_name: Texts
    first_names: Texts
    marital_state: Texts

    def __len__(self) -> int:
        return len(self.person)


def population(size: int, seed: int, *, names_dir: str | Path | None = None) -> People:
    """`size` people, in no order.

    Args:
        size: how many, at least 0.
        seed: not negative; the same seed gives the same people on every machine.
        names_dir: folder with INSEE's name tables, used instead of the invented ones.

    Raises:
        FileNotFoundError: `names_dir` lacks a table.
    """
    rng = generator(seed, _POPULATION_STREAM)
    tables = name_tables(names_dir)
    kin = kinship(size, rng)
    commune, country = _places(rng, kin)
    month, day = _known_days(rng, kin, country)
    birth_name = _birth_names(rng, kin, tables.surnames)
    state = _marital_states(rng, kin)
    ordered = People(
        person=np.arange(size),
        family=kin.family,
        father=kin.father,
        mother=kin.mother,
        spouse=kin.spouse,
        sex=np.where(kin.woman == 1, "F", "M").astype(object),
        birth_year=kin.year,
        birth_month=month,
        birth_day=day,
        birth_commune=commune,
        birth_country=country,
        birth_name=birth_name,
        usage_name=_usage_names(rng, kin, birth_name, state, tables.surnames),
        first_names=_first_names(rng, kin, tables),
        marital_state=state,
    )
    return _reordered(ordered, rng.permutation(size))


def _reordered(people: People, order: Integers) -> People:
    """The same people in another order, references between them kept."""
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    rank[NOBODY] = NOBODY
    columns = {field.name: getattr(people, field.name)[order] for field in fields(People)}
    columns["person"] = np.arange(len(order))
    for name in ("father", "mother", "spouse"):
        columns[name] = rank[columns[name]]
    return People(**columns)


def _places(rng: np.random.Generator, kin: Kinship) -> tuple[Texts, Texts]:
    """Commune and country of birth, (n,) str each; twins are born in the same place."""
    groups = int(kin.family[-1]) + 1 if len(kin) else 0
    own = rng.random(len(kin)) >= _SAME_COMMUNE
    commune = np.where(own, communes().draw(rng, len(kin)), communes().draw(rng, groups)[kin.family])
    abroad = chance(rng, _GROUP_ABROAD, groups)[kin.family] & chance(rng, _BORN_ABROAD, len(kin))
    country = np.where(abroad, countries().draw(rng, groups)[kin.family], FRANCE)
    commune = np.where(abroad, "", commune)
    born = np.stack([kin.family, kin.year, kin.month, kin.day])
    _, first, inverse = np.unique(born, axis=1, return_index=True, return_inverse=True)
    together = first[inverse.reshape(-1)]
    return commune[together].astype(object), country[together].astype(object)


def _known_days(rng: np.random.Generator, kin: Kinship, country: Texts) -> tuple[Integers, Integers]:
    """Month and day of birth, 0 where nobody knows them."""
    drawn = rng.random(len(kin))
    abroad = country != FRANCE
    no_month = abroad & (drawn < _YEAR_ONLY)
    no_day = abroad & (drawn < _YEAR_ONLY + _MONTH_ONLY)
    return np.where(no_month, 0, kin.month), np.where(no_day, 0, kin.day)


def _birth_names(rng: np.random.Generator, kin: Kinship, surnames: Frequencies) -> Texts:
    """(n,) str; generations in order, since fathers hand their names down."""
    groups = int(kin.family[-1]) + 1 if len(kin) else 0
    drawn, second = surnames.draw(rng, groups), surnames.draw(rng, groups)
    both = chance(rng, _BOTH_NAMES, groups)
    first = np.flatnonzero(np.diff(kin.family, prepend=-1))  # the eldest of each group
    names = np.empty(len(kin), dtype=object)
    for generation in range(3):
        rows = np.flatnonzero(kin.generation == generation)
        heads = first[kin.generation[first] == generation]
        groups_here = kin.family[heads]
        father, mother = kin.father[heads], kin.mother[heads]
        drawn[groups_here] = np.where(father == NOBODY, drawn[groups_here], names[father])
        second[groups_here] = np.where(mother == NOBODY, second[groups_here], names[mother])
        recent = both[groups_here] & (kin.year[heads] >= _BOTH_NAMES_FROM)
        for group in groups_here[recent].tolist():
            drawn[group] = _double(drawn[group], second[group])
        names[rows] = drawn[kin.family[rows]]
    return names


def _double(first: str, second: str) -> str:
    """Both names with a hyphen, unless one of them has two parts already."""
    simple = first != second and not any(mark in first + second for mark in " -'")
    return f"{first}-{second}" if simple else first


def _marital_states(rng: np.random.Generator, kin: Kinship) -> Texts:
    """(n,) str; spouses share theirs."""
    drawn = rng.random(len(kin))
    drawn = np.where(kin.spouse == NOBODY, drawn, drawn[np.minimum(np.arange(len(kin)), kin.spouse)])
    alone = kin.spouse == NOBODY
    widowed = alone & (kin.year < 1960) & (drawn > 0.6)
    divorced = drawn < np.where(alone, 0.4, 0.18)
    state = np.select(
        [kin.married == 0, divorced, widowed], [MARITAL_STATES[0], MARITAL_STATES[2], MARITAL_STATES[3]], "marie"
    )
    return state.astype(object)


def _usage_names(
    rng: np.random.Generator, kin: Kinship, birth_name: Texts, state: Texts, surnames: Frequencies
) -> Texts:
    """(n,) str, empty where there is none or it would equal the birth name."""
    size = len(kin)
    theirs = np.where(kin.spouse == NOBODY, surnames.draw(rng, size), birth_name[kin.spouse])
    rates = np.zeros(size)
    for before, rate in reversed(_USAGE):
        rates[kin.year < before] = rate
    rates = np.where(kin.woman == 1, rates, _MEN_USAGE)
    rates = rates * np.where(state == "divorce", _KEPT_AFTER_DIVORCE, 1.0) * (kin.married == 1)
    using = rng.random(size) < rates
    double = using & (chance(rng, _DOUBLE_USAGE, size) | (kin.woman == 0))
    usage = np.where(using & (theirs != birth_name), theirs, "").astype(object)
    for row in np.flatnonzero(double).tolist():
        joined = _double(birth_name[row], theirs[row])
        usage[row] = joined if joined != birth_name[row] else usage[row]
    return usage


def _first_names(rng: np.random.Generator, kin: Kinship, tables: NameTables) -> Texts:
    """(n, 4) str."""
    names = np.full((len(kin), FIRST_NAMES), "", dtype=object)
    many = _GIVEN.draw(rng, len(kin)).astype(np.int64)
    for woman, sex in enumerate(("M", "F")):
        table = tables.first_names[sex]
        rows = np.flatnonzero(kin.woman == woman)
        numbers = np.empty((len(rows), FIRST_NAMES), dtype=np.int64)
        numbers[:, 0] = _main_names(rng, kin, rows, table)
        for place in range(1, FIRST_NAMES):
            numbers[:, place] = table.draw_numbers(rng, kin.year[rows] - _YEARS_BEHIND)
        _without_repeats(rng, numbers, table)
        shown = np.arange(FIRST_NAMES) < many[rows][:, None]
        names[rows] = np.where(shown, table.values[numbers], "")
    return names


def _main_names(rng: np.random.Generator, kin: Kinship, rows: Integers, table: FirstNames) -> Integers:
    """(k,) int64, the first name of people of one sex: namesakes of a parent, else unlike their siblings."""
    numbers = table.draw_numbers(rng, kin.year[rows])
    for _ in range(_ROUNDS):
        again = _repeated(kin.family[rows], numbers)
        numbers[again] = table.draw_numbers(rng, kin.year[rows[again]])
    everyone = np.full(len(kin), NOBODY, dtype=np.int64)
    everyone[rows] = numbers
    parent = np.where(kin.woman == 1, kin.mother, kin.father)
    namesakes = rows[chance(rng, _NAMESAKES, len(rows)) & (parent[rows] != NOBODY)]
    _, kept = np.unique(kin.family[namesakes], return_index=True)  # one a family
    for row in namesakes[kept].tolist():  # parents come before children
        siblings = rows[kin.family[rows] == kin.family[row]]
        if everyone[parent[row]] not in everyone[siblings]:
            everyone[row] = everyone[parent[row]]
    return everyone[rows]


def _repeated(family: Integers, numbers: Integers) -> Integers:
    """Positions of people who have the first name of a sibling met before."""
    keys = family * (int(numbers.max(initial=0)) + 1) + numbers
    _, first = np.unique(keys, return_index=True)
    seen = np.ones(len(keys), dtype=bool)
    seen[first] = False
    return np.flatnonzero(seen)


def _without_repeats(rng: np.random.Generator, numbers: Integers, table: FirstNames) -> None:
    """Redraws, in place, the other first names that a person would bear twice."""
    for place in range(1, numbers.shape[1]):
        for _ in range(_ROUNDS):
            again = np.flatnonzero((numbers[:, :place] == numbers[:, [place]]).any(axis=1))
            numbers[again, place] = table.draw_numbers(rng, np.full(len(again), DECADES[0]))
