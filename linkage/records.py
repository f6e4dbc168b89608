"""Records in: a file and a sheet give normalised columns, with every row that cannot be used named and explained.

A column is kept as its distinct canonical values and one code a row: names repeat, and all later work is done once a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linkage.errors import RowProblem, RowsRefused
from linkage.normalise import BadValue, normaliser
from linkage.sheet import Attribute, Sheet
from linkage.tables import RawTable, read_table

__all__ = ["MISSING", "BadRows", "Column", "Records", "read_records", "records_from_table"]

MISSING = -1
BadRows = Literal["refuse", "skip"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One attribute of all records.

    Attributes:
        values: distinct canonical values.
        codes: (n,) int32, index into values; `MISSING` where the record has none.
    """

    values: list[str]
    codes: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Records:
    """What is encoded.

    Attributes:
        ids: local identifiers, distinct; they never leave the administration.
        columns: attribute name → column.
        set_aside: problems of rows left out because the caller asked to skip them.
        voided: cells that cannot be right and count as missing because the sheet says so; their rows are kept.
        extra: other columns asked for by name (a truth column in a rehearsal), raw.
    """

    ids: list[str]
    columns: dict[str, Column]
    set_aside: list[RowProblem] = field(default_factory=list)
    voided: list[RowProblem] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


def read_records(
    path: Path, sheet: Sheet, side: str, *, bad_rows: BadRows = "refuse", extra: Sequence[str] = ()
) -> Records:
    """The records of one side's file.

    Args:
        path: CSV or Parquet.
        sheet: says which columns and how to read them.
        side: whose column names to use (an operand of the démarche, `left` or `right` in a rehearsal).
        bad_rows: `refuse` the file on any bad row, or `skip` bad rows and list them.
        extra: names of raw columns to carry along.

    Raises:
        LinkageError: see `linkage.tables.read_table`; `RowsRefused` with all problems of rows.
    """
    identifier, attributes = sheet.for_side(side)
    needed = [column for attribute in attributes if not attribute.optional for column in attribute.columns]
    optional = [column for attribute in attributes if attribute.optional for column in attribute.columns]
    table = read_table(path, list(dict.fromkeys([identifier, *needed, *extra])), optional, misshapen=True)
    return records_from_table(table, identifier, attributes, bad_rows=bad_rows, extra=extra)


def records_from_table(
    table: RawTable,
    identifier: str,
    attributes: Sequence[Attribute],
    *,
    bad_rows: BadRows = "refuse",
    extra: Sequence[str] = (),
) -> Records:
    """Normalises the columns of a raw table; see `read_records`."""
    problems = [*table.misshapen, *_identifier_problems(table, identifier)]
    voided: list[RowProblem] = []
    columns = {}
    for attribute in attributes:
        if all(column in table.columns for column in attribute.columns):
            columns[attribute.name], found = _column(table, attribute)
            (problems if attribute.invalid == "refuse" else voided).extend(found)
        else:
            columns[attribute.name] = Column(values=[], codes=np.full(len(table), MISSING, dtype=np.int32))
    for attribute in attributes:
        if attribute.second_form_of:
            columns[attribute.name] = _unless_same(columns[attribute.name], columns[attribute.second_form_of])
    problems.sort(key=lambda problem: problem.row)
    if problems and bad_rows == "refuse":
        raise RowsRefused(problems, table.name)
    bad = {problem.row for problem in problems}
    kept = np.array([line not in bad for line in table.lines], dtype=bool)
    if not kept.any():
        raise RowsRefused(problems, table.name)
    return Records(
        ids=_kept(table.columns[identifier], kept),
        columns={name: Column(values=c.values, codes=c.codes[kept]) for name, c in columns.items()},
        set_aside=problems,
        voided=[problem for problem in voided if problem.row not in bad],
        extra={name: _kept(table.columns[name], kept) for name in extra},
    )


def _kept(cells: list[str], kept: NDArray[np.bool_]) -> list[str]:
    return [cell for cell, keep in zip(cells, kept, strict=True) if keep]


def _identifier_problems(table: RawTable, identifier: str) -> list[RowProblem]:
    first: dict[str, int] = {}
    problems = []
    for line, cell in zip(table.lines, table.columns[identifier], strict=True):
        if not cell.strip():
            rule = "l'identifiant local est vide"
            problems.append(RowProblem(code="E_IDENTIFIANT_VIDE", row=line, column=identifier, rule=rule))
        elif first.setdefault(cell, line) != line:
            rule = f"le même identifiant figure déjà à la ligne {first[cell]}"
            problems.append(RowProblem(code="E_IDENTIFIANT_DOUBLE", row=line, column=identifier, rule=rule))
    return problems


def _column(table: RawTable, attribute: Attribute) -> tuple[Column, list[RowProblem]]:
    """One attribute, each distinct raw cell normalised once."""
    cells = _cells(table, attribute)
    normalise = normaliser(attribute)
    code_of: dict[str, int] = {}
    fault_of: dict[str, BadValue] = {}
    canonical: dict[str, int] = {}
    for raw in dict.fromkeys(cells):
        try:
            value = normalise(raw)
        except BadValue as fault:
            fault_of[raw], value = fault, None
        code_of[raw] = MISSING if value is None else canonical.setdefault(value, len(canonical))
    label = " + ".join(attribute.columns)
    problems = [
        RowProblem(code=fault_of[raw].code, row=line, column=label, rule=fault_of[raw].rule)
        for line, raw in (zip(table.lines, cells, strict=True) if fault_of else ())
        if raw in fault_of
    ]
    codes = np.fromiter((code_of[raw] for raw in cells), dtype=np.int32, count=len(cells))
    return Column(values=list(canonical), codes=codes), problems


def _cells(table: RawTable, attribute: Attribute) -> list[str]:
    """The raw cells of an attribute; several columns are joined, the three of a date as year-month-day."""
    columns = [table.columns[column] for column in attribute.columns]
    if len(columns) == 1:
        return columns[0]
    rows = zip(*columns, strict=True)
    if attribute.kind == "date":
        return ["-".join(part.strip().zfill(size) for part, size in zip(row, (4, 2, 2), strict=True)) for row in rows]
    return [" ".join(part for part in row if part) for row in rows]


def _unless_same(second: Column, first: Column) -> Column:
    """A second form counts only where it says something else: equal forms would set constant bits in a block."""
    index = {value: code for code, value in enumerate(first.values)}
    same = np.array([index.get(value, MISSING - 1) for value in second.values] + [MISSING - 1], dtype=np.int32)
    codes = np.where(same[second.codes] == first.codes, np.int32(MISSING), second.codes)
    return Column(values=second.values, codes=codes.astype(np.int32))
