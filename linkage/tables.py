"""A file of records as raw columns: CSV as administrations write it, XLSX, or Parquet. Nothing is interpreted here.

Rows keep the line where they start, so that every later message can name it. Cells are text: those of a workbook or a
Parquet file are what a CSV would hold.

Refused at once, with the line: a file that cannot be read. A row with another number of fields, or with a wanted cell longer
than `LONGEST_CELL`, is refused too, or handed over as a problem to who reads records; the last rows, where they are no rows
but the footer of an export, are left out and said. Refused with the column: any column that holds national identification
numbers (`linkage.national_numbers`), wanted or not.

A message names columns only once the header is known to be one: where a file has no header, its first row is somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linkage.columns import ColumnBuilder, RawColumn, cells_of
from linkage.csv_files import Batch, all_rows, column_key, open_csv
from linkage.errors import Finding, LinkageError, RowProblems, RowsRefused
from linkage.national_numbers import NumberWatch
from linkage.parquet_files import ParquetTable
from linkage.workbooks import Workbook, check_no_workbook

__all__ = ["LONGEST_CELL", "MOST_ROWS", "Piece", "RawTable", "TableFile", "read_pairs", "read_table"]

LONGEST_CELL = 1000  # characters; no civil-status field comes near
MOST_ROWS = 100_000_000

_WORKBOOKS = (".xlsx", ".xlsm")
_LONGEST_FOOTER = 3  # rows
# What the last row of an export begins with when it is no record, the other cells being numbers or nothing.
_FOOTER_WORDS = frozenset(["fin", "total", "totaux", "nombre", "nb", "eof", "end"])
_WORDS_AFTER = frozenset(
    [
        "de",
        "du",
        "des",
        "d",
        "l",
        "général",
        "general",
        "ligne",
        "lignes",
        "enregistrement",
        "enregistrements",
        "fichier",
    ]
) | {"export", "extraction", "of", "file"}
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER_OR_NOTHING = re.compile(r"[\d\s.,:/+-]*")


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """Columns of text.

    Attributes:
        name: the file's name, for messages.
        columns: column name → its cells.
        lines: the line of the file where each row starts (1 = header).
        misshapen: rows that are in no column: another number of fields, an error where a cell should be, a cell too long.
        findings: what the reader found and did with it.
    """

    name: str
    columns: dict[str, RawColumn]
    lines: Sequence[int] | NDArray[np.int64]
    misshapen: RowProblems = field(default_factory=RowProblems)
    findings: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Sequence[str]]) -> RawTable:
        """A table of these columns, as from a file whose header is line 1."""
        rows = len(next(iter(columns.values()), ()))
        held = {column: RawColumn.of(cells) for column, cells in columns.items()}
        return cls(name=name, columns=held, lines=range(2, rows + 2))


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some rows of a file.

    Attributes:
        columns: column name → array of strings of Arrow, without nulls.
        lines: the line of the file where each row starts.
    """

    columns: dict[str, Any]
    lines: NDArray[np.int64]


class _Source(Protocol):
    """A kind of file: its header, its rows, and what there is to say once they are read."""

    header: list[str]

    def batches(self) -> Iterator[Batch]: ...
    def findings(self) -> list[Finding]: ...


def read_table(path: Path, wanted: Sequence[str], optional: Sequence[str] = (), *, misshapen: bool = False) -> RawTable:
    """The columns of a CSV, XLSX or Parquet file.

    Args:
        path: `.parquet` is read as Parquet, `.xlsx` and `.xlsm` as workbooks, anything else as CSV.
        wanted: names of columns that must be there; they also tell the separator. Case and outer spaces do not count.
        optional: names of columns that are read where the file has them.
        misshapen: hand rows without the right fields over as problems instead of refusing the file.

    Returns:
        The table with only these columns, under these names.

    Raises:
        LinkageError: `E_FICHIER_ABSENT`, `E_FICHIER_VIDE`, `E_FICHIER_TROP_GRAND`, `E_ENCODAGE`, `E_ENCODAGE_MELANGE`,
            `E_OCTET_NUL`, `E_SEPARATEUR`, `E_COLONNE_ABSENTE`, `E_COLONNE_DOUBLE`, `E_NOMBRE_CHAMPS`,
            `E_CELLULE_TROP_LONGUE`, `E_CELLULE_EN_ERREUR`, `E_CSV`, `E_PARQUET`, `E_CLASSEUR`, `E_NIR_INTERDIT`.
    """
    file = TableFile(path, wanted, optional)
    builders = {column: ColumnBuilder() for column in file.columns}
    lines: list[NDArray[np.int64]] = []
    for piece in file.pieces():
        for column, builder in builders.items():
            builder.add(piece.columns[column])
        lines.append(_small(piece.lines))
    file.check_rows(misshapen=misshapen)
    of_rows = np.concatenate(lines)
    whole = int(of_rows[-1]) - int(of_rows[0]) == len(of_rows) - 1
    return RawTable(
        name=path.name,
        columns={column: builder.column() for column, builder in builders.items()},
        lines=range(int(of_rows[0]), int(of_rows[-1]) + 1) if whole else of_rows,
        misshapen=file.misshapen,
        findings=file.findings,
    )


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The first two fields of every row, outer spaces removed: pairs of identifiers.

    A CSV's first row is among them, for nobody knows whether it is a header: an identifier that no file has is the
    caller's to pass over.

    Raises:
        LinkageError: `E_VERITE` when there are no two columns; otherwise as `read_table`.
    """
    _check_there(path)
    if path.suffix.lower() == ".parquet":
        batches = (batch.columns[:2] for batch in ParquetTable(path).batches())
        rows: Iterable[Sequence[str]] = [
            row for columns in batches for row in zip(*(column.to_pylist() for column in columns), strict=True)
        ]
    else:
        check_no_workbook(path)
        rows = all_rows(path)
    pairs = [(row[0].strip(), row[1].strip()) for row in rows if len(row) > 1]
    if not pairs or len(pairs) < sum(1 for _ in rows):
        raise LinkageError("E_VERITE", f"{path.name} : chaque ligne doit avoir deux identifiants")
    return pairs


class TableFile:
    """A file whose header is read, to be read once, piece by piece.

    Attributes:
        name: the file's name.
        columns: the columns asked for that the file has, under the names asked for.
        rows: that came so far.
        misshapen: rows that are in no piece; known once all pieces are read.
        findings: what the reader found and did with it; known once all pieces are read.
    """

    def __init__(self, path: Path, wanted: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Opens a file; see `read_table` for the arguments and what is refused."""
        _check_there(path)
        self.name = path.name
        self._source = _open(path, wanted, optional)
        self._places = _select(path.name, self._source, wanted, optional)
        self.columns = list(self._places)
        self.rows = 0
        self.misshapen = RowProblems()
        self.findings: list[Finding] = []
        self._misshapen: list[tuple[int, int]] = []
        self._errors: list[tuple[str, str | None, str, NDArray[np.int64]]] = []

    def pieces(self) -> Iterator[Piece]:
        """All rows but those of a footer, in order.

        Raises:
            LinkageError: as `read_table`, of the file as a whole.
        """
        watch = NumberWatch(self.name, self._source.header)
        last: Batch | None = None  # in it may begin the footer
        for batch in self._source.batches():
            watch.look(batch.columns)
            self._misshapen += batch.misshapen
            self._errors += batch.errors
            kept = self._without_long_cells(batch)
            if last is not None and len(kept.lines) < _LONGEST_FOOTER:
                last = _after(last, kept)
            else:
                if last is not None and len(last.lines):
                    yield self._piece(last, len(last.lines))
                last = kept
        watch.refuse()
        self.findings = self._source.findings()
        below, above = self._footer(last)
        if last is not None and len(last.lines) > above:
            yield self._piece(last, len(last.lines) - above)
        self.misshapen = self._problems(self._misshapen[: len(self._misshapen) - len(below)])

    def check_rows(self, *, misshapen: bool) -> None:
        """Judges the rows, once all have come.

        Args:
            misshapen: whether rows without the right fields are somebody else's to judge.

        Raises:
            LinkageError: `E_FICHIER_VIDE`; `RowsRefused`.
        """
        if len(self.misshapen) and (not misshapen or not self.rows):
            raise RowsRefused(self.misshapen, self.name)
        if not self.rows:
            raise LinkageError("E_FICHIER_VIDE", f"{self.name} : le fichier n'a aucune ligne de données")

    def _piece(self, batch: Batch, rows: int) -> Piece:
        self.rows += rows
        if self.rows > MOST_ROWS:
            rule = f"plus de {MOST_ROWS} lignes ; partagez le fichier"
            raise LinkageError("E_FICHIER_TROP_GRAND", f"{self.name} : {rule}")
        columns = {column: batch.columns[place].slice(0, rows) for column, place in self._places.items()}
        return Piece(columns=columns, lines=batch.lines[:rows])

    def _without_long_cells(self, batch: Batch) -> Batch:
        """The same rows less those with a wanted cell beyond measure."""
        kept = np.ones(len(batch.lines), dtype=bool)
        for column, place in self._places.items():
            if np.diff(cells_of(batch.columns[place])[1]).max(initial=0) > LONGEST_CELL:
                long = kept & (np.asarray(pc.utf8_length(batch.columns[place])) > LONGEST_CELL)
                if long.any():
                    rule = f"plus de {LONGEST_CELL} caractères"
                    self._errors.append(("E_CELLULE_TROP_LONGUE", column, rule, batch.lines[long]))
                    kept &= ~long
        if kept.all():
            return batch
        columns = [cells.filter(pa.array(kept)) for cells in batch.columns]
        return replace(batch, columns=columns, lines=batch.lines[kept])

    def _footer(self, last: Batch | None) -> tuple[list[tuple[int, int]], int]:
        """The misshapen rows below the last good one if they are a footer, and how many of the last good ones are."""
        if last is None or not len(last.lines):
            return [], 0
        below = [(line, size) for line, size in self._misshapen if line > int(last.lines[-1])]
        width = len(self._source.header)
        if len(below) > _LONGEST_FOOTER or any(size > width for _, size in below):
            return [], 0
        start = max(len(last.lines) - _LONGEST_FOOTER, 0)
        rows = list(zip(*(cells.slice(start).to_pylist() for cells in last.columns), strict=True))
        above = 0
        while above < len(rows) and _is_footer(rows[-1 - above]):
            above += 1
        if below or above:
            left_out = sorted([*(line for line, _ in below), *last.lines[len(last.lines) - above :].tolist()])
            rule = "fin de fichier qui n'est pas un enregistrement : laissée de côté (sinon, l'export est coupé)"
            found = Finding(code="I_PIED", column=None, count=len(left_out), first_row=left_out[0], rule=rule)
            self.findings.append(found)
        return below, above

    def _problems(self, misshapen: Sequence[tuple[int, int]]) -> RowProblems:
        by_size: dict[int, list[int]] = {}
        for line, size in misshapen:
            by_size.setdefault(size, []).append(line)
        width = len(self._source.header)
        told: list[tuple[str, str | None, str, NDArray[np.int64]]] = [
            ("E_NOMBRE_CHAMPS", None, f"{size} champ(s) au lieu de {width}", np.array(lines))
            for size, lines in by_size.items()
        ]
        return RowProblems([*told, *self._errors])


def _after(one: Batch, other: Batch) -> Batch:
    """The rows of two batches, for their columns; what else they say was taken."""
    columns = [pa.concat_arrays(pair) for pair in zip(one.columns, other.columns, strict=True)]
    return replace(one, columns=columns, lines=np.concatenate([one.lines, other.lines]))


def _is_footer(row: Sequence[str]) -> bool:
    held = [cell for cell in row if cell.strip()]
    words = _WORD.findall(held[0].casefold()) if held else []
    if not words or words[0] not in _FOOTER_WORDS or not _WORDS_AFTER.issuperset(words[1:]):
        return False
    return all(_NUMBER_OR_NOTHING.fullmatch(cell) for cell in held[1:])


def _small(lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same lines, four bytes each where they fit."""
    return lines if len(lines) and lines[-1] > np.iinfo(np.int32).max else lines.astype(np.int32)


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise LinkageError("E_FICHIER_ABSENT", f"{path.name} : ce fichier n'existe pas ou n'est pas un fichier")
    if path.stat().st_size == 0:
        raise LinkageError("E_FICHIER_VIDE", f"{path.name} : le fichier est vide")


def _open(path: Path, wanted: Sequence[str], optional: Sequence[str]) -> _Source:
    if path.suffix.lower() == ".parquet":
        return ParquetTable(path)
    if path.suffix.lower() in _WORKBOOKS:
        return Workbook(path, wanted)
    check_no_workbook(path)
    return open_csv(path, wanted, optional=optional)


def _select(name: str, source: _Source, wanted: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    """Where each column stands."""
    places: dict[str, list[int]] = {}
    for place, column in enumerate(source.header):
        places.setdefault(column_key(column), []).append(place)
    missing = [column for column in wanted if column_key(column) not in places]
    if missing:
        absent = ", ".join(f"« {column} »" for column in missing)
        sheets = "".join(f" ({one.rule})" for one in source.findings() if one.code == "I_FEUILLES")
        advice = "vérifiez l'en-tête, ou dites les noms de vos colonnes (--columns, --connector)"
        raise LinkageError("E_COLONNE_ABSENTE", f"{name} : colonne(s) absente(s) : {absent}{sheets} ; {advice}")
    found = [column for column in dict.fromkeys([*wanted, *optional]) if column_key(column) in places]
    for column in found:
        if len(places[column_key(column)]) > 1:
            raise LinkageError("E_COLONNE_DOUBLE", f"{name} : la colonne « {column} » apparaît deux fois")
    return {column: places[column_key(column)][0] for column in found}
