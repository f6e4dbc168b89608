"""Connectors: every shipped one is whole, reads its administration's file as the plain file, and says what it lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.connectors import (
    CERTAINTIES,
    Connector,
    french_columns,
    list_connectors,
    load_connector,
    parse_connector,
    read_columns,
    with_file_columns,
)
from linkage.errors import LinkageError
from linkage.records import MISSING, Records, read_records
from linkage.sheet import Sheet, load_sheet
from tests.connector_samples import SHAPES, invented_people, write_plain, write_sample

P1 = load_sheet("P1")
# Attributes of other sheets than P1, under the names that shipped sheets and démarches give them.
OTHERS = {"ine", "pdl", "adresse", "code_postal", "cog_commune", "departement_naissance"}
TEXT = """\
version = "connecteur/v1"
titre = "Essai"
organisme = "Personne"
source = "aucune"
certitude = "suppose"
fichier = "CSV"
ligne = "une personne"
absents = ["sexe"]
pieges = ["aucun"]

[colonnes]
id = "N"
nom_naissance = { colonne = "NOM", vide = ["0"] }
prenoms = ["P1", "P2"]
date_naissance = { colonne = "NE", format = "JJ/MM/AAAA" }

[coupe]
prenoms = 13

[prenoms_gardes]
prenoms = 1

[chiffres]
id = 7
"""


def part_of_p1(connector: Connector) -> Sheet:
    """P1 less what the connector's file does not have, and with what it does to first names and lengths."""
    kept = [
        replace(a, longest=connector.cuts.get(a.name, 0), most=connector.first_names.get(a.name, 0), country=None)
        for a in P1.attributes
        if a.name in connector.columns
    ]
    return replace(P1, attributes=tuple(kept), passes=(), columns={})


def told(records: Records, attribute: str) -> list[str | None]:
    """One canonical value a record, the wrong side of None where it has none."""
    column = records.columns[attribute]
    return [None if code == MISSING else column.values[code] for code in column.codes.tolist()]


@pytest.mark.parametrize("name", list_connectors())
def test_every_shipped_connector_is_whole(name):
    """Words for the agent, columns under known names, and every attribute of P1 either there or said to be absent."""
    one = load_connector(name)
    known = {attribute.name for attribute in P1.attributes}
    assert set(one.columns) <= known | OTHERS | {"id"}
    assert set(one.absent) <= known
    optional = {attribute.name for attribute in P1.attributes if attribute.optional}
    assert known - optional <= set(one.columns) | set(one.absent)
    assert one.traps
    assert one.certainty in CERTAINTIES
    assert {"titre", "sexe"} & {one.title, one.body} == set()


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_sample_reads_as_the_plain_file(name, tmp_path):
    """The administration's file through its connector and the plain file give the same normalised people."""
    connector = load_connector(name)
    people = invented_people(120)
    sheet = part_of_p1(connector)
    plain = read_records(write_plain(tmp_path / "plain.csv", people), sheet, "plain")
    sheet = with_file_columns(sheet, "own", name, None)
    own = read_records(write_sample(tmp_path, name, people), sheet, "own")
    assert len(people) == len(own) == len(plain)
    for attribute in sheet.attributes:
        expected, found = told(plain, attribute.name), told(own, attribute.name)
        assert expected == found, attribute.name
        assert any(value is not None for value in found) or attribute.optional


def test_every_connector_has_a_sample():
    """A shape nobody wrote down is a shape nobody tested."""
    assert list_connectors() == sorted(SHAPES)


def test_a_connector_is_read():
    """Words, columns as the sheet takes them, limits."""
    one = parse_connector("essai", TEXT)
    assert ("Essai", ("sexe",), ("aucun",)) == (one.title, one.absent, one.traps)
    assert {
        "id": "N",
        "nom_naissance": {"column": "NOM", "missing": ["0"]},
        "prenoms": ["P1", "P2"],
        "date_naissance": {"column": "NE", "format": "JJ/MM/AAAA"},
    } == one.columns
    assert ({"prenoms": 13}, {"prenoms": 1}, {"id": 7}) == (one.cuts, one.first_names, one.digits)


REFUSALS = {
    "not TOML": ("[colonnes]", "[colonnes", "E_CONNECTEUR"),
    "other version": ("connecteur/v1", "connecteur/v2", "E_CONNECTEUR"),
    "unknown key": ('titre = "Essai"', 'titre = "Essai"\ncouleur = 1', "E_CLE_INCONNUE"),
    "no title": ('titre = "Essai"', "", "E_FEUILLE"),
    "unknown certainty": ('"suppose"', '"certain"', "E_CONNECTEUR"),
    "traps of another type": ('["aucun"]', '"aucun"', "E_CONNECTEUR"),
    "no identifier": ('id = "N"', "", "E_CONNECTEUR"),
    "absent and there": ('absents = ["sexe"]', 'absents = ["prenoms"]', "E_CONNECTEUR"),
    "unknown key of a column": ('format = "JJ/MM/AAAA"', 'sens = "JJ/MM/AAAA"', "E_CLE_INCONNUE"),
    "column of another type": ('["P1", "P2"]', "3", "E_FEUILLE"),
    "limit of nothing": ("[chiffres]\nid = 7", "[chiffres]\nsexe = 7", "E_CLE_INCONNUE"),
    "limit out of range": ("id = 7", "id = 0", "E_FEUILLE"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name):
    """One change to a good connector, one code."""
    old, new, code = REFUSALS[name]
    assert old in TEXT
    with pytest.raises(LinkageError) as refusal:
        parse_connector("essai", TEXT.replace(old, new))
    assert code == refusal.value.code


def test_columns_are_a_table():
    """Anything else in their place is refused."""
    with pytest.raises(LinkageError, match="E_CONNECTEUR"):
        parse_connector("essai", TEXT.partition("[colonnes]")[0] + "colonnes = 3")


@given(st.data())
def test_any_text_is_a_connector_or_refused(data):
    """Lines dropped, doubled or replaced: nothing but a refusal with a code comes out."""
    lines = TEXT.splitlines()
    places = data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=len(lines)))
    noise = data.draw(st.text(max_size=30))
    text = "\n".join(noise if place % 7 == 3 else lines[place] for place in places) if places else noise
    try:
        parse_connector("essai", text)
    except LinkageError as refusal:
        assert refusal.code.startswith("E_")  # noqa: PT017 - any other exception is the failure


@pytest.mark.parametrize("name", ["cnam", "", "../sheet", "CNAF", "cnaf.toml"])
def test_an_unknown_connector_is_refused_with_the_known_ones(name):
    """A name is a name of the list, never a path."""
    with pytest.raises(LinkageError, match=r"E_CONNECTEUR.*cnaf-enfants"):
        load_connector(name)


def test_a_sheet_that_demands_more_than_the_file_has_is_refused():
    """P1 wants a place of birth, which pupils' files do not have; the agent may give the column all the same."""
    men = load_connector("men")
    with pytest.raises(LinkageError, match=r"E_CONNECTEUR.*cog_commune_naissance, cog_pays_naissance.*\(P2\)"):
        men.columns_for(P1)
    with pytest.raises(LinkageError, match=r"aucune de celles qui sont livrées"):
        load_connector("dgfip").columns_for(P1)
    own = {"cog_commune_naissance": "COMMUNE", "cog_pays_naissance": "PAYS", "nom_naissance": "NOM"}
    assert {**own, "prenoms": "prenom"}.items() <= men.columns_for(P1, own).items()


SERVED = {
    "ants": "P2 P3",
    "ccmsa": "P1 P2",
    "ccmsa-beneficiaires": "P2",
    "cnaf": "",  # a sex or a date of birth lacks, as in the others without a sheet
    "cnaf-2026": "P1 P2",
    "cnaf-enfants": "P2",
    "cnav": "P1 P2",
    "cnous": "P1 P2",
    "commune": "P2 P4",
    "dgfip": "",
    "dgfip-declarant2": "",
    "energie": "P4",
    "france-travail": "P2",
    "insee": "P2",
    "men": "P2",
    "mesr": "",
    "ofpra": "P2",
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_shipped_sheets_serve_the_connectors(name, tmp_path):
    """A file is read by each sheet whose attributes it has, and by P3 where it lacks the département only."""
    served = SERVED[name].split()
    assert served == load_connector(name).shipped_sheets()
    path = write_sample(tmp_path, name, invented_people(40))
    for sheet in {*served, *(["P3"] if "P2" in served else [])}:
        records = read_records(path, with_file_columns(load_sheet(sheet), "own", name, None), "own")
        assert (40, {}) == (len(records), records.voided.counts())


def test_attributes_of_other_sheets_are_passed_over():
    """The INE is a column of the connector and no attribute of P1."""
    columns = load_connector("cnous").columns_for(P1)
    assert "ine" not in columns
    assert {"id", "nom_naissance", "date_naissance"} <= set(columns)


def test_a_sheet_of_other_attributes_is_refused():
    """A connector that knows no attribute of the sheet says nothing."""
    sheet = Sheet.from_table({"version": "linkage/v1", "attributes": {"cognome": {"kind": "name", "bits": 1}}})
    with pytest.raises(LinkageError, match="E_CONNECTEUR"):
        load_connector("cnous").columns_for(sheet)


def test_what_both_parties_must_know_is_said():
    """France Travail cuts first names at 13 characters and keeps one: a sheet that says so is not warned about."""
    one = load_connector("france-travail")
    assert 4 == len(one.mismatches(P1))
    assert [] == one.mismatches(part_of_p1(one))


def test_own_columns_stand_on_top(tmp_path):
    """The connector first, then the agent's own; without a connector, on top of the sheet's."""
    own = tmp_path / "colonnes.toml"
    own.write_text('sexe = "SX"\ndate_naissance = { colonne = "NE", vide = ["?"] }\n', "utf-8")
    sheet = with_file_columns(P1, "left", "cnav", own)
    assert "SX" == sheet.columns["left"]["sexe"]
    assert {"column": "NE", "missing": ["?"]} == sheet.columns["left"]["date_naissance"]
    assert "nom_naissance" == sheet.columns["left"]["nom_naissance"]
    assert P1.digest == sheet.digest
    assert P1 is with_file_columns(P1, "left", None, None)
    known = P1.with_columns("left", {"sexe": "S", "prenoms": "P"})
    assert {"sexe": "SX", "prenoms": "P"}.items() <= with_file_columns(known, "left", None, own).columns["left"].items()


@pytest.mark.parametrize("content", [b"sexe =", b"\xff\xfe", None])
def test_columns_that_cannot_be_read_are_refused(tmp_path, content: Any):
    """Broken TOML, another encoding, no file."""
    path = tmp_path / "colonnes.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LinkageError, match="E_COLONNES"):
        read_columns(path)


def test_columns_are_said_in_french_or_as_the_sheet_says_them():
    """Both vocabularies mean the same; a name that no attribute can bear is refused."""
    french = french_columns({"nom": {"colonne": "N", "format": "EXCEL", "vide": "0"}}, "ici")
    assert french == french_columns({"nom": {"column": "N", "format": "EXCEL", "missing": "0"}}, "ici")
    with pytest.raises(LinkageError, match="E_FEUILLE"):
        french_columns({"né le": "N"}, "ici")
