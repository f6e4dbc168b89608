"""Local selection on files: what is kept, what is computed, what is counted, what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.columns import RawColumn
from linkage.errors import LinkageError
from linkage.records import read_records, read_selected
from linkage.selection import (
    UNDECIDED,
    LocalRules,
    Preparing,
    Selection,
    Tally,
    Undecided,
    parameters_of,
    parse_computation,
    parse_selection,
    read_parameters,
)
from linkage.selection_values import Cells
from linkage.sheet import load_sheet

TODAY = date(2026, 10, 20)


def cells(column: Sequence[str]) -> Cells:
    raw = RawColumn.of(column)
    return Cells(values=raw.values, codes=raw.codes)


def begun(
    text: str, *, keep: Undecided = "leave", computed: Mapping[str, str] | None = None, **parameters: Any
) -> Preparing:
    known = parameters_of(parameters)
    rules = LocalRules(
        selection=parse_selection(text, known) if text else None,
        computed={name: parse_computation(one, known) for name, one in (computed or {}).items()},
        undecided=keep,
    )
    return rules.begin(TODAY)


def kept(
    text: str, columns: Mapping[str, Sequence[str]], *, keep: Undecided = "leave", **parameters: Any
) -> list[bool]:
    work = begun(text, keep=keep, **parameters)
    count = len(next(iter(columns.values())))
    mask = work.rows({name: cells(one) for name, one in columns.items()}, count)[0]
    return [bool(one) for one in mask]


CASES = [
    ("rsa et non option", {"rsa": ["oui", "1", "non", "", "O"], "option": ["non", "", "0", "non", "X"]}, {}, "10000"),
    ("rsa and not oui(option)", {"rsa": ["oui", "1", "non", ""], "option": ["non", "", "0", "non"]}, {}, "1100"),
    ("age(d) in 16..18", {"d": ["20/10/2010", "2010-10-21", "20071021", "2007-10-20", ""]}, {}, "10100"),
    ("age_mois(d) <= 3", {"d": ["2026-07-20", "2026-06-20", "2026-06-21"]}, {}, "101"),
    ("age(d, 2026-12-31) = 16", {"d": ["2010-12-31", "2009-12-31", "2010-01-01"]}, {}, "101"),
    ("f dans J+150..J+180", {"f": ["2027-03-19", "2027-03-18", "18/04/2027", "2027-04-19"]}, {}, "1010"),
    ("f dans J-30..J+60", {"f": ["2026-09-20", "2026-12-19", "2026-12-20"]}, {}, "110"),
    ("motif = 'demenagement'", {"motif": ["Déménagement", " DEMENAGEMENT", "vente", ""]}, {}, "1100"),
    ("motif != 'demenagement'", {"motif": ["Déménagement", "vente", ""]}, {}, "010"),
    ("classe in ['F', 'G']", {"classe": ["F", "g", "A+", ""]}, {}, "1100"),
    ("classe not in ['F', 'G']", {"classe": ["F", "A", ""]}, {}, "010"),
    ("commune dans ressort", {"commune": ["01053", "01004", "69123"]}, {"ressort": ["01053", "01004"]}, "110"),
    ("rfr / uc < plafond", {"rfr": ["1 200,50 €", "9000", "12"], "uc": ["1,5", "1", "0"]}, {"plafond": 2000}, "100"),
    ("rfr <= plafond(parts)", {"rfr": ["20000", "20000", "1"], "parts": ["1", "2,5", ""]},
     {"plafond": {"bornes": [1, 2], "valeurs": [15000, 25000, 30000]}}, "010"),
    ("departement(cog) = '1' or region = 84", {"cog": ["1053", "2A004"], "region": ["93", "84"]}, {}, "01"),
    ("departement(cog) dans ['01', '974']", {"cog": ["1053", "97411", "2A004", "x"]}, {}, "1100"),
    ("not courriel_ok and vide(mobile)", {"courriel_ok": ["non", "non", "oui"], "mobile": ["", "06", ""]}, {}, "100"),
    ("`allocataire-nom` = \"d'or\"", {"allocataire-nom": ["D'Or", "dor"]}, {}, "10"),
    ("commence_par(ape, '43') ou contient(nom, 'bois')", {"ape": ["4391A", "6201Z"], "nom": ["", "Au Bois"]}, {}, "11"),
    ("jours_depuis(d) >= 30 et jours_avant(f) < 10", {"d": ["2026-09-20", "2026-09-21"], "f": ["J", "2026-10-29"]}, {},
     "00"),
    ("max(a, b) - min(a, b) = 2 * 3", {"a": ["1", "7", "-3"], "b": ["7", "2", "3"]}, {}, "101"),
    ("a = -3 ou a > 1.5", {"a": ["-3", "1,6", "1.5", "3 000"]}, {}, "1101"),
    ("si(vide(a), b, a) = 'x'", {"a": ["", "x", "y"], "b": ["x", "", "x"]}, {}, "110"),
    ("actif ou ancien", {"actif": ["", "", "oui"], "ancien": ["oui", "", ""]}, {}, "101"),
    ("fin < J-18a", {"fin": ["2008-10-19", "2008-10-20"]}, {}, "10"),
    ("fin > date(debut) + 30", {"debut": ["2026-01-01", "2026-01-01"], "fin": ["2026-02-01", "2026-01-31"]}, {}, "10"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "columns", "parameters", "expected"), CASES)
def test_a_condition_keeps_the_rows_that_surely_satisfy_it(text, columns, parameters, expected):
    """Every form of the language, on cells as administrations write them."""
    assert [sign == "1" for sign in expected] == kept(text, columns, **parameters)


def test_a_partial_date_decides_only_what_all_its_days_decide():
    """Born in 2008 without a day: surely under 19 on that day of 2026, but not surely of age; adults for sure in 2007."""
    dates = ["2008-00-00", "2007-00-00", "2008-10-00"]
    assert [False, True, False] == kept("age(d) >= 18", {"d": dates})
    assert [True, False, True] == kept("age(d) < 19", {"d": dates})


def test_the_undecided_stay_in_a_subtracted_file_only():
    """An empty cell leaves a file of possible hits, and stays in one that is subtracted."""
    column = {"ouvert": ["oui", "", "non", "peut-être"]}
    assert [True, False, False, False] == kept("ouvert", column)
    assert [True, True, False, True] == kept("ouvert", column, keep="keep")


def test_whoever_cannot_be_judged_is_marked():
    """Where a file takes away and is asked for: kept, with a mark beside each; nobody else has one."""
    column = {"ouvert": ["oui", "", "non", "?"]}
    work = begun("ouvert", keep="mark")
    mask, made = work.rows({name: cells(one) for name, one in column.items()}, 4)
    assert ([True, True, False, True], ["", "1", "1"]) == (mask.tolist(), made[UNDECIDED])
    assert {UNDECIDED} == work.rules.made
    told = work.finish().sentences()
    assert any(
        "2 ligne(s) dont une cellule vide ou illisible" in one and "sans résultat pour elles" in one for one in told
    )
    assert {} == begun("ouvert", keep="keep").rows({name: cells(one) for name, one in column.items()}, 4)[1]


def test_one_row_per_value_is_the_first_that_is_kept_across_pieces():
    """The first kept row of each value stays, whatever piece of the file it comes in."""
    work = begun("ok et une_ligne_par(matricule, rang)")
    first, _ = work.rows(
        {"ok": cells(["non", "oui", "oui"]), "matricule": cells(["1", "1", "2"]), "rang": cells("aaa")}, 3
    )
    second, _ = work.rows({"ok": cells(["oui", "oui"]), "matricule": cells(["1", "2"]), "rang": cells("ab")}, 2)
    assert ([False, True, True], [False, True]) == (first.tolist(), second.tolist())
    assert (5, 3, 1, 1) == (work.tally.rows, work.tally.kept, work.tally.dropped, work.tally.repeated)


def test_computed_columns_are_text_and_empty_where_nothing_is_sure():
    """Bands, months, dates and joined words, as cells of a file; a row that is left out has none."""
    computed = {
        "tranche": "tranche(qf, grille)",
        "mois": "mois_de(fin)",
        "suite": "date(fin) + 10",
        "adresse": "joint(numero, voie)",
        "moitie": "qf / 2",
        "adulte": "age(fin) >= 18",
    }
    grille = {"bornes": [400, 800], "valeurs": ["A", "B", "C"]}
    work = begun("oui(garde)", computed=computed, grille=grille)
    columns = {
        "garde": cells(["oui", "oui", "non", "oui"]),
        "qf": cells(["400", "800,5", "1", ""]),
        "fin": cells(["2026-12-25", "2026-12-00", "2026-01-01", "2000-00-00"]),
        "numero": cells(["12", "", "1", "3"]),
        "voie": cells(["rue A", "rue B", "x", ""]),
    }
    expected = {
        "tranche": ["A", "C", ""],
        "mois": ["2026-12", "2026-12", ""],
        "suite": ["2027-01-04", "", ""],
        "adresse": ["12 rue A", "rue B", "3"],
        "moitie": ["200", "400.25", ""],
        "adulte": ["non", "non", "oui"],
    }
    assert expected == work.rows(columns, 4)[1]


def test_a_column_that_is_mostly_unreadable_refuses_the_file():
    """A rule that reads the wrong column is a mistake, not a population of nobody."""
    work = begun("oui(a) ou age(d) > 3")
    work.rows({"a": cells(["oui", "oui", "oui"]), "d": cells(["sans date", "12 ans", "2000-01-01"])}, 3)
    with pytest.raises(LinkageError, match=r"E_SELECTION_COLONNE : colonne « d »"):
        work.finish()


def test_a_selection_of_nobody_is_refused():
    """A file from which nothing is left is an error to be seen."""
    work = begun("oui(a)")
    work.rows({"a": cells(["non", ""])}, 2)
    with pytest.raises(LinkageError, match="E_SELECTION_VIDE"):
        work.finish()


def test_the_agent_is_told_counts_and_others_none_under_eleven():
    """Sentences hold counts and names of columns; what leaves the machine hides small groups."""
    tally = Tally(rows=200, kept=150, dropped=45, undecided=5, repeated=0, unreadable={("d", "une date"): 3})
    assert [
        "sélection : 150 ligne(s) gardée(s) sur 200, 45 hors de la sélection",
        "5 ligne(s) dont une cellule vide ou illisible ne permet pas de juger, laissées de côté",
        "colonne « d » : 3 cellule(s) où une date était attendu(e)",
    ] == tally.sentences()
    assert {"rows": 200, "kept": 150, "left_out": 50} == tally.for_others()
    assert {"rows": None, "kept": None, "left_out": None} == Tally(rows=200, kept=190).for_others()


def test_reading_a_file_keeps_its_selected_rows_and_judges_no_other(tmp_path: Path):
    """A row that is left out may be wrong; a computed column stands where a column may."""
    path = tmp_path / "eleves.csv"
    path.write_text(
        "numero;nom_naissance;prenom;second;sexe;date_naissance;inscrit\n"
        "1;DURAND;Zoe;Anne;F;2010-05-17;oui\n"
        "1;MARTIN;Leo;;M;2010-13-45;non\n"
        "2;PETIT;Ali;;M;2011-02-28;oui\n",
        "utf-8",
    )
    sheet = load_sheet("P2").with_columns("eleves", {"id": "numero", "prenoms": "prenoms"})
    work = begun("inscrit", computed={"prenoms": "joint(prenom, second)", "annee": "annee(date_naissance)"})
    records = read_selected(path, sheet, "eleves", work, extra=("annee",))
    assert (["1", "2"], ["2010", "2011"]) == (list(records.ids), records.extra["annee"])
    assert (3, 2, 1) == (work.tally.rows, work.tally.kept, work.tally.dropped)
    assert ["ZOE", "ALI"] == [records.columns["prenoms"].values[code] for code in records.columns["prenoms"].codes]


def test_without_rules_a_file_is_read_as_ever(tmp_path: Path):
    """Rules that ask nothing change nothing."""
    path = tmp_path / "a.csv"
    path.write_text("identifiant;nom_naissance;prenoms;sexe;date_naissance\n1;DURAND;Zoe;F;2010-05-17\n", "utf-8")
    plain, ruled = read_records(path, load_sheet("P2"), "a"), read_selected(path, load_sheet("P2"), "a", begun(""))
    assert list(plain.ids) == list(ruled.ids)
    assert [c.codes.tolist() for c in plain.columns.values()] == [c.codes.tolist() for c in ruled.columns.values()]


REFUSED_PARAMETERS = [
    {"p": []},
    {"p": ""},
    {"p": [1, "a"]},
    {"p": {"bornes": [1, 2], "valeurs": ["A", "B"]}},
    {"p": {"bornes": [2, 1], "valeurs": ["A", "B", "C"]}},
    {"p": {"bornes": [1], "valeurs": ["A", 2]}},
    {"p": {"bornes": [1], "valeurs": [1, 2], "autre": 3}},
]


@pytest.mark.parametrize("values", REFUSED_PARAMETERS)
def test_parameters_of_no_known_form_are_refused(values):
    """A number, a word, a flag, a date, a list of one kind, or a whole table of steps."""
    with pytest.raises(LinkageError, match="E_PARAMETRE"):
        parameters_of(values)


def test_parameters_are_read_from_a_file(tmp_path: Path):
    """TOML lines; what is no TOML is refused with the name of the file."""
    path = tmp_path / "seuils.toml"
    path.write_text("plafond = 1200\nressort = ['01053']\nfin = 2026-12-31\n", "utf-8")
    assert {"plafond": 1200, "ressort": ("01053",), "fin": date(2026, 12, 31)} == read_parameters(path)
    path.write_text("plafond : 1200", "utf-8")
    with pytest.raises(LinkageError, match=r"E_PARAMETRE : seuils\.toml"):
        read_parameters(path)


def test_a_selection_knows_the_columns_that_it_reads():
    """Columns, each once, without parameters and functions."""
    found: Selection = parse_selection("rfr <= plafond(parts) et rfr > seuil et `a-b`", parameters_of({"seuil": 1}) | {
        **parameters_of({"plafond": {"bornes": [1], "valeurs": [1, 2]}})
    })  # fmt: skip
    assert ("rfr", "parts", "a-b") == found.columns


# A slow oracle: trees of a few columns, evaluated row by row in plain Python with None for what nobody knows.
_FLAGS = {"oui": True, "non": False, "": None}
leaf = st.sampled_from(["a", "b", "oui(c)", "n > 3", "n dans 2..4", "vide(n)"])
trees = st.recursive(
    leaf,
    lambda below: st.one_of(
        below.map(lambda one: f"non ({one})"),
        st.tuples(below, below).map(lambda pair: f"({pair[0]}) et ({pair[1]})"),
        st.tuples(below, below).map(lambda pair: f"({pair[0]}) ou ({pair[1]})"),
    ),
    max_leaves=6,
)
rows_of_cells = st.lists(
    st.tuples(*[st.sampled_from(list(_FLAGS))] * 3, st.sampled_from(["1", "2", "4", "5", ""])), min_size=1, max_size=12
)


def oracle(text: str, row: Mapping[str, str]) -> bool | None:
    number = int(row["n"]) if row["n"] else None
    leaves = {
        "a": _FLAGS[row["a"]],
        "b": _FLAGS[row["b"]],
        "oui(c)": row["c"] == "oui",
        "n > 3": None if number is None else number > 3,
        "n dans 2..4": None if number is None else 2 <= number <= 4,
        "vide(n)": number is None,
    }
    if text in leaves:
        return leaves[text]
    if text.startswith("non ("):
        below = oracle(text[5:-1], row)
        return None if below is None else not below
    depth = 0
    place = -1
    while depth or place < 0:
        place += 1
        depth += (text[place] == "(") - (text[place] == ")")
    word, left, right = text[place + 2 : place + 4], oracle(text[1:place], row), oracle(text[place + 6 : -1], row)
    if word == "et":
        return False if False in (left, right) else None if None in (left, right) else True
    return True if True in (left, right) else None if None in (left, right) else False


@settings(max_examples=60, deadline=None)
@given(trees, rows_of_cells)
def test_conditions_agree_with_three_valued_logic_row_by_row(text, rows):
    """Any condition, any cells: kept where surely true, and where not surely false in a subtracted file."""
    named = [dict(zip("abcn", row, strict=True)) for row in rows]
    columns = {name: [row[name] for row in named] for name in "abcn"}
    expected = [oracle(text, row) for row in named]
    assert [one is True for one in expected] == kept(text, columns)
    assert [one is not False for one in expected] == kept(text, columns, keep="keep")
