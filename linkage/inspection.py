"""The data-quality report of a file, before anything is encoded: `allervers check` prints it, `to_json` names its parts.

Line numbers and counts only: the report is for the agent's own machine, and still no value of a record is in it. What
is looked at: how the file was read, which rows cannot be used and why, each attribute (filled, distinct values,
suspicious values, what normalisation changes), people who stand twice in the file, and who falls out of each pass of a
plan made for the file's own size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, derive, fresh_share
from linkage.alterations import alterations, date_format
from linkage.attribute import Attribute
from linkage.connectors import Connector
from linkage.errors import Finding, LinkageError, RowProblems, RowsRefused, TooManyBadRows
from linkage.features import block_part
from linkage.field import Field, read_field
from linkage.passes import divide, in_form
from linkage.plan import PassPlan
from linkage.planner import plan_passes
from linkage.records import MISSING, BadRows, Column, Records, records_from_table
from linkage.sheet import Sheet
from linkage.statistics import Statistics
from linkage.suspicions import Suspicion, suspicions
from linkage.tables import RawTable, read_table
from linkage.weights import propose_bits

__all__ = ["FEWEST_PEOPLE", "Inspection", "inspect", "repeated_rows"]

FORMAT = "allervers/check/v1"
FEWEST_PEOPLE = 100  # an agreement declares no smaller file
SHOWN_LINES = 5
_PROFILE = "standard"
_ALL = 1000  # per mille
_LARGEST_OF_CAP = 1.5  # times the cap: a block above it is refused

Rows = NDArray[np.bool_]
Progress = Callable[[str, int, int], None]  # (stage, done, total)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was found in one file; every part is plain numbers and sentences, see `to_json`.

    Attributes:
        file: its name.
        sheet: name of the sheet.
        rows: read, and usable ones; the difference is set aside or refused.
        usable: rows that would be encoded.
        refusals: code and sentence of each reason for which encoding would refuse the file.
        warnings: sentences.
        findings: what the reader found and did.
        problems: rows by broken rule.
        attributes: one entry an attribute of the sheet.
        duplicates: people who stand several times in the file.
        passes: who falls out of each pass.
        weights: bits of each attribute, and those that this file's frequencies propose for the next sheet.
    """

    file: str
    sheet: str
    rows: int
    usable: int
    refusals: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    passes: list[dict[str, Any]] = field(default_factory=list)
    weights: list[dict[str, Any]] = field(default_factory=list)

    @property
    def encodable(self) -> bool:
        """Whether encoding would take this file."""
        return not self.refusals

    def to_json(self) -> dict[str, Any]:
        """The members that `allervers check --json` prints; their names are stable."""
        return {
            "format": FORMAT,
            "file": self.file,
            "sheet": self.sheet,
            "encodable": self.encodable,
            "rows": self.rows,
            "usable": self.usable,
            "refusals": self.refusals,
            "warnings": self.warnings,
            "findings": [
                {"code": f.code, "column": f.column, "count": f.count, "first_line": f.first_row, "rule": f.rule}
                for f in self.findings
            ],
            "problems": self.problems,
            "attributes": self.attributes,
            "duplicates": self.duplicates,
            "passes": self.passes,
            "weights": self.weights,
        }


def inspect(
    path: Path,
    sheet: Sheet,
    side: str,
    *,
    today: date,
    connector: Connector | None = None,
    bad_rows: BadRows | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Looks a file through.

    Args:
        path: the file of one side.
        sheet: with that side's columns.
        side: whose columns to use.
        today: for ages.
        connector: the shape that the file is said to have; what the sheet does not know of it is warned of.
        bad_rows: what is done with rows that cannot be used; by default what the sheet says.
        progress: told the stage, what is done of it and what there is to do.

    Raises:
        LinkageError: the file as a whole cannot be read (see `linkage.tables.read_table`).
    """
    identifiers, attributes = sheet.for_side(side)
    needed = [column for attribute in attributes if not attribute.optional for column in attribute.columns]
    optional = [column for attribute in attributes if attribute.optional for column in attribute.columns]
    table = read_table(path, list(dict.fromkeys([*identifiers, *needed])), optional, misshapen=True)
    tell = progress or (lambda *_: None)
    tell("lecture", 1, 1)
    fields = {one.name: held for one in attributes if (held := read_field(table, one)) is not None}
    suspected = suspicions(list(fields.values()), today)
    reading = _read(table, sheet, side, bad_rows)
    usable = len(reading.records) if reading.records else 0
    entries = []
    for done, one in enumerate(attributes, start=1):
        entries.append(_attribute(table, one, fields, suspected))
        tell("analyse", done, len(attributes))
    passes, too_large, unplanned = _passes(reading.records, sheet, tell)
    short = _short_codes(table, sheet, side, connector) if connector else []
    return Inspection(
        file=path.name,
        sheet=sheet.name,
        rows=len(table) + len(table.misshapen.lines),
        usable=usable,
        refusals=reading.refusals + too_large,
        warnings=[*_warnings(usable, sheet, connector), *short, *unplanned],
        findings=reading.findings,
        problems=_problems(reading.problems),
        attributes=entries,
        duplicates=_duplicates(table, reading.records, sheet),
        passes=passes,
        weights=_weights(reading.records, sheet),
    )


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What came out of reading: the records (of the rows that are left where the file is refused), and what went wrong."""

    records: Records | None
    refusals: list[dict[str, Any]]
    problems: RowProblems
    findings: list[Finding]


def _read(table: RawTable, sheet: Sheet, side: str, bad_rows: BadRows | None) -> _Reading:
    identifiers, attributes = sheet.for_side(side)
    asked: BadRows = "skip" if (bad_rows or sheet.bad_rows) == "skip" else "refuse"
    attempts: tuple[tuple[BadRows, int], ...] = ((asked, sheet.most_bad_rows), ("skip", _ALL))
    refusals: list[dict[str, Any]] = []
    problems = table.misshapen
    for policy, most in attempts:
        try:
            records = records_from_table(table, identifiers, attributes, bad_rows=policy, most_bad_rows=most)
        except (RowsRefused, TooManyBadRows) as error:
            problems = error.problems if isinstance(error.problems, RowProblems) else problems
            rule = f"{len(problems.lines)} ligne(s) inutilisable(s), voir plus bas"
            refusals.append({"code": error.code, "rule": rule})
        except LinkageError as error:
            refusals.append({"code": error.code, "rule": error.message})
            break
        else:
            told = RowProblems(
                (*kind, lines) for part in (records.set_aside, records.voided) for kind, lines in part.by_kind()
            )
            return _Reading(records=records, refusals=refusals[:1], problems=told, findings=records.findings)
    return _Reading(records=None, refusals=refusals[:1], problems=problems, findings=table.findings)


def _problems(problems: RowProblems) -> list[dict[str, Any]]:
    """Problems by code, column and rule; the numbers in a rule do not part two of them."""
    grouped: dict[tuple[str, str | None, str], list[tuple[str, NDArray[np.int64]]]] = {}
    for (code, column, rule), lines in problems.by_kind():
        grouped.setdefault((code, column, re.sub(r"\d+", "…", rule)), []).append((rule, lines))
    entries = []
    for (code, column, general), group in grouped.items():
        lines = np.sort(np.concatenate([part for _, part in group]))
        rule = group[0][0] if len(group) == 1 else general
        shown = lines[:SHOWN_LINES].tolist()
        entries.append({"code": code, "column": column, "rule": rule, "count": len(lines), "lines": shown})
    return sorted(entries, key=lambda entry: (-entry["count"], entry["lines"]))


def _attribute(
    table: RawTable, attribute: Attribute, fields: Mapping[str, Field], suspected: Sequence[Suspicion]
) -> dict[str, Any]:
    """What is told of one attribute."""
    entry: dict[str, Any] = {
        "name": attribute.name,
        "kind": attribute.kind,
        "columns": list(attribute.columns),
        "present": attribute.name in fields,
        "filled": 0,
        "fill_rate": 0.0,
        "distinct": 0,
        "date_formats": {},
        "changes": [],
        "suspicious": [],
    }
    if attribute.name not in fields:
        return entry
    one = fields[attribute.name]
    filled = int(one.filled.sum())
    entry["filled"] = filled
    entry["fill_rate"] = round(filled / max(1, len(table)), 4)
    entry["distinct"] = len({value for value in one.values if value is not None})
    if attribute.kind == "date":
        entry["date_formats"] = _formats(one)
    entry["changes"] = _changes(one)
    entry["suspicious"] = [
        {"kind": s.kind, "count": int(s.rows.sum()), "lines": _shown_lines(table, s.rows)}
        for s in suspected
        if s.attribute == attribute.name
    ]
    return entry


def _formats(one: Field) -> dict[str, int]:
    """Rows by the format that reads their date."""
    found: dict[str, int] = {}
    for raw, value, count in zip(one.raws, one.values, one.counts.tolist(), strict=True):
        name = date_format(raw, one.attribute.formats) if value is not None else None
        if name is not None:
            found[name] = found.get(name, 0) + count
    return found


def _changes(one: Field) -> list[dict[str, Any]]:
    """By family of rule: distinct cells and rows that it changes."""
    cells: dict[str, int] = {}
    rows: dict[str, int] = {}
    for place, (raw, value, count) in enumerate(zip(one.raws, one.values, one.counts.tolist(), strict=True)):
        if place in one.faults:
            continue
        for family in alterations(one.attribute, raw, value):
            cells[family] = cells.get(family, 0) + 1
            rows[family] = rows.get(family, 0) + count
    order = sorted(cells, key=lambda family: (-rows[family], family))
    return [{"rule": family, "distinct": cells[family], "rows": rows[family]} for family in order]


def _shown_lines(table: RawTable, rows: Rows) -> list[int]:
    return [int(table.lines[place]) for place in np.flatnonzero(rows)[:SHOWN_LINES].tolist()]


def _duplicates(table: RawTable, records: Records | None, sheet: Sheet) -> list[dict[str, Any]]:
    """People who stand several times: all their names and their date, and with the first first name only."""
    told = [a for a in sheet.attributes if a.kind in ("name", "given_names", "date") and a.second_form_of is None]
    if records is None or not told:
        return []
    lines = np.asarray(table.lines)
    lines = lines[~np.isin(lines, records.set_aside.lines)]
    entries = []
    for kind, most in (("same_identity", 0), ("same_first_name", 1)):
        columns = [
            _first_names(records.columns[a.name]) if most and a.kind == "given_names" else records.columns[a.name].codes
            for a in told
        ]
        groups = repeated_rows(columns)
        shown = [lines[group[:SHOWN_LINES]].tolist() for group in groups[:SHOWN_LINES]]
        entries.append({"kind": kind, "groups": len(groups), "rows": sum(map(len, groups)), "lines": shown})
    return entries


def _first_names(column: Column) -> NDArray[np.int32]:
    """Codes of the first of several first names."""
    index: dict[str, int] = {}
    codes = [index.setdefault(value.split(" ", 1)[0], len(index)) for value in column.values]
    return np.array([*codes, MISSING], dtype=np.int32)[column.codes]


def repeated_rows(columns: Sequence[NDArray[np.int32]]) -> list[NDArray[np.int64]]:
    """Places of the rows that have the same codes in all columns and a gap in none, group by group in the file's order."""
    known = np.all([codes != MISSING for codes in columns], axis=0)
    rows = np.flatnonzero(known)
    group = np.zeros(len(rows), dtype=np.int64)
    for codes in columns:
        # Renumbered after each column, so that no product can overflow.
        group = group * (int(codes.max(initial=0)) + 1) + codes[rows]
        group = np.unique(group, return_inverse=True)[1].ravel().astype(np.int64)
    again = np.bincount(group)[group] > 1 if len(group) else np.zeros(0, dtype=bool)
    rows, group = rows[again], group[again]
    order = np.argsort(group, kind="stable")
    parts = np.split(rows[order], np.flatnonzero(np.diff(group[order])) + 1)
    return sorted((part for part in parts if len(part)), key=lambda part: int(part[0]))


def _passes(
    records: Records | None, sheet: Sheet, tell: Progress
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Who falls out of each pass of a plan for the file's own size; refusals and warnings that the plan brings."""
    if records is None:
        return [], [], []
    size = len(records)
    try:
        plan = plan_passes(sheet, _PROFILE, (size, size))
    except LinkageError as error:
        return [], [], [f"aucun plan de passes pour cet effectif : {error}"]
    statistics = Statistics(sheet)
    entries, refusals = [], []
    for done, one in enumerate(plan.passes, start=1):
        tell("passes", done, len(plan.passes))
        entry = _pass(records, sheet, one, statistics)
        entries.append(entry)
        if one.cap and entry["largest_block"] > _LARGEST_OF_CAP * one.cap:
            rule = (
                f"passe {one.name} : {entry['largest_block']} personnes partagent une même valeur de division, pour "
                f"{one.cap} prévues à la taille de ce fichier : valeur de remplissage, ou fichier d'une seule classe d'âge"
            )
            refusals.append({"code": "E_BLOC_TROP_GRAND", "rule": rule})
    return entries, refusals, []


def _pass(records: Records, sheet: Sheet, plan: PassPlan, statistics: Statistics) -> dict[str, Any]:
    seen = in_form(records, sheet, plan.form) if plan.form else records
    # Under a key of the moment: only sizes are looked at.
    division = divide(seen, sheet, plan, statistics, PassKey(derive(fresh_share(), Label.PASS)))
    held = division.block[division.block != MISSING]
    return {
        "name": plan.name,
        "blocks": [*plan.blocks, *plan.finer],
        "left_out": len(records) - len(held),
        "lacking": {one: _lacking(seen, sheet, one) if len(held) < len(records) else 0 for one in plan.blocks},
        "largest_block": int(np.bincount(held).max(initial=0)),
    }


def _lacking(records: Records, sheet: Sheet, component: str) -> int:
    """Rows that do not tell a component of the block value."""
    name, _, part = component.partition(".")
    attribute, column = sheet.attribute(name), records.columns[name]
    told = np.array([*(block_part(attribute, part, value) is not None for value in column.values), False])
    return int((~told[column.codes]).sum())


def _warnings(usable: int, sheet: Sheet, connector: Connector | None) -> list[str]:
    warnings = []
    if usable < FEWEST_PEOPLE:
        warnings.append(f"{usable} personne(s) utilisable(s) : une convention en demande {FEWEST_PEOPLE} au moins")
    if connector:
        warnings += connector.mismatches(sheet)
    return warnings


def _weights(records: Records | None, sheet: Sheet) -> list[dict[str, Any]]:
    """Of a hundred bits, those of the sheet and those proposed; a tiny file says nothing of frequencies."""
    return [one.to_json() for one in propose_bits(records, sheet)] if records and len(records) >= FEWEST_PEOPLE else []


def _short_codes(table: RawTable, sheet: Sheet, side: str, connector: Connector) -> list[str]:
    """Columns whose digits are fewer than the connector says: leading zeros were lost."""
    identifiers, attributes = sheet.for_side(side)
    column_of = {"id": identifiers[0], **{a.name: a.columns[0] for a in attributes}}
    warnings = []
    for name, digits in connector.digits.items():
        column = table.columns.get(column_of.get(name, ""))
        if column is None:
            continue
        short = np.array(
            [cell.strip().isdecimal() and len(cell.strip()) < digits for cell in column.values], dtype=bool
        )
        count = int(short[column.codes].sum())
        if count:
            warnings.append(
                f"colonne « {column_of[name]} » : {count} valeur(s) de moins de {digits} chiffres, zéros de tête perdus"
            )
    return warnings
