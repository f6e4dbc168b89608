"""The data-quality report: right counts and lines, no value of a record, and the same verdict as encoding."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.connectors import load_connector, with_file_columns
from linkage.errors import LinkageError
from linkage.inspection import FEWEST_PEOPLE, Inspection, inspect, repeated_rows
from linkage.records import MISSING, read_records
from linkage.sheet import load_sheet
from tests.connector_samples import Person, invented_people, write_plain, write_sample

P1 = load_sheet("P1")
TODAY = date(2026, 11, 22)
MEMBERS = {
    "format", "file", "sheet", "encodable", "rows", "usable", "refusals", "warnings", "findings", "problems",
    "attributes", "duplicates", "passes", "weights",
}  # fmt: skip
OF_ATTRIBUTE = {
    "name", "kind", "columns", "present", "filled", "fill_rate", "distinct", "date_formats", "changes", "suspicious",
}  # fmt: skip


def report(path: Path, people: list[Person], **changes: Any) -> Inspection:
    return inspect(write_plain(path / "file.csv", people), P1, "left", today=TODAY, **changes)


def of_attribute(found: Inspection, name: str) -> dict[str, Any]:
    return next(one for one in found.to_json()["attributes"] if one["name"] == name)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return invented_people(400)


def test_every_promised_member_is_there_and_is_plain_json(people, tmp_path):
    """Names of members are stable: programs of administrations read them."""
    numbers = json.loads(json.dumps(report(tmp_path, people).to_json()))
    assert MEMBERS == set(numbers)
    assert all(OF_ATTRIBUTE == set(one) for one in numbers["attributes"])
    assert [attribute.name for attribute in P1.attributes] == [one["name"] for one in numbers["attributes"]]
    assert ("allervers/check/v1", "file.csv", "P1") == (numbers["format"], numbers["file"], numbers["sheet"])


def test_a_clean_file_is_encodable(people, tmp_path):
    """All rows usable, nobody twice, everybody in every pass that their dates and names allow."""
    found = report(tmp_path, people)
    assert (True, [], 400, 400) == (found.encodable, found.refusals, found.rows, found.usable)
    assert [] == found.problems
    assert [{"kind": k, "groups": 0, "rows": 0, "lines": []} for k in ("same_identity", "same_first_name")] == (
        found.duplicates
    )
    assert {rule.name for rule in P1.passes} <= {one["name"].partition("+")[0] for one in found.passes} or found.passes
    assert of_attribute(found, "nom_naissance")["fill_rate"] == 1.0


def test_counts_are_those_of_the_records(people, tmp_path):
    """Filled and distinct values, held against what is read for encoding."""
    found = report(tmp_path, people)
    records = read_records(tmp_path / "file.csv", P1, "left")
    for attribute in P1.attributes:
        if attribute.second_form_of or attribute.country:
            continue  # these two depend on another column of the row
        column, told = records.columns[attribute.name], of_attribute(found, attribute.name)
        assert int((column.codes != MISSING).sum()) == told["filled"]
        assert len(set(column.codes.tolist()) - {MISSING}) == told["distinct"]


def test_unusable_rows_are_counted_by_rule_with_their_lines(people, tmp_path):
    """Ten impossible dates, two unreadable sexes: the refusal of encoding, its rules, its first lines."""
    faulty = [
        {**one, **({"date_naissance": "1980-02-30"} if place < 10 else {"sexe": "Z"} if place < 12 else {})}
        for place, one in enumerate(people)
    ]
    found = report(tmp_path, faulty)
    assert (False, 400, 388) == (found.encodable, found.rows, found.usable)
    assert [("E_DATE_IMPOSSIBLE", 10, [2, 3, 4, 5, 6]), ("E_SEXE", 2, [12, 13])] == [
        (one["code"], one["count"], one["lines"]) for one in found.problems
    ]
    assert ["12 ligne(s) inutilisable(s), voir plus bas"] == [one["rule"] for one in found.refusals]
    with pytest.raises(LinkageError) as refusal:
        read_records(tmp_path / "file.csv", P1, "left")
    assert [refusal.value.code] == [one["code"] for one in found.refusals]


def test_a_few_bad_rows_may_be_skipped(people, tmp_path):
    """As the caller says: the verdict is then that of encoding without them."""
    faulty = [{**one, "sexe": "Z"} if place < 4 else one for place, one in enumerate(people)]
    found = report(tmp_path, faulty, bad_rows="skip")
    assert (True, 396) == (found.encodable, found.usable)
    assert [4] == [one["count"] for one in found.problems]


def test_identifiers_that_repeat_are_one_rule(people, tmp_path):
    """Each names another line; the report says the rule once."""
    twice = [{**one, "identifiant": f"N{place // 2}"} for place, one in enumerate(people[:120])]
    found = report(tmp_path, twice)
    assert [("E_IDENTIFIANT_DOUBLE", 60)] == [(one["code"], one["count"]) for one in found.problems]


def test_people_who_stand_twice_are_counted_never_named(people, tmp_path):
    """The same names and date under two identifiers; with another second first name they still meet."""
    again = [{**people[3], "identifiant": "D1"}, {**people[5], "identifiant": "D2", "prenoms": "Zébulon Prosper"}]
    first = {**people[7], "identifiant": "D3", "prenoms": people[7]["prenoms"].split(" ")[0] + " Zébulon"}
    found = report(tmp_path, [*people, *again, first])
    exact, loose = found.duplicates
    assert (1, 2, [[5, 402]]) == (exact["groups"], exact["rows"], exact["lines"])
    assert (2, 4, [[5, 402], [9, 404]]) == (loose["groups"], loose["rows"], loose["lines"])


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 3), st.integers(-1, 1)), max_size=40))
def test_repeated_rows_are_those_of_a_slow_count(rows):
    """Groups of equal rows without a gap, each in the order of the file."""
    held: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(rows):
        if MISSING not in row:
            held.setdefault(row, []).append(place)
    expected = [places for places in held.values() if len(places) > 1]
    columns = [np.array([row[k] for row in rows], dtype=np.int32) for k in range(3)]
    assert expected == [places.tolist() for places in repeated_rows(columns)]


def test_what_changes_is_counted(people, tmp_path):
    """Every value in small letters, a title before one, a partial date."""
    changed = [{**one, "nom_naissance": "dupont"} for one in people]
    changed[4] = {**changed[4], "nom_naissance": "Mme dupont", "date_naissance": "1990-00-00"}
    found = report(tmp_path, changed)
    rules = {one["rule"]: (one["distinct"], one["rows"]) for one in of_attribute(found, "nom_naissance")["changes"]}
    assert {"case": (2, 400), "title": (1, 1)} == rules
    dates = {one["rule"]: one["rows"] for one in of_attribute(found, "date_naissance")["changes"]}
    assert dates["partial"] >= 1
    suspects = {one["kind"]: one["count"] for one in of_attribute(found, "nom_naissance")["suspicious"]}
    assert 400 == suspects["frequent_name"]


def test_who_lacks_a_block_value_falls_out_of_the_pass(people, tmp_path):
    """Those without a date are out of the passes that divide by it, and told by component."""
    lacking = [{**one, "date_naissance": ""} if place < 30 else one for place, one in enumerate(people)]
    found = report(tmp_path, lacking)
    dated = [one for one in found.passes if any(block.startswith("date_naissance") for block in one["blocks"])]
    others = [one for one in found.passes if one not in dated]
    assert dated
    assert others
    assert all(one["left_out"] >= 30 for one in dated)
    assert all(one["lacking"].get(block, 30) >= 30 for one in dated for block in one["blocks"][:1])
    assert all(one["left_out"] < 30 for one in others)


def test_a_filler_date_that_no_block_can_hold_is_a_refusal(tmp_path):
    """Everybody born the same day: encoding would stop at the block, and the report says so before."""
    same = [{**one, "date_naissance": "1911-11-11"} for one in invented_people(3000)]
    found = report(tmp_path, same)
    assert {"E_BLOC_TROP_GRAND"} == {one["code"] for one in found.refusals}
    assert not found.encodable


def test_a_small_file_is_warned_about(people, tmp_path):
    """Under the least size that an agreement declares."""
    assert any(str(FEWEST_PEOPLE) in warning for warning in report(tmp_path, people[:50]).warnings)
    assert [] == report(tmp_path, people).warnings


def test_a_connector_warns_of_what_the_sheet_does_not_know(tmp_path):
    """Lost zeros of the CCMSA's numbers; the cuts of France Travail."""
    connector = load_connector("ccmsa")
    path = write_sample(tmp_path, "ccmsa", invented_people(150))
    found = inspect(path, with_file_columns(P1, "left", "ccmsa", None), "left", today=TODAY, connector=connector)
    assert [
        "colonne « numero_allocataire » : 150 valeur(s) de moins de 13 chiffres, zéros de tête perdus"
    ] == found.warnings
    assert {"AAAAMMJJ"} == set(of_attribute(found, "date_naissance")["date_formats"])


def test_an_optional_column_may_be_absent(people, tmp_path):
    """It is said, and nothing else."""
    bare = [{name: value for name, value in one.items() if name != "nom_usage"} for one in people]
    told = of_attribute(report(tmp_path, bare), "nom_usage")
    assert (False, 0) == (told["present"], told["filled"])


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """As reading refuses it."""
    path = tmp_path / "x.csv"
    path.write_text("identifiant;nom_naissance\n1;DUPONT\n", "utf-8")
    with pytest.raises(LinkageError, match="E_COLONNE_ABSENTE"):
        inspect(path, P1, "left", today=TODAY)


def test_no_value_of_a_record_is_in_the_report(tmp_path):
    """Values of every kind and every fault, none of which the report repeats."""
    secrets = {
        "identifiant": "SECRETID",
        "nom_naissance": "SECRETSURNAME 7",
        "nom_usage": "Mme SECRETUSAGE",
        "prenoms": "SECRETGIVEN, SECRETGIVEN",
        "sexe": "SECRETSEX",
        "date_naissance": "31/02/SECRET",
        "cog_commune_naissance": "SECRETPLACE",
        "cog_pays_naissance": "SECRETCOUNTRY",
    }
    people = invented_people(150)
    for name, value in secrets.items():
        row = {**people[0], "identifiant": "Z", name: value}
        text = json.dumps(report(tmp_path, [*people, row, {**row, "identifiant": value}]).to_json(), ensure_ascii=False)
        assert "SECRET" not in text


def test_no_row_can_be_used(people, tmp_path):
    """Everything that does not need a record is still told."""
    found = report(tmp_path, [{**one, "sexe": "Z"} for one in people])
    assert (False, 0, []) == (found.encodable, found.usable, found.passes)
    assert 400 == found.problems[0]["count"]
    assert of_attribute(found, "nom_naissance")["filled"] == 400
