"""Workbooks judged before they are opened: what would unfold beyond memory is refused, whatever it declares."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from linkage import workbook_parts
from linkage.errors import LinkageError
from linkage.workbook_parts import MOST_COLUMNS, MOST_ROWS, first_sheet, refusal

HEAD = '<?xml version="1.0"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def write(folder: Path, rows: str, texts: str | None = None, extra: dict[str, bytes] | None = None) -> Path:
    """A workbook by hand: the XML of the rows of its sheet, and of its shared texts."""
    path = folder / "f.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {
            "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{DOC}"><sheets><sheet name="A" sheetId="1" r:id="a"/>'
            "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}"><Relationship Id="a" '
            f'Type="{DOC}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        }.items():
            archive.writestr(name, text)
        if texts is not None:
            archive.writestr("xl/sharedStrings.xml", f'{HEAD}<sst xmlns="{MAIN}">{texts}</sst>')
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path


def judged(path: Path) -> str:
    """The sentence of the refusal."""
    with pytest.raises(LinkageError) as raised:
        first_sheet(path)
    assert raised.value.code == "E_CLASSEUR"
    return raised.value.message


def test_an_ordinary_workbook_passes(tmp_path):
    """Its first sheet, how far its cells go, and its errors."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["id", "nom"])
    workbook.active.append([1, "#N/A"])
    workbook.create_sheet("B")
    workbook.save(tmp_path / "f.xlsx")
    part = first_sheet(tmp_path / "f.xlsx")
    assert (0, 2, [(1, 1)], 2, 2) == (part.place, part.sheets, part.errors, part.columns, part.rows)


@pytest.mark.parametrize(
    "rows",
    [
        f'<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="XFD{MOST_ROWS}"><v>2</v></c></row>',
        "<row r='1'><c r='A1'/><c r='ZZZZZZZ1'/></row>",
        '<row r="4000000000"><c><v>1</v></c></row>',
        '<row><c r = "A1"/><c r\n=\n"a99999999"/></row>',
        f'<row r="{MOST_ROWS}">' + "<c/>" * (MOST_COLUMNS + 1) + "</row>",
        '<x:row r="1"><x:c r="AAAA1"/></x:row>',
    ],
)
def test_far_cells_are_refused(tmp_path, rows):
    """A cell far away makes the reader take room for all between; wherever its place is written, it is seen."""
    assert "plus de" in judged(write(tmp_path, rows))


def test_a_place_is_seen_between_two_pieces(tmp_path, monkeypatch):
    """Whatever the size of the pieces in which a part is inflated, the farthest cell and all errors are found."""
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="e"><v>#N/A</v></c><c r="BC{n}"/></row>' for n in range(1, 60))
    path = write(tmp_path, rows)
    for size in (64, 100, 257, 1000):
        monkeypatch.setattr(workbook_parts, "_PIECE", size)
        part = first_sheet(path)
        assert (55, 59, 59) == (part.columns, part.rows, len(part.errors))


def test_a_long_text_that_every_cell_repeats_is_refused(tmp_path, monkeypatch):
    """The reader copies a shared text for each cell that refers to it; two long texts that are not repeated pass."""
    monkeypatch.setattr(workbook_parts, "_MOST_TEXT", 1 << 20)
    texts = "<si><t>" + "x" * 30_000 + "</t></si><si><t>y</t></si>"
    cells = '<row r="{0}"><c r="A{0}" t="s"><v>{1}</v></c></row>'
    once = "".join(cells.format(n, 0 if n < 3 else 1) for n in range(1, 100))
    assert 99 == first_sheet(write(tmp_path, once, texts)).rows
    often = "".join(cells.format(n, 0) for n in range(1, 100))
    assert "textes démesurés" in judged(write(tmp_path, often, texts))


def test_a_part_that_unfolds_beyond_measure_is_refused(tmp_path, monkeypatch):
    """Counted as it is inflated, in little memory, whatever size the archive declares."""
    monkeypatch.setattr(workbook_parts, "_MOST_INFLATED", 1 << 24)
    path = write(tmp_path, "<row/>", extra={"xl/media/bombe.bin": b"\0" * (1 << 26)})
    tracemalloc.start()
    assert "démesuré" in judged(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\1\2")  # the directory's line of the last part: its declared size becomes 10
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    assert "démesuré" in judged(path)


def test_entities_are_refused(tmp_path):
    """A document type has no place in a workbook: entities unfold too."""
    path = write(tmp_path, "<row/>")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = b'<!DOCTYPE a [<!ENTITY b "c">]>' + parts["xl/workbook.xml"].split(b"?>")[1]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert "lisible" in judged(path)


def test_errors_without_a_place_refuse_the_workbook(tmp_path):
    """Where an error stands cannot be told: no row can be set aside for it."""
    assert "dont la place est inconnue" in judged(write(tmp_path, '<row><c t="e"><v>#N/A</v></c></row>'))


def test_a_refusal_names_the_file_and_the_rule():
    """One code for all of them."""
    error = refusal("f.xlsx", "règle")
    assert ("E_CLASSEUR", "f.xlsx : règle") == (error.code, error.message)
