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

from linkage.connectors import with_file_columns
from linkage.rules import parse_rule
from linkage.selection import (
    LocalRules,
    Tally,
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

__all__ = ["PeopleFile", "group_of", "local_rules", "only_subtracted", "read_people"]


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
) -> tuple[Records, Tally | None]:
    """The people of a file whom the démarche concerns, and what its selection did; None where it has none.

    Args:
        demarche: whose operand it is.
        operand: its name.
        file: what to read.
        today: what J is.
        extra: names of raw or computed columns to carry along.
        folder: where what memory has no room for goes.

    Raises:
        LinkageError: as `linkage.records.read_selected`; `E_PARAMETRE`.
        ServiceError: `E_PARAMETRE_INCONNU`.
    """
    from linkage.records import read_records, read_selected  # noqa: PLC0415 - compiled code: only where people are encoded

    # This file's own columns change nothing that parties share.
    sheet = with_file_columns(demarche.sheet(), operand, file.connector, file.columns)
    rules = local_rules(demarche, operand, file.parameters)
    if rules is None:
        return read_records(file.path, sheet, operand, bad_rows=file.bad_rows, extra=extra, folder=folder), None
    work = rules.begin(today)
    records = read_selected(file.path, sheet, operand, work, bad_rows=file.bad_rows, extra=extra, folder=folder)
    return records, work.tally


def local_rules(demarche: Demarche, operand: str, own: Path | None = None) -> LocalRules | None:
    """The rules of one operand with the values of its parameters; None where it has no rules.

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
    return LocalRules(
        selection=None if held.local_filter is None else parse_selection(held.local_filter, parameters),
        computed={name: parse_computation(text, parameters) for name, text in held.computations.items()},
        keep_undecided=only_subtracted(demarche, operand),
    )


def group_of(demarche: Demarche, operand: str) -> Group | None:
    """The cases that the rows of an operand make, where all their people are required."""
    group = demarche.group
    return group if group is not None and group.operand == operand and group.all_required else None


def only_subtracted(demarche: Demarche, operand: str) -> bool:
    """Whether every output that names an operand subtracts it: a doubt about one of its people must not send anything."""
    rules = [parse_rule(one.expression) for one in demarche.outputs]
    naming = [rule for rule in rules if operand in rule.operands]
    return bool(naming) and all(operand in rule.subtracted for rule in naming)
