"""Records in: a file and a sheet give normalised columns, with every row that cannot be used named and explained.

A column is kept as its distinct canonical values and one code a row: names repeat, and all later work is done once a value.
A file is read piece by piece, the next piece while one is normalised; what is as long as the file, codes and local
identifiers, is spilled once it takes more than its share of the memory (`linkage.row_store`).

Rows that cannot be used refuse the file, or are set aside, as the sheet says; so many that the file must be wrong refuse it
in any case. What was found unusual and read all the same is said in `Records.findings`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage import column_reader, row_store
from linkage.attribute import Attribute
from linkage.column_reader import Coded, ColumnReader, Problem
from linkage.columns import RawColumn, Texts, joined
from linkage.dates import weaken_day
from linkage.errors import Finding, RowProblems, RowsRefused, TooManyBadRows
from linkage.lexicon import laid_out, same_cells
from linkage.local_ids import LineNumbers, LocalIds
from linkage.memory import MEMORY, give_back, left_for_data, share_heap
from linkage.row_store import CodeStore, Gaps, Shelf
from linkage.selection import Preparing
from linkage.sheet import Sheet
from linkage.tables import Piece, RawTable, TableFile

__all__ = [
    "AT_ONCE",
    "MISSING",
    "BadRows",
    "Codes",
    "Column",
    "Records",
    "read_records",
    "read_selected",
    "records_from_table",
]

BadRows = Literal["refuse", "skip"]
MISSING = column_reader.MISSING
AT_ONCE = row_store.AT_ONCE  # rows

_ROWS_SHARE = 8  # of the memory, one part in so many for codes and identifiers of rows; more is spilled
_CELLS_SHARE = 16  # of the memory, one part in so many for the cells of a column that are remembered
_FEW = 10  # rows that may always be skipped where any may
_FRANCE = "99100"

_Numbers = NDArray[np.int32]


class Codes(Protocol):
    """Codes of rows that are not in memory all at once; see `Column.part`."""

    def __len__(self) -> int: ...
    def part(self, start: int, stop: int) -> NDArray[np.int32]:
        """The codes of rows [start, stop)."""


class Column:
    """One attribute of all records.

    Attributes:
        values: distinct canonical values.
    """

    __slots__ = ("_codes", "values")

    def __init__(self, *, values: Sequence[str], codes: NDArray[np.int32] | Codes) -> None:
        """Takes the values, and (n,) int32 indices into them, `MISSING` where a record has none."""
        self.values, self._codes = values, codes

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def codes(self) -> NDArray[np.int32]:
        """(n,) int32, all codes. Where they are spilled, each call puts all of them into memory: for rehearsals."""
        return self._codes if isinstance(self._codes, np.ndarray) else self._codes.part(0, len(self._codes))

    def part(self, start: int, stop: int) -> NDArray[np.int32]:
        """(stop - start,) the codes of these rows, not to be written to: the way to read them in bounded memory.

        Quickest for parts that begin at a multiple of `AT_ONCE` and are no longer than that. Threads may share a column.
        """
        return self._codes[start:stop] if isinstance(self._codes, np.ndarray) else self._codes.part(start, stop)


@dataclass(frozen=True, kw_only=True)
class Records:
    """What is encoded.

    Attributes:
        ids: local identifiers, distinct; they never leave the administration.
        columns: attribute name → column.
        set_aside: problems of rows left out because the sheet or the caller has them skipped.
        voided: cells that cannot be right and count as missing because the sheet says so; their rows are kept.
        extra: other columns asked for by name (a truth column in a rehearsal), raw.
        findings: what was found in the file, and what was done with it.
    """

    ids: Sequence[str]
    columns: dict[str, Column]
    set_aside: RowProblems = field(default_factory=RowProblems)
    voided: RowProblems = field(default_factory=RowProblems)
    extra: dict[str, list[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)


def read_records(
    path: Path,
    sheet: Sheet,
    side: str,
    *,
    bad_rows: BadRows | None = None,
    extra: Sequence[str] = (),
    memory: int = MEMORY,
    folder: Path | None = None,
) -> Records:
    """The records of one side's file.

    Args:
        path: CSV, XLSX or Parquet.
        sheet: says which columns and how to read them.
        side: whose column names to use (an operand of the démarche, `left` or `right` in a rehearsal).
        bad_rows: `refuse` the file on any bad row, `skip` bad rows and list them, or None: as the sheet says.
        extra: names of raw columns to carry along, in memory.
        memory: bytes that the process should not exceed; beyond a share of them, what is as long as the file is spilled.
        folder: where that goes; the system's folder of temporary files when absent.

    Raises:
        LinkageError: see `linkage.tables.read_table`; `E_COLONNES_DECALEES`; `E_DISQUE_PLEIN`; `RowsRefused` with all
            problems of rows; `TooManyBadRows` (`E_TROP_DE_LIGNES_FAUTIVES`).
    """
    return _read((path, sheet, side), bad_rows, extra, memory, folder, None)


def read_selected(
    path: Path,
    sheet: Sheet,
    side: str,
    local: Preparing,
    *,
    bad_rows: BadRows | None = None,
    extra: Sequence[str] = (),
    folder: Path | None = None,
) -> Records:
    """The records of the rows that a local selection keeps; a row that it leaves out is not judged.

    Args:
        path: CSV, XLSX or Parquet.
        sheet: says which columns and how to read them; a column may be one that the rules compute.
        side: whose column names to use.
        local: rules that begin; what they did is in `local.tally` afterwards.
        bad_rows: as for `read_records`, like what follows.
        extra: names of raw or computed columns to carry along.
        folder: where what memory has no room for goes.

    Raises:
        LinkageError: as `read_records`, and `E_SELECTION_COLONNE`, `E_SELECTION_VIDE`.
    """
    return _read((path, sheet, side), bad_rows, extra, MEMORY, folder, local)


def _read(
    source: tuple[Path, Sheet, str],
    bad_rows: BadRows | None,
    extra: Sequence[str],
    memory: int,
    folder: Path | None,
    local: Preparing | None,
) -> Records:
    share_heap()
    path, sheet, side = source
    identifiers, attributes = sheet.for_side(side)
    needed = [column for attribute in attributes if not attribute.optional for column in attribute.columns]
    optional = [column for attribute in attributes if attribute.optional for column in attribute.columns]
    wanted = [*identifiers, *needed, *extra, *(local.rules.columns if local else ())]
    wanted = [one for one in dict.fromkeys(wanted) if local is None or one not in local.rules.made]
    file = TableFile(path, wanted, optional)
    reading = _Reading(identifiers, attributes, extra, memory, folder)
    with closing(_ahead(file.pieces())) as pieces:
        for chosen in pieces if local is None else map(local.chosen, pieces):
            reading.add({name: RawColumn.plain(cells) for name, cells in chosen.columns.items()}, chosen.lines)
    file.check_rows(misshapen=True)
    if local is not None:
        local.finish()
    skip = (bad_rows or sheet.bad_rows) == "skip"
    records = reading.records(file, sheet.most_bad_rows if skip else None)
    if file.rows > AT_ONCE:
        del reading
        give_back()
    return records


def records_from_table(
    table: RawTable,
    identifiers: Sequence[str],
    attributes: Sequence[Attribute],
    *,
    bad_rows: BadRows = "refuse",
    most_bad_rows: int = 1000,
    extra: Sequence[str] = (),
) -> Records:
    """Normalises the columns of a raw table; see `read_records`.

    Args:
        table: the cells.
        identifiers: columns that name a row together, their cells joined with a space.
        attributes: what to read, with their columns.
        bad_rows: `refuse` the table on any bad row, or `skip` bad rows and list them.
        most_bad_rows: how many rows in a thousand may be skipped.
        extra: names of raw columns to carry along.
    """
    reading = _Reading(identifiers, attributes, extra, MEMORY, None)
    reading.add(table.columns, np.asarray(table.lines, dtype=np.int64))
    return reading.records(table, most_bad_rows if bad_rows == "skip" else None)


def _ahead(pieces: Iterator[Piece]) -> Generator[Piece]:
    """The same pieces, each fetched while the one before is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        coming = pool.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = pool.submit(next, pieces, None)
            yield piece


class _Read(Protocol):
    """What is known of a file once its rows have been read."""

    @property
    def name(self) -> str: ...
    @property
    def misshapen(self) -> RowProblems: ...
    @property
    def findings(self) -> list[Finding]: ...


class _Reading:
    """A file on its way to records."""

    def __init__(
        self,
        identifiers: Sequence[str],
        attributes: Sequence[Attribute],
        extra: Sequence[str],
        memory: int,
        folder: Path | None,
    ) -> None:
        self._identifiers, self._shelf = identifiers, Shelf(left_for_data(memory) // _ROWS_SHARE, folder)
        self._ids, self._lines = LocalIds(" + ".join(identifiers), self._shelf), LineNumbers()
        self._extra: dict[str, list[str]] = {name: [] for name in extra}
        self._readers = {one.name: ColumnReader(one, memory // _CELLS_SHARE) for one in attributes}
        self._stores = {one.name: CodeStore(self._shelf) for one in attributes}
        self._weak = {
            one.name: _WeakDays(self._readers[one.name], self._readers[one.country])
            for one in attributes
            if one.country
        }
        for one in attributes:
            first = self._readers.get(one.second_form_of or "")
            if first is not None and first.attribute.kind == "name":
                first.find_usage(self._readers[one.name])

    def add(self, columns: Mapping[str, RawColumn], lines: NDArray[np.int64]) -> None:
        """Normalises some more rows."""
        self._lines.add(lines)
        self._ids.add(joined([columns[name] for name in self._identifiers]))
        for name, held in self._extra.items():
            held.extend(columns[name].cells())
        coded: dict[str, Coded] = {}
        for name, reader in self._readers.items():
            attribute = reader.attribute
            if all(column in columns for column in attribute.columns):
                raws = [columns[column] for column in attribute.columns]
                raws = raws if len(raws) == 1 else [raw.coded() for raw in raws]
                coded[name] = reader.add(joined(raws, attribute.kind, attribute.missing), lines)
            else:
                coded[name] = Coded(codes=np.full(len(lines), MISSING, dtype=np.int32))
        codes = {name: one.codes for name, one in coded.items()}
        for name, reader in self._readers.items():
            first = reader.attribute.second_form_of
            if first:
                codes[name] = self._second(reader, codes[name], self._readers[first], codes[first], coded[first])
            if name in self._weak:
                codes[name] = self._weak[name](codes[name], codes[reader.attribute.country or ""])
            self._stores[name].add(codes[name])

    def records(self, read: _Read, most: int | None) -> Records:
        """Judges the rows, once all have come.

        Args:
            read: what else is known of the file.
            most: rows in a thousand that may be set aside; None: none.
        """
        readers = self._readers.values()
        for reader in readers:
            reader.refuse_moved(read.name)
        bad: list[Problem] = [(*kind, lines) for kind, lines in read.misshapen.by_kind()]
        bad += self._ids.problems(self._lines.at)
        void: list[Problem] = []
        for reader in readers:
            (bad if reader.attribute.invalid == "refuse" else void).extend(reader.problems)
        problems = RowProblems(bad)
        self._judge(read, problems, most)
        left_out = self._lines.rows(problems.lines)
        gaps = Gaps(left_out, len(self._lines))
        self._ids.store.finish(gaps)
        voided = RowProblems(void).outside(problems.lines)
        oddities = [found for reader in readers for found in reader.findings()]
        return Records(
            ids=self._ids.store,
            columns={name: self._column(name, gaps) for name in self._stores},
            set_aside=problems,
            voided=voided,
            extra={name: _without(cells, left_out) for name, cells in self._extra.items()},
            findings=[*read.findings, *oddities, *_voided_findings(voided)],
        )

    def _second(
        self, second: ColumnReader, codes: _Numbers, first: ColumnReader, others: _Numbers, coded: Coded
    ) -> _Numbers:
        """A second form, from its own column or from a cell of the first; it counts only where it says something else.

        Equal forms would set constant bits in a block.
        """
        usage = coded.usage.get(second.attribute.name)
        if usage is not None:
            codes = np.where(codes == MISSING, usage, codes)
        same = same_cells(second.values.cells, codes, first.values.cells, others)
        return np.where(same, np.int32(MISSING), codes)

    def _column(self, name: str, gaps: Gaps) -> Column:
        letters, bounds = self._readers[name].values.cells
        values, store = Texts.over((letters.copy(), bounds.copy())), self._stores[name]
        store.finish(gaps)
        return Column(values=values, codes=store if self._shelf.spilled else store.whole())

    def _judge(self, read: _Read, problems: RowProblems, most: int | None) -> None:
        rows = len(self._lines) + len(read.misshapen.lines)
        if most is None and len(problems):
            raise RowsRefused(problems, read.name)
        bad = len(problems.lines)
        if most is not None and bad > max(rows * most // 1000, _FEW if most else 0):
            raise TooManyBadRows(problems, read.name, rows, most)
        if bad and bad >= rows:
            raise RowsRefused(problems, read.name)


class _WeakDays:
    """Weakens a first of the month in the dates of people born in another country than France."""

    def __init__(self, dates: ColumnReader, countries: ColumnReader) -> None:
        self._dates, self._countries = dates.values, countries.values
        self._abroad = np.empty(0, dtype=bool)
        self._weak: dict[int, int] = {}

    def __call__(self, dates: _Numbers, countries: _Numbers) -> _Numbers:
        """The codes of dates, weakened where they must be."""
        known = self._countries.strings(len(self._abroad), len(self._countries))
        self._abroad = np.concatenate([self._abroad, np.array([one != _FRANCE for one in known], dtype=bool)])
        rows = np.append(self._abroad, np.False_)[countries] & (dates != MISSING)  # the last answers for MISSING = -1
        distinct, places = np.unique(dates[rows], return_inverse=True)
        for code in distinct.tolist():
            if code not in self._weak:
                value = weaken_day(self._dates.strings(code, code + 1)[0])
                self._weak[code] = int(self._dates.number(laid_out([value]))[0])
        codes = dates.copy()
        codes[rows] = np.array([self._weak[code] for code in distinct.tolist()], dtype=np.int32)[places]
        return codes


def _without(cells: list[str], left_out: NDArray[np.int64]) -> list[str]:
    gone = set(left_out.tolist())
    return [cell for row, cell in enumerate(cells) if row not in gone] if gone else cells


def _voided_findings(voided: RowProblems) -> list[Finding]:
    found = []
    for (code, column, rule), lines in voided.by_kind():
        said = f"cellules comptées comme manquantes : {rule} ({code})"
        found.append(
            Finding(code="I_CELLULES_ANNULEES", column=column, count=len(lines), first_row=int(lines[0]), rule=said)
        )
    return found
