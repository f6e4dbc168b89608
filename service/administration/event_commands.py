"""Commands of a démarche of events: people arrive one by one and wait, sealed, until they are enough for a run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from service.administration.app import Office, open_office
from service.administration.conventions import AgreementStore, StoredAgreement
from service.administration.pending import Pending
from service.administration.selecting import PeopleFile, group_of, read_people
from service.counts import band_of, spelled
from service.errors import ServiceError

if TYPE_CHECKING:
    from linkage.records import BadRows

__all__ = ["add", "clear", "show"]


def add(args: argparse.Namespace) -> None:
    """`allervers event add`: keep the people of a file until the next run."""
    office, stored, pending = _open(args)
    operand = _own_operand(office, stored)
    bad_rows: BadRows | None = "skip" if args.skip_bad_rows else None
    file = PeopleFile(
        path=args.file, connector=args.connector, columns=args.columns, parameters=args.parameters, bad_rows=bad_rows
    )
    group = group_of(stored.demarche, operand)
    extra = (group.key,) if group else ()
    records, tally = read_people(stored.demarche, operand, file, office.clock().date(), extra=extra)
    for sentence in tally.sentences() if tally else ():
        office.terminal.say(sentence)
    pending.add(records, case=group.key if group else None)
    office.terminal.say(f"{len(records)} personne(s) mises en attente")
    _say(office, stored, pending)


def show(args: argparse.Namespace) -> None:
    """`allervers event show`: whether enough people wait for a run."""
    office, stored, pending = _open(args)
    _say(office, stored, pending)


def clear(args: argparse.Namespace) -> None:
    """`allervers event clear`: destroy those who wait."""
    office, _, pending = _open(args)
    pending.clear()
    office.terminal.say("personnes en attente détruites")


def _open(args: argparse.Namespace) -> tuple[Office, StoredAgreement, Pending]:
    office = open_office(args.home)
    stored = AgreementStore(office.home).load(args.agreement)
    if not stored.demarche.of_events:
        sentence = "cette démarche n'est pas de type evenement : encodez le fichier entier (allervers run encode)"
        raise ServiceError("E_ETAPE", sentence)
    return office, stored, Pending(home=office.home, agreement=stored.agreement.identifier)


def _own_operand(office: Office, stored: StoredAgreement) -> str:
    party = office.keyring.identity().party
    own = [one.operand for one in stored.agreement.parties if one.party == party]
    if not set(own) & set(stored.demarche.recipients):
        sentence = f"seul « {', '.join(stored.demarche.recipients)} » met des personnes en attente ; encodez votre fichier entier"
        raise ServiceError("E_SANS_RESULTATS", sentence)
    return own[0]


def _say(office: Office, stored: StoredAgreement, pending: Pending) -> None:
    missing = stored.agreement.guards.least_rows - pending.count()
    if missing > 0:
        office.terminal.say(f"il manque encore {spelled(band_of(missing))} personnes pour un croisement")
    else:
        office.terminal.say("assez de personnes attendent : allervers run encode CROISEMENT --pending")
