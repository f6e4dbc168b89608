"""Records in: a file and a sheet give normalised columns, with every row that cannot be used named and explained.

A column is kept as its distinct canonical values and one code a row: names repeat, and all later work is done once a value.

Rows that cannot be used refuse the file, or are set aside, as the sheet says; so many that the file must be wrong refuse it
in any case. What was found unusual and read all the same is said in `Records.findings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cells import BadValue
from linkage.column_checks import EXCEL_RULE, is_serial_date, oddities, refuse_moved
from linkage.columns import ColumnBuilder, RawColumn, Texts
from linkage.dates import weaken_day
from linkage.errors import Finding, RowProblems, RowsRefused, TooManyBadRows
from linkage.names import split_surname
from linkage.normalise import normaliser
from linkage.sheet import Sheet
from linkage.tables import RawTable, read_table

__all__ = ["MISSING", "BadRows", "Column", "Records", "read_records", "records_from_table"]

MISSING = -1
BadRows = Literal["refuse", "skip"]

_FEW = 10  # rows that may always be skipped where any may
_TOLD_APART = 1000  # doubled identifiers whose first line is named
_PIECE = 1 << 12  # distinct cells normalised at a time
_FRANCE = "99100"
_DATE_PARTS = (4, 2, 2)  # digits of year, month and day

_Problem = tuple[str, str | None, str, NDArray[np.integer]]  # code, column, rule, lines


@dataclass(frozen=True, kw_only=True)
class Column:
    """One attribute of all records.

    Attributes:
        values: distinct canonical values.
        codes: (n,) int32, index into values; `MISSING` where the record has none.
    """

    values: Sequence[str]
    codes: NDArray[np.int32]


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
    path: Path, sheet: Sheet, side: str, *, bad_rows: BadRows | None = None, extra: Sequence[str] = ()
) -> Records:
    """The records of one side's file.

    Args:
        path: CSV, XLSX or Parquet.
        sheet: says which columns and how to read them.
        side: whose column names to use (an operand of the démarche, `left` or `right` in a rehearsal).
        bad_rows: `refuse` the file on any bad row, `skip` bad rows and list them, or None: as the sheet says.
        extra: names of raw columns to carry along.

    Raises:
        LinkageError: see `linkage.tables.read_table`; `E_COLONNES_DECALEES`; `RowsRefused` with all problems of rows;
            `TooManyBadRows` (`E_TROP_DE_LIGNES_FAUTIVES`).
    """
    identifiers, attributes = sheet.for_side(side)
    needed = [column for attribute in attributes if not attribute.optional for column in attribute.columns]
    optional = [column for attribute in attributes if attribute.optional for column in attribute.columns]
    table = read_table(path, list(dict.fromkeys([*identifiers, *needed, *extra])), optional, misshapen=True)
    skip = (bad_rows or sheet.bad_rows) == "skip"
    columns, table = dict(table.columns), replace(table, columns={})
    return _Reading(table, columns, identifiers, attributes).records(extra, sheet.most_bad_rows if skip else None)


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
    reading = _Reading(table, dict(table.columns), identifiers, attributes)
    return reading.records(extra, most_bad_rows if bad_rows == "skip" else None)


class _Reading:
    """One table on its way to records; each raw column is let go once nothing more is read of it."""

    def __init__(
        self, table: RawTable, raw: dict[str, RawColumn], identifiers: Sequence[str], attributes: Sequence[Attribute]
    ) -> None:
        self._table, self._raw, self._attributes = table, raw, attributes
        self._identifier = " + ".join(identifiers)
        if len(identifiers) > 1:
            raw[self._identifier] = _joined([raw[column] for column in identifiers])
        self._bad: list[_Problem] = []
        self._void: list[_Problem] = []
        self._findings = list(table.findings)
        self._columns: dict[str, Column] = {}
        self._usage: dict[str, Column] = {}  # second forms found in cells of the first

    def records(self, extra: Sequence[str], most: int | None) -> Records:
        """Normalises all columns, then judges the rows."""
        self._bad += _identifier_problems(self._raw[self._identifier], self._identifier, self._lines)
        for number, attribute in enumerate(self._attributes):
            self._columns[attribute.name] = self._normalised(attribute)
            needed = {self._identifier, *extra, *(c for other in self._attributes[number + 1 :] for c in other.columns)}
            for column in set(attribute.columns) - needed:
                self._raw.pop(column, None)
        for attribute in self._attributes:
            if attribute.second_form_of:
                second, first = self._columns[attribute.name], self._columns[attribute.second_form_of]
                if attribute.name in self._usage:
                    second = _filled(second, self._usage.pop(attribute.name))
                self._columns[attribute.name] = _unless_same(second, first)
            if attribute.country:
                dates, countries = self._columns[attribute.name], self._columns[attribute.country]
                self._columns[attribute.name] = _weakened_abroad(dates, countries)
        problems = RowProblems([*_parts(self._table.misshapen), *self._bad])
        self._judge(problems, most)
        return self._kept(problems, extra)

    def _normalised(self, attribute: Attribute) -> Column:
        if not all(column in self._raw for column in attribute.columns):
            return Column(values=[], codes=np.full(len(self._table), MISSING, dtype=np.int32))
        raw = _joined([self._raw[column] for column in attribute.columns], attribute.kind, attribute.missing)
        refuse_moved(self._table.name, attribute, raw)
        self._findings += oddities(attribute, raw, self._table.lines)
        column, faults = _column(raw, attribute)
        label = " + ".join(attribute.columns)
        problems = [(code, label, rule, self._lines(values[raw.codes])) for (code, rule), values in faults.items()]
        if attribute.invalid == "refuse":
            self._bad += problems
        else:
            self._void += problems
        for other in self._attributes:
            if other.second_form_of == attribute.name and attribute.kind == "name":
                usage = _usage_column(raw, other)
                if usage is not None:
                    self._usage[other.name] = usage
        return column

    def _judge(self, problems: RowProblems, most: int | None) -> None:
        name, rows = self._table.name, len(self._table) + len(self._table.misshapen.lines)
        if most is None and len(problems):
            raise RowsRefused(problems, name)
        bad = len(problems.lines)
        if most is not None and bad > max(rows * most // 1000, _FEW if most else 0):
            raise TooManyBadRows(problems, name, rows, most)
        if bad >= rows:
            raise RowsRefused(problems, name)

    def _kept(self, problems: RowProblems, extra: Sequence[str]) -> Records:
        bad = problems.lines
        kept = self._kept_rows(bad)
        voided = RowProblems(self._void).outside(bad)
        columns = self._columns
        if not kept.all():
            columns = {name: Column(values=c.values, codes=c.codes[kept]) for name, c in columns.items()}
        identifiers = self._raw[self._identifier]
        return Records(
            ids=_identifiers(identifiers, kept),
            columns=columns,
            set_aside=problems,
            voided=voided,
            extra={name: _cells(self._raw[name], kept) for name in extra},
            findings=[*self._findings, *_voided_findings(voided)],
        )

    def _lines(self, rows: NDArray[Any]) -> NDArray[np.integer]:
        """The lines of some rows, given by number or by mask."""
        lines = self._table.lines
        numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
        return numbers + lines.start if isinstance(lines, range) else np.asarray(lines)[numbers]

    def _kept_rows(self, bad: NDArray[np.int64]) -> NDArray[np.bool_]:
        lines = self._table.lines
        rows = bad - lines.start if isinstance(lines, range) else np.flatnonzero(np.isin(np.asarray(lines), bad))
        kept = np.ones(len(lines), dtype=bool)
        kept[rows[(rows >= 0) & (rows < len(lines))]] = False
        return kept


def _parts(problems: RowProblems) -> list[_Problem]:
    return [(*kind, lines) for kind, lines in problems.by_kind()]


def _identifiers(column: RawColumn, kept: NDArray[np.bool_]) -> Texts:
    values = column.values if isinstance(column.values, Texts) else Texts.of(column.values)
    if column.repeats():
        return values.take(column.codes[kept])
    return values if kept.all() else values.filter(kept)


def _cells(column: RawColumn, kept: NDArray[np.bool_]) -> list[str]:
    return RawColumn(values=column.values, codes=column.codes[kept]).cells()


def _voided_findings(voided: RowProblems) -> list[Finding]:
    found = []
    for (code, column, rule), lines in voided.by_kind():
        said = f"cellules comptées comme manquantes : {rule} ({code})"
        found.append(
            Finding(code="I_CELLULES_ANNULEES", column=column, count=len(lines), first_row=int(lines[0]), rule=said)
        )
    return found


def _identifier_problems(
    column: RawColumn, name: str, lines: Callable[[NDArray[Any]], NDArray[np.integer]]
) -> list[_Problem]:
    values = column.values if isinstance(column.values, Texts) else Texts.of(column.values)
    blank = values.blank()
    empty = blank[column.codes]
    rule = "l'identifiant local est vide"
    problems: list[_Problem] = [("E_IDENTIFIANT_VIDE", name, rule, lines(empty))] if empty.any() else []
    if column.repeats():
        first = np.empty(len(values), dtype=np.int64)
        first[column.codes[::-1]] = np.arange(len(column))[::-1]
        again = np.flatnonzero((first[column.codes] != np.arange(len(column))) & ~empty)
        origins = first[column.codes[again]]
        if len(again) and len(np.unique(origins)) > _TOLD_APART:
            rule = "le même identifiant figure déjà plus haut"
            return [*problems, ("E_IDENTIFIANT_DOUBLE", name, rule, lines(again))]
        for origin in np.unique(origins):
            rule = f"le même identifiant figure déjà à la ligne {lines(np.array([origin]))[0]}"
            problems.append(("E_IDENTIFIANT_DOUBLE", name, rule, lines(again[origins == origin])))
    return problems


def _column(raw: RawColumn, attribute: Attribute) -> tuple[Column, dict[tuple[str, str], NDArray[np.bool_]]]:
    """One attribute, each distinct raw cell normalised once; and by (code, rule) which raw cells cannot be right."""
    normalise = _with_gaps(normaliser(attribute), attribute.missing)
    serials = attribute.kind == "date" and "EXCEL" not in attribute.formats
    faults: dict[tuple[str, str], NDArray[np.bool_]] = {}

    def judge(place: int, cell: str) -> str | None:
        try:
            return normalise(cell)
        except BadValue as fault:
            rule = EXCEL_RULE if serials and is_serial_date(cell) else fault.rule
            faults.setdefault((fault.code, rule), np.zeros(len(raw.values), dtype=bool))[place] = True
            return None

    builder = ColumnBuilder()
    code_of = np.full(len(raw.values), MISSING, dtype=np.int32)
    for start in range(0, len(raw.values), _PIECE):
        cells = raw.values[start : start + _PIECE]
        try:
            values = list(map(normalise, cells))
        except BadValue:
            values = [judge(place, cell) for place, cell in enumerate(cells, start=start)]
        canonical = pa.array(values, pa.string())
        code_of[start : start + len(cells)][np.asarray(canonical.is_valid())] = 0
        builder.add(canonical.drop_null())
    column = builder.column()
    code_of[code_of != MISSING] = column.codes
    return Column(values=column.values, codes=code_of[raw.codes]), faults


def _with_gaps(normalise: Callable[[str], str | None], missing: Sequence[str]) -> Callable[[str], str | None]:
    """A normaliser that also knows what its file writes for no value."""
    gaps = frozenset(missing)
    return (lambda cell: None if cell.strip() in gaps else normalise(cell)) if gaps else normalise


def _joined(columns: Sequence[RawColumn], kind: str = "", absent: Sequence[str] = ()) -> RawColumn:
    """The cells of several columns side by side: with a space between, the three of a date as year-month-day."""
    if len(columns) == 1:
        return columns[0]
    combined, parts = columns[0].codes.astype(np.int64), [np.arange(len(columns[0].values))]
    for column in columns[1:]:
        pairs, codes = np.unique(combined * len(column.values) + column.codes, return_inverse=True)
        parts = [part[pairs // len(column.values)] for part in parts] + [pairs % len(column.values)]
        combined = codes.astype(np.int64)
    missing = frozenset(absent)
    texts = [["" if missing and cell.strip() in missing else cell for cell in column.values] for column in columns]
    rows = zip(*([text[place] for place in part] for text, part in zip(texts, parts, strict=True)), strict=True)
    together = RawColumn.of([_together(row, kind) for row in rows])
    return RawColumn(values=together.values, codes=together.codes[combined])


def _together(row: Iterable[str], kind: str) -> str:
    if kind == "date":
        return "-".join(
            part.strip().removesuffix(".0").zfill(size) for part, size in zip(row, _DATE_PARTS, strict=True)
        )
    return " ".join(part for part in row if part)


def _usage_column(raw: RawColumn, attribute: Attribute) -> Column | None:
    """The names of usage that stand in cells of another name, as values of an attribute of their own."""
    normalise = normaliser(attribute)
    place_of: dict[str, int] = {}
    code_of = np.full(len(raw.values), MISSING, dtype=np.int32)
    for place, cell in enumerate(raw.values):
        usage = None if cell.isalpha() else split_surname(cell)[1]  # one word is one name
        value = normalise(usage) if usage else None
        if value is not None:
            code_of[place] = place_of.setdefault(value, len(place_of))
    return Column(values=list(place_of), codes=code_of[raw.codes]) if place_of else None


def _filled(column: Column, other: Column) -> Column:
    """A column with its gaps filled from another."""
    values = list(column.values)
    place_of = {value: place for place, value in enumerate(values)}
    code_of = np.array([place_of.setdefault(value, len(place_of)) for value in other.values], dtype=np.int32)
    fill = (column.codes == MISSING) & (other.codes != MISSING)
    return Column(values=list(place_of), codes=np.where(fill, code_of[other.codes], column.codes))


def _unless_same(second: Column, first: Column) -> Column:
    """A second form counts only where it says something else: equal forms would set constant bits in a block."""
    place = pc.index_in(_arrow(second.values), value_set=_arrow(first.values)).fill_null(MISSING - 1)
    same = np.append(np.asarray(place), np.int32(MISSING - 1))
    codes = np.where(same[second.codes] == first.codes, np.int32(MISSING), second.codes)
    return Column(values=second.values, codes=codes.astype(np.int32))


def _arrow(values: Sequence[str]) -> Any:
    return (values if isinstance(values, Texts) else Texts.of(values)).arrow


def _weakened_abroad(dates: Column, countries: Column) -> Column:
    """A first of the month is weak in the dates of people born in another country than France."""
    abroad = np.array([country != _FRANCE for country in countries.values] + [False], dtype=bool)
    rows = abroad[countries.codes] & (dates.codes != MISSING)
    place_of = {value: place for place, value in enumerate(dates.values)}
    code_of = np.arange(len(place_of), dtype=np.int32)
    for place in np.unique(dates.codes[rows]).tolist():
        value = weaken_day(dates.values[place])
        code_of[place] = place_of.setdefault(value, len(place_of))
    codes = dates.codes.copy()
    codes[rows] = code_of[dates.codes[rows]]
    return Column(values=list(place_of), codes=codes)
