"""The synthetic population: its published figures, its families, the mistakes at their rates, and the truth."""

from __future__ import annotations

import calendar
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.synthetic.families import month_days
from linkage.synthetic.files import COLUMNS, TwoFiles, identities, subgroups, two_files, write_file
from linkage.synthetic.frequencies import Frequencies, generator, texts
from linkage.synthetic.mistakes import (
    CERTIFIE,
    DECLARATIF,
    PROFILES,
    SANS_ERREUR,
    VERIFIE_AGENT,
    ErrorProfile,
    with_mistakes,
)
from linkage.synthetic.morphemes import without_accents
from linkage.synthetic.names import DECADES, FIRST_NAMES_FILE, SURNAMES_FILE, name_tables
from linkage.synthetic.people import People, population
from linkage.synthetic.places import DEPARTEMENTS, FRANCE, communes, countries, other_epoch
from linkage.synthetic.slips import mistyped

SIZE = 60_000
COHORTS_1940_2005 = {1940: 10, 1950: 10, 1960: 10, 1970: 10, 1980: 10, 1990: 10, 2000: 6}
# INSEE, effective first names of each decade of birth from 1900 to 2000.
PUBLISHED_DECADES = {
    "M": (38.9, 36.1, 32.1, 30.1, 28.2, 44.7, 56.2, 70.9, 99.3, 129.0, 196.8),
    "F": (21.6, 29.8, 45.2, 54.1, 54.7, 67.5, 59.2, 84.5, 122.4, 162.4, 221.6),
}
# SHA-256 of what the seeds 42 and 5 give: they change only with the generator, never with the machine.
FROZEN_POPULATION = "41f7066078144ba043a0285d9943f8d96d1e7dfdda1e255cfc560db60ca19dc2"
FROZEN_FILES = "570b517eb5c5491fd0fc47713505442218ec981a898ac998656440387b96e525"
Columns = dict[str, list[str]]


@cache
def everybody() -> People:
    return population(SIZE, 7)


@cache
def right_columns() -> Columns:
    return identities(everybody(), np.arange(SIZE))


@cache
def some_columns() -> Columns:
    return {key: column[:24_000] for key, column in right_columns().items()}


@cache
def pair() -> TwoFiles:
    return two_files(
        size_left=6000,
        size_right=5000,
        overlap=2000,
        seed=11,
        profile_left=SANS_ERREUR,
        profile_right=SANS_ERREUR,
    )


def digest(columns: Iterable[Iterable[object]]) -> str:
    lines = "\n".join("\x1f".join(map(str, column)) for column in columns)
    return hashlib.sha256(lines.encode()).hexdigest()


def effective(values: Iterable[str]) -> float:
    """Plain oracle: the inverse of the chance that two different draws coincide."""
    counts = list(Counter(values).values())
    total = sum(counts)
    return total * (total - 1) / sum(count * (count - 1) for count in counts)


def near(expected: float, actual: float, tolerance: float) -> bool:
    return abs(actual - expected) <= tolerance * expected


# Frequencies and names


def test_shares_and_effective_number_are_those_of_plain_arithmetic():
    """Shares and 1/Σp² of a small table, by hand."""
    table = Frequencies(values=texts(["a", "b", "c"]), counts=np.array([1, 6, 3], dtype=np.int64))
    assert table.shares.tolist() == [0.6, 0.3, 0.1]
    assert abs(table.effective - 1 / 0.46) < 1e-12


def test_draws_follow_the_counts():
    """A value of count zero never comes; the others come in proportion."""
    table = Frequencies(values=texts(["a", "b", "c"]), counts=np.array([1, 0, 3], dtype=np.int64))
    drawn = Counter(table.draw(generator(1, 1), 40_000).tolist())
    assert set(drawn) == {"a", "c"}
    assert near(0.75, drawn["c"] / 40_000, 0.02)


def test_surnames_have_the_published_concentration():
    """Effective number, shares of the first 10 and 1,000, slope of the body, distinct names."""
    table = name_tables().surnames
    shares = table.shares
    ranks = np.unique(np.geomspace(100, 50_000, 200).astype(np.int64))
    slope = np.polyfit(np.log(ranks), np.log(shares[ranks - 1]), 1)[0]
    assert near(7763, table.effective, 0.10)
    assert near(0.017, float(shares[:10].sum()), 0.10)
    assert near(0.24, float(shares[:1000].sum()), 0.05)
    assert abs(slope + 0.82) < 0.04
    assert len(set(table.values.tolist())) >= 150_000


def test_surnames_stay_distinct_without_accents_and_punctuation():
    """A normaliser does not merge two surnames, so that the published concentration survives it."""
    folded = {re.sub("[ '-]", "", without_accents(name)).lower() for name in name_tables().surnames.values}
    assert len(name_tables().surnames.values) == len(folded)


def test_surname_initials_are_those_of_french_surnames():
    """B, L, C, D, M, G, P, R carry two thirds of the people; K, U, W, X, Y, Z few."""
    table = name_tables().surnames
    shares: Counter[str] = Counter()
    for name, count in zip(table.values.tolist(), table.counts.tolist(), strict=True):
        shares[without_accents(name)[0].upper()] += count / int(table.cumulative[-1])
    assert all(shares[letter] > 0.045 for letter in "BLCDMGPR")
    assert 0.63 < sum(shares[letter] for letter in "BLCDMGPR") < 0.77
    assert all(shares[letter] < 0.015 for letter in "KUWXYZ")


def test_surnames_have_the_awkward_kinds():
    """Particles, double names, very short names, and the one that readers take for a missing value."""
    names = set(name_tables().surnames.values.tolist())
    assert "NA" in names
    assert all(any(name.startswith(start) for name in names) for start in ("de ", "de la ", "d'", "Le ", "L'"))
    assert any("-" in name for name in names)
    assert any(len(name) == 2 for name in names)


@pytest.mark.parametrize("sex", ["M", "F"])
def test_first_names_of_each_decade_have_the_published_effective_number(sex: str):
    """Within a tenth, for each decade of birth."""
    table = name_tables().first_names[sex]
    published = dict(zip(DECADES, PUBLISHED_DECADES[sex], strict=True))
    far = [decade for decade in DECADES if not near(published[decade], table.decades[decade].effective, 0.10)]
    assert not far


@pytest.mark.parametrize(("sex", "expected"), [("M", 130), ("F", 184)])
def test_first_names_of_all_cohorts_have_the_published_effective_number(sex: str, expected: int):
    """People born from 1940 to 2005 together: the fashions change as fast as in France."""
    assert near(expected, name_tables().first_names[sex].mixture(COHORTS_1940_2005).effective, 0.05)


@pytest.mark.parametrize("sex", ["M", "F"])
def test_first_names_follow_the_cohort(sex: str):
    """Grandparents and grandchildren share few names; composed names culminate in the fifties."""
    table = name_tables().first_names[sex]
    composed = np.array(["-" in name for name in table.values.tolist()])
    shares = {decade: one.counts / one.cumulative[-1] for decade, one in table.decades.items()}
    assert np.minimum(shares[1930], shares[2000]).sum() < 0.45
    assert np.minimum(shares[1990], shares[2000]).sum() > 0.55
    assert max(shares, key=lambda decade: float(shares[decade][composed].sum())) == 1950
    assert 0.07 < shares[1950][composed].sum() < 0.11


def test_names_have_french_letters_that_windows_can_write():
    """Each of é è ç ï œ occurs, and every name exists in Windows-1252, in capitals too."""
    tables = name_tables()
    names = [tables.surnames.values, *(one.values for one in tables.first_names.values())]
    written = "\n".join(name for values in names for name in values.tolist())
    assert set() == set("éèçïœ") - set(written)
    assert written.upper() == written.upper().encode("cp1252").decode("cp1252")


def test_accents_and_ligatures_are_spelled_out():
    """Ligatures become two letters, case and punctuation stay."""
    assert without_accents("Lecœur-Ça d'Éloïse Æ") == "Lecoeur-Ca d'Eloise AE"


# People


def test_birth_dates_are_valid_and_partial_only_abroad():
    """Every known date exists; unknown days and months belong to people born abroad."""
    people = everybody()
    for year, month, day, country in zip(
        people.birth_year.tolist(),
        people.birth_month.tolist(),
        people.birth_day.tolist(),
        people.birth_country.tolist(),
        strict=True,
    ):
        assert 1926 <= year <= 2008
        if month and day:
            date(year, month, day)
        else:
            assert country != FRANCE
            assert day == 0
    abroad = people.birth_country != FRANCE
    assert near(0.05, float((people.birth_day[abroad] == 0).mean()), 0.25)
    assert ((people.birth_month == 2) & (people.birth_day == 29)).any()


def test_month_lengths_are_those_of_the_calendar():
    """The vectorised lengths against the standard library."""
    months = [(year, month) for year in range(1896, 2012) for month in range(1, 13)]
    years, numbers = (np.array(part, dtype=np.int64) for part in zip(*months, strict=True))
    assert [calendar.monthrange(*one)[1] for one in months] == month_days(years, numbers).tolist()


def test_places_are_well_formed_and_of_uneven_size():
    """Codes of five characters in a known département or a foreign country, never both; a tenth of it abroad."""
    people = everybody()
    form = re.compile(rf"(?:{'|'.join(DEPARTEMENTS)})\d{{2,3}}")
    for code, country in zip(people.birth_commune.tolist(), people.birth_country.tolist(), strict=True):
        assert bool(code) == (country == FRANCE)
        assert re.fullmatch(r"99\d{3}", country)
        assert not code or (len(code) == 5 and form.fullmatch(code))
    assert near(0.12, float((people.birth_country != FRANCE).mean()), 0.08)
    born = Counter(code for code in people.birth_commune.tolist() if code)
    assert sum(count for _, count in born.most_common(100)) > 0.15 * sum(born.values())
    assert any(code.startswith("751") for code in born)
    assert "75056" not in born
    assert FRANCE not in countries().values.tolist()
    assert len(communes().values) == len(set(communes().values.tolist()))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("75113", "75056"),
        ("13205", "13055"),
        ("69383", "69123"),
        ("2A004", "20004"),
        ("2B033", "20033"),
        ("92036", "75036"),
        ("95127", "78127"),
        ("97611", "98511"),
        ("01010", "01009"),
        ("01011", ""),
        ("97411", ""),
    ],
    ids=["paris", "marseille", "lyon", "corse", "corse", "seine", "oise", "mayotte", "fusion", "aucune", "reunion"],
)
def test_other_epochs_give_other_codes(now: str, then: str):
    """Arrondissements, Corsica, the Seine, Seine-et-Oise, Mayotte, merged communes, and places that never changed."""
    assert then == other_epoch(now)


def test_siblings_share_surname_and_differ_by_first_name():
    """A sibling group has one birth name; no two of its members of one sex have the same first name."""
    people = everybody()
    names: dict[int, set[str]] = {}
    firsts: Counter[tuple[int, str, str]] = Counter()
    for family, name, sex, first in zip(
        people.family.tolist(),
        people.birth_name.tolist(),
        people.sex.tolist(),
        people.first_names[:, 0].tolist(),
        strict=True,
    ):
        names.setdefault(family, set()).add(name)
        firsts[family, sex, first] += 1
    assert {1} == {len(found) for found in names.values()}
    assert max(firsts.values()) == 1


def test_twins_are_born_in_the_same_place():
    """Twins exist, and siblings born on the same day share their commune and country."""
    people = everybody()
    born: dict[tuple[int, ...], list[tuple[str, str]]] = {}
    for row in range(SIZE):
        if people.birth_day[row]:
            day = (people.birth_year[row], people.birth_month[row], people.birth_day[row])
            place = (people.birth_commune[row], people.birth_country[row])
            born.setdefault((people.family[row], *day), []).append(place)
    twins = [places for places in born.values() if len(places) > 1]
    assert near(0.028, sum(map(len, twins)) / SIZE, 0.35)
    assert all(len(set(places)) == 1 for places in twins)


def test_most_siblings_are_born_in_the_same_commune():
    """Well over half of the pairs of successive siblings born in France."""
    people = everybody()
    order = np.argsort(people.family, kind="stable")
    order = order[people.birth_country[order] == FRANCE]
    together = people.family[order[1:]] == people.family[order[:-1]]
    same = people.birth_commune[order[1:]] == people.birth_commune[order[:-1]]
    assert 0.55 < float(same[together].mean()) < 0.85


def test_couples_agree():
    """Spouses point to each other, are of two sexes and two families, and share their marital state."""
    people = everybody()
    rows = np.flatnonzero(people.spouse >= 0)
    spouses = people.spouse[rows]
    assert np.array_equal(rows, people.spouse[spouses])
    assert (people.sex[rows] != people.sex[spouses]).all()
    assert (people.family[rows] != people.family[spouses]).all()
    assert (people.marital_state[rows] == people.marital_state[spouses]).all()
    assert len(rows) > SIZE // 4


def test_most_married_women_have_a_usage_name():
    """Above four fifths, mostly their husband's; hardly any man; nobody who never married."""
    people = everybody()
    using = people.usage_name != ""
    wives = (people.sex == "F") & (people.marital_state == "marie")
    assert 0.80 < float(using[wives].mean()) < 0.92
    rows = np.flatnonzero(wives & using & (people.spouse >= 0))
    theirs = people.usage_name[rows] == people.birth_name[people.spouse[rows]]
    assert 0.85 < float(theirs.mean()) < 0.97
    assert float(using[people.sex == "M"].mean()) < 0.02
    assert not using[people.marital_state == "celibataire"].any()
    assert not (people.usage_name == people.birth_name).any()


def test_children_bear_their_father_s_name_and_rarely_a_parent_s_first_name():
    """Names pass down; homonymous parents and children exist but stay about one in a hundred."""
    people = everybody()
    rows = np.flatnonzero(people.father >= 0)
    fathers = people.father[rows]
    inherited = [
        child.split("-")[0] in (father, father.split("-")[0])
        for child, father in zip(people.birth_name[rows].tolist(), people.birth_name[fathers].tolist(), strict=True)
    ]
    assert all(inherited)
    age = people.birth_year[rows] - people.birth_year[fathers]
    assert age.min() >= 17
    sons = people.sex[rows] == "M"
    same = people.first_names[rows[sons], 0] == people.first_names[fathers[sons], 0]
    assert 0 < float(same.mean()) < 0.02


def test_people_have_one_to_four_distinct_first_names():
    """The first is never empty, the others fill from the left, none comes twice."""
    shares: Counter[int] = Counter()
    for names in everybody().first_names.tolist():
        borne = [name for name in names if name]
        assert borne == names[: len(borne)]
        assert len(borne) == len(set(borne))
        shares[len(borne)] += 1
    assert {1, 2, 3, 4} == set(shares)
    assert shares[3] > shares[2] > shares[1] > shares[4]


def test_population_keeps_the_concentration_of_the_tables():
    """One member a family: surnames within a tenth of the published number, first names within an eighth."""
    people = everybody()
    _, eldest = np.unique(people.family, return_index=True)
    alone = eldest[people.father[eldest] < 0]
    assert near(7763, effective(people.birth_name[alone].tolist()), 0.10)
    for sex, expected in (("M", 130), ("F", 184)):
        cohort = (people.sex == sex) & (people.birth_year >= 1940) & (people.birth_year <= 2005)
        assert near(expected, effective(people.first_names[cohort, 0].tolist()), 0.125)


@pytest.mark.parametrize("size", [0, 1, 2, 17])
def test_small_populations_exist(size: int):
    """Any size gives that many people, and all their columns have it."""
    people = population(size, 3)
    assert {size} == {len(getattr(people, field.name)) for field in fields(People)}


def test_population_is_the_same_for_a_seed_and_another_for_another():
    """Frozen bytes, so that a change of platform or of the generator is seen."""
    columns = identities(population(5000, 42), np.arange(5000))
    assert digest(columns.values()) == digest(identities(population(5000, 42), np.arange(5000)).values())
    assert digest(columns.values()) != digest(identities(population(5000, 43), np.arange(5000)).values())
    assert digest(columns.values()) == FROZEN_POPULATION


# Two files and the truth


def test_truth_says_who_is_in_both_files():
    """Sizes and overlap as asked, nobody twice in a file, and without mistakes equal people have equal rows."""
    files = pair()
    left, right = files.left_person.tolist(), files.right_person.tolist()
    assert len(set(left)) == 6000
    assert len(set(right)) == 5000
    assert len(set(left) & set(right)) == 2000
    assert {6000} == {len(column) for column in files.left.values()}
    assert {5000} == {len(column) for column in files.right.values()}
    places = {person: row for row, person in enumerate(right)}
    for row, person in enumerate(left):
        if person in places:
            for key in COLUMNS[1:]:
                assert files.left[key][row] == files.right[key][places[person]]


def test_rows_are_those_of_the_people_they_are_said_to_be():
    """Without mistakes a file is the identities of its people."""
    files = pair()
    expected = identities(files.people, files.left_person)
    assert expected == {key: column for key, column in files.left.items() if key != "identifiant"}
    assert tuple(files.left) == tuple(files.right) == COLUMNS


def test_subgroups_hold_whom_they_name():
    """Each row is in the groups that its person's identity, and its own date, put it in; the last group is the rest."""
    files = two_files(
        size_left=3000, size_right=2500, overlap=1500, seed=4, profile_left=DECLARATIF, profile_right=CERTIFIE
    )
    found, people = subgroups(files), files.people
    birthdays = Counter(zip(people.family, people.birth_year, people.birth_month, people.birth_day, strict=True))
    for side, (columns, members) in enumerate(((files.left, files.left_person), (files.right, files.right_person))):
        for row, person in enumerate(members.tolist()):
            names = people.birth_name[person] + people.first_names[person, 0]
            born = (people.family, people.birth_year, people.birth_month, people.birth_day)
            expected = {
                "foreign_born": people.birth_country[person] != FRANCE,
                "compound_name": any(mark in names for mark in " -'"),
                "usage_name": bool(people.usage_name[person]) and people.sex[person] == "F",
                "siblings_same_day": birthdays[tuple(part[person] for part in born)] > 1,
                "partial_date": re.search("-00$|-01-01$", columns["date_naissance"][row]) is not None,
            }
            expected["everybody_else"] = not any(expected.values())
            assert expected == {name: bool(masks[side][row]) for name, masks in found.items()}
    assert all(left.any() and right.any() for left, right in found.values())


def test_order_and_identifiers_say_nothing():
    """Rows are shuffled apart; identifiers are distinct, unlike in the two files, in no order of people or rows."""
    files = pair()
    numbers = {
        side: np.array(columns["identifiant"], dtype=np.int64)
        for side, columns in vars(files).items()
        if side in ("left", "right")
    }
    assert {len(set(one.tolist())) == len(one) for one in numbers.values()} == {True}
    assert abs(np.corrcoef(numbers["left"], np.arange(6000))[0, 1]) < 0.06
    assert abs(np.corrcoef(numbers["left"], files.left_person)[0, 1]) < 0.06
    places = {person: row for row, person in enumerate(files.right_person.tolist())}
    both = [(row, places[person]) for row, person in enumerate(files.left_person.tolist()) if person in places]
    rows, others = (np.array(part) for part in zip(*both, strict=True))
    assert abs(np.corrcoef(rows, others)[0, 1]) < 0.08
    assert abs(np.corrcoef(numbers["left"][rows], numbers["right"][others])[0, 1]) < 0.08


def test_files_are_the_same_for_a_seed():
    """Frozen bytes of two files with all mistakes."""

    def drawn(seed: int) -> TwoFiles:
        return two_files(
            size_left=3000,
            size_right=2500,
            overlap=1000,
            seed=seed,
            profile_left=VERIFIE_AGENT,
            profile_right=DECLARATIF,
        )

    first, again, other = drawn(5), drawn(5), drawn(6)
    assert digest(first.left.values()) == digest(again.left.values())
    assert np.array_equal(first.right_person, again.right_person)
    assert digest(first.left.values()) != digest(other.left.values())
    assert digest([*first.left.values(), *first.right.values()]) == FROZEN_FILES


def test_administrations_err_independently():
    """Among people in both files, the chance of a wrong sex on both sides is the product."""
    profile = replace(SANS_ERREUR, wrong_sex=0.3)
    files = two_files(
        size_left=8000, size_right=8000, overlap=8000, seed=2, profile_left=profile, profile_right=profile
    )
    wrong = []
    for columns, rows in ((files.left, files.left_person), (files.right, files.right_person)):
        order = np.argsort(rows)
        wrong.append(texts(columns["sexe"])[order] != files.people.sex[rows[order]])
    assert near(0.3, float(wrong[0].mean()), 0.06)
    assert near(0.09, float((wrong[0] & wrong[1]).mean()), 0.12)


@pytest.mark.parametrize(("left", "right", "overlap"), [(10, 5, 6), (10, 5, -1)])
def test_impossible_overlaps_are_refused(left: int, right: int, overlap: int):
    """More people in both than in one, or fewer than none."""
    with pytest.raises(ValueError, match="overlap"):
        two_files(
            size_left=left,
            size_right=right,
            overlap=overlap,
            seed=1,
            profile_left=CERTIFIE,
            profile_right=CERTIFIE,
        )


# Mistakes

STARTING_RATES = {
    "typo": (0.003, 0.01, 0.03),
    "usage_for_birth": (0.005, 0.08, 0.25),
    "later_first_names_missing": (0.05, 0.60, 0.80),
    "composed_first_name": (0.01, 0.05, 0.10),
    "day_month_swapped": (0.0005, 0.002, 0.008),
    "january_first": (0.03, 0.05, 0.06),
    "old_commune": (0.01, 0.05, 0.15),
    "wrong_sex": (0.0002, 0.001, 0.004),
    "names_swapped": (0.0, 0.001, 0.005),
}

Row = dict[str, str]
Judge = Callable[[Row], bool]
Change = Callable[[Row, Row], bool]


def changed(key: str) -> Change:
    return lambda before, after: before[key] != after[key]


def swappable(row: Row) -> bool:
    _, month, day = row["date_naissance"].split("-")
    return "00" not in (month, day) and day <= "12" and day != month


# mistake → (rows that it can befall, whether it befell)
MEASURES: dict[str, tuple[Judge, Change]] = {
    "typo": (lambda row: True, changed("nom_naissance")),
    "usage_for_birth": (
        lambda row: row["sexe"] == "F" and row["nom_usage"] != "",
        lambda before, after: after["nom_naissance"] == before["nom_usage"],
    ),
    "usage_missing": (
        lambda row: row["nom_usage"] != "",
        lambda before, after: after["nom_usage"] == "",
    ),
    "later_first_names_missing": (
        lambda row: " " in row["prenoms"],
        lambda before, after: after["prenoms"] == before["prenoms"].split(" ")[0],
    ),
    "composed_first_name": (lambda row: "-" in row["prenoms"].split(" ")[0], changed("prenoms")),
    "composed_surname": (
        lambda row: "-" in row["nom_naissance"] or row["nom_naissance"].startswith(("Le ", "de ", "d'", "L'")),
        changed("nom_naissance"),
    ),
    "accents_lost": (
        lambda row: not (row["nom_naissance"] + row["nom_usage"] + row["prenoms"]).isascii(),
        lambda before, after: (after["nom_naissance"] + after["nom_usage"] + after["prenoms"]).isascii(),
    ),
    "hyphens_dropped": (
        lambda row: "-" in row["nom_naissance"] + row["nom_usage"] + row["prenoms"],
        lambda before, after: "-" not in after["nom_naissance"] + after["nom_usage"] + after["prenoms"],
    ),
    "day_month_swapped": (swappable, changed("date_naissance")),
    "date_digit": (lambda row: not row["date_naissance"].endswith("-00"), changed("date_naissance")),
    "january_first": (
        lambda row: row["cog_pays_naissance"] != FRANCE and not row["date_naissance"].endswith(("-00", "-01-01")),
        lambda before, after: after["date_naissance"] == f"{before['date_naissance'][:4]}-01-01",
    ),
    "unknown_as_first": (
        lambda row: row["date_naissance"].endswith("-00"),
        lambda before, after: after["date_naissance"] == before["date_naissance"].replace("-00", "-01"),
    ),
    "old_commune": (
        lambda row: row["cog_commune_naissance"] != "" and other_epoch(row["cog_commune_naissance"]) != "",
        lambda before, after: after["cog_commune_naissance"] == other_epoch(before["cog_commune_naissance"]),
    ),
    "wrong_sex": (lambda row: True, changed("sexe")),
    "names_swapped": (
        lambda row: True,
        lambda before, after: after["nom_naissance"] == before["prenoms"],
    ),
    "missing": (
        lambda row: True,
        lambda before, after: after["cog_pays_naissance"] == "",
    ),
}


def rows_of(columns: Columns) -> list[Row]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_every_mistake_is_measured():
    """No rate of the profile is left without a measure here."""
    assert set(MEASURES) == {field.name for field in fields(ErrorProfile)} - {"name"}


@pytest.mark.parametrize("mistake", sorted(MEASURES))
def test_mistakes_come_at_their_rate_and_alone(mistake: str):
    """A profile with a single mistake touches that share of the rows it can befall, and leaves the others alone."""
    befalls, befell = MEASURES[mistake]
    profile = ErrorProfile(name="une_seule", **{mistake: 0.3})
    before = rows_of(some_columns())
    after = rows_of(with_mistakes(some_columns(), profile, generator(9, 9)))
    outcomes = [befell(one, other) for one, other in zip(before, after, strict=True) if befalls(one)]
    error = 4 * (0.21 / len(outcomes)) ** 0.5
    assert abs(sum(outcomes) / len(outcomes) - 0.3) < error + 0.005
    touched = {key for one, other in zip(before, after, strict=True) for key in one if one[key] != other[key]}
    expected = {
        "typo": {"nom_naissance", "nom_usage", "prenoms"},
        "usage_for_birth": {"nom_naissance"},
        "usage_missing": {"nom_usage"},
        "later_first_names_missing": {"prenoms"},
        "composed_first_name": {"prenoms"},
        "composed_surname": {"nom_naissance", "nom_usage"},
        "accents_lost": {"nom_naissance", "nom_usage", "prenoms"},
        "hyphens_dropped": {"nom_naissance", "nom_usage", "prenoms"},
        "old_commune": {"cog_commune_naissance"},
        "wrong_sex": {"sexe"},
        "names_swapped": {"nom_naissance", "prenoms"},
        "missing": {"sexe", "cog_commune_naissance", "cog_pays_naissance"},
    }
    assert expected.get(mistake, {"date_naissance"}) == touched


def test_without_mistakes_nothing_changes():
    """The profile without mistakes gives back the columns; none gives back the same lists."""
    written = with_mistakes(some_columns(), SANS_ERREUR, generator(1, 1))
    assert some_columns() == written
    assert all(written[key] is not some_columns()[key] for key in written)


@pytest.mark.parametrize("mistake", sorted(STARTING_RATES))
def test_named_profiles_start_from_the_stated_assumptions(mistake: str):
    """The three profiles, from the most to the least certified."""
    actual = tuple(getattr(profile, mistake) for profile in (CERTIFIE, VERIFIE_AGENT, DECLARATIF))
    assert STARTING_RATES[mistake] == actual


def test_profiles_are_found_by_name():
    """Demos and reports name them."""
    assert set(PROFILES) == {"sans_erreur", "certifie", "verifie_agent", "declaratif"}
    assert all(profile.name == name for name, profile in PROFILES.items())


def test_names_and_dates_survive_every_mistake():
    """With every mistake at once, names keep letters, dates exist, and everything can be written by Windows."""
    worst = ErrorProfile(name="tout", **{field.name: 0.5 for field in fields(ErrorProfile) if field.name != "name"})
    for row in rows_of(with_mistakes(some_columns(), worst, generator(4, 4))):
        assert any(letter.isalpha() for letter in row["nom_naissance"])
        assert any(letter.isalpha() for letter in row["prenoms"])
        year, month, day = (int(part) for part in row["date_naissance"].split("-"))
        date(year, month or 1, day or 1)
        assert month or not day
        assert row["sexe"] in ("M", "F", "")
        assert len(row["cog_commune_naissance"]) in (0, 5)
        "".join(row.values()).encode("cp1252")


def test_composed_names_break_in_three_ways():
    """Split, cut and in one word, each about as often."""
    columns = {key: ["Jean-Pierre Marie" if key == "prenoms" else ""] * 3000 for key in COLUMNS[1:]}
    columns["date_naissance"] = ["1950-05-05"] * 3000
    written = with_mistakes(columns, replace(SANS_ERREUR, composed_first_name=1.0), generator(3, 3))
    found = Counter(written["prenoms"])
    assert set(found) == {"Jean Pierre Marie", "Jean Marie", "Jeanpierre Marie"}
    assert min(found.values()) > 850


def distance(one: str, other: str) -> int:
    """Plain oracle: letters to insert, delete or replace."""
    line = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        previous, line = line, [row]
        for column, against in enumerate(other, start=1):
            line.append(min(previous[column] + 1, line[-1] + 1, previous[column - 1] + (letter != against)))
    return line[-1]


@given(
    text=st.text("abcdefghijklmnopqrstuvwxyzéèçïABCDEÉ -'", min_size=1, max_size=20).filter(
        lambda text: any(letter.isalpha() for letter in text)
    ),
    seed=st.integers(0, 2**32),
)
def test_a_slip_is_one_small_change(text: str, seed: int):
    """A slip changes the text by at most two letters, keeps a letter, and brings no accent in."""
    slipped = mistyped(text, generator(seed, 0))
    assert 1 <= distance(text, slipped) <= 2
    assert any(letter.isalpha() for letter in slipped)
    assert not Counter(letter for letter in slipped.lower() if not letter.isascii()) - Counter(
        letter for letter in text.lower() if not letter.isascii()
    )


# Files


def read(path: Path, encoding: str, delimiter: str) -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_a_file_of_a_windows_office_reads_back(tmp_path: Path):
    """By default: semicolons, Windows-1252, JJ/MM/AAAA, lines ending in CR LF."""
    columns = pair().left
    write_file(tmp_path / "gauche.csv", columns)
    rows = read(tmp_path / "gauche.csv", "cp1252", ";")
    shown = {**columns, "date_naissance": ["/".join(reversed(one.split("-"))) for one in columns["date_naissance"]]}
    assert rows == [list(columns), *(list(row) for row in zip(*shown.values(), strict=True))]
    assert (tmp_path / "gauche.csv").read_bytes().endswith(b"\r\n")


def test_a_file_in_utf_8_with_iso_dates_reads_back(tmp_path: Path):
    """Commas, UTF-8, AAAA-MM-JJ."""
    columns = pair().right
    write_file(tmp_path / "droite.csv", columns, delimiter=",", encoding="utf-8", date_format="AAAA-MM-JJ")
    rows = read(tmp_path / "droite.csv", "utf-8", ",")
    assert rows == [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]


def test_a_file_of_an_old_system_has_capitals_no_accents_and_a_footer(tmp_path: Path):
    """ASCII, capitals, compact dates, a last line that is no record."""
    columns = {"nom": ["Lecœur"], "prenoms": ["Zoé-Anaïs"], "date_naissance": ["1999-00-00"], "lieu": ["Évry"]}
    write_file(tmp_path / "ancien.csv", columns, encoding="ascii", date_format="AAAAMMJJ", upper=True, footer="FIN 1")
    expected = b"nom;prenoms;date_naissance;lieu\r\nLECOEUR;ZOE-ANAIS;19990000;Evry\r\nFIN 1\r\n"
    assert expected == (tmp_path / "ancien.csv").read_bytes()


def test_what_an_encoding_cannot_write_is_refused(tmp_path: Path):
    """No letter is replaced in silence."""
    with pytest.raises(UnicodeEncodeError):
        write_file(tmp_path / "refus.csv", {"nom": ["Ł"]})


# INSEE's own tables


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with two small tables in the form of INSEE's."""
    names = ["NA", "DU BOIS", "NOËL", "ŁUK", None, "RARE"]
    pq.write_table(pa.table({"NOM": names, "total": [50, 100, 100, 10, 10, 0]}), tmp_path / SURNAMES_FILE)
    rows = [
        {"sexe": sex, "preusuel": name, "decennie": decade, "nombre": count}
        for sex in (1, 2)
        for decade in DECADES
        for name, count in (*((f"PRÉNOM-{chr(65 + number)}", 10 * sex) for number in range(9)), ("_RARES", 99))
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / FIRST_NAMES_FILE)
    return tmp_path


def test_published_tables_replace_the_invented_ones(published: Path):
    """Names in title case, without pooled, empty or unwritable rows, at their own frequencies."""
    people = population(4000, 1, names_dir=published)
    names = Counter(people.birth_name.tolist())
    simple = sum(names[name] for name in ("NA", "Du Bois", "Noël"))
    assert {part for name in names for part in name.split("-")} == {"NA", "Du Bois", "Noël"}
    assert near(0.2, names["NA"] / simple, 0.15)
    assert {f"Prénom-{chr(65 + number)}" for number in range(9)} == set(people.first_names[:, 0].tolist())


def test_a_missing_table_is_an_error(tmp_path: Path):
    """The invented names never stand in for tables that somebody asked for."""
    with pytest.raises(FileNotFoundError):
        population(10, 1, names_dir=tmp_path)
