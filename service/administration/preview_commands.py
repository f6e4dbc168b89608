"""`allervers demarche preview`: how many people of a file a démarche would take, before anything is encoded or agreed.

The file is read exactly as `run encode` reads it: columns, selection, parameters, rows that cannot be used, objections. The agent
sees counts of his own file on his screen. What may be shown to others, `--json`, has none of them under eleven: where one is, all
are left out, since they add up. No key, no network, no name and no value of a cell.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from linkage.records import BadRows
from linkage.selection import Tally
from service.administration.app import Office, open_office
from service.administration.campaign.selected import selected_people
from service.administration.journal.objections import objecting
from service.administration.selecting import PeopleFile, read_people
from service.administration.terminal import Terminal
from service.demarche import load_demarche
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["operand_of", "preview"]


def preview(args: argparse.Namespace) -> None:
    """`allervers demarche preview`: read a file as one side of a démarche would, and count."""
    office, demarche = open_office(args.home), load_demarche(args.demarche)
    operand = operand_of(demarche, args.side)
    if args.zone is not None and demarche.zone is None:
        raise ServiceError("E_ZONE", f"« {demarche.id} » ne prend pas de zone ([regle] zone)")
    if demarche.local:
        people, objecting_people, tally = _selected(office, demarche, args)
    else:
        people, objecting_people, tally = _encoded(office, demarche, operand, args)
    terminal = office.terminal
    terminal.say(f"démarche    : {demarche.id}, fichier « {operand} »")
    for sentence in tally.sentences():
        terminal.say(sentence)
    if objecting_people:
        terminal.say(f"{objecting_people} personne(s) se sont opposées à la démarche")
    if demarche.local:
        terminal.say(f"à contacter : {people} personne(s)")
    else:
        _say_size(terminal, demarche, people)
    if args.json is not None:
        args.json.write_text(json.dumps(_for_others(demarche, operand, tally), ensure_ascii=False) + "\n", "utf-8")
        terminal.say(f"chiffres à montrer écrits : {args.json} (rien sous onze personnes)")


def operand_of(demarche: Demarche, side: str | None) -> str:
    """The operand that an agent named, or the only one whose people may become results.

    Raises:
        ServiceError: `E_PARTIES`.
    """
    if side is None and len(demarche.recipients) == 1:
        return demarche.recipients[0]
    if side not in demarche.compared:
        sentence = f"dites de quel fichier de la démarche il s'agit : --side {' ou '.join(demarche.compared)}"
        raise ServiceError("E_PARTIES", sentence)
    return side


def _encoded(office: Office, demarche: Demarche, operand: str, args: argparse.Namespace) -> tuple[int, int, Tally]:
    bad_rows: BadRows | None = "skip" if args.skip_bad_rows else None
    file = PeopleFile(
        path=args.file, connector=args.connector, columns=args.columns, parameters=args.parameters, bad_rows=bad_rows
    )
    today = office.clock().date()
    records, tally = read_people(demarche, operand, file, today)
    if records.set_aside:
        count = len({one.row for one in records.set_aside})
        office.terminal.note(f"{count} ligne(s) écartée(s), inutilisables : allervers check dit pourquoi")
    objectors = objecting(office.home, demarche.id, today)
    against = 0 if objectors is None else int(objectors(records.ids).sum())
    return len(records), against, tally or Tally(rows=len(records), kept=len(records))


def _selected(office: Office, demarche: Demarche, args: argparse.Namespace) -> tuple[int, int, Tally]:
    found = selected_people(demarche, args.file, office.home, office.clock().date(), args.parameters, args.zone)
    tally = found.tally if found.tally.rows else Tally(rows=found.rows, kept=len(found.people) + found.objecting)
    return len(found.people), found.objecting, tally


def _say_size(terminal: Terminal, demarche: Demarche, people: int) -> None:
    """What to declare, and what the guards of an agreement will say of it."""
    least = demarche.guards().least_rows
    terminal.say(f"seraient encodées : {people} personne(s)")
    if people < least:
        terminal.note(f"moins de {least} personnes : le croisement sera refusé (E_EFFECTIF_FAIBLE)")
        return
    terminal.say(f"effectif à déclarer : {_rounded_up(people)} convient (--size PARTIE={_rounded_up(people)})")


def _rounded_up(people: int) -> int:
    """A round figure above a count of 25 or more, by 4 % at most: the usual guard does not find the file too short for it."""
    steps = (digit * 10**power for power in range(len(str(people))) for digit in (1, 2, 5))
    step = max((one for one in steps if 25 * one <= people), default=1)
    return step * (people // step + 1)


def _for_others(demarche: Demarche, operand: str, tally: Tally) -> dict[str, Any]:
    """Counts in which nobody can be found: of a selection, never of who objects."""
    return {"demarche": demarche.id, "digest": demarche.digest, "operand": operand, "counts": tally.for_others()}
