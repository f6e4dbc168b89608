"""A file of records as raw columns: CSV as administrations write it, or Parquet. Nothing is interpreted here.

CSV: separator `,` `;` or tab, found from the header; UTF-8 (with or without a byte-order mark) or Windows-1252, never a
mix; quotes as in RFC 4180. Each row keeps the line where it starts, so that every later message can name it. Parquet: cells as
the text that a CSV would hold; a whole number stored as a float loses its point, a gap of a dataframe is an empty cell.

Refused at once, with the line: an empty file, mixed encodings, NUL bytes, broken quotes, a wanted cell longer than
`LONGEST_CELL`. A row with another number of fields (the footer of an export, a broken line) is refused too, or handed over as
a problem to who reads records. Refused with the column: any column that holds national identification numbers (NIR), hashed
or not by its name, in clear by its content, whether it is wanted or not.

A message names columns only once the header is known to be one: where a file has no header, its first row is somebody.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linkage.errors import LinkageError, RowProblem, RowsRefused

__all__ = ["LONGEST_CELL", "RawTable", "read_pairs", "read_table"]

LONGEST_CELL = 1000  # characters; no civil-status field comes near

_SEPARATORS = ",;\t"
# What accents become in UTF-8. Capitals of other alphabets stay out: in Windows-1252, É before an apostrophe looks the same.
_UTF8_PAIR = re.compile(rb"[\xc3-\xc5][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\xbf]")
_NIR_NAME = re.compile(
    r"(^|_)(nir(\d+|pp|hash|hache)?|nia|nss|insee_individu"
    r"|(n|no|num|numero)_?(de_)?(la_)?(ss|secu(rite)?(_sociale)?))(_|$)"
)
# Sex (or temporary number), year, month (20 and more where it is unknown), department, commune, order, key.
_NIR = re.compile(r"[1-478]\d{2}(0[1-9]|1[0-2]|[2-9]\d)(\d{2}|2[AB])\d{6}(\d{2})")
_NIR_WITHOUT_KEY = re.compile(r"[1-478]\d{2}(0[1-9]|1[0-2])(0[1-9]|[1-9]\d|2[AB])\d{6}")
_NIR_SAMPLE = 2000  # non-empty cells looked at, spread over the column
# Shares of the sample that make a column one of NIR. One number in 170 happens to have a right key, one in 14 the short form.
_NIR_SHARE = 0.2
_NIR_SHARE_WITHOUT_KEY = 0.5


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns of strings.

    Attributes:
        name: the file's name, for messages.
        columns: column name → one string a row.
        lines: the line of the file where each row starts (1 = header).
        misshapen: rows that are in no column, having another number of fields.
    """

    name: str
    columns: dict[str, list[str]]
    lines: Sequence[int]
    misshapen: list[RowProblem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)


@dataclass(frozen=True, kw_only=True)
class _File:
    """All columns of a file, in its order; names may repeat."""

    header: list[str]
    cells: list[list[str]]
    lines: Sequence[int]
    misshapen: list[RowProblem] = field(default_factory=list)


def read_table(path: Path, wanted: Sequence[str], optional: Sequence[str] = (), *, misshapen: bool = False) -> RawTable:
    """The columns of a CSV or Parquet file.

    Args:
        path: `.parquet` is read as Parquet, anything else as CSV.
        wanted: names of columns that must be there; they also tell the separator. Case and outer spaces do not count.
        optional: names of columns that are read where the file has them.
        misshapen: hand rows with another number of fields over as problems instead of refusing the file.

    Returns:
        The table with only these columns, under these names.

    Raises:
        LinkageError: `E_FICHIER_ABSENT`, `E_FICHIER_VIDE`, `E_ENCODAGE`, `E_ENCODAGE_MELANGE`, `E_OCTET_NUL`,
            `E_SEPARATEUR`, `E_COLONNE_ABSENTE`, `E_COLONNE_DOUBLE`, `E_NOMBRE_CHAMPS`, `E_CELLULE_TROP_LONGUE`, `E_CSV`,
            `E_PARQUET`, `E_NIR_INTERDIT`.
    """
    _check_there(path)
    parquet = path.suffix.lower() == ".parquet"
    file = _read_parquet(path) if parquet else _read_csv(path, [*wanted, *optional])
    kept = _select(path.name, file, wanted, optional)
    for place, (column, cells) in enumerate(zip(file.header, file.cells, strict=True), start=1):
        _refuse_nir(path.name, column, cells, place)
    if file.misshapen and not misshapen:
        raise RowsRefused(file.misshapen, path.name)
    if not len(file.lines):
        if file.misshapen:
            raise RowsRefused(file.misshapen, path.name)
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier n'a aucune ligne de données")
    _refuse_long_cells(path.name, kept, file.lines)
    return RawTable(name=path.name, columns=kept, lines=file.lines, misshapen=file.misshapen)


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The first two fields of every row, outer spaces removed: pairs of identifiers.

    A CSV's first row is among them, for nobody knows whether it is a header: an identifier that no file has is the
    caller's to pass over.

    Raises:
        LinkageError: `E_VERITE` when there are no two columns; otherwise as `read_table`.
    """
    _check_there(path)
    if path.suffix.lower() == ".parquet":
        file = _read_parquet(path)
        rows = [list(row) for row in zip(*file.cells, strict=True)]
    else:
        text = _decode(path.name, path.read_bytes())
        rows = (
            [row for _, row in _rows(path.name, text, _separator(path.name, text, ("a", "b")))] if text.strip() else []
        )
    if not rows or min(map(len, rows)) < 2:
        raise LinkageError("E_VERITE", f"{path.name} : chaque ligne doit avoir deux identifiants")
    return [(row[0].strip(), row[1].strip()) for row in rows]


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise LinkageError("E_FICHIER_ABSENT", f"{path.name} : ce fichier n'existe pas ou n'est pas un fichier")
    if path.stat().st_size == 0:
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier est vide")


def _select(name: str, file: _File, wanted: Sequence[str], optional: Sequence[str]) -> dict[str, list[str]]:
    places: dict[str, list[int]] = {}
    for place, column in enumerate(file.header):
        places.setdefault(_key(column), []).append(place)
    missing = [column for column in wanted if _key(column) not in places]
    if missing:
        absent = ", ".join(f"« {column} »" for column in missing)
        raise LinkageError("E_COLONNE_ABSENTE", f"{name} : colonne(s) absente(s) : {absent}")
    found = [column for column in dict.fromkeys([*wanted, *optional]) if _key(column) in places]
    for column in found:
        if len(places[_key(column)]) > 1:
            raise LinkageError("E_COLONNE_DOUBLE", f"{name} : la colonne « {column} » apparaît deux fois")
    return {column: file.cells[places[_key(column)][0]] for column in found}


def _refuse_long_cells(name: str, columns: dict[str, list[str]], lines: Sequence[int]) -> None:
    for column, cells in columns.items():
        for line, cell in zip(lines, cells, strict=True):
            if len(cell) > LONGEST_CELL:
                rule = f"plus de {LONGEST_CELL} caractères"
                raise LinkageError("E_CELLULE_TROP_LONGUE", f"{name} : ligne {line}, colonne « {column} » : {rule}")


def _key(column: str) -> str:
    return column.strip().strip("\ufeff").casefold()


def _read_parquet(path: Path) -> _File:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and most files are CSV
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        data = pq.ParquetFile(path).read()
        cells = [[_text(cell) for cell in column.to_pylist()] for column in data.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        # Without its cause, whose message may quote a cell.
        raise LinkageError("E_PARQUET", f"{path.name} : ce fichier n'est pas un Parquet lisible") from None
    return _File(header=list(data.column_names), cells=cells, lines=range(2, data.num_rows + 2))


def _text(cell: Any) -> str:
    """A cell of a Parquet file as a CSV would hold it."""
    if isinstance(cell, bytes):
        return cell.decode()
    if isinstance(cell, float) and (cell != cell or cell.is_integer()):  # noqa: PLR0124 - only NaN differs from itself
        return "" if cell != cell else str(int(cell))  # noqa: PLR0124
    return "" if cell is None else str(cell)


def _read_csv(path: Path, wanted: Sequence[str]) -> _File:
    text = _decode(path.name, path.read_bytes())
    if not text.strip():
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier est vide")
    rows = _rows(path.name, text, _separator(path.name, text, wanted))
    _, header = next(rows)
    kept: list[list[str]] = []
    lines: list[int] = []
    misshapen: list[RowProblem] = []
    for line, row in rows:
        if len(row) == len(header):
            kept.append(row)
            lines.append(line)
        else:
            rule = f"{len(row)} champ(s) au lieu de {len(header)}"
            misshapen.append(RowProblem(code="E_NOMBRE_CHAMPS", row=line, column=None, rule=rule))
    cells = map(list, zip(*kept, strict=True)) if kept else ([] for _ in header)
    return _File(header=header, cells=list(cells), lines=lines, misshapen=misshapen)


def _rows(name: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line where it starts, fields) of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1
    except csv.Error:
        rule = "guillemets ou séparateurs mal formés"
        raise LinkageError("E_CSV", f"{name} : ligne {start} : {rule}") from None


def _decode(name: str, data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise LinkageError("E_ENCODAGE", f"{name} : fichier UTF-16 ; enregistrez-le en UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        raise LinkageError("E_OCTET_NUL", f"{name} : ligne {_line_of(data, nul)} : octet nul")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if _UTF8_PAIR.search(data):
            rule = "cette ligne n'est pas en UTF-8 alors que d'autres le sont ; enregistrez tout le fichier en UTF-8"
            raise LinkageError("E_ENCODAGE_MELANGE", f"{name} : ligne {_line_of(data, error.start)} : {rule}") from None
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError as error:
        rule = "caractère qui n'est ni de l'UTF-8 ni du Windows-1252"
        raise LinkageError("E_ENCODAGE", f"{name} : ligne {_line_of(data, error.start)} : {rule}") from None


def _line_of(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _separator(name: str, text: str, wanted: Sequence[str]) -> str:
    keys = {_key(column) for column in wanted}
    found = {}
    refusal = None
    for separator in _SEPARATORS:
        try:
            _, header = next(_rows(name, text, separator))
        except LinkageError as error:
            refusal = error
            continue
        found[separator] = (len(keys & {_key(column) for column in header}), len(header))
    if refusal and not found:
        raise refusal
    best = max(found, key=lambda separator: found[separator])
    if found[best][1] == 1 and len(keys) > 1:
        rule = "le séparateur n'est ni la virgule, ni le point-virgule, ni la tabulation"
        raise LinkageError("E_SEPARATEUR", f"{name} : {rule}")
    return best


def _refuse_nir(name: str, column: str, cells: Sequence[str], place: int) -> None:
    held = [cell for cell in cells if cell.strip()]
    spread = held[:: -(-len(held) // _NIR_SAMPLE) or 1]
    sample = [re.sub(r"[\s./_-]", "", cell).upper() for cell in spread]
    with_key = sum(map(_is_nir, sample))
    without_key = sum(_NIR_WITHOUT_KEY.fullmatch(cell) is not None for cell in sample)
    if (
        _NIR_NAME.search(_words(column))
        or with_key > _NIR_SHARE * len(sample)
        or without_key > _NIR_SHARE_WITHOUT_KEY * len(sample)
    ):
        rule = "contient des numéros de sécurité sociale ; retirez-la du fichier, même hachée"
        # A file without header has a record where names should be: digits are never repeated.
        shown = f"n° {place}" if re.search(r"\d{4}", column) else f"« {column} »"
        raise LinkageError("E_NIR_INTERDIT", f"{name} : la colonne {shown} {rule}")


def _words(column: str) -> str:
    """A column's name as lower-case words without accents: `NumSécu`, `num secu` and `NUM_SECU` are `num_secu`."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", column) if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bare).casefold())


def _is_nir(cell: str) -> bool:
    """Whether a cell has the form of a NIR with its key, and the key is right."""
    found = _NIR.fullmatch(cell)
    if not found:
        return False
    digits = cell[:13].replace("2A", "19").replace("2B", "18")  # Corsica
    return 97 - int(digits) % 97 == int(found[3])
