"""A file of records as raw columns: CSV as administrations write it, or Parquet. Nothing is interpreted here.

CSV: separator `,` `;` or tab, found from the header; UTF-8 (with or without a byte-order mark) or Windows-1252, never a
mix; quotes as in RFC 4180. Each row keeps the line where it starts, so that every later message can name it.

Refused at once, with the line: an empty file, mixed encodings, NUL bytes, a row with another number of fields, a cell longer
than `LONGEST_CELL`. Refused with the column: any column that holds national identification numbers (NIR), hashed or not by
its name, in clear by its content.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from linkage.errors import LinkageError

__all__ = ["LONGEST_CELL", "RawTable", "read_table"]

LONGEST_CELL = 1000  # characters; no civil-status field comes near

_SEPARATORS = ",;\t"
_UTF8_PAIR = re.compile(rb"[\xc3\xc5][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\xbf]")  # what accents become in UTF-8
_NIR_NAME = re.compile(r"(^|_)(nir|nia|nss|insee_individu|numero_securite_sociale|num_secu|numero_ss)(_|$)")
_NIR = re.compile(r"([1-478])(\d{2})(0[1-9]|1[0-2]|[2-9]\d)(\d{2}|2[AB])(\d{3})(\d{3})(\d{2})?")
_NIR_SAMPLE = 2000  # non-empty cells looked at
_NIR_SHARE = 0.5  # of them with the form of a NIR


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns of strings.

    Attributes:
        name: the file's name, for messages.
        columns: column name → one string a row; the order of the file.
        lines: the line of the file where each row starts (1 = header).
    """

    name: str
    columns: dict[str, list[str]]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)


def read_table(path: Path, wanted: Sequence[str]) -> RawTable:
    """The columns of a CSV or Parquet file.

    Args:
        path: `.parquet` is read as Parquet, anything else as CSV.
        wanted: names of columns that must be there; they also tell the separator. Case and outer spaces do not count.

    Returns:
        The table with only the wanted columns, under the wanted names.

    Raises:
        LinkageError: `E_FICHIER_ABSENT`, `E_FICHIER_VIDE`, `E_ENCODAGE`, `E_ENCODAGE_MELANGE`, `E_OCTET_NUL`, `E_SEPARATEUR`,
            `E_COLONNE_ABSENTE`, `E_COLONNE_DOUBLE`, `E_NOMBRE_CHAMPS`, `E_CELLULE_TROP_LONGUE`, `E_CSV`, `E_NIR_INTERDIT`.
    """
    if not path.is_file():
        raise LinkageError("E_FICHIER_ABSENT", f"{path.name} : ce fichier n'existe pas ou n'est pas un fichier")
    if path.stat().st_size == 0:
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier est vide")
    table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path, wanted)
    if not len(table):
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier n'a aucune ligne de données")
    for column, cells in table.columns.items():
        _refuse_nir(path.name, column, cells)
    return _select(table, wanted)


def _select(table: RawTable, wanted: Sequence[str]) -> RawTable:
    by_key: dict[str, str] = {}
    for column in table.columns:
        if _key(column) in by_key and _key(column) in {_key(name) for name in wanted}:
            raise LinkageError("E_COLONNE_DOUBLE", f"{table.name} : la colonne « {column} » apparaît deux fois")
        by_key[_key(column)] = column
    missing = [name for name in wanted if _key(name) not in by_key]
    if missing:
        absent = ", ".join(f"« {name} »" for name in missing)
        raise LinkageError("E_COLONNE_ABSENTE", f"{table.name} : colonne(s) absente(s) : {absent}")
    kept = {name: table.columns[by_key[_key(name)]] for name in wanted}
    for name, cells in kept.items():
        for line, cell in zip(table.lines, cells, strict=True):
            if len(cell) > LONGEST_CELL:
                raise LinkageError(
                    "E_CELLULE_TROP_LONGUE",
                    f"{table.name} : ligne {line}, colonne « {name} » : plus de {LONGEST_CELL} caractères",
                )
    return RawTable(name=table.name, columns=kept, lines=table.lines)


def _key(column: str) -> str:
    return column.strip().strip("\ufeff").casefold()


def _read_parquet(path: Path) -> RawTable:
    import pyarrow as pa  # noqa: PLC0415 - heavy, and most files are CSV
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        data = pq.read_table(path)
        columns = {
            name: ["" if cell is None else str(cell) for cell in data[name].to_pylist()] for name in data.column_names
        }
    except (pa.ArrowException, OSError, ValueError) as error:
        raise LinkageError("E_PARQUET", f"{path.name} : ce fichier n'est pas un Parquet lisible") from error
    return RawTable(name=path.name, columns=columns, lines=range(2, data.num_rows + 2))


def _read_csv(path: Path, wanted: Sequence[str]) -> RawTable:
    text = _decode(path.name, path.read_bytes())
    separator = _separator(path.name, text, wanted)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = next(reader)
        start = reader.line_num + 1
        for row in reader:
            if row:
                if len(row) != len(header):
                    rule = f"{len(row)} champ(s) au lieu de {len(header)}"
                    raise LinkageError("E_NOMBRE_CHAMPS", f"{path.name} : ligne {start} : {rule}")
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        place = f"ligne {reader.line_num}"
        raise LinkageError("E_CSV", f"{path.name} : {place} : guillemets ou séparateurs mal formés") from error
    keys = [_key(name) for name in header]
    twice = sorted({name for name, key in zip(header, keys, strict=True) if keys.count(key) > 1 and key})
    if set(map(_key, twice)) & set(map(_key, wanted)):
        raise LinkageError("E_COLONNE_DOUBLE", f"{path.name} : la colonne « {twice[0]} » apparaît deux fois")
    cells = zip(*rows, strict=True) if rows else ([] for _ in header)
    return RawTable(name=path.name, columns=dict(zip(header, map(list, cells), strict=True)), lines=lines)


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
    for separator in _SEPARATORS:
        try:
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        except (csv.Error, StopIteration):
            continue
        found[separator] = (len(keys & {_key(column) for column in header}), len(header))
    best = max(found, key=lambda separator: found[separator], default=None)
    if best is None or (found[best][1] == 1 and len(keys) > 1):
        rule = "le séparateur n'est ni la virgule, ni le point-virgule, ni la tabulation"
        raise LinkageError("E_SEPARATEUR", f"{name} : {rule}")
    return best


def _refuse_nir(name: str, column: str, cells: list[str]) -> None:
    refusal = LinkageError(
        "E_NIR_INTERDIT",
        f"{name} : la colonne « {column} » contient des numéros de sécurité sociale ; retirez-la du fichier, même hachée",
    )
    if _NIR_NAME.search(re.sub(r"[^a-z0-9]+", "_", column.strip().casefold())):
        raise refusal
    sample = [cell.replace(" ", "") for cell in cells if cell.strip()][:_NIR_SAMPLE]
    if sample and sum(map(_is_nir, sample)) > _NIR_SHARE * len(sample):
        raise refusal


def _is_nir(cell: str) -> bool:
    """Whether a cell has the form of a NIR; with 15 characters, whether its key is right too."""
    found = _NIR.fullmatch(cell.upper())
    if not found:
        return False
    if found[7] is None:
        return True
    digits = cell[:13].upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97 == int(found[7])
