"""Files as administrations write them: read right, or refused with the place and never with what stands there."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage import tables
from linkage.csv_files import open_csv
from linkage.errors import LinkageError, RowsRefused
from linkage.tables import LONGEST_CELL, RawTable, read_pairs, read_table
from tests.table_files import SECRET, cells, refusal, write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separators_encodings_and_line_ends(tmp_path, separator, encoding, newline):
    """Each of the three separators, in UTF-8 with or without a mark or in Windows-1252, with any end of line."""
    rows = [["id", "nom", "prénom"], ["1", "Cœur", "Zoë"], ["2", "L’Haÿ", "Éloïse"]]
    text = newline.join(separator.join(row) for row in rows) + newline
    table = read_table(write(tmp_path, text.encode(encoding)), ["id", "nom", "prénom"])
    assert cells(table) == {"id": ["1", "2"], "nom": ["Cœur", "L’Haÿ"], "prénom": ["Zoë", "Éloïse"]}
    assert list(table.lines) == [2, 3]


def test_columns_are_found_by_name_wherever_they_stand(tmp_path):
    """Order, case, outer spaces and other columns do not count; columns keep the names that were asked for."""
    path = write(tmp_path, " NOM ;autre;Id\nMARTIN;x;7\n")
    assert cells(read_table(path, ["id", "nom"])) == {"id": ["7"], "nom": ["MARTIN"]}


def test_quotes_as_in_the_rfc(tmp_path):
    """Quoted cells hold separators, doubled quotes and line ends; every row knows the line where it starts."""
    path = write(tmp_path, 'id,nom\n1,"A, ""B""\r\nC"\n\n2,D\n3,"E\nF\nG"\n4,H\n')
    table = read_table(path, ["id", "nom"])
    assert cells(table)["nom"] == ['A, "B"\r\nC', "D", "E\nF\nG", "H"]
    assert list(table.lines) == [2, 5, 6, 9]


def test_blank_lines_count_but_are_no_rows(tmp_path):
    """Blank lines before the header and between rows are skipped and counted."""
    table = read_table(write(tmp_path, "\n\nid,nom\n\n1,A\n\n"), ["id", "nom"])
    assert (cells(table)["id"], list(table.lines)) == (["1"], [5])


def test_na_and_null_are_what_they_are(tmp_path):
    """No word is taken for a gap: NA, NULL and nan are surnames."""
    table = read_table(write(tmp_path, "id,nom\n1,NA\n2,NULL\n3,nan\n4,\n"), ["id", "nom"])
    assert cells(table)["nom"] == ["NA", "NULL", "nan", ""]


def test_leading_zeros_and_spaces_stay(tmp_path):
    """Cells are not interpreted."""
    assert cells(read_table(write(tmp_path, "id,cog\n007, 08480 \n"), ["id", "cog"])) == {
        "id": ["007"],
        "cog": [" 08480 "],
    }


def test_optional_columns_are_read_where_they_are(tmp_path):
    """Each optional column on its own: one that is absent does not hide another."""
    path = write(tmp_path, "id,nom,usage\n1,A,B\n")
    table = read_table(path, ["id", "nom"], ["usage", "absent"])
    assert cells(table) == {"id": ["1"], "nom": ["A"], "usage": ["B"]}


def test_the_separator_is_the_one_that_shows_the_wanted_columns(tmp_path):
    """More commas than semicolons in the header do not fool the reader."""
    path = write(tmp_path, 'id;nom;"a,b,c,d,e"\n1;A;x\n')
    assert cells(read_table(path, ["id", "nom"])) == {"id": ["1"], "nom": ["A"]}


@pytest.mark.parametrize(
    ("code", "said", "data"),
    [
        ("E_FICHIER_VIDE", "vide", b""),
        ("E_FICHIER_VIDE", "vide", b"\xef\xbb\xbf"),
        ("E_FICHIER_VIDE", "vide", b"\r\n \r\n"),
        ("E_FICHIER_VIDE", "aucune ligne", b"id,nom\n"),
        ("E_FICHIER_VIDE", "aucune ligne", b"id,nom"),
        ("E_ENCODAGE", "UTF-16", "id,nom\n1,A".encode("utf-16")),
        ("E_ENCODAGE", "UTF-16", b"\xfe\xff" + "id,nom\n1,A".encode("utf-16-be")),
        ("E_OCTET_NUL", "ligne 1", "id,nom\n1,A".encode("utf-16-le")),
        ("E_OCTET_NUL", "ligne 3", b"id,nom\n1,A\n2,\0QUIDAMSECRET\n"),
        ("E_ENCODAGE_MELANGE", "ligne 3", "id,nom\n1,Éloïse\n2,QUIDAMSECRET ".encode() + b"\xe9\n"),
        ("E_ENCODAGE_MELANGE", "ligne 2", b"id,nom\n1,QUIDAMSECRET \xe9\n2," + "Łukasz ęć\n".encode()),
        ("E_ENCODAGE", "ligne 2", b"id,nom\n1,QUIDAMSECRET\x81\n"),
        ("E_SEPARATEUR", "séparateur", b"id|nom\n1|QUIDAMSECRET\n"),
        ("E_SEPARATEUR", "séparateur", b"id nom\n1 QUIDAMSECRET\n"),
        ("E_COLONNE_ABSENTE", "« nom »", b"id,name\n1,QUIDAMSECRET\n"),
        ("E_COLONNE_ABSENTE", "« id », « nom »", b"1,QUIDAMSECRET\n2,QUIDAMSECRET\n"),
        ("E_COLONNE_DOUBLE", "« nom »", b"id,nom,NOM \n1,A,QUIDAMSECRET\n"),
        ("E_COLONNE_DOUBLE", "« nom »", b"a,id,nom,a,nom\n1,2,3,4,QUIDAMSECRET\n"),
        ("E_NOMBRE_CHAMPS", "ligne 3", b"id,nom\n1,A\n2,QUIDAMSECRET,C\n"),
        ("E_NOMBRE_CHAMPS", "ligne 3", b"id,nom\n1,A\nTOTAL QUIDAMSECRET\n2,B\n"),
        ("E_CLASSEUR", "classeur", b"PK\3\4" + b"\0" * 40),
        ("E_CLASSEUR", "classeur", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 40),
        ("E_CSV", "ligne 3", b'id,nom\n1,A\n2,"QUIDAMSECRET\n3,B\n4,C\n'),
        ("E_CSV", "ligne 2", b'id,nom\n1,"QUIDAMSECRET"A\n'),
        ("E_CSV", "ligne 1", b'"id,nom\n1,QUIDAMSECRET\n'),
        ("E_CELLULE_TROP_LONGUE", "ligne 3, colonne « nom »", b"id,nom\n1,A\n2," + SECRET.encode() * 1000 + b"\n"),
        ("E_CSV", "ligne 2", b"id,nom\n1," + SECRET.encode() * 20000 + b"\n"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, code, said, data):
    """Each fault has its code and its line, and the sentence holds no cell."""
    error = refusal(write(tmp_path, data), ["id", "nom"])
    assert error.code == code
    assert said in error.message
    assert "f.csv" in error.message


def test_a_folder_or_nothing_is_refused(tmp_path):
    """What is not a file has its own code."""
    assert refusal(tmp_path, ["id"]).code == "E_FICHIER_ABSENT"
    assert refusal(tmp_path / "absent.csv", ["id"]).code == "E_FICHIER_ABSENT"


def test_the_longest_cell_is_a_limit(tmp_path):
    """A cell of exactly the limit passes, one character more does not; a column that nobody wants may be long."""
    path = write(tmp_path, f"id,nom,note\n1,{'a' * LONGEST_CELL},{'b' * 10_000}\n")
    assert len(read_table(path, ["id", "nom"]).columns["nom"].cells()[0]) == LONGEST_CELL
    assert refusal(path, ["id", "note"]).code == "E_CELLULE_TROP_LONGUE"
    path = write(tmp_path, f"id,nom\n1,{'a' * (LONGEST_CELL + 1)}\n")
    assert refusal(path, ["id", "nom"]).code == "E_CELLULE_TROP_LONGUE"


def test_a_row_with_a_cell_too_long_is_a_problem_like_another(tmp_path):
    """It is in no column, and whoever skips bad rows reads the others, whichever column it is in."""
    long = SECRET * 200
    path = write(tmp_path, f"id,nom\n1,A\n{long},B\n3,{long}\n{long},{long}\n5,E\n")
    table = read_table(path, ["id", "nom"], misshapen=True)
    assert (cells(table), list(table.lines)) == ({"id": ["1", "5"], "nom": ["A", "E"]}, [2, 6])
    assert [(one.row, one.column) for one in table.misshapen] == [(3, "id"), (4, "nom"), (5, "id")]
    error = refusal(path, ["id", "nom"])
    assert (error.code, SECRET in str(error)) == ("E_CELLULE_TROP_LONGUE", False)
    assert (
        refusal(write(tmp_path, f"id,nom\n1,{long}\n"), ["id", "nom"], misshapen=True).code == "E_CELLULE_TROP_LONGUE"
    )


def test_a_row_broken_on_its_line_is_a_problem_like_another(tmp_path):
    """A stray quote spoils one row; a quote that runs over lines and is broken then refuses the file."""
    body = 'id;nom\n1;A\n2;"QUIDAM"SECRET\n3;C\n4;"D\nE"\n5;"F\n'
    table = read_table(write(tmp_path, body), ["id", "nom"], misshapen=True)
    assert (cells(table)["nom"], list(table.lines)) == (["A", "C", "D\nE"], [2, 4, 5])
    assert [(one.code, one.row, one.column) for one in table.misshapen] == [("E_CSV", 3, None), ("E_CSV", 7, None)]
    error = refusal(write(tmp_path, body), ["id", "nom"])
    assert (error.code, "ligne 3" in error.message, SECRET in str(error)) == ("E_CSV", True, False)
    assert refusal(write(tmp_path, body + "6;G\n"), ["id", "nom"], misshapen=True).code == "E_CSV"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_stands_above_the_header_is_left_out_and_said(tmp_path, separator):
    """A title, a technical line with as many fields; lines are counted from the top. A column that may lack tells nothing."""
    rows = [
        ["Extraction du 01/09"],
        [],
        ["PASSPORT", "2026", "9"],
        ["id", "nom", "date"],
        ["1", "A", "x"],
        ["2", "B", "y"],
    ]
    path = write(tmp_path, "\r\n".join(separator.join(row) for row in rows) + "\r\n")
    table = read_table(path, ["nom", "id"], ["usage"])
    assert (cells(table), list(table.lines)) == ({"nom": ["A", "B"], "id": ["1", "2"]}, [5, 6])
    assert [("I_EN_TETE", 2)] == [(one.code, one.count) for one in table.findings if one.code == "I_EN_TETE"]
    error = refusal(path, ["nom", "ident"])
    assert (error.code, "« ident »" in error.message, "« nom »" in error.message) == ("E_COLONNE_ABSENTE", True, False)


def test_a_broken_row_below_the_header_is_told_by_its_line(tmp_path):
    """Looking for the header reads no further than what can be read."""
    path = write(tmp_path, 'titre\nid;nom\n1;A\n2;"QUIDAM"SECRET\n')
    assert "ligne 4" in refusal(path, ["id", "nom"]).message
    assert refusal(path, ["ident", "name"]).code == "E_SEPARATEUR"


def test_all_misshapen_rows_are_listed_or_handed_over(tmp_path):
    """A refused file lists every row with another number of fields; a caller may take them as problems instead."""
    path = write(tmp_path, "id;nom\n1;A\n2\n3;C\n4;D;E\n")
    error = refusal(path, ["id", "nom"])
    assert isinstance(error, RowsRefused)
    assert [(one.code, one.row, one.column) for one in error.problems] == [
        ("E_NOMBRE_CHAMPS", 3, None),
        ("E_NOMBRE_CHAMPS", 5, None),
    ]
    table = read_table(path, ["id", "nom"], misshapen=True)
    assert (cells(table)["id"], list(table.lines)) == (["1", "3"], [2, 4])
    assert [one.row for one in table.misshapen] == [3, 5]
    only = write(tmp_path, "id;nom\n1\n")
    assert refusal(only, ["id", "nom"], misshapen=True).code == "E_NOMBRE_CHAMPS"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_pairs_are_the_first_two_fields_of_every_row(tmp_path, separator):
    """With a header or without, more fields or not, outer spaces removed; Parquet gives the same without its names."""
    text = "gauche|droite|x\n 1 |a|?\n2|b|?\n".replace("|", separator)
    assert read_pairs(write(tmp_path, text)) == [("gauche", "droite"), ("1", "a"), ("2", "b")]
    pq.write_table(pa.table({"g": [1, 2], "d": ["a", "b"]}), tmp_path / "p.parquet")
    assert read_pairs(tmp_path / "p.parquet") == [("1", "a"), ("2", "b")]


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("E_SEPARATEUR", f"{SECRET}\n{SECRET}\n"),
        ("E_VERITE", f"1;a\n{SECRET}\n"),
        ("E_VERITE", "\n \n"),
        ("E_FICHIER_VIDE", ""),
    ],
)
def test_what_is_no_file_of_pairs_is_refused(tmp_path, code, data):
    """One column, or a row with one field, tells no pair."""
    with pytest.raises(LinkageError) as raised:
        read_pairs(write(tmp_path, data))
    assert raised.value.code == code
    assert SECRET not in str(raised.value)


cell_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.lists(cell_text, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(",;\t"))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_standard_writer_writes_is_read_back(tmp_path, rows, separator):
    """Any cells, quoted as the standard library does, come back unchanged; the fourth keeps them from being a footer."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(
        [["id", "nom", "x", "y"], *([*row, "fixe"] for row in rows)]
    )
    table = read_table(write(tmp_path, out.getvalue()), ["id", "nom", "x"])
    assert [list(row) for row in zip(*cells(table).values(), strict=True)] == rows


pieces = st.sampled_from(
    [b"id", b"nom", b",", b";", b"\t", b"\n", b"\r\n", b"\r", b'"', b'""', b" ", b"\xc3\xa9", b"\xe9", b"\x81", b"\xff\xfe",
     b"\xef\xbb\xbf", b"\0", b"NA", b"31/02/1980", b"1" * 13, SECRET.encode()]
) | st.binary(max_size=6)  # fmt: skip


@given(st.lists(pieces, max_size=30).map(b"".join), st.booleans())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_bytes_are_a_table_or_a_refusal(tmp_path, body, header):
    """Any bytes, with or without a header, are read or refused with a code; what a cell holds is never said."""
    path = write(tmp_path, b"id,nom\n" * header + body)
    try:
        table = read_table(path, ["id", "nom"], misshapen=True)
    except LinkageError as error:
        said = str(error)
    else:
        said = " ".join(map(str, table.misshapen))
        assert isinstance(table, RawTable)
        assert len(table) == len(cells(table)["id"]) == len(cells(table)["nom"]) > 0
    assert SECRET not in said


@pytest.mark.parametrize(
    ("tail", "rows", "first"),
    [
        ("Fin de fichier\n", 1, 3),
        ("TOTAL;2;\n", 1, 3),
        ("*** Nombre de lignes : 2;;\n", 1, 3),
        ("3;C\n", 1, 3),
        ("TOTAL;;\n\nFin\nédité le 02/01/2026\n", 3, 3),
        ("a\nb\nc\n", 3, 3),
    ],
)
def test_the_footer_of_an_export_is_left_out_and_said(tmp_path, tail, rows, first):
    """Last rows with fewer fields, or that begin with a word of totals and hold nothing but numbers: three at most."""
    table = read_table(write(tmp_path, f"id;nom;x\n1;A;\n{tail}"), ["id", "nom"])
    assert {"id": ["1"], "nom": ["A"]} == cells(table)
    assert ["1"] == list(table.columns["id"].values)
    assert [("I_PIED", rows, first)] == [(o.code, o.count, o.first_row) for o in table.findings if o.count]


@pytest.mark.parametrize(
    "tail",
    ["3;C;;;\n", "a\nb\nc\nd\n", "x\n2;B;\n"],
)
def test_what_is_no_footer_is_a_bad_row(tmp_path, tail):
    """More fields than the header, more rows than a footer has, or rows below it."""
    path = write(tmp_path, f"id;nom;x\n1;A;\n{tail}")
    assert refusal(path, ["id", "nom"]).code == "E_NOMBRE_CHAMPS"
    assert read_table(path, ["id", "nom"], misshapen=True).misshapen[0].row == 3


def test_a_person_called_like_a_footer_is_a_person(tmp_path):
    """The last row of somebody whose name or identifier is a word of totals."""
    for last in ("TOTAL;Martin;x", "2;Fin;Paul", "FIN;;Anne"):
        table = read_table(write(tmp_path, f"id;nom;x\n1;A;\n{last}\n"), ["id", "nom"])
        assert (2, []) == (len(table), [one for one in table.findings if one.count])


def test_a_file_beyond_measure_is_refused(tmp_path, monkeypatch):
    """Numbers of rows are held in four bytes."""
    monkeypatch.setattr(tables, "MOST_ROWS", 2)
    assert refusal(write(tmp_path, "id,nom\n1,A\n2,B\n3,C\n"), ["id", "nom"]).code == "E_FICHIER_TROP_GRAND"


def test_a_table_by_hand_is_that_of_a_file(tmp_path):
    """The same cells and lines."""
    by_hand = RawTable.of("f.csv", {"id": ["1", "2"], "nom": ["A", "A"]})
    read = read_table(write(tmp_path, "id,nom\n1,A\n2,A\n"), ["id", "nom"])
    assert (cells(read), list(read.lines)) == (cells(by_hand), list(by_hand.lines))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.sampled_from(["1;A", "2;B", "", "3", "4;C;x", "TOTAL;3", "5;" + "y" * 1200]), max_size=12),
    footer=st.lists(st.sampled_from(["TOTAL;2", "FIN", ";", "total lignes;7"]), max_size=4),
)
def test_pieces_are_the_whole_whatever_their_size(tmp_path, rows, footer):
    """Rows, lines, problems, findings and refusals do not depend on where a block ends, not even within a footer."""
    path = write(tmp_path, "\n".join(["id;nom", *rows, *footer]) + "\n")

    def seen() -> Any:
        try:
            table = read_table(path, ["id", "nom"], misshapen=True)
        except LinkageError as error:
            return str(error)
        return cells(table), list(table.lines), list(table.misshapen), table.findings

    whole = seen()
    with pytest.MonkeyPatch.context() as patch:
        for block in (1, 7, 20):
            patch.setattr(tables, "open_csv", partial(open_csv, block=block))
            assert whole == seen()
