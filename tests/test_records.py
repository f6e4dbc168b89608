"""Records: normalised columns, and every row that cannot be used named by line, column and rule, never by its value."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage import tables
from linkage.csv_files import open_csv
from linkage.errors import LinkageError, RowsRefused, TooManyBadRows
from linkage.records import MISSING, Records, read_records, records_from_table
from linkage.sheet import Sheet
from linkage.tables import RawTable

SECRET = "QUIDAMSECRET"
TABLE: dict[str, Any] = {
    "version": "linkage/v1",
    "id": "no",
    "attributes": {
        "nom": {"kind": "name", "bits": 10},
        "usage": {"kind": "name", "bits": 5, "second_form_of": "nom", "optional": True},
        "ancien": {"kind": "name", "bits": 5, "optional": True},
        "sexe": {"kind": "sex", "bits": 2},
        "naissance": {"kind": "date", "bits": 20, "format": ["JJ/MM/AAAA", "AAAA-MM-JJ"]},
    },
    "columns": {
        "droite": {"naissance": ["annee", "mois", "jour"], "nom": ["particule", "nom"]},
        "large": {"naissance": {"column": "ne", "format": "AAAAMMJJ"}},
    },
}
SHEET = Sheet.from_table(TABLE)
LENIENT = Sheet.from_table(
    {
        **TABLE,
        "attributes": {**TABLE["attributes"], "naissance": {**TABLE["attributes"]["naissance"], "invalid": "missing"}},
    }
)
HEADER = "no;nom;usage;sexe;naissance"


def write(folder: Path, *lines: str) -> Path:
    """A file of lines."""
    path = folder / "f.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def decoded(records: Records, name: str) -> list[str | None]:
    """The canonical value of each record."""
    column = records.columns[name]
    return [None if code == MISSING else column.values[code] for code in column.codes]


def test_a_file_becomes_normalised_columns(tmp_path):
    """Distinct canonical values and one code a row; ids stay as they are."""
    path = write(tmp_path, HEADER, "a;Dupont;;M;29/02/1980", "b;DUPONT;Martin;2;1980-02-29", "c;;;;")
    records = read_records(path, SHEET, "gauche")
    assert records.ids == ["a", "b", "c"]
    assert decoded(records, "nom") == ["DUPONT", "DUPONT", None]
    assert records.columns["nom"].values == ["DUPONT"]
    assert records.columns["nom"].codes.dtype == np.int32
    assert decoded(records, "naissance") == ["19800229", "19800229", None]
    assert decoded(records, "sexe") == ["M", "F", None]
    assert (len(records.set_aside), len(records.voided), len(records)) == (0, 0, 3)


def test_a_usage_name_counts_only_where_it_says_something_else(tmp_path):
    """Equal to the birth name once both are normalised, it is missing; without a birth name, it stays."""
    path = write(
        tmp_path,
        HEADER,
        "a;L'Haÿ;L’HAY;M;",
        "b;Dupont;Martin;F;",
        "c;;Martin;F;",
        "d;Dupont;;F;",
        "e;Martin;Mme Martin;F;",
    )
    assert decoded(read_records(path, SHEET, "gauche"), "usage") == [None, "MARTIN", "MARTIN", None, None]


def test_an_absent_optional_column_hides_no_other(tmp_path):
    """`ancien` is not in the file, `usage` is: the one is missing everywhere, the other read."""
    records = read_records(write(tmp_path, HEADER, "a;Dupont;Martin;M;"), SHEET, "gauche")
    assert decoded(records, "usage") == ["MARTIN"]
    assert decoded(records, "ancien") == [None]


def test_a_date_in_three_columns_and_a_name_in_two(tmp_path):
    """Year, month and day are padded and joined; a name's columns are joined with a space, gaps left out."""
    path = write(
        tmp_path,
        "no;particule;nom;sexe;jour;mois;annee",
        "a;de;Foix;M;5;3;1980",
        "b;;Foix;F;;;1992",
        "c;;Foix;F;;;",
        "d;;Foix;F;;7.0;1992.0",
    )
    records = read_records(path, SHEET, "droite")
    assert decoded(records, "naissance") == ["19800305", "19920000", None, "19920700"], "dataframes make floats of gaps"
    assert decoded(records, "nom") == ["DE FOIX", "FOIX", "FOIX", "FOIX"]


def test_extra_columns_travel_raw(tmp_path):
    """A truth column is kept as it is, for the rows that are kept."""
    path = write(tmp_path, HEADER + ";vrai", "a;A;;M;;p 1", "b;B;;M;32/01/1980;p2", "c;C;;M;;P3")
    records = read_records(path, SHEET, "gauche", bad_rows="skip", extra=["vrai"])
    assert records.extra == {"vrai": ["p 1", "P3"]}


FAULTS = [
    ("E_DATE_IMPOSSIBLE", "naissance", "x;A;;M;31/02/1980"),
    ("E_DATE_IMPOSSIBLE", "naissance", "x;A;;M;29/02/1900"),
    ("E_DATE_IMPOSSIBLE", "naissance", "x;A;;M;01/13/1980"),
    ("E_DATE_IMPOSSIBLE", "naissance", "x;A;;M;01/01/1700"),
    ("E_DATE_IMPOSSIBLE", "naissance", "x;A;;M;1980-00-12"),
    ("E_DATE_ILLISIBLE", "naissance", f"x;A;;M;{SECRET}"),
    ("E_DATE_ILLISIBLE", "naissance", "x;A;;M;19800229"),
    ("E_DATE_ILLISIBLE", "naissance", "x;A;;M;29/02/80"),
    ("E_SEXE", "sexe", f"x;A;;{SECRET};"),
    ("E_SEXE", "sexe", "x;A;;19800229;"),
    ("E_IDENTIFIANT_VIDE", "no", f" ;{SECRET};;M;"),
    ("E_IDENTIFIANT_DOUBLE", "no", "OUI;A;;M;"),
    ("E_NOMBRE_CHAMPS", None, f"x;{SECRET};;M;;"),
    ("E_NOMBRE_CHAMPS", None, f"Fin de fichier {SECRET}"),
]


@pytest.mark.parametrize(("code", "column", "row"), FAULTS)
def test_a_bad_row_is_refused_by_line_and_column(tmp_path, code, column, row):
    """Each fault has its code, line, column and a rule; nothing of the row is said."""
    with pytest.raises(RowsRefused) as refusal:
        read_records(write(tmp_path, HEADER, "OUI;A;;M;", '"n\no";B;;F;', row, "z;B;;F;"), SHEET, "gauche")
    problem = refusal.value.problems[0]
    assert (refusal.value.code, problem.code, problem.row, problem.column) == (code, code, 5, column)
    assert str(problem) in str(refusal.value)
    assert "f.csv" in str(refusal.value)
    cells = [cell for cell in row.split(";") if len(cell) > 3]
    assert [cell for cell in cells if cell in str(refusal.value)] == []


@pytest.mark.parametrize(("code", "column", "row"), FAULTS)
def test_a_bad_row_can_be_set_aside(tmp_path, code, column, row):
    """With `skip` the other rows are kept and the bad one is listed."""
    records = read_records(write(tmp_path, HEADER, "OUI;A;;M;", row, "z;B;;F;"), SHEET, "gauche", bad_rows="skip")
    assert records.ids == ["OUI", "z"]
    assert [(one.code, one.row, one.column) for one in records.set_aside] == [(code, 3, column)]
    assert decoded(records, "nom") == ["A", "B"]


def test_all_problems_are_listed_by_line(tmp_path):
    """Several problems of several rows come by line; the message shows twenty and counts the rest."""
    rows = [f"{number};A;;{SECRET};31/02/1980" for number in range(15)]
    with pytest.raises(RowsRefused) as refusal:
        read_records(write(tmp_path, HEADER, *rows, "x", "z;A;;M;"), SHEET, "gauche")
    found = [(one.row, one.code) for one in refusal.value.problems]
    assert len(found) == 31
    assert [row for row, _ in found] == sorted(row for row, _ in found)
    assert {code for row, code in found if row == 2} == {"E_SEXE", "E_DATE_IMPOSSIBLE"}
    assert "… et 11 autre(s)" in refusal.value.message
    assert refusal.value.message.count("ligne ") == RowsRefused.SHOWN
    assert SECRET not in str(refusal.value)


def test_a_file_of_bad_rows_only_is_refused_even_with_skip(tmp_path):
    """Nothing is left to encode."""
    with pytest.raises(RowsRefused):
        read_records(write(tmp_path, HEADER, "a;A;;Z;", "b;B;;Z;"), SHEET, "gauche", bad_rows="skip")


def test_impossible_cells_count_as_missing_where_the_sheet_says_so(tmp_path):
    """The row stays, the cell is missing and reported as voided, not as a bad row."""
    path = write(tmp_path, HEADER, "a;A;;M;31/02/1980", "b;B;;Z;31/02/1980", "c;C;;M;01/02/1980")
    records = read_records(path, LENIENT, "gauche", bad_rows="skip")
    assert records.ids == ["a", "c"]
    assert decoded(records, "naissance") == [None, "19800201"]
    assert [(one.row, one.code) for one in records.voided] == [(2, "E_DATE_IMPOSSIBLE")]
    assert [(one.row, one.code) for one in records.set_aside] == [(3, "E_SEXE")]


def test_equal_ids_are_told_by_the_line_of_the_first(tmp_path):
    """The second and third of three equal identifiers are problems that point at the first."""
    with pytest.raises(RowsRefused) as refusal:
        read_records(write(tmp_path, HEADER, "a;A;;M;", "b;A;;M;", "a;B;;M;", "a;C;;M;"), SHEET, "gauche")
    assert [(one.row, one.rule) for one in refusal.value.problems] == [
        (4, "le même identifiant figure déjà à la ligne 2"),
        (5, "le même identifiant figure déjà à la ligne 2"),
    ]


def test_every_partial_or_empty_date_is_read(tmp_path):
    """Zeros stand for what is unknown; a date of zeros is a gap."""
    cells = ["00/00/1992", "00/07/1992", "1992-00-00", "0000-00-00", "00/00/0000", "", " ", "0000-07-14"]
    rows = [f"{place};A;;M;{cell}" for place, cell in enumerate(cells)]
    records = read_records(write(tmp_path, HEADER, *rows), SHEET, "gauche")
    assert decoded(records, "naissance") == ["19920000", "19920700", "19920000", None, None, None, None, "00000714"]


def test_a_side_reads_its_own_columns_and_formats(tmp_path):
    """The same file is read by its own side and refused by another."""
    path = write(tmp_path, "no;ne;nom;sexe", "a;19800229;A;M")
    assert decoded(read_records(path, SHEET, "large"), "naissance") == ["19800229"]
    with pytest.raises(LinkageError) as refusal:
        read_records(path, SHEET, "gauche")
    assert refusal.value.code == "E_COLONNE_ABSENTE"


def test_rows_moved_by_a_column_are_refused(tmp_path):
    """A row whose cells slid to the right has a name where a date should be."""
    with pytest.raises(RowsRefused) as refusal:
        read_records(write(tmp_path, HEADER, f"a;;Dupont;Martin;{SECRET}"), SHEET, "gauche")
    assert {one.code for one in refusal.value.problems} == {"E_SEXE", "E_DATE_ILLISIBLE"}
    assert SECRET not in str(refusal.value)


hostile = st.sampled_from(
    [
        "",
        "A",
        "M",
        "1",
        "31/02/1980",
        "1980-02-29",
        "00/00/1992",
        SECRET,
        f'"{SECRET}',
        "é",
        "\u200b",
        "=1+1",
        "x" * 1001,
    ]
) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)


@given(
    st.lists(st.lists(hostile, min_size=5, max_size=6), min_size=1, max_size=8),
    st.sampled_from(["refuse", "skip"]),
    st.sampled_from(["utf-8", "cp1252"]),
)
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_rows_are_records_or_a_refusal(tmp_path, rows, bad_rows, encoding):
    """Any cells give records with distinct ids, or a refusal with lines of the file; a recognisable value is never said."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([HEADER.split(";"), *rows])
    path = tmp_path / "f.csv"
    path.write_bytes(out.getvalue().encode(encoding, "ignore"))
    try:
        records = read_records(path, SHEET, "gauche", bad_rows=bad_rows)
    except LinkageError as error:
        said = str(error)
        problems = getattr(error, "problems", [])
    else:
        said = "".join(map(str, [*records.set_aside, *records.voided]))
        problems = records.set_aside
        assert len(set(records.ids)) == len(records)
        assert all(len(column.codes) == len(records) for column in records.columns.values())
        assert all(column.codes.max(initial=MISSING) < len(column.values) for column in records.columns.values())
    last = path.read_bytes().count(b"\n") + path.read_bytes().count(b"\r") + 1
    assert all(2 <= problem.row <= last for problem in problems)
    assert SECRET not in said


def sheet_with(**keys: Any) -> Sheet:
    """The sheet with other keys at its top, or other attributes."""
    attributes = {**TABLE["attributes"], **keys.pop("attributes", {})}
    return Sheet.from_table({**TABLE, "attributes": attributes, **keys})


def some_rows(good: int, bad: int) -> list[str]:
    """Rows of which some have a date that does not exist."""
    return [f"g{n};A;;M;01/02/1980" for n in range(good)] + [f"b{n};A;;M;31/02/1980" for n in range(bad)] + ["z;Z;;F;"]


def test_a_file_with_one_bad_row_in_a_hundred_is_read_where_the_sheet_skips(tmp_path):
    """The sheet decides, the caller may decide otherwise; what is set aside is listed."""
    path = write(tmp_path, HEADER, *some_rows(1980, 20))
    skipping = sheet_with(bad_rows="skip")
    records = read_records(path, skipping, "gauche")
    assert (1981, 20) == (len(records), len(records.set_aside))
    assert {("E_DATE_IMPOSSIBLE", "naissance")} == {(one.code, one.column) for one in records.set_aside}
    with pytest.raises(RowsRefused):
        read_records(path, SHEET, "gauche")
    with pytest.raises(RowsRefused):
        read_records(path, skipping, "gauche", bad_rows="refuse")
    assert 1981 == len(read_records(path, SHEET, "gauche", bad_rows="skip"))


def test_too_many_bad_rows_refuse_even_a_file_whose_bad_rows_are_skipped(tmp_path):
    """Two in a hundred by default; the sentence counts them by rule and says no cell."""
    path = write(tmp_path, HEADER, *some_rows(1000, 30), f"s;A;;{SECRET};")
    with pytest.raises(TooManyBadRows) as refusal:
        read_records(path, sheet_with(bad_rows="skip"), "gauche")
    said = refusal.value.message
    assert ("E_TROP_DE_LIGNES_FAUTIVES", 31) == (refusal.value.code, len(refusal.value.problems))
    assert "31 lignes inutilisables sur 1032 ; 20 pour mille" in said
    assert "30 × E_DATE_IMPOSSIBLE, colonne « naissance »" in said
    assert "1 × E_SEXE" in said
    assert SECRET not in said
    assert 1001 == len(read_records(path, sheet_with(bad_rows="skip", most_bad_rows=31), "gauche"))


def test_a_handful_of_bad_rows_is_never_too_many_unless_none_may_be(tmp_path):
    """Ten rows of a small file; with most_bad_rows = 0 not even one."""
    path = write(tmp_path, HEADER, *some_rows(5, 10))
    assert 6 == len(read_records(path, sheet_with(bad_rows="skip"), "gauche"))
    with pytest.raises(TooManyBadRows):
        read_records(path, sheet_with(bad_rows="skip", most_bad_rows=0), "gauche")


def test_a_file_whose_columns_moved_is_refused_as_such(tmp_path):
    """Not row by row: the column is named, whatever the sheet says of bad rows."""
    path = write(tmp_path, HEADER, *(f"{n};19800229;;M;{SECRET}" for n in range(30)))
    with pytest.raises(LinkageError) as refusal:
        read_records(path, sheet_with(bad_rows="skip"), "gauche")
    assert ("E_COLONNES_DECALEES", True) == (refusal.value.code, "« nom »" in refusal.value.message)
    assert SECRET not in str(refusal.value)


def test_the_last_row_of_another_size_is_a_footer(tmp_path):
    """Left out and said; in the middle it is a bad row."""
    records = read_records(write(tmp_path, HEADER, "a;A;;M;", "1 ligne"), SHEET, "gauche")
    assert (["a"], [("I_PIED", 1, 3)]) == (
        list(records.ids),
        [(one.code, one.count, one.first_row) for one in records.findings if one.count],
    )


def test_cells_that_mean_nothing_in_one_file_are_missing(tmp_path):
    """Raw cells of that side, outer spaces removed, in one column or in parts of a date."""
    own = {
        "gauche": {"naissance": {"column": "naissance", "missing": "99/99/9999"}, "nom": {"missing": ["ANONYME", "?"]}},
        "droite": {"naissance": {"column": ["annee", "mois", "jour"], "missing": "99"}},
    }
    sheet = sheet_with(columns=own)
    path = write(tmp_path, HEADER, "a; ANONYME ;;M;99/99/9999", "b;Anonyme;;M;01/02/1980")
    records = read_records(path, sheet, "gauche")
    assert ([None, "ANONYME"], [None, "19800201"]) == (decoded(records, "nom"), decoded(records, "naissance"))
    path = write(tmp_path, "no;nom;sexe;annee;mois;jour", "a;A;M;1980;99;99")
    assert ["19800000"] == decoded(read_records(path, sheet, "droite"), "naissance")


def test_a_first_of_the_month_is_weak_for_people_born_abroad(tmp_path):
    """Where the sheet names the country: known and not France. Other days stay, and so does a country that is missing."""
    sheet = sheet_with(
        attributes={
            "naissance": {"kind": "date", "bits": 20, "format": "JJ/MM/AAAA", "country": "pays"},
            "pays": {"kind": "country", "bits": 3, "optional": True},
        },
        columns={},
    )
    rows = [("01/05/1992", "99352"), ("02/05/1992", "99352"), ("01/05/1992", "FR"), ("01/05/1992", ""), ("", "99352")]
    path = write(tmp_path, HEADER + ";pays", *(f"{n};A;;M;{day};{land}" for n, (day, land) in enumerate(rows)))
    found = decoded(read_records(path, sheet, "gauche"), "naissance")
    assert ["19920501?", "19920502", "19920501", "19920501", None] == found
    path = write(tmp_path, HEADER, "a;A;;M;01/05/1992")
    assert ["19920501"] == decoded(read_records(path, sheet, "gauche"), "naissance")


def test_two_surnames_in_one_cell_fill_the_second_form(tmp_path):
    """The name of usage beside the birth name counts where its own cell is empty, or its column is not there."""
    rows = ["a;DUPONT EPOUSE MARTIN;;F;", "b;DUPONT EPOUSE MARTIN;Durand;F;", "c;DUPONT;;F;", "d;MARTIN NEE DUPONT;;F;"]
    expected = ["MARTIN", "DURAND", None, "MARTIN"]
    records = read_records(write(tmp_path, HEADER, *rows), SHEET, "gauche")
    assert (["DUPONT"] * 4, expected) == (decoded(records, "nom"), decoded(records, "usage"))
    path = write(tmp_path, "no;nom;sexe;naissance", "a;DUPONT EPOUSE MARTIN;F;", "b;DUPONT;F;")
    assert ["MARTIN", None] == decoded(read_records(path, SHEET, "gauche"), "usage")


def test_serial_dates_are_told_from_other_dates(tmp_path):
    """The bad row says what to declare, and the finding how many there are; a sheet that admits them reads them."""
    path = write(tmp_path, HEADER, "a;A;;M;29280", "b;B;;M;29/02/1980", "c;C;;M;29/02/1980")
    records = read_records(path, SHEET, "gauche", bad_rows="skip")
    assert '"EXCEL"' in records.set_aside[0].rule
    assert ["I_FORMATS_DATES", "I_DATES_EXCEL"] == [one.code for one in records.findings if one.column]
    admitted = sheet_with(columns={"gauche": {"naissance": {"format": ["JJ/MM/AAAA", "EXCEL"]}}})
    assert ["19800229", "19800229", "19800229"] == decoded(read_records(path, admitted, "gauche"), "naissance")[:1] * 3


def test_voided_cells_are_counted_in_the_findings(tmp_path):
    """Each rule with its number of cells and the first line."""
    path = write(tmp_path, HEADER, *(f"{n};A;;M;31/02/1980" for n in range(3)))
    found = [one for one in read_records(path, LENIENT, "gauche").findings if one.code == "I_CELLULES_ANNULEES"]
    assert [("naissance", 3, 2)] == [(one.column, one.count, one.first_row) for one in found]


def test_a_table_by_hand_gives_the_same_records_as_its_file(tmp_path):
    """Columns given as lists need no file."""
    path = write(tmp_path, HEADER, "a;Dupont;Martin;M;29/02/1980", "b;;;;")
    identifiers, attributes = SHEET.for_side("gauche")
    columns = {"no": ["a", "b"], "nom": ["Dupont", ""], "usage": ["Martin", ""], "sexe": ["M", ""]}
    table = RawTable.of("f.csv", {**columns, "naissance": ["29/02/1980", ""]})
    by_hand, read = records_from_table(table, identifiers, attributes), read_records(path, SHEET, "gauche")
    assert list(read.ids) == list(by_hand.ids)
    assert [decoded(read, name) for name in read.columns] == [decoded(by_hand, name) for name in by_hand.columns]


def test_many_doubled_identifiers_are_told_without_their_first_lines(tmp_path):
    """A column that is no identifier at all gives one rule, not one a value."""
    rows = [f"{n % 1500};A;;M;" for n in range(3000)]
    with pytest.raises(RowsRefused) as refusal:
        read_records(write(tmp_path, HEADER, *rows), SHEET, "gauche")
    assert {"le même identifiant figure déjà plus haut"} == {one.rule for one in refusal.value.problems}
    assert (1500, 1502) == (len(refusal.value.problems), refusal.value.problems[0].row)


def test_several_columns_may_name_a_row_together(tmp_path):
    """A holder's number with a child's first name: the cells are joined, and only the whole must be distinct."""
    sheet = SHEET.with_columns("enfants", {"id": ["no", "prenom"]})
    path = tmp_path / "enfants.csv"
    path.write_text("no;prenom;nom;usage;sexe;naissance\n1;ANNE;A;;F;01/02/2015\n1;LEO;A;;M;03/04/2017\n")
    assert list(read_records(path, sheet, "enfants").ids) == ["1 ANNE", "1 LEO"]
    path.write_text(path.read_text() + "1;LEO;A;;M;03/04/2017\n")
    with pytest.raises(RowsRefused) as refusal:
        read_records(path, sheet, "enfants")
    assert [(one.code, one.row, one.column) for one in refusal.value.problems] == [
        ("E_IDENTIFIANT_DOUBLE", 4, "no + prenom")
    ]


MESSY = sheet_with(
    attributes={
        "naissance": {"kind": "date", "bits": 20, "format": ["JJ/MM/AAAA", "AAAA-MM-JJ"], "country": "pays"},
        "pays": {"kind": "country", "bits": 3, "optional": True, "invalid": "missing"},
    },
    columns={},
)
messy_row = st.tuples(
    st.sampled_from(["", " ", *"abcdefghijkl"]),
    st.sampled_from(["Dupont", "DUPONT EPOUSE MARTIN", "Cœur", "M'Baye", "", "X", "Nguyễn"]),
    st.sampled_from(["", "Martin", "DUPONT", "Cœur"]),
    st.sampled_from(["M", "F", "?", ""]),
    st.sampled_from(["01/02/1980", "1980-02-01", "31/02/1980", "29280", ""]),
    st.sampled_from(["99352", "FR", "", "DZ"]),
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(messy_row, min_size=1, max_size=40), broken=st.sets(st.integers(0, 40), max_size=3))
def test_pieces_and_the_disk_change_nothing(tmp_path, rows, broken):
    """The same records, problems and findings from one piece in memory and from pieces of a few lines that are spilled."""
    lines = [";".join(row) + (";" if place in broken else "") for place, row in enumerate(rows)]
    path = write(tmp_path, HEADER + ";pays", *lines)

    def seen(**options: Any) -> Any:
        try:
            records = read_records(path, MESSY, "gauche", bad_rows="skip", extra=["nom"], **options)
        except LinkageError as error:
            return str(error)
        columns = {name: decoded(records, name) for name in records.columns}
        problems = [list(records.set_aside), list(records.voided)]
        return list(records.ids), columns, problems, records.extra, records.findings

    with pytest.MonkeyPatch.context() as patch:
        whole = seen()
        patch.setattr(tables, "open_csv", partial(open_csv, block=60))
        assert whole == seen(memory=0, folder=tmp_path) == seen(memory=1 << 12)


def test_a_spilled_column_gives_its_codes_by_parts(tmp_path):
    """Any part, and all of them; the values are in memory."""
    rows = [f"{n};{'Dupont' if n % 3 else ''};;{'MF'[n % 2]};" for n in range(50)]
    rows.insert(20, "x;A;;Z;")
    records = read_records(write(tmp_path, HEADER, *rows), SHEET, "gauche", bad_rows="skip", memory=0, folder=tmp_path)
    column = records.columns["nom"]
    assert ["DUPONT", "A"] == list(column.values)
    whole = [-1 if n % 3 == 0 else 0 for n in range(50)]
    assert (50, whole, whole[15:30]) == (len(column), column.codes.tolist(), column.part(15, 30).tolist())
    assert [str(n) for n in range(18, 25)] == records.ids[18:25]


def test_a_disk_without_room_is_said(tmp_path):
    """What has to be spilled and cannot refuses the file with the code of full disks."""
    path = write(tmp_path, HEADER, "a;A;;M;")
    with pytest.raises(LinkageError) as refusal:
        read_records(path, SHEET, "gauche", memory=0, folder=tmp_path / "absent")
    assert "E_DISQUE_PLEIN" == refusal.value.code
