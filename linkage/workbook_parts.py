"""What a workbook (XLSX) is made of, judged before it is opened: a few bytes may unfold into more than any memory.

An XLSX file is a ZIP archive of XML. Every part is inflated once, whatever size it declares, and counted. The first visible
sheet is then looked through for the place of its farthest cells, because its reader makes room for all cells up to them,
and for cells that hold an error, which its reader would take for empty ones.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from xml.etree import ElementTree as ET

import numpy as np

from linkage.errors import LinkageError

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "SheetPart", "first_sheet", "refusal"]

MOST_ROWS = 1_048_576  # of a sheet, by its format
MOST_COLUMNS = 1024
_MOST_CELLS = 1 << 26  # places up to the farthest row and column
_MOST_INFLATED = 3 << 30  # bytes of all parts
_MOST_SMALL = 1 << 26  # bytes of a part that is held whole
_MOST_TEXT = 2 << 30  # bytes of shared texts, each counted as often as it is referred to
_PIECE = 1 << 20
_LONGEST_TAG = 1 << 24  # bytes
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_STORED, _DEFLATED = 0, 8
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and .xlsx behind a password
_PLACE = re.compile(rb"""\sr\s*=\s*["']\s*([A-Za-z]*\d*)""")
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_ERROR = re.compile(rb"""<(?:\w+:)?c\s(?=[^>]*\bt\s*=\s*["']e["'])[^>]*\br\s*=\s*["']([A-Za-z]+)(\d+)""")
_ANY_ERROR = re.compile(rb"""<(?:\w+:)?c\s[^>]*\bt\s*=\s*["']e["']""")
_REFERENCE = re.compile(rb"""<(?:\w+:)?c\s[^>]*\bt\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>\s*(\d+)""")
_ITEM_END = re.compile(rb"</(?:\w+:)?si>|<(?:\w+:)?si/>")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(kw_only=True)
class SheetPart:
    """The sheet that is read.

    Attributes:
        place: its number among the workbook's sheets.
        sheets: how many sheets there are.
        errors: (row, column), from 0, of cells that hold an error such as #N/A.
        columns: number of the last column, at most.
        rows: number of the last row, at most.
    """

    place: int
    sheets: int
    errors: list[tuple[int, int]] = field(default_factory=list)
    columns: int = 0
    rows: int = 0


def refusal(name: str, rule: str) -> LinkageError:
    """What is raised for a workbook that cannot be read."""
    return LinkageError("E_CLASSEUR", f"{name} : {rule}")


def first_sheet(path: Path) -> SheetPart:
    """Judges a workbook and finds its first visible sheet.

    Raises:
        LinkageError: `E_CLASSEUR` when it is none, is locked, is broken, or unfolds beyond measure.
    """
    name = path.name
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            rule = "classeur au format .xls ou protégé par un mot de passe ; enregistrez-le en .xlsx sans mot de passe"
            raise refusal(name, rule)
        try:
            with zipfile.ZipFile(file) as archive:
                parts = {info.filename.casefold().lstrip("/"): info for info in archive.infolist()}
                everything = archive.infolist()
            _check_sizes(name, file, everything)
            part, target = _visible(name, file, parts)
            if target not in parts:
                raise refusal(name, "sa première feuille manque ; enregistrez le classeur de nouveau")
            _look_through(name, file, parts[target], part)
            _check_texts(name, file, parts.get("xl/sharedstrings.xml"), parts[target], part)
        except (zipfile.BadZipFile, zlib.error, struct.error, ET.ParseError, OSError, ValueError, KeyError):
            # Without its cause, which may quote a cell.
            raise refusal(name, "ce fichier n'est pas un classeur .xlsx lisible ; enregistrez-le de nouveau") from None
        except (NotImplementedError, RuntimeError):  # how the standard library says that it knows no such archive
            raise refusal(name, "classeur chiffré ou compressé autrement ; enregistrez-le de nouveau") from None
    return part


def _check_sizes(name: str, file: BinaryIO, parts: list[zipfile.ZipInfo]) -> None:
    total = 0
    for part in parts:
        for piece in _inflated(file, part):
            total += len(piece)
            if total > _MOST_INFLATED:
                raise refusal(name, "classeur démesuré une fois décompressé ; exportez-le en CSV")


def _visible(name: str, file: BinaryIO, parts: dict[str, zipfile.ZipInfo]) -> tuple[SheetPart, str]:
    book = _xml(name, file, parts["xl/workbook.xml"])
    links = _xml(name, file, parts["xl/_rels/workbook.xml.rels"])
    targets = {link.get("Id", ""): (link.get("Type", ""), link.get("Target", "")) for link in links}
    sheets = list(book.iter(f"{_MAIN}sheet"))
    for place, sheet in enumerate(sheets):
        kind, target = targets.get(sheet.get(_RELATED, ""), ("", ""))
        if sheet.get("state", "visible") == "visible" and kind.endswith("/worksheet"):
            whole = PurePosixPath(target) if target.startswith("/") else PurePosixPath("/xl") / target
            return SheetPart(place=place, sheets=len(sheets)), str(whole).lstrip("/").casefold()
    raise refusal(name, "aucune feuille visible")


def _look_through(name: str, file: BinaryIO, info: zipfile.ZipInfo, part: SheetPart) -> None:
    columns: set[bytes] = set()
    cells = rows = placed_cells = placed_rows = errors = 0
    for piece in _whole_tags(file, info):
        if b"\0" in piece:
            raise refusal(name, "feuille qui n'est pas en UTF-8 ; enregistrez le classeur de nouveau")
        places = _PLACE.findall(piece)
        listed = b" ".join(places)
        named = listed.translate(None, b"0123456789").split()
        columns.update(named)
        numbers = set(listed.translate(None, _LETTERS).split())
        part.rows = max(part.rows, max(map(int, numbers), default=0))
        placed_cells, placed_rows = placed_cells + len(named), placed_rows + len(places) - len(named)
        cells += _count(piece, b"c", _CELL)
        rows += _count(piece, b"row", _ROW)
        if b'"e"' in piece or b"'e'" in piece:
            errors += len(_ANY_ERROR.findall(piece))
            part.errors += [(int(row) - 1, _number(column) - 1) for column, row in _ERROR.findall(piece)]
    # Cells without a place follow the one before.
    part.columns = max((_number(column) for column in columns), default=0) + max(cells - placed_cells, 0)
    part.rows += max(rows - placed_rows, 0)
    if part.rows > MOST_ROWS or part.columns > MOST_COLUMNS or part.rows * part.columns > _MOST_CELLS:
        rule = (
            f"feuille de plus de {MOST_ROWS} lignes ou de {MOST_COLUMNS} colonnes, ou presque vide ; exportez-la en CSV"
        )
        raise refusal(name, rule)
    if errors != len(part.errors):
        raise refusal(
            name, "cellules en erreur (#N/A…) dont la place est inconnue ; enregistrez le classeur de nouveau"
        )


def _count(piece: bytes, tag: bytes, pattern: re.Pattern[bytes]) -> int:
    """How many elements of a kind begin; the pattern only where they are not all written in the plainest way."""
    plain = piece.count(b"<" + tag + b" ")
    return plain if piece.count(b"<" + tag) == plain and b":" + tag not in piece else len(pattern.findall(piece))


def _check_texts(
    name: str, file: BinaryIO, shared: zipfile.ZipInfo | None, sheet: zipfile.ZipInfo, part: SheetPart
) -> None:
    """One long text, referred to by every cell, is copied for each."""
    if shared is None:
        return
    sizes: list[int] = []
    held = 0
    for piece in _inflated(file, shared):
        ends = [found.end() for found in _ITEM_END.finditer(piece)]
        sizes += [held + ends[0], *np.diff(ends).tolist()] if ends else []
        held = len(piece) - ends[-1] if ends else held + len(piece)
    if max(sizes, default=0) * part.rows * part.columns <= _MOST_TEXT:
        return
    size_of = np.array(sizes, dtype=np.int64)
    total = 0
    for piece in _whole_tags(file, sheet):
        numbers = np.array(_REFERENCE.findall(piece), dtype="S19").astype(np.int64)
        total += int(size_of[numbers[numbers < len(size_of)]].sum())
        if total > _MOST_TEXT:
            raise refusal(name, "textes démesurés ; retirez les colonnes de textes longs ou exportez en CSV")


def _whole_tags(file: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in pieces that end where a tag begins."""
    rest = b""
    for piece in _inflated(file, info):
        data = rest + piece
        end = max(data.rfind(b"<c", 1), 0) or max(data.rfind(b"<", 1), 0)
        if len(data) - end > _LONGEST_TAG:
            raise ValueError
        yield data[:end]
        rest = data[end:]
    yield rest


def _xml(name: str, file: BinaryIO, info: zipfile.ZipInfo) -> ET.Element:
    data = b""
    for piece in _inflated(file, info):
        data += piece
        if len(data) > _MOST_SMALL:
            raise refusal(name, "classeur démesuré une fois décompressé ; exportez-le en CSV")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise refusal(name, "ce fichier n'est pas un classeur .xlsx lisible ; enregistrez-le de nouveau")
    return ET.fromstring(data)  # noqa: S314 - small and without entities


def _inflated(file: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part as it is, not as long as it says that it is."""
    file.seek(info.header_offset)
    signature, name_size, extra_size = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != b"PK\3\4" or info.compress_type not in (_STORED, _DEFLATED) or info.flag_bits & 1:
        raise zipfile.BadZipFile
    start, left = info.header_offset + _LOCAL_HEADER.size + name_size + extra_size, info.compress_size
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting = b""
    while left or waiting:
        if not waiting:
            file.seek(start)
            waiting = file.read(min(left, _PIECE))
            if not waiting:
                raise zipfile.BadZipFile
            start, left = start + len(waiting), left - len(waiting)
        if info.compress_type == _STORED:
            yield waiting
            waiting = b""
        else:
            yield inflate.decompress(waiting, _PIECE)
            waiting = b"" if inflate.eof else inflate.unconsumed_tail


def _number(column: bytes) -> int:
    """A = 1, Z = 26, AA = 27."""
    number = 0
    for letter in column[:8].upper():
        number = 26 * number + letter - 64
    return number
