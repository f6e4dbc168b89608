"""The operands of a démarche, read from its tables `[parties]`, `[colonnes]` and what `[regle]` says of each of them.

Of each operand: who may hold it and in which role, what is selected (a sentence for people, an expression for the tool), what is
computed, the columns of its file, and how fresh it must be where it is subtracted.
"""

from __future__ import annotations

import re
from typing import Any

from service.closed_table import ClosedTable
from service.errors import ServiceError
from service.excluded_data import check_filter, check_names, check_organisations
from service.rule_sheet import Freshness, Operand

__all__ = ["NAME", "ROLES", "ROWS", "read_operands"]

ROLES = ("source", "reference", "destinataire")
ROWS = ("une", "plusieurs")  # of one person in a file
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

_COLUMN_KEYS = {"colonne": "column", "format": "format", "vide": "missing"}
_DAY_OF_YEAR = re.compile(r"--(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def read_operands(parties: ClosedTable, columns: ClosedTable, rule: ClosedTable) -> dict[str, Operand]:
    """All of them, by name; takes `fraicheur`, `filtre_local` and `calcul_local` out of the rule's table.

    Raises:
        ServiceError: `E_CLE_INCONNUE`, `E_DEMARCHE`, `E_FRAICHEUR`, `E_NIR_INTERDIT`, `E_SECRET_MEDICAL`, `E_DEFENSE_NATIONALE`.
    """
    own_columns, freshness = columns.tables(), rule.table("fraicheur", {}).tables()
    computed = rule.table("calcul_local", {}).tables()
    filters = rule.table("filtre_local", {})
    operands = {}
    for name, table in parties.tables().items():
        operands[name] = Operand(
            **_party(name, table),
            **_file(own_columns.pop(name, None)),
            freshness=_freshness(freshness.pop(name, None)),
            local_filter=_filter(filters, name),
            computations=_computations(computed.pop(name, None)),
        )
    for left in (*own_columns.values(), *freshness.values(), *computed.values()):
        raise ServiceError("E_CLE_INCONNUE", f"{left.where} : aucune partie ne porte ce nom dans [parties]")
    filters.close()
    return operands


def _party(name: str, table: ClosedTable) -> dict[str, Any]:
    if not NAME.fullmatch(name):
        raise table.refuse("un nom d'opérande s'écrit en minuscules, chiffres et « _ »")
    organisations = table.texts("organismes")
    check_organisations(organisations, table.where)
    party = {
        "name": name,
        "organisations": organisations,
        "role": table.among("role", ROLES),
        "selection": table.text("selection"),
        "several": table.among("lignes_par_personne", ROWS, "une") == "plusieurs",
        "optional": table.flag("facultatif", False),
        "no_payload": table.flag("encodage_sans_charge", False),
    }
    table.close()
    return party


def _file(table: ClosedTable | None) -> dict[str, Any]:
    """The connector of an operand's file and what replaces its columns; `Demarche.sheet` puts them together."""
    connector = table.maybe("connecteur") if table else None
    return {"connector": connector, "columns": _columns(table)}


def _columns(table: ClosedTable | None) -> dict[str, Any]:
    """The columns as `Sheet.with_columns` takes them, which judges attributes, names and formats."""
    columns: dict[str, Any] = {}
    for attribute, entry in (table.rest() if table else {}).items():
        if isinstance(entry, dict):
            if "colonne" not in entry or set(entry) - set(_COLUMN_KEYS):
                sentence = f"[colonnes] {attribute} : les clés sont colonne et, au besoin, format et vide"
                raise ServiceError("E_CLE_INCONNUE", sentence)
            columns[attribute] = {_COLUMN_KEYS[key]: value for key, value in entry.items()}
        else:
            columns[attribute] = entry
        names = entry.get("colonne") if isinstance(entry, dict) else entry
        check_names([attribute, *map(str, names if isinstance(names, list) else [names])], f"[colonnes] {attribute}")
    return columns


def _freshness(table: ClosedTable | None) -> Freshness | None:
    if table is None:
        return None
    days, start = table.duration("age_max", "DW"), table.maybe("absence_fiable_a_partir_de")
    if not table.flag("absence_fiable"):
        sentence = f"{table.where} : une absence qui n'est pas fiable ne peut pas être soustraite"
        raise ServiceError("E_FRAICHEUR", sentence)
    if start is not None and not _DAY_OF_YEAR.fullmatch(start):
        raise table.refuse("absence_fiable_a_partir_de s'écrit --MM-JJ")
    table.close()
    return Freshness(days=days, reliable_from=start)


def _filter(filters: ClosedTable, name: str) -> str | None:
    expression = filters.maybe(name)
    if expression is not None:
        check_filter(expression, f"[regle.filtre_local] {name}")
    return expression


def _computations(table: ClosedTable | None) -> dict[str, str]:
    if table is None:
        return {}
    where, columns = table.where, table.texts_by_name()
    for name, expression in columns.items():
        if not NAME.fullmatch(name):
            raise ServiceError("E_DEMARCHE", f"{where} : une colonne calculée s'écrit en minuscules, chiffres et « _ »")
        check_names([name], where)
        check_filter(expression, f"{where} {name}")
    return columns
