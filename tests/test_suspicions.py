"""Suspicious values are found by kind, whatever is frequent by nature is not, and nothing is said of a clean file."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from linkage.field import Field, read_field
from linkage.sheet import Sheet, load_sheet
from linkage.suspicions import SUSPICIONS, suspicions
from linkage.tables import RawTable
from tests.connector_samples import invented_people

P1 = load_sheet("P1")
TODAY = date(2026, 11, 22)
PERSON = {
    "identifiant": "1",
    "nom_naissance": "DUPONT",
    "nom_usage": "",
    "prenoms": "JEANNE",
    "sexe": "F",
    "date_naissance": "1980-05-17",
    "cog_commune_naissance": "08480",
    "cog_pays_naissance": "99100",
}


def found(people: list[dict[str, str]], sheet: Sheet = P1) -> dict[tuple[str, str], list[int]]:
    """(kind, attribute) → places of the rows."""
    table = RawTable.of("x.csv", {name: [one[name] for one in people] for name in people[0]})
    fields: list[Field] = [one for a in sheet.attributes if (one := read_field(table, a)) is not None]
    spotted = suspicions(fields, TODAY)
    return {(one.kind, one.attribute): one.rows.nonzero()[0].tolist() for one in spotted}


CASES = [
    ("filler_name", "nom_naissance", {"nom_naissance": "Test"}),
    ("filler_name", "prenoms", {"prenoms": "aaa"}),
    ("one_letter", "nom_naissance", {"nom_naissance": "B"}),
    ("digits", "prenoms", {"prenoms": "JEANNE2"}),
    ("broken_letters", "prenoms", {"prenoms": "HÃ©lÃ¨ne"}),
    ("broken_letters", "nom_naissance", {"nom_naissance": "LEF?VRE"}),
    ("broken_letters", "nom_naissance", {"nom_naissance": "LEF\ufffdVRE"}),
    ("future", "date_naissance", {"date_naissance": "2026-11-23"}),
    ("future", "date_naissance", {"date_naissance": "2027-00-00"}),
    ("over_120", "date_naissance", {"date_naissance": "1906-11-21"}),
    ("unknown_place", "cog_commune_naissance", {"cog_commune_naissance": "00123"}),
    ("place_abroad", "cog_commune_naissance", {"cog_pays_naissance": "99350"}),
    ("unknown_country", "cog_pays_naissance", {"cog_pays_naissance": "UTOPIE", "cog_commune_naissance": ""}),
    ("sex_and_title", "nom_naissance", {"nom_naissance": "M. DUPONT"}),
    ("sex_and_title", "nom_naissance", {"nom_naissance": "MME DUPONT", "sexe": "M"}),
    ("same_names", "prenoms", {"prenoms": "DUPONT"}),
]


@pytest.mark.parametrize(("kind", "attribute", "change"), CASES)
def test_each_kind(kind, attribute, change):
    """One person out of three has the fault, and only that row is named."""
    people = [PERSON, {**PERSON, **change}, PERSON]
    assert [1] == found(people)[kind, attribute]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"nom_naissance": "NA"},
        {"nom_naissance": "NULL"},
        {"date_naissance": "2026-11-22"},
        {"date_naissance": "2026-00-00"},
        {"date_naissance": "1906-11-22"},
        {"date_naissance": "1906-00-00"},
        {"date_naissance": "0000-05-17"},
        {"nom_naissance": "MME DUPONT"},
        {"cog_commune_naissance": "75056"},
        {"cog_commune_naissance": "", "cog_pays_naissance": "99350"},
        {"sexe": ""},
        {"prenoms": "X"},
    ],
)
def test_what_is_right_is_left_alone(change):
    """A surname NA, somebody born today, a title that agrees: nothing is said."""
    assert {} == found([PERSON, {**PERSON, **change}])


def many(size: int, **changes: Any) -> list[dict[str, str]]:
    """Invented people, of whom one in ten has the changed members."""
    people = invented_people(size)
    return [{**one, **changes} if place % 10 == 0 else one for place, one in enumerate(people)]


def test_a_population_is_not_suspicious():
    """Nothing is too frequent among thousands of invented people, whose weak dates are as many as files have."""
    kinds = {kind for kind, _ in found(invented_people(4000))}
    assert kinds & {"frequent_name", "frequent_day", "frequent_date"} == set()


def test_filler_values_stand_out():
    """One name, one day or one date for a tenth of a file."""
    assert ("frequent_name", "nom_naissance") in found(many(2000, nom_naissance="DUPONTEL"))
    spotted = found(many(2000, date_naissance="1911-11-11"))
    assert {("frequent_day", "date_naissance"), ("frequent_date", "date_naissance")} <= set(spotted)
    assert all(place % 10 == 0 for place in spotted["frequent_date", "date_naissance"])


def test_a_small_file_has_no_frequent_value():
    """Three people of one name are no filler."""
    assert {} == found([PERSON] * 3)


def test_every_kind_has_its_sentence():
    """What a test names is what the page of kinds says."""
    assert {kind for kind, _, _ in CASES} | {"frequent_name", "frequent_day", "frequent_date"} == set(SUSPICIONS)
