"""The file of a party read as its démarche says: its columns, who is selected, what is computed. No network, no clock.

The démarche holds the rules (`filtre_local`, `calcul_local`) and may leave values open that each administration knows
(`[parametres]`: an income ceiling, the communes of its area); the agent gives those in a TOML file, which wins over the
démarche's own. What the selection kept and left out is told to the agent, in counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from linkage.connectors import with_file_columns
from linkage.rules import parse_rule
from linkage.selection import (
    UNDECIDED,
    LocalRules,
    Tally,
    Undecided,
    parameters_of,
    parse_computation,
    parse_selection,
    read_parameters,
)
from service.clauses import Group
from service.errors import ServiceError
from service.rule_sheet import Demarche

if TYPE_CHECKING:
    from linkage.records import BadRows, Records

__all__ = ["PeopleFile", "fate_of_undecided", "group_of", "local_rules", "read_people", "undecided_in"]


@dataclass(frozen=True, kw_only=True)
class PeopleFile:
    """An agent's file and how to read it.

    Attributes:
        path: CSV, XLSX or Parquet.
        connector: name of a shipped shape, or None.
        columns: the agent's own columns, or None.
        parameters: the agent's own values of the démarche's parameters, or None.
        bad_rows: as for `linkage.records.read_records`.
    """

    path: Path
    connector: str | None = None
    columns: Path | None = None
    parameters: Path | None = None
    bad_rows: BadRows | None = None


def read_people(
    demarche: Demarche,
    operand: str,
    file: PeopleFile,
    today: date,
    *,
    extra: Sequence[str] = (),
    folder: Path | None = None,
    marked: bool = False,
) -> tuple[Records, Tally | None]:
    """The people of a file whom the démarche concerns, and what its selection did; None where it has none.

    Args:
        demarche: whose operand it is.
        operand: its name.
        file: what to read.
        today: what J is.
        extra: names of raw or computed columns to carry along.
        folder: where what memory has no room for goes.
        marked: whether whoever nobody can judge is read too where the file also takes others away (`undecided_in`).

    Raises:
        LinkageError: as `linkage.records.read_selected`; `E_PARAMETRE`.
        ServiceError: `E_PARAMETRE_INCONNU`.
    """
    from linkage.records import read_records, read_selected  # noqa: PLC0415 - compiled code: only where people are encoded

    # This file's own columns change nothing that parties share.
    sheet = with_file_columns(demarche.sheet(), operand, file.connector, file.columns)
    rules = local_rules(demarche, operand, file.parameters, marked=marked)
    if rules is None:
        return read_records(file.path, sheet, operand, bad_rows=file.bad_rows, extra=extra, folder=folder), None
    extra = (*extra, UNDECIDED) if rules.undecided == "mark" else extra
    work = rules.begin(today)
    records = read_selected(file.path, sheet, operand, work, bad_rows=file.bad_rows, extra=extra, folder=folder)
    return records, work.tally


def local_rules(
    demarche: Demarche, operand: str, own: Path | None = None, *, marked: bool = False
) -> LocalRules | None:
    """The rules of one operand with the values of its parameters; None where it has no rules. `marked` as in `read_people`.

    Raises:
        LinkageError: `E_SELECTION`, `E_PARAMETRE`.
        ServiceError: `E_PARAMETRE_INCONNU` for a value that the démarche does not ask for.
    """
    held = demarche.operands[operand]
    if held.local_filter is None and not held.computations:
        return None
    parameters = parameters_of(demarche.parameters)
    given = read_parameters(own) if own is not None else {}
    unknown = sorted(set(given) - set(parameters))
    if unknown:
        known = ", ".join(sorted(parameters)) or "aucun"
        sentence = f"paramètre inconnu de la démarche : {', '.join(unknown)} ; les siens sont : {known}"
        raise ServiceError("E_PARAMETRE_INCONNU", sentence)
    parameters |= given
    selection = None if held.local_filter is None else parse_selection(held.local_filter, parameters)
    fate = fate_of_undecided(demarche, operand)
    # Of several rows of a person the first alone stays: a marked one must not take the place of one that is sure.
    if fate == "mark" and (not marked or (selection is not None and selection.one_per)):
        fate = "leave"
    return LocalRules(
        selection=selection,
        computed={name: parse_computation(text, parameters) for name, text in held.computations.items()},
        undecided=fate,
    )


def group_of(demarche: Demarche, operand: str) -> Group | None:
    """The cases that the rows of an operand make, where all their people are required."""
    group = demarche.group
    return group if group is not None and group.operand == operand and group.all_required else None


def fate_of_undecided(demarche: Demarche, operand: str) -> Undecided:
    """What becomes of whoever an operand's selection cannot judge.

    Kept where every output that names it subtracts it, for a doubt must not send anything; left out where its people are only
    asked for; marked where it does both, as in a `dedup`: the next payers leave these people alone, and so does its own.
    """
    rules = [rule for rule in (parse_rule(one.expression) for one in demarche.outputs) if operand in rule.operands]
    if rules and all(operand in rule.subtracted for rule in rules):
        return "keep"
    return "mark" if any(operand in rule.subtracted | rule.deduped for rule in rules) else "leave"


def undecided_in(records: Records) -> NDArray[np.bool_] | None:
    """(n,) bool, the records that were marked when they were read; None where nobody is."""
    marks = records.extra.get(UNDECIDED)
    return None if marks is None or "1" not in marks else np.array([mark == "1" for mark in marks], dtype=bool)
