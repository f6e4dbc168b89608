"""The files of a démarche out of the synthetic world, each in its administration's form, and who is in them.

A file has the columns that the sheet names: those of its connector, those of its conditions and computations, its payload. Where
a sheet selects, the file also holds people whom the selection must leave out: by right values that is the truth, by the values in
the file it is what the tool can see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linkage.columns import RawColumn
from linkage.connectors import load_connector
from linkage.rules import parse_rule
from linkage.selection import LocalRules
from linkage.selection_values import Cells
from linkage.synthetic.life import Bools
from linkage.synthetic.registers import DRAFTS, FACTS
from linkage.synthetic.shapes import FORMS, Form, cells_of, write_shape
from linkage.synthetic.world import Extract, World
from service.administration.selecting import local_rules
from service.clauses import IN_ZONE
from service.rule_sheet import Demarche

__all__ = ["Part", "parts_of", "write_parameters"]

Columns = dict[str, list[str]]
PLAIN = ("nom_naissance", "nom_usage", "prenoms", "sexe", "date_naissance")
IDENTITY = (*PLAIN, "cog_commune_naissance", "adresse", "code_postal", "ine", "siren")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One operand's file and the truth about it.

    Attributes:
        operand: its name.
        party: the administration.
        path: of the file.
        ids: local identifier of each row, as the tool reads it.
        entity: (r,) who each row is.
        taken: (r,) bool, whom the démarche means, by right values.
        selected: (r,) bool, whom its selection takes, by the values in the file.
        blind: what is compared blindly, by entity, where the démarche compares something.
        profile: how well the file is kept.
        contacts: what the administration knows of how to reach each, as a campaign reads it.
        identity: what is known of each row as written, for the comparison with what is done today, and for reasons.
    """

    operand: str
    party: str
    path: Path
    ids: tuple[str, ...]
    entity: tuple[int, ...]
    taken: Bools
    selected: Bools
    blind: Mapping[int, str]
    profile: str
    contacts: Columns
    identity: Columns


def parts_of(world: World, demarche: Demarche, folder: Path, parameters: Path | None) -> dict[str, Part]:
    """Writes the files of all operands that the rules of a démarche name; by operand.

    Args:
        world: where people live.
        demarche: the sheet.
        folder: for the files.
        parameters: the administrations' own values of its parameters, or None.
    """
    named = [name for one in demarche.outputs for name in parse_rule(one.expression).operands]
    return {name: _part(world, demarche, name, folder, parameters) for name in dict.fromkeys(named)}


def write_parameters(path: Path, values: Mapping[str, Sequence[str] | float | str]) -> Path:
    """A file of parameters as an agent writes it."""

    def shown(value: Any) -> str:
        if isinstance(value, str):
            return f"'{value}'"
        return str(value) if isinstance(value, (int, float)) else f"[{', '.join(map(shown, value))}]"

    path.write_text("".join(f"{name} = {shown(value)}\n" for name, value in values.items()), encoding="utf-8")
    return path


def _part(world: World, demarche: Demarche, operand: str, folder: Path, parameters: Path | None) -> Part:
    key = f"{demarche.id}.{operand}"
    held = demarche.operands[operand]
    rules = local_rules(demarche, operand, parameters if held.local_filter or held.computations else None)
    told = demarche.payload if operand in demarche.payload_operands else ()
    wanted = [*(rules.columns if rules else ()), *told, *_blind_column(demarche, operand)]
    extract = world.extract(key, columns=wanted, everybody=held.local_filter is not None)
    form = FORMS[held.connector]
    cells = _cells(demarche, operand, extract.written, wanted)
    path = write_shape(folder / f"{demarche.id}-{operand}", cells, form)
    right = _cells(demarche, operand, extract.right, wanted)
    taken, selected = extract.member, extract.member
    if rules is not None and held.local_filter is not None:
        taken, selected = _taken(rules, right, world), _taken(rules, cells, world)
    blind = _blind_column(demarche, operand)
    identity = {name: extract.written[name] for name in IDENTITY}
    return Part(
        operand=operand,
        party=DRAFTS[key].body,
        path=path,
        ids=_ids(demarche, operand, cells),
        entity=tuple(extract.entity.tolist()),
        taken=taken,
        selected=selected,
        blind=dict(zip(extract.entity.tolist(), right[blind[0]], strict=True)) if blind else {},
        profile=extract.profile,
        contacts=_contacts(demarche, extract, world),
        identity=identity,
    )


def _contacts(demarche: Demarche, extract: Extract, world: World) -> Columns:
    """Names, addresses, and the columns that the sheet's messages may use."""
    held = extract.written
    columns = {"nom": held["nom_naissance"], "prenom": [one.split(" ")[0] for one in held["prenoms"]]}
    columns |= {"courriel": held["courriel"], "mobile": held["mobile"], "adresse1": held["adresse"]}
    columns["adresse2"] = [f"{code} Vezonne" for code in held["code_postal"]]
    columns["echeance"] = [f"{world.today:%d/%m/%Y}"] * len(extract.rows)
    for name in demarche.message.fields:
        columns[name] = held.get(name, ["a"] * len(extract.rows))
    return columns


def _blind_column(demarche: Demarche, operand: str) -> list[str]:
    blind = demarche.blind
    if blind is None:
        return []
    pairs = ((blind.left, blind.left_column), (blind.right, blind.right_column))
    return [column for name, column in pairs if name == operand]


def _taken(rules: LocalRules, cells: Columns, world: World) -> Bools:
    columns, rows = {}, len(next(iter(cells.values())))
    for name in rules.columns:
        raw = RawColumn.of(cells.get(name, [""] * rows))  # no zone is drawn: the streets and quarters of a list decide
        columns[name] = Cells(values=raw.values, codes=raw.codes)
    kept, _ = rules.begin(world.today).rows(columns, rows)
    return np.asarray(kept)


def _mapping(demarche: Demarche, operand: str) -> dict[str, Any]:
    """Attribute or `id` → column, of everything that such a file has."""
    held = demarche.operands[operand]
    if demarche.local:  # nothing is compared, so there is no sheet
        return {"id": "identifiant", **{name: name for name in PLAIN}}
    sheet = demarche.sheet()
    mapping = dict(sheet.columns.get(operand, {}))
    known = load_connector(held.connector).columns if held.connector else {}
    absent = set(load_connector(held.connector).absent) if held.connector else set()
    for one in sheet.attributes:
        if one.name not in mapping and one.name not in absent and not (held.connector and one.optional):
            mapping[one.name] = {"column": list(one.columns), "format": list(one.formats)}
    for name, entry in known.items():
        mapping.setdefault(name, entry)
    mapping.setdefault("id", list(sheet.identifiers))
    return mapping


def _cells(demarche: Demarche, operand: str, values: Columns, wanted: Sequence[str]) -> Columns:
    mapping, held = _mapping(demarche, operand), demarche.operands[operand]
    connector = load_connector(held.connector) if held.connector else None
    form = FORMS[held.connector]
    values = dict(values)
    if not demarche.local:
        values |= {one.name: values["adresse"] for one in demarche.sheet().attributes if one.address}
    if connector and connector.first_names:
        values["prenoms"] = [one.split(" ")[0] for one in values["prenoms"]]
    cells = cells_of(values, mapping, form, connector.cuts if connector else {})
    for name in _names(mapping["id"]):
        if name not in cells:
            cells[name] = values.get("matricule", values["identifiant"]) if _several(mapping) else values["identifiant"]
    facts = [name for name in values if name in FACTS]
    there = {name.casefold() for name in cells}  # a reader takes MATRICULE and matricule for one
    for name in dict.fromkeys([*facts, *wanted]):
        if name.casefold() not in there and name not in held.computations and name != IN_ZONE:
            cells[name] = _ascii(values[name], form)
    return cells


def _names(entry: Any) -> list[str]:
    entry = entry.get("column", "identifiant") if isinstance(entry, Mapping) else entry
    return [entry] if isinstance(entry, str) else list(entry)


def _several(mapping: Mapping[str, Any]) -> bool:
    return len(_names(mapping["id"])) > 1


def _ascii(column: list[str], form: Form) -> list[str]:
    return [one.encode("ascii", "ignore").decode() for one in column] if form.encoding == "ascii" else column


def _ids(demarche: Demarche, operand: str, cells: Columns) -> tuple[str, ...]:
    columns = [cells[name] for name in _names(_mapping(demarche, operand)["id"])]
    return tuple(" ".join(one.strip() for one in row) for row in zip(*columns, strict=True))
