"""Commands that look at a file before anything is encoded: its quality, and the connectors that describe its shape.

Nothing here touches the network. The report shows line numbers and counts, never a value of a record.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from linkage.alterations import ALTERATIONS
from linkage.connectors import CERTAINTIES, list_connectors, load_connector, with_file_columns
from linkage.errors import LinkageError
from linkage.inspection import Inspection, inspect
from linkage.selection import LocalRules
from linkage.sheet import load_sheet
from linkage.suspicions import SUSPICIONS
from linkage.tables import TableFile
from service.administration.app import open_office
from service.administration.demarche_commands import columns_read
from service.administration.preview_commands import operand_of
from service.administration.selecting import local_rules
from service.administration.terminal import Terminal
from service.demarche import load_demarche
from service.rule_sheet import Demarche

__all__ = ["check", "show_connectors"]

_DUPLICATES = {
    "same_identity": "mêmes noms, prénoms et date de naissance",
    "same_first_name": "mêmes nom, premier prénom et date de naissance",
}
_REFUSED = 1


def check(args: argparse.Namespace) -> int:
    """`allervers check`: the data-quality report of a file, before it is encoded; 1 when encoding would refuse it."""
    office = open_office(None)
    demarche = None if args.demarche is None else load_demarche(args.demarche)
    side = args.side or "left" if demarche is None else operand_of(demarche, args.side)
    shared = load_sheet(args.sheet) if demarche is None else demarche.sheet()
    sheet = with_file_columns(shared, side, args.connector, args.columns)
    try:
        with office.terminal.stages() as report:
            found = inspect(
                args.file,
                sheet,
                side,
                today=office.clock().date(),
                connector=load_connector(args.connector) if args.connector else None,
                bad_rows="skip" if args.skip_bad_rows else None,
                progress=report,
            )
    except LinkageError as error:
        if not args.json:
            raise
        found = Inspection(
            file=args.file.name,
            sheet=sheet.name,
            rows=0,
            usable=0,
            refusals=[{"code": error.code, "rule": error.message}],
        )
    if demarche is not None:
        _judge(found, demarche, side, args.file, office.clock().date())
    if args.json:
        office.terminal.say(json.dumps(found.to_json(), ensure_ascii=False, sort_keys=True))
    else:
        _show(office.terminal, found)
    return 0 if found.encodable else _REFUSED


def _judge(found: Inspection, demarche: Demarche, side: str, path: Path, today: date) -> None:
    """What a démarche asks of a file beyond the identity: columns that its selection can read, dates that it expects."""
    rules = local_rules(demarche, side, None) or LocalRules()
    try:
        file = TableFile(path, list(dict.fromkeys([*columns_read(demarche, demarche.operands[side]), *rules.columns])))
        work = rules.begin(today)
        for piece in file.pieces():
            work.chosen(piece)
        work.finish()
    except LinkageError as error:
        found.refusals.append({"code": error.code, "rule": f"la sélection de la démarche : {error.message}"})
    partial = sum(
        change["rows"] for one in found.attributes for change in one["changes"] if change["rule"] == "partial"
    )
    if partial and not demarche.identity_terms.partial_dates:
        found.warnings.append(
            f"{partial} date(s) partielle(s), que la démarche n'annonce pas : ces personnes se retrouvent moins bien"
        )


def show_connectors(args: argparse.Namespace) -> None:
    """`allervers connectors`: the shapes of files that are known, or one of them in words."""
    terminal = open_office(None).terminal
    if args.name is None:
        width = max(map(len, list_connectors()))
        for name in list_connectors():
            terminal.say(f"{name:<{width}} : {load_connector(name).title}")
        return
    one = load_connector(args.name)
    terminal.say(f"{one.name} : {one.title}")
    terminal.say(f"organisme   : {one.body}")
    terminal.say(f"source      : {one.source} ({CERTAINTIES[one.certainty]})")
    terminal.say(f"fichier     : {one.file}")
    terminal.say(f"une ligne   : {one.row}")
    for attribute, entry in one.columns.items():
        terminal.say(f"colonne     : {attribute} = {_column(entry)}")
    for attribute, size in one.cuts.items():
        terminal.say(f"coupe       : {attribute} à {size} caractères")
    for attribute, most in one.first_names.items():
        terminal.say(f"garde       : {attribute}, {most} prénom(s)")
    for attribute, digits in one.digits.items():
        terminal.say(f"chiffres    : {attribute}, {digits}")
    terminal.say(f"absents     : {', '.join(one.absent) or 'aucun'}")
    terminal.say(f"feuilles    : {', '.join(one.shipped_sheets()) or 'aucune de celles qui sont livrées'}")
    for trap in one.traps:
        terminal.say(f"attention   : {trap}")


def _column(entry: Any) -> str:
    """A column as the agent's own file of columns would write it."""
    if not isinstance(entry, Mapping):
        return _listed(entry)
    words = {"column": "colonne", "format": "format", "missing": "vide"}
    return "{ " + ", ".join(f"{words[key]} = {_listed(value)}" for key, value in entry.items()) + " }"


def _listed(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return "[" + ", ".join(f'"{one}"' for one in value) + "]"


def _show(terminal: Terminal, found: Inspection) -> None:
    numbers = found.to_json()
    terminal.say(
        f"fichier     : {found.file}, {found.rows} lignes lues, {found.usable} utilisables (feuille {found.sheet})"
    )
    for finding in found.findings:
        terminal.say(f"lecture     : {finding}")
    for warning in found.warnings:
        terminal.say(f"attention   : {warning}")
    for problem in found.problems:
        column = f", colonne « {problem['column']} »" if problem["column"] else ""
        lines = _lines(problem["lines"], problem["count"])
        terminal.say(f"inutilisable: {problem['code']}{column}, {lines} : {problem['rule']}")
    for attribute in numbers["attributes"]:
        _show_attribute(terminal, attribute)
    for one in numbers["duplicates"]:
        if not one["groups"]:
            terminal.say(f"doublons    : aucun, {_DUPLICATES[one['kind']]}")
            continue
        groups = " ; ".join(", ".join(map(str, lines)) for lines in one["lines"])
        where = f" (lignes {groups}{' ; …' if one['groups'] > len(one['lines']) else ''})" if groups else ""
        terminal.say(
            f"doublons    : {one['rows']} ligne(s) en {one['groups']} groupe(s), {_DUPLICATES[one['kind']]}{where}"
        )
    for one in numbers["passes"]:
        blocks = " + ".join(one["blocks"]) or "sans division"
        lacking = ", ".join(f"{count} sans {component}" for component, count in one["lacking"].items() if count)
        terminal.say(
            f"passe {one['name']} : {blocks} ; hors de la passe {one['left_out']}{f' ({lacking})' if lacking else ''}, "
            f"plus grand bloc {one['largest_block']}"
        )
    if numbers["weights"]:
        now, proposed = (" / ".join(str(one[key]) for one in numbers["weights"]) for key in ("bits", "proposed"))
        terminal.say(f"poids       : {' / '.join(one['attribute'] for one in numbers['weights'])}")
        terminal.say(f"  sur 100   : {now} dans la feuille, {proposed} d'après ce fichier (pour une prochaine feuille)")
    for refusal in found.refusals:
        terminal.say(f"refus       : {refusal['code']} : {refusal['rule']}")
    verdict = "encodable" if found.encodable else "ne peut pas être encodé en l'état"
    terminal.say(f"verdict     : {verdict}")


def _show_attribute(terminal: Terminal, one: Mapping[str, Any]) -> None:
    if not one["present"]:
        terminal.say(f"{one['name']} : absent du fichier (colonne {', '.join(one['columns'])})")
        return
    rate = f"{100 * one['fill_rate']:.1f}".replace(".", ",")
    formats = ", ".join(f"{name} × {count}" for name, count in one["date_formats"].items())
    terminal.say(
        f"{one['name']} : rempli à {rate} %, {one['distinct']} valeurs distinctes{f' ({formats})' if formats else ''}"
    )
    for change in one["changes"]:
        terminal.say(f"  changé    : {change['rows']} ligne(s), {ALTERATIONS[change['rule']]}")
    for suspect in one["suspicious"]:
        terminal.say(f"  à vérifier: {_lines(suspect['lines'], suspect['count'])}, {SUSPICIONS[suspect['kind']]}")


def _lines(shown: Sequence[int], count: int) -> str:
    """How many lines, and the first of them."""
    more = ", …" if count > len(shown) else ""
    return f"{count} ligne(s) ({', '.join(map(str, shown))}{more})"
