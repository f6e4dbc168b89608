"""The linkage sheet: what is accepted, what is refused and why, and what both parties must share."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import COMPONENTS, DATE_FORMATS, KINDS
from linkage.errors import SheetError
from linkage.normalise import normaliser
from linkage.sheet import Sheet, load_sheet
from tests.invented import P1, P1_TABLE, ROOT

SHIPPED = ["essnet", "febrl4", "leipzig", "matchid", "pseudopeople"]
MINIMAL: dict[str, Any] = {"version": "linkage/v1", "attributes": {"nom": {"kind": "name", "bits": 10}}}
WIDE: dict[str, Any] = {
    "version": "linkage/v1",
    "name": "large",
    "id": "numero",
    "attributes": {
        "nom": {"kind": "name", "bits": 10},
        "usage": {"kind": "name", "bits": 5, "second_form_of": "nom", "optional": True},
        "naissance": {"kind": "date", "bits": 20, "format": ["JJ/MM/AAAA", "AAAA-MM-JJ"], "invalid": "missing"},
        "postal": {"kind": "code", "bits": 5, "pad": 5},
        "rue": {"kind": "text", "bits": 5, "class": "adresse"},
        "sexe": {"kind": "sex", "bits": 2},
    },
    "statistics": {"postal": 6000, "naissance.year": {"from": 1930, "to": 2010}, "sexe": {"M": 49, "F": 51}},
    "passes": [
        {"name": "jour", "blocks": [["naissance.day"], ["naissance.day", "sexe.value"]]},
        {"name": "noms", "blocks": [["nom.initial"], ["nom.two"]]},
    ],
    "columns": {
        "droite": {"id": "no", "nom": ["nom1", "nom2"], "naissance": {"column": "ne_le", "format": "AAAAMMJJ"}}
    },
}

Change = Callable[[dict[str, Any]], Any]


def changed(change: Change) -> dict[str, Any]:
    """The wide sheet after a change in place."""
    table = copy.deepcopy(WIDE)
    change(table)
    return table


def put(*path: Any) -> Change:
    """A change that puts the last item at the path of the others."""
    *keys, last, value = path

    def change(table: Any) -> None:
        for key in keys:
            table = table[key]
        table[last] = value

    return change


def test_the_shipped_sheets_load():
    """P1 and the sheets of the training sets are accepted."""
    sheets = [
        *map(load_sheet, ("P1", "P2", "P3")),
        *(load_sheet(ROOT / "benchmarks" / "sheets" / f"{name}.toml") for name in SHIPPED),
    ]
    assert [sheet.name for sheet in sheets] == ["P1", "P2", "P3", *SHIPPED]


def test_defaults_are_those_of_the_guide():
    """An attribute needs a kind and bits; its column is its name, a date is written AAAA-MM-JJ, bad cells refuse the row."""
    attribute = Sheet.from_table(MINIMAL).attribute("nom")
    assert (attribute.columns, attribute.formats, attribute.pad) == (("nom",), ("AAAA-MM-JJ",), 0)
    assert (attribute.second_form_of, attribute.optional, attribute.invalid) == (None, False, "refuse")
    assert Sheet.from_table(MINIMAL).identifiers == ("id",)


def test_every_kind_can_be_declared():
    """Each kind makes an attribute, and each of its components can divide records."""
    for kind in KINDS:
        table = {
            "version": "linkage/v1",
            "attributes": {"a": {"kind": kind, "bits": 1}},
            "passes": [{"name": "p", "blocks": [[f"a.{part}"] for part in COMPONENTS[kind]]}],
        }
        assert Sheet.from_table(table).passes[0].ladder == tuple((f"a.{part}",) for part in COMPONENTS[kind])


FAULTS: list[tuple[str, str, Change]] = [
    ("E_FEUILLE", "version", lambda t: t.pop("version")),
    ("E_FEUILLE", "version", put("version", "linkage/v2")),
    ("E_CLE_INCONNUE", "seuil", put("seuil", 0.8)),
    ("E_FEUILLE", "name", put("name", 3)),
    ("E_FEUILLE", "id", put("id", [])),
    ("E_FEUILLE", "strict", put("strict", 0.83)),
    ("E_FEUILLE", "strict", put("strict", True)),
    ("E_FEUILLE", "strict", put("strict", 499)),
    ("E_FEUILLE", "strict", put("strict", 1001)),
    ("E_FEUILLE", "information", put("information", 1001)),
    ("E_FEUILLE", "information", put("information", "800")),
    ("E_FEUILLE", "bad_rows", put("bad_rows", "drop")),
    ("E_FEUILLE", "most_bad_rows", put("most_bad_rows", 1001)),
    ("E_FEUILLE", "compare", put("attributes", "nom", "compare", "positional")),
    ("E_FEUILLE", "compare", put("attributes", "sexe", "compare", "exact")),
    ("E_FEUILLE", "most", put("attributes", "nom", "most", 1)),
    ("E_FEUILLE", "longest", put("attributes", "postal", "longest", 5)),
    ("E_FEUILLE", "longest", put("attributes", "nom", "longest", -1)),
    ("E_FEUILLE", "step", put("attributes", "nom", "step", 2)),
    ("E_FEUILLE", "pad", put("attributes", "nom", "pad", 2)),
    ("E_FEUILLE", "missing", put("attributes", "nom", "missing", [0])),
    ("E_FEUILLE", "missing", put("columns", "droite", "nom", {"column": "nom1", "missing": [1]})),
    ("E_FEUILLE", "country", put("attributes", "naissance", "country", "sexe")),
    ("E_FEUILLE", "attribut", put("attributes", {})),
    ("E_FEUILLE", "attributes", put("attributes", [1])),
    ("E_FEUILLE", "[attributes.nom]", put("attributes", "nom", "name")),
    ("E_CLE_INCONNUE", "bit", put("attributes", "nom", "bit", 3)),
    ("E_FEUILLE", "kind", put("attributes", "nom", "kind", "surname")),
    ("E_FEUILLE", "kind", put("attributes", "nom", "kind", ["name"])),
    ("E_FEUILLE", "bits", put("attributes", "nom", "bits", 0)),
    ("E_FEUILLE", "bits", put("attributes", "nom", "bits", 1001)),
    ("E_FEUILLE", "bits", put("attributes", "nom", "bits", True)),
    ("E_FEUILLE", "bits", put("attributes", "nom", "bits", 1.5)),
    ("E_FEUILLE", "bits", lambda t: t["attributes"]["nom"].pop("bits")),
    ("E_FEUILLE", "pad", put("attributes", "postal", "pad", "5")),
    ("E_FEUILLE", "pad", put("attributes", "postal", "pad", 10**9)),
    ("E_FEUILLE", "pad", put("attributes", "postal", "pad", -1)),
    ("E_FEUILLE", "optional", put("attributes", "nom", "optional", "false")),
    ("E_FEUILLE", "invalid", put("attributes", "nom", "invalid", "ignore")),
    ("E_FEUILLE", "class", put("attributes", "nom", "class", "x")),
    ("E_FEUILLE", "rue", put("attributes", "rue", "class", 3)),
    ("E_FEUILLE", "chaîne", put("attributes", "nom", "column", [])),
    ("E_FEUILLE", "chaîne", put("attributes", "nom", "column", 3)),
    ("E_FEUILLE", "trois", put("attributes", "naissance", "column", ["mois", "jour"])),
    ("E_FORMAT_DATE", "AAAA-MM-JJ", put("attributes", "naissance", "format", "YYYY-MM-DD")),
    ("E_FEUILLE", "second_form_of", put("attributes", "usage", "second_form_of", "sexe")),
    ("E_FEUILLE", "second_form_of", put("attributes", "usage", "second_form_of", "absent")),
    ("E_FEUILLE", "second_form_of", put("attributes", "usage", "second_form_of", "usage")),
    ("E_FEUILLE", "usage", put("attributes", "usage", "second_form_of", ["nom"])),
    ("E_FEUILLE", "première", put("attributes", "nom", "second_form_of", "usage")),
    (
        "E_FEUILLE",
        "première",
        put("attributes", "autre", {"kind": "name", "bits": 1, "second_form_of": "usage"}),
    ),
    ("E_FEUILLE", "a.b", put("attributes", "a.b", {"kind": "name", "bits": 1})),
    ("E_FEUILLE", "« id »", put("attributes", "id", {"kind": "name", "bits": 1})),
    ("E_FEUILLE", "passes", put("passes", 3)),
    ("E_FEUILLE", "passes", put("passes", {"name": "p"})),
    ("E_FEUILLE", "passes", put("passes", 0, "jour")),
    ("E_FEUILLE", "name", put("passes", 0, {"blocks": [["nom.initial"]]})),
    ("E_FEUILLE", "name", put("passes", 0, "name", "un/deux")),
    ("E_FEUILLE", "même nom", put("passes", 1, "name", "jour")),
    ("E_CLE_INCONNUE", "cap", put("passes", 0, "cap", 100)),
    ("E_FEUILLE", "liste de listes", put("passes", 0, "blocks", ["nom.initial"])),
    ("E_FEUILLE", "liste de listes", put("passes", 0, "blocks", [])),
    ("E_FEUILLE", "liste de listes", put("passes", 0, "blocks", [[]])),
    ("E_FEUILLE", "chaîne", put("passes", 0, "blocks", [[3]])),
    ("E_BLOC_INCONNU", "« absent.value »", put("passes", 0, "blocks", [["absent.value"]])),
    ("E_BLOC_INCONNU", "initial, two", put("passes", 0, "blocks", [["nom.year"]])),
    ("E_BLOC_INCONNU", "« nom »", put("passes", 0, "blocks", [["nom"]])),
    ("E_FEUILLE", "répète", put("passes", 0, "blocks", [["nom.initial", "nom.initial"]])),
    ("E_FEUILLE", "répète", put("passes", 0, "blocks", [["nom.initial", "nom.two"]])),
    ("E_FEUILLE", "répète", put("passes", 0, "blocks", [["naissance.day_month", "sexe.value", "naissance.day"]])),
    ("E_CLE_INCONNUE", "absent", put("statistics", "absent", 3)),
    ("E_CLE_INCONNUE", "postal.value", put("statistics", "postal.value", 3)),
    ("E_CLE_INCONNUE", "naissance", put("statistics", "naissance", {"year": {"from": 1900, "to": 1999}})),
    ("E_FEUILLE", "postal", put("statistics", "postal", 0)),
    ("E_FEUILLE", "postal", put("statistics", "postal", 10**12)),
    ("E_FEUILLE", "postal", put("statistics", "postal", 1.5)),
    ("E_FEUILLE", "postal", put("statistics", "postal", {"from": 1900, "to": 1999})),
    ("E_FEUILLE", "year to", put("statistics", "naissance.year", {"from": 1999, "to": 1900})),
    ("E_FEUILLE", "year to", put("statistics", "naissance.year", {"from": 1900, "to": 10**12})),
    ("E_FEUILLE", "fréquences", put("statistics", "sexe", {"M": 0, "F": 0})),
    ("E_FEUILLE", "fréquences", put("statistics", "sexe", {})),
    ("E_FEUILLE", "sexe", put("statistics", "sexe", {"M": -1, "F": 3})),
    ("E_CLE_INCONNUE", "prenom", put("columns", "droite", "prenom", "p")),
    ("E_FEUILLE", "droite", put("columns", "droite", "nom")),
    ("E_FEUILLE", "id", put("columns", "droite", "id", 3)),
    ("E_FEUILLE", "chaîne", put("columns", "droite", "nom", 3)),
    ("E_CLE_INCONNUE", "colum", put("columns", "droite", "nom", {"colum": "n"})),
    ("E_FORMAT_DATE", "naissance", put("columns", "droite", "naissance", "format", "DD/MM/YYYY")),
    ("E_FEUILLE", "trois", put("columns", "droite", "naissance", "column", ["annee", "mois"])),
    ("E_FEUILLE", "trois", put("columns", "droite", "naissance", ["annee", "mois"])),
]


@pytest.mark.parametrize(("code", "said", "change"), FAULTS)
def test_a_fault_is_refused_with_its_place(code, said, change):
    """Each fault has its code, and the sentence names the key."""
    assert Sheet.from_table(WIDE).name == "large"
    with pytest.raises(SheetError) as refusal:
        Sheet.from_table(changed(change))
    assert refusal.value.code == code
    assert said in refusal.value.message


def test_a_file_that_is_no_sheet_is_refused(tmp_path):
    """Absent, not UTF-8, not TOML, a folder, an unknown shipped name: always E_FEUILLE."""
    (tmp_path / "latin.toml").write_bytes("name = 'é'".encode("latin-1"))
    (tmp_path / "broken.toml").write_text("version = ")
    for source in [tmp_path / "absent.toml", tmp_path / "latin.toml", tmp_path / "broken.toml", tmp_path, "P9"]:
        with pytest.raises(SheetError) as refusal:
            load_sheet(source)
        assert refusal.value.code == "E_FEUILLE"


SAME: list[Change] = [
    put("id", "autre"),
    put("attributes", "nom", "column", ["n1", "n2"]),
    put("attributes", "naissance", "format", "EXCEL"),
    put("attributes", "naissance", "invalid", "refuse"),
    put("attributes", "postal", "optional", True),
    put("columns", {}),
    put("columns", "gauche", {"nom": "X"}),
    put("bad_rows", "skip"),
    put("most_bad_rows", 0),
    put("attributes", "nom", "missing", "0"),
]
OTHER: list[Change] = [
    put("name", "autre"),
    put("strict", 830),
    put("solving", "many-to-one"),
    put("information", 780),
    put("attributes", "nom", "longest", 13),
    put("attributes", "nom", "compare", "exact"),
    put("attributes", "nom", "bits", 11),
    put("attributes", "postal", "pad", 4),
    put("attributes", "postal", "kind", "cog"),
    put("attributes", "rue", "class", "autre"),
    lambda t: t["attributes"]["usage"].pop("second_form_of"),
    lambda t: t["attributes"].update(prenoms={"kind": "given_names", "bits": 3}),
    put("passes", 0, "name", "autre"),
    put("passes", 0, "blocks", [["naissance.day"]]),
    lambda t: t["passes"].reverse(),
    put("statistics", "postal", 6001),
    put("statistics", "sexe", {"M": 50, "F": 50}),
    lambda t: t.pop("statistics"),
]


@pytest.mark.parametrize("change", SAME)
def test_the_digest_ignores_what_belongs_to_one_file(change):
    """Columns, formats and what is done with bad cells may differ between the parties."""
    assert Sheet.from_table(changed(change)).digest == Sheet.from_table(WIDE).digest


@pytest.mark.parametrize("change", OTHER)
def test_the_digest_tells_what_both_must_share(change):
    """Bits, kinds, classes, passes and statistics must not differ."""
    assert Sheet.from_table(changed(change)).digest != Sheet.from_table(WIDE).digest


def test_digests_of_changed_sheets_are_all_different():
    """No two changes meet in one digest."""
    assert len({Sheet.from_table(changed(change)).digest for change in OTHER}) == len(OTHER)


def test_each_side_has_its_own_columns():
    """A side's columns and formats replace those of the attribute; other sides keep the sheet's."""
    sheet = Sheet.from_table(WIDE)
    identifiers, attributes = sheet.for_side("droite")
    own = {one.name: one for one in attributes}
    assert (identifiers, own["nom"].columns, own["naissance"].columns) == (("no",), ("nom1", "nom2"), ("ne_le",))
    assert (own["naissance"].formats, own["postal"].columns) == (("AAAAMMJJ",), ("postal",))
    identifiers, attributes = sheet.for_side("gauche")
    assert (identifiers, attributes) == (("numero",), sheet.attributes)


def test_with_columns_replaces_one_side_only_and_keeps_the_digest():
    """A démarche gives columns to its operands without changing what is shared."""
    sheet = P1.with_columns("caf", {"id": "MATRICULE", "nom_naissance": "NOM"}).with_columns("msa", {"sexe": "SX"})
    assert sheet.for_side("caf")[0] == ("MATRICULE",)
    assert sheet.for_side("msa")[1] != P1.attributes
    assert sheet.digest == P1.digest
    with pytest.raises(SheetError):
        P1.with_columns("caf", {"nom": "NOM"})


def test_the_date_formats_are_those_that_the_normaliser_reads():
    """Every format that a sheet may name reads the same day."""
    written = {
        "AAAA-MM-JJ": "1980-02-01", "AAAAMMJJ": "19800201", "JJ/MM/AAAA": "01/02/1980", "JJ.MM.AAAA": "1.2.1980",
        "JJ-MM-AAAA": "01-02-1980", "JJMMAAAA": "01021980", "MM/JJ/AAAA": "2/1/1980", "EXCEL": "29252",
    }  # fmt: skip
    assert set(written) == set(DATE_FORMATS)
    for name, cell in written.items():
        table = {"version": "linkage/v1", "attributes": {"d": {"kind": "date", "bits": 1, "format": name}}}
        assert normaliser(Sheet.from_table(table).attribute("d"))(cell) == "19800201"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("nom"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all parts of a table."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


@settings(deadline=None)
@given(st.data())
def test_whatever_stands_in_a_sheet_it_is_a_sheet_or_refused(data):
    """Anything put anywhere in a sheet is accepted with a digest, or refused as a SheetError."""
    source = data.draw(st.sampled_from([WIDE, P1_TABLE]))
    table: Any = copy.deepcopy(source)
    *path, last = data.draw(st.sampled_from(places(source)[1:]))
    put(*path, last, data.draw(json_like))(table)
    try:
        sheet = Sheet.from_table(table)
    except SheetError:
        return
    assert len(sheet.digest) == 64
    assert sheet.for_side("droite")[1]


def test_an_unknown_shipped_name_is_told_those_that_there_are():
    """`p1` is not `P1`; a file of that name is reached by its path."""
    with pytest.raises(SheetError, match=r"P1, P2, P3.*\./p1\.toml"):
        load_sheet("p1")


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        (("nom_naissance.two", "prenoms.initial"), True),
        (("nom_usage.initial", "sexe.value"), True),
        (("nom_naissance.two", "date_naissance.unit"), False),
        (("cog_commune_naissance.value",), False),
        ((), False),
    ],
)
def test_block_values_of_names_only(components, expected):
    """Sex beside names changes nothing; no component is no name."""
    assert load_sheet("P1").names_only(components) is expected


def test_attributes_that_one_file_has_not_are_taken_off():
    """Levels lose them and merge where they then say the same; a pass with nothing left goes."""
    sheet = load_sheet("P4").without(["nom_naissance", "nom_usage", "prenoms"])
    assert {"lieu": ("code_postal.value",), "adresse": ("adresse.value",)} == {
        rule.name: level for rule in sheet.passes for level in rule.ladder
    }
    assert {"adresse", "code_postal", "cog_commune"} == {one.name for one in sheet.attributes}
    lighter = load_sheet("P2").without(["sexe"])
    assert len(lighter.passes) == len(load_sheet("P2").passes)
    assert all(len(set(rule.ladder)) == len(rule.ladder) for rule in lighter.passes)
    assert lighter.digest != load_sheet("P2").digest


@pytest.mark.parametrize(
    ("names", "code"),
    [(["surnom"], "E_CLE_INCONNUE"), (["code_postal", "nom_naissance", "prenoms", "adresse"], "E_FEUILLE")],
)
def test_what_cannot_be_taken_off(names, code):
    """An attribute that is not there, or so many that no pass is left."""
    with pytest.raises(SheetError) as refusal:
        load_sheet("P4").without(names)
    assert code == refusal.value.code
