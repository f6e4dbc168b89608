"""Rule 17: one place for all the codes that a commune has had."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from linkage import places
from linkage.cells import fold
from linkage.places import country_code, is_known, lineage, table_digest

TABLE = Path(places.__file__).with_name("places.txt")
COUNTRIES = TABLE.with_name("countries.txt")


@pytest.mark.parametrize(
    ("written", "today"),
    [
        # Worked cases of the public lookup of birthplaces by name and year (skelz0r/identite_pivot_…): code then, code now.
        ("33527", "33527"),  # Le Teich
        ("75036", "92036"),  # Gennevilliers 1960
        ("92036", "92036"),  # Gennevilliers 2000
        ("14557", "14557"),  # Saint-Arnoult, homonyms elsewhere
        ("05124", "05124"),  # La Rochette
        ("04170", "04170"),  # La Rochette
        ("58248", "58248"),  # Saint-Laurent, renamed in 2001
        ("51513", "51513"),
        ("67331", "67331"),
        ("50416", "50129"),  # Querqueville 1990, now in Cherbourg-en-Cotentin
        ("38001", "38001"),  # Les Abrets, and Les Abrets en Dauphiné
        ("14513", "50592"),  # Pont-Farcy 2010, merged into a commune of the Manche
        ("14624", "14654"),  # L'Oudon 1980
        ("20004", "2A004"),  # Ajaccio 1960
        ("2A004", "2A004"),  # Ajaccio 1980
        ("97608", "97608"),  # Dzaoudzi 2012
        ("98508", "97608"),  # Dzaoudzi before
    ],
)
def test_rule_17_worked_cases(written, today):
    """The code of an epoch leads to the commune of today."""
    assert lineage(written) == today
    assert is_known(written)


@pytest.mark.parametrize(
    ("written", "today"),
    [
        ("75101", "75056"), ("75120", "75056"), ("13201", "13055"), ("13216", "13055"), ("69381", "69123"), ("69389", "69123"),
        ("75008", "93008"), ("75018", "94018"), ("78018", "95018"), ("78228", "91228"), ("20033", "2B033"), ("98405", "97409"),
        ("98517", "97617"), ("97123", "97701"), ("97127", "97801"), ("91352", "99352"), ("94352", "99352"), ("99352", "99352"),
    ],
)  # fmt: skip
def test_rule_17_arrondissements_moved_departements_and_overseas(written, today):
    """Paris, Marseille, Lyon; Seine and Seine-et-Oise; Corsica; Mayotte and the islands; Algeria."""
    assert lineage(written) == today
    assert is_known(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("75056", "92036"), ("2A004", "2B033"), ("13055", "69123"), ("75101", "13201"), ("05124", "04170"), ("78646", "91228"),
        ("99352", "91228"), ("97608", "97409"),
    ],
)  # fmt: skip
def test_rule_17_different_places_stay_apart(one, other):
    """Départements and homonyms do not mix."""
    assert lineage(one) != lineage(other)


@pytest.mark.parametrize("code", ["00000", "99999", "75999", "2C001", "", "PARIS", "7505", "750566", "é"])
def test_rule_17_what_no_commune_ever_had_stands_for_itself(code):
    """And is not known."""
    assert lineage(code) == code
    assert not is_known(code)


def test_rule_17_a_commune_that_was_absorbed_for_a_time_stands_alone():
    """Tôtes-Oudon apart, 251 communes were re-established: tying them to what they left would tie their neighbours."""
    assert [lineage(code) for code in ("02166", "02524")] == ["02166", "02524"]


@pytest.mark.parametrize(
    ("spelling", "code"), [("DZ", "99352"), ("DZA", "99352"), ("ALGERIE", "99352"), ("CG", "99324"), ("CD", "99312")]
)
def test_rule_18_countries_have_one_code(spelling, code):
    """Two Congos, two codes."""
    assert country_code(spelling) == code


@pytest.mark.parametrize("spelling", ["", "FR", "FRANCE", "COREE", "URSS", "dz", "99352"])
def test_rule_18_what_names_no_country_of_today_has_none(spelling):
    """France is the reader's business; a name that two countries share, or of a state that is no more, is none."""
    assert country_code(spelling) is None


def test_the_table_of_countries_is_sound():
    """Each state of today once, spellings folded and of one country only."""
    lines = [line.split("/") for line in COUNTRIES.read_text("utf-8").splitlines() if not line.startswith("#")]
    codes, spellings = [line[0] for line in lines], [one for line in lines for one in line[1:]]
    assert (198, 198, len(spellings)) == (len(codes), len(set(codes)), len(set(spellings)))
    assert [fold(one) for one in spellings] == spellings
    assert [code for code in codes if not (code.startswith("99") and len(code) == 5 and code.isdecimal())] == []


def table() -> tuple[dict[str, str], set[str]]:
    """A second reading of the table: heirs of codes, communes of today."""
    heirs: dict[str, str] = {}
    current = {"99352"}
    for line in TABLE.read_text("utf-8").splitlines():
        words = line.split()
        if line.startswith("="):
            for run in words[1:]:
                ends = [int(end) for end in run.split("-")]
                current |= {line[1:3] + str(number).zfill(3) for number in range(ends[0], ends[-1] + 1)}
        elif not line.startswith("#"):
            current.add(words[0])
            heirs |= {(code if len(code) == 5 else words[0][:2] + code): words[0] for code in words[1:]}
    return heirs, current


def test_the_table_is_sound():
    """No code that is a commune is tied to another, every class ends in a commune, every code is read as it stands."""
    heirs, current = table()
    assert set(heirs) & current == set()
    assert set(heirs.values()) <= current
    assert {code: lineage(code) for code in [*heirs, *current]} == {**{code: code for code in current}, **heirs}
    assert all(is_known(code) and len(code) == 5 for code in [*heirs, *current])
    assert all(lineage(lineage(code)) == lineage(code) for code in heirs)


def test_classes_are_no_larger_than_a_commune_of_today():
    """How many codes share a representative: the history of France between 1943 and 2026."""
    heirs, current = table()
    sizes = Counter(Counter(heirs.values()).values())
    assert (len(current) - 1, len(heirs)) == (34969, 4322)
    assert max(sizes) == 21  # and the code itself: Saint-Pierre-en-Auge, as many as Paris with its arrondissements
    assert sizes[1] > len(heirs) // 3


def test_the_digest_is_of_the_facts_alone():
    """What follows the comments of both files, in order."""
    facts = [
        line for file in (TABLE, COUNTRIES) for line in file.read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    assert hashlib.sha256("\n".join(facts).encode()).hexdigest() == table_digest()


def test_the_table_names_its_sources_and_licence():
    """Facts of INSEE under the Licence Ouverte, and who republished them."""
    header = TABLE.read_text("utf-8")[:800]
    assert all(
        word in header for word in ("INSEE", "Licence Ouverte", "place_history", "decoupage-administratif 6.0.0")
    )
