"""Normalisation as a whole: each kind goes to its reader, canonical values are the oracle's, and the rules that only show
once values are features: names that meet across fields, truncated fields, partial and swapped dates, lineages, contacts.

Rules 1 to 4 are in `test_cells`, 2 to 9 in `test_names`, 13 to 15 and 22 in `test_dates`, 12, 16 and 18 in `test_codes`, 17 in
`test_places`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linkage.sheet
from linkage.attribute import DATE_FORMATS, KINDS
from linkage.cells import BadValue, fold
from linkage.dates import weaken_day
from linkage.features import token_class, tokens
from linkage.normalise import normaliser
from linkage.sheet import Sheet, load_sheet
from tests import oracle
from tests.invented import cells_of_kind

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PERSON = {
    "nom_naissance": "DUPONT",
    "prenoms": "MARIE CLAIRE",
    "sexe": "F",
    "date_naissance": "1975-03-14",
    "cog_commune_naissance": "92036",
    "cog_pays_naissance": "99100",
}


def read(kind: str, raw: str, **keys: Any) -> str | None:
    """The canonical value of a cell."""
    table = {"version": "linkage/v1", "attributes": {"a": {"kind": kind, "bits": 1, **keys}}}
    return normaliser(Sheet.from_table(table).attribute("a"))(raw)


def tokens_of(cells: dict[str, str], *, born_abroad: bool = False) -> set[tuple[str, str]]:
    """Every token of a person in sheet P1, with its class; without the encoder's keys and weights."""
    found = set()
    for attribute in load_sheet("P1").attributes:
        value = normaliser(attribute)(cells.get(attribute.name, ""))
        if value is not None:
            value = weaken_day(value) if born_abroad and attribute.kind == "date" else value
            found |= {(token_class(attribute), token) for some in tokens(attribute, value).values() for token in some}
    return found


def likeness(one: dict[str, str], other: dict[str, str]) -> float:
    """Dice of the tokens of two people."""
    left, right = tokens_of(one), tokens_of(other)
    return 2 * len(left & right) / (len(left) + len(right))


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("name", "Mme Lebœuf", "LEBOEUF"), ("given_names", "Jean‑Luc, Marie", "JEAN-LUC MARIE"),
        ("date", "1992-01-01", "19920101?"),
        ("sex", "Mme", "F"), ("code", "b 7", "B7"), ("cog", "8480", "08480"), ("country", "FR", "99100"), ("number", "007", "7"),
        ("category", " 12_bis ", "12 BIS"), ("text", "12 bis, rue de l'Œuvre", "12 BIS RUE DE L OEUVRE"), ("text", "--", None),
    ],
)  # fmt: skip
def test_each_kind_has_its_reader(kind, raw, expected):
    """One example a kind; the readers have their own tests."""
    assert read(kind, raw) == expected


def test_a_second_form_of_a_name_reads_the_name_of_usage():
    """The same cell counts for the name born with in one attribute and for the other one in the next."""
    one, other = (load_sheet("P1").attribute(name) for name in ("nom_naissance", "nom_usage"))
    assert [normaliser(which)("DUPONT EPOUSE MARTIN") for which in (one, other)] == ["DUPONT", "MARTIN"]


def test_keys_of_the_sheet_reach_their_reader():
    """Formats of dates and lengths of codes."""
    assert read("date", "29/11/1992", format=["AAAA-MM-JJ", "JJ/MM/AAAA"]) == "19921129"
    assert read("code", "7", pad=3) == "007"
    assert read("cog", "7505", pad=6) == "007505"


@pytest.mark.parametrize(
    ("full", "short"),
    [
        ("Jean-Christophe", "JEAN-CHRISTOP"), ("MARIE-CLAUDE Anne", "MARIE-CLAUDE"), ("Maximilienne Rose", "MAXIMILIENNE"),
        ("Paul", "PAUL"), ("ANNE-MARIE-CLAUDE", "ANNE-MARIE-CL"), ("ABDELRAHMANNNN X", "ABDELRAHMANNN"),
    ],
)  # fmt: skip
def test_rule_10_a_truncated_field_meets_the_whole_one(full, short):
    """France Travail keeps thirteen characters of the first names: with `longest` both sides do."""
    assert read("given_names", full, longest=13) == read("given_names", short, longest=13) == short


def test_rule_10_nothing_is_cut_that_the_sheet_does_not_cut():
    """Without `longest` the two differ; surnames and texts are cut too, other kinds never."""
    assert read("given_names", "Jean-Christophe") == "JEAN-CHRISTOPHE"
    assert read("name", "de la Rochefoucauld d'Estissac", longest=25) == "DE LA ROCHEFOUCAULD D EST"
    assert read("text", "12 rue de la Paix", longest=6) == "12 RUE"
    assert read("name", "SNP", longest=5) is None


def test_rule_10_most_keeps_the_first_names_that_both_files_have():
    """The ministry of education has one first name; the composed one is one."""
    cells = ["Jean-Pierre Marie Paul", "JEAN-PIERRE", "Jean-Pierre, Anne"]
    assert {read("given_names", cell, most=1) for cell in cells} == {"JEAN-PIERRE"}
    assert read("given_names", "Anne Marie Paule", most=2) == "ANNE MARIE"
    assert read("given_names", "Anne Marie Paule", most=2, longest=7) == "ANNE MA"
    assert read("given_names", "", most=2, longest=7) is None


def test_rule_2_joined_and_parted_spellings_of_a_name_nearly_agree():
    """JEAN-PIERRE, JEAN PIERRE and JEANPIERRE share most of what they become."""
    attribute = load_sheet("P1").attribute("nom_naissance")
    spellings = ["LE GOFF", "LEGOFF", "DUPONT"]
    found = [set(tokens(attribute, spelling)["grams"]) for spelling in spellings]
    assert len(found[0] & found[1]) / len(found[1]) == 1
    assert len(found[0] & found[2]) == 0


def test_rule_7_a_surname_meets_a_name_of_usage():
    """Born DUPONT, married MARTIN: a file that only knows MARTIN still meets her, one that knows LEROY does so less."""
    married = {**PERSON, "nom_usage": "MARTIN"}
    known_as = likeness(married, {**PERSON, "nom_naissance": "MARTIN"})
    assert known_as > likeness(PERSON, {**PERSON, "nom_naissance": "MARTIN"})
    assert known_as > likeness(married, {**PERSON, "nom_naissance": "LEROY"})


def test_rule_8_a_particle_more_or_less_changes_little():
    """DE LA TOUR and TOUR share the main word."""
    one, other, another = ({**PERSON, "nom_naissance": name} for name in ("DE LA TOUR", "TOUR", "VIGNY"))
    assert likeness(one, other) > 0.9 > likeness(one, another)


def test_rule_9_first_names_compare_in_any_order_and_joined():
    """First with first, first with any, composed or not: all nearer than another first name."""
    other = likeness(PERSON, {**PERSON, "prenoms": "SOPHIE"})
    for spelling in ("MARIE-CLAIRE", "CLAIRE MARIE", "MARIE", "CLAIRE", "MARIECLAIRE"):
        assert likeness(PERSON, {**PERSON, "prenoms": spelling}) > other


def test_rule_11_swapped_name_and_first_name_still_meet():
    """All names are in one class: a swap changes nothing but the joints of words."""
    swapped = {**PERSON, "nom_naissance": "MARIE CLAIRE", "prenoms": "DUPONT"}
    assert likeness(PERSON, swapped) > 0.95
    assert likeness(PERSON, {**PERSON, "nom_naissance": "LEROY", "prenoms": "SOPHIE"}) < 0.75


def test_rule_14_a_partial_date_is_no_contradiction():
    """1992-00-00 meets 1992-01-01 better than another day of the year, and as well as the mark allows."""
    partial, first, day = ({**PERSON, "date_naissance": f"1992-{rest}"} for rest in ("00-00", "01-01", "07-14"))
    assert likeness(partial, first) > likeness(day, first)
    assert likeness(partial, first) > 0.95
    assert likeness(partial, {**first, "date_naissance": "1991-01-01"}) < likeness(partial, first)


def test_rule_14_abroad_a_first_of_the_month_says_little_of_the_day():
    """1992-05-00 meets 1992-05-01 better once the day is weak."""
    partial, first = {**PERSON, "date_naissance": "1992-05-00"}, {**PERSON, "date_naissance": "1992-05-01"}
    known = tokens_of(partial)
    assert len(tokens_of(first, born_abroad=True) - known) < len(tokens_of(first) - known)


def test_rule_15_day_and_month_exchanged_are_nearer_than_two_other_numbers():
    """13/02 and 02/13 do not exist both; 03/04 and 04/03 do, and share the pair."""
    one, swapped, other = ({**PERSON, "date_naissance": f"1975-{rest}"} for rest in ("03-04", "04-03", "06-08"))
    assert likeness(one, other) < likeness(one, swapped) < 1


@pytest.mark.parametrize(
    ("then", "now"), [("75036", "92036"), ("20004", "2A004"), ("14513", "50592"), ("75112", "75056"), ("8480", "08480")]
)
def test_rule_17_codes_of_two_epochs_are_one_place(then, now):
    """Whoever wrote which code, the people are alike."""
    assert likeness({**PERSON, "cog_commune_naissance": then}, {**PERSON, "cog_commune_naissance": now}) == 1


def test_rule_18_born_abroad_the_country_counts_alone():
    """A file that repeats the country as commune, one that leaves it empty, one that shortens it: all the same person."""
    ways = [("99352", "99352"), ("", "352"), ("00000", "99352")]
    found = [
        tokens_of({**PERSON, "cog_commune_naissance": commune, "cog_pays_naissance": country})
        for commune, country in ways
    ]
    assert found[0] == found[1] == found[2]


def test_rule_20_no_shipped_sheet_encodes_a_contact():
    """Phones and e-mails only serve to reach people: no kind is made for them, and no identity names them."""
    contact = re.compile(r"T[EÉ]L|PHONE|MAIL|COURRIEL|PORTABLE|CONTACT", re.IGNORECASE)
    assert [kind for kind in KINDS if contact.search(kind)] == []
    identities = sorted((Path(linkage.sheet.__file__).parent / "identities").glob("*.toml"))
    assert identities
    for path in identities:
        sheet = load_sheet(path)
        named = [name for one in sheet.attributes for name in (one.name, *one.columns)]
        named += [name for side in sheet.columns for one in sheet.for_side(side)[1] for name in one.columns]
        assert [name for name in named if contact.search(fold(name))] == []


def test_rule_21_twins_are_alike_enough_to_need_the_floor():
    """Twins share all but the first name: no filter forbids them, so the sheet keeps a strict floor."""
    twin = {**PERSON, "prenoms": "ALICE JEANNE"}
    assert likeness(PERSON, twin) > likeness(PERSON, {**twin, "nom_naissance": "LEROY"})
    assert load_sheet("P1").strict == 850


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_canonical_values_are_those_of_the_oracle(kind, data):
    """Every kind, on ordinary and hostile cells, gives what the slow second normaliser gives."""
    raw = data.draw(cells_of_kind[kind])
    keys = {"pad": 5} if kind == "cog" else {}
    assert read(kind, raw, **keys) == oracle.canonical({"kind": kind, **keys}, raw)


def told(kind: str, raw: str) -> str:
    """The sentence of a refusal, or nothing."""
    try:
        value = read(kind, raw, **({"format": list(DATE_FORMATS)} if kind == "date" else {}))
    except BadValue as refusal:
        return f"{refusal.code} {refusal}"
    assert value is None or (value and value == value.strip())
    return ""


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(raw=anything)
def test_any_cell_is_a_value_a_gap_or_a_bad_value(kind, raw):
    """Nothing else can come out, and the sentence of a refusal is one of a few that do not depend on the cell."""
    assert told(kind, raw) in {"", told(kind, "zz"), told(kind, "31/02/1980")}


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_a_canonical_value_is_its_own_canonical_form(kind, data):
    """A file already normalised by another tool meets one that is not."""
    keys: dict[str, Any] = {"format": ["AAAA-MM-JJ", "AAAAMMJJ"]} if kind == "date" else {}
    try:
        once = read(kind, data.draw(cells_of_kind[kind] | anything), **keys)
    except BadValue:
        return
    assert once is None or read(kind, once, **keys) == once


def test_rule_19_an_address_is_written_out_where_the_sheet_says_so():
    """Any other text stays as it is folded."""
    assert read("text", "12B, av. du Gal Leclerc", address="whole") == "12 BIS AVENUE DU GENERAL LECLERC"
    assert read("text", "12B, av. du Gal Leclerc", address="street") == "AVENUE DU GENERAL LECLERC"
    assert read("text", "12B, av. du Gal Leclerc", address="number") == "12 BIS"
    assert read("text", "12B, av. du Gal Leclerc") == "12B AV DU GAL LECLERC"
    assert read("text", "rue Haute", address="number") is None
