"""People whom an administration selects on its own, for a campaign without a comparison: its file, its selection, its objections.

The démarche's `filtre_local` and `calcul_local` are applied to the file as before an encoding; a file whose people were chosen
elsewhere already has no such rule. Who objected to the démarche, or renounced, is left out before anything is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from linkage.selection import LocalRules, Tally
from service.administration.campaign.zones import LATITUDE, LONGITUDE, Zone, read_zone
from service.administration.journal.objections import objecting
from service.administration.selecting import local_rules
from service.clauses import IN_ZONE
from service.errors import ServiceError
from service.rule_sheet import Demarche

if TYPE_CHECKING:
    from linkage.tables import Piece

__all__ = ["Selected", "selected_people"]


@dataclass(frozen=True, kw_only=True)
class Selected:
    """Who is selected.

    Attributes:
        rows: of the file.
        people: (local identifier, values that messages may use) each.
        objecting: people left out because they objected.
        tally: what the selection did.
    """

    rows: int
    people: list[tuple[str, dict[str, str]]]
    objecting: int
    tally: Tally


def selected_people(
    demarche: Demarche,
    path: Path,
    home: Path,
    today: date,
    parameters: Path | None = None,
    zone: Path | None = None,
) -> Selected:
    """The people of a file whom a démarche concerns.

    Args:
        demarche: its first recipient's rules are applied.
        path: CSV, XLSX or Parquet.
        home: of the administration, for its register of objections.
        today: what J is.
        parameters: own values of the démarche's parameters.
        zone: drawn on a map, where the démarche takes one.

    Raises:
        LinkageError: as `linkage.tables.TableFile`; `E_SELECTION_COLONNE`, `E_SELECTION_VIDE`, `E_PARAMETRE`.
        ServiceError: `E_CONTACTS`, an identifier that is empty or there twice; `E_ZONE`.
    """
    from linkage.tables import TableFile  # noqa: PLC0415 - compiled code, which not every command waits for

    operand = demarche.operands[demarche.recipients[0]]
    rules = local_rules(demarche, operand.name, parameters) or LocalRules()
    name = str(operand.columns.get("id", "identifiant"))
    fields = demarche.message.fields if demarche.message is not None else ()
    area, placed = _area(demarche, zone), (LONGITUDE, LATITUDE)
    needed = [one for one in (name, *rules.columns) if one != IN_ZONE or demarche.zone is None]
    needed += placed if area is not None else ()
    file = TableFile(path, list(dict.fromkeys(needed)), [one for one in fields if one not in rules.computed])
    work, people = rules.begin(today), list[tuple[str, dict[str, str]]]()
    for piece in file.pieces():
        chosen = work.chosen(piece if demarche.zone is None else _located(piece, area)).columns
        told = {one: chosen[one].to_pylist() for one in fields if one in chosen}
        for place, identifier in enumerate(chosen[name].to_pylist()):
            people.append((identifier.strip(), {one: values[place] for one, values in told.items()}))
    tally = work.finish()
    identifiers = [identifier for identifier, _ in people]
    if not all(identifiers) or len(set(identifiers)) != len(identifiers):
        raise ServiceError("E_CONTACTS", "un identifiant est vide ou revient deux fois : une ligne par personne")
    objectors = objecting(home, demarche.id, today)
    out = objectors(identifiers) if objectors is not None else [False] * len(identifiers)
    kept = [one for one, objects in zip(people, out, strict=True) if not objects]
    return Selected(rows=file.rows, people=kept, objecting=len(people) - len(kept), tally=tally)


def _area(demarche: Demarche, path: Path | None) -> Zone | None:
    if path is None:
        return None
    if demarche.zone is None:
        raise ServiceError("E_ZONE", f"« {demarche.id} » ne prend pas de zone ([regle] zone)")
    return read_zone(path)


def _located(piece: Piece, area: Zone | None) -> Piece:
    """The rows with the column that says whether each is in the zone; empty without a zone."""
    import pyarrow as pa  # noqa: PLC0415 - slow to load, and few commands read a file

    if area is None:
        said = [""] * len(piece.lines)
    else:
        said = area.said(*(piece.columns[one].to_pylist() for one in (LONGITUDE, LATITUDE)))
    return replace(piece, columns={**piece.columns, IN_ZONE: pa.array(said, pa.string())})
