"""Workbooks: the first visible sheet as a CSV would hold it, and every workbook that cannot be read refused clearly."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError, RowsRefused
from linkage.tables import read_pairs, read_table
from linkage.workbooks import Workbook, check_no_workbook
from tests.table_files import SECRET, cells


def book(folder: Path, *rows: list[Any], name: str = "f.xlsx") -> Path:
    """A workbook of one sheet."""
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    path = folder / name
    workbook.save(path)
    return path


def refusal(path: Path, wanted: list[str] | None = None) -> LinkageError:
    """The error that reading raises."""
    with pytest.raises(LinkageError) as raised:
        read_table(path, wanted or ["id", "nom"])
    assert SECRET not in str(raised.value)
    return raised.value


def test_cells_are_what_a_csv_would_hold(tmp_path):
    """Dates as ISO text, whole numbers without point, truth values in French, nothing for a gap."""
    header = ["ID", "nom", "cog", "ne", "vu", "oui", "heure", "duree", "part"]
    rows: list[list[Any]] = [
        [1, "Cœur", 8480, date(1980, 2, 29), datetime(1980, 2, 29, 4, 30), True, time(4, 5), timedelta(hours=30), 1.5],  # noqa: DTZ001
        ["007", None, "08480", None, None, False, None, None, -2],
    ]
    table = read_table(book(tmp_path, header, *rows), ["id", *header[1:]])
    assert {
        "id": ["1", "007"],
        "nom": ["Cœur", ""],
        "cog": ["8480", "08480"],
        "ne": ["1980-02-29", ""],
        "vu": ["1980-02-29 04:30:00", ""],
        "oui": ["VRAI", "FAUX"],
        "heure": ["04:05:00", ""],
        "duree": ["30:00:00", ""],
        "part": ["1.5", "-2"],
    } == cells(table)
    assert [2, 3] == list(table.lines)


def test_empty_rows_and_columns_are_no_rows_and_no_columns(tmp_path):
    """Rows keep the line of the spreadsheet; a column without a name is not one; a long empty tail is nothing."""
    rows: list[list[Any]] = [
        ["id", None, "nom"],
        [None],
        ["1", "x", "A"],
        [None, None, ""],
        ["2", None, "B"],
        [None],
        [" "],
    ]
    table = read_table(book(tmp_path, *rows[:-1]), ["id", "nom"])
    assert ({"id": ["1", "2"], "nom": ["A", "B"]}, [3, 5]) == (cells(table), list(table.lines))


def test_the_header_is_the_first_row_with_the_wanted_columns(tmp_path):
    """Titles above it are left out and said; without such a row, the first one is the header."""
    path = book(tmp_path, ["Extraction CAF"], [None], ["id", "nom"], ["1", "A"])
    table = read_table(path, ["id", "nom"])
    assert ({"id": ["1"], "nom": ["A"]}, [4]) == (cells(table), list(table.lines))
    assert [("I_EN_TETE", 2)] == [(one.code, one.count) for one in table.findings]
    assert cells(table) == cells(read_table(path, ["id", "nom"], ["usage"])), "an optional column tells no header"
    assert refusal(book(tmp_path, ["ident", "name"], ["1", SECRET])).code == "E_COLONNE_ABSENTE"


def test_the_first_visible_sheet_is_read_and_the_others_said(tmp_path):
    """A hidden first sheet is passed over."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["id", "nom"])
    workbook.active.append(["1", SECRET])
    workbook.active.sheet_state = "hidden"
    second = workbook.create_sheet("Données")
    second.append(["id", "nom"])
    second.append(["2", "B"])
    workbook.save(tmp_path / "f.xlsx")
    table = read_table(tmp_path / "f.xlsx", ["id", "nom"])
    assert {"id": ["2"], "nom": ["B"]} == cells(table)
    assert [("I_FEUILLES", 2)] == [(one.code, one.count) for one in table.findings]


def test_a_row_with_an_error_is_a_bad_row(tmp_path):
    """#N/A is told by line and column, and the row can be set aside."""
    path = book(tmp_path, ["id", "nom"], ["1", "A"], ["2", "#N/A"], ["3", "#REF!"], ["4", "D"])
    error = refusal(path)
    assert isinstance(error, RowsRefused)
    expected = [("E_CELLULE_EN_ERREUR", 3, "nom"), ("E_CELLULE_EN_ERREUR", 4, "nom")]
    assert expected == [(one.code, one.row, one.column) for one in error.problems]
    table = read_table(path, ["id", "nom"], misshapen=True)
    assert ({"id": ["1", "4"], "nom": ["A", "D"]}, [2, 5]) == (cells(table), list(table.lines))


def test_a_footer_is_left_out_and_said(tmp_path):
    """A row of totals below the records."""
    table = read_table(book(tmp_path, ["id", "nom"], ["1", "A"], ["Total :", 1]), ["id", "nom"])
    assert (["1"], [("I_PIED", 1, 3)]) == (
        cells(table)["id"],
        [(one.code, one.count, one.first_row) for one in table.findings],
    )


def test_numbers_of_persons_are_seen_in_workbooks_too(tmp_path):
    """Also in a column without a name."""
    nir = [f"18001751234{number:02}" for number in range(20)]
    rows = [[str(n), "A", f"{body}{97 - int(body) % 97:02}"] for n, body in enumerate(nir)]
    assert refusal(book(tmp_path, ["id", "nom", "ref"], *rows)).code == "E_NIR_INTERDIT"
    assert refusal(book(tmp_path, ["id", "nom", None], *rows)).code == "E_NIR_INTERDIT"


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm", ".XLSX"])
@pytest.mark.parametrize(
    "data",
    [
        b"id;nom\n1;QUIDAMSECRET\n",
        b"PK\x03\x04",
        b"PK\x05\x06" + b"\0" * 18,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    ],
)
def test_what_is_no_workbook_is_refused(tmp_path, suffix, data):
    """Text, half an archive, an empty archive, the old format or a password: one code, and what to do."""
    path = tmp_path / f"f{suffix}"
    path.write_bytes(data)
    assert (refusal(path).code, "enregistrez" in refusal(path).message) == ("E_CLASSEUR", True)


def test_a_workbook_under_another_name_is_told(tmp_path):
    """An XLSX called .csv, in any place where a CSV is read."""
    path = book(tmp_path, ["id", "nom"], ["1", SECRET]).rename(tmp_path / "f.csv")
    assert refusal(path).code == "E_CLASSEUR"
    for reader in (check_no_workbook, read_pairs):
        with pytest.raises(LinkageError, match="E_CLASSEUR"):
            reader(path)


def test_a_sheet_without_cells_is_empty(tmp_path):
    """An empty sheet, and one with a header only."""
    assert refusal(book(tmp_path)).code == "E_FICHIER_VIDE"
    assert refusal(book(tmp_path, ["id", "nom"])).code == "E_FICHIER_VIDE"


def test_a_truncated_workbook_is_refused(tmp_path):
    """Cut anywhere, it is no workbook any more."""
    whole = book(tmp_path, ["id", "nom"], ["1", SECRET]).read_bytes()
    for size in range(1, len(whole) - 22, 211):
        (tmp_path / "f.xlsx").write_bytes(whole[:size])
        assert refusal(tmp_path / "f.xlsx").code == "E_CLASSEUR"


cell: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.dates(date(1901, 1, 1))
cell = cell | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs"]), max_size=6).filter(
    lambda text: not text.startswith(("=", "#"))
)


@given(st.lists(st.lists(cell, min_size=2, max_size=2), min_size=1, max_size=8))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_cells_come_back(tmp_path, rows):
    """Rows with a cell come back in order, with their lines."""
    path = book(tmp_path, ["id", "nom", "x"], *([*row, "fixe"] for row in rows))
    source = Workbook(path, ["id", "nom"])
    batches = list(source.batches())
    found = [list(row) for batch in batches for row in zip(*(c.to_pylist() for c in batch.columns), strict=True)]
    shown = {None: "", True: "VRAI", False: "FAUX"}
    expected = [[shown[c] if c is None or isinstance(c, bool) else str(c) for c in row] + ["fixe"] for row in rows]
    assert expected == found
    assert list(range(2, len(rows) + 2)) == [line for batch in batches for line in batch.lines.tolist()]
