"""`allervers journal …`: what is held, answers of people, access requests, the purge and its receipts.

A local identifier is never an argument: other accounts of the machine and the shell's history would have it. It is read from the
standard input, or many at once from a CSV file with a column `identifiant`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from service.administration.app import Office, open_office
from service.administration.campaign.contacts import read_contacts
from service.administration.campaign.households import left_out
from service.administration.conventions import AgreementStore
from service.administration.journal.access_request import answer_to_access
from service.administration.journal.journaling import answer, retention_of, scope_of
from service.administration.journal.ledger import open_ledger
from service.administration.journal.objections import ALL, journal_folder, read_register
from service.administration.journal.objections import withdraw as withdraw_objection
from service.administration.journal.passing_on import Homes, pass_on
from service.administration.journal.purging import Signer, check_receipts, destroy_results
from service.administration.journal.purging import purge as purge_journal
from service.administration.journal.sent_people import sent_files
from service.counts import band_of, spelled
from service.demarche import list_demarches, load_demarche
from service.errors import ServiceError
from service.rule_sheet import Demarche, Retention

__all__ = [
    "access",
    "answers",
    "destroy",
    "people_of",
    "purge",
    "read_rows",
    "receipts",
    "show",
    "signer_of",
    "transmit",
    "withdraw",
]

_LONGEST = Retention(results=12, traces=36, objection=24)
_SEPARATORS = (";", ",", "\t")


def show(args: argparse.Namespace) -> None:
    """`allervers journal show`: results that are held, files that were sent, how many objections."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        for one in ledger.collections():
            state = f"à détruire le {one.until:%d/%m/%Y}" if one.over is None else f"détruit le {one.over:%d/%m/%Y}"
            count = sum(1 for _ in ledger.hits(one.name)) if one.over is None else 0
            office.terminal.say(f"résultats {one.name} : « {one.title} », {count} personnes, {state}")
    for sent in sent_files(journal_folder(office.home)):
        office.terminal.say(
            f"envoi {sent.run} : {sent.demarche}, fichier « {sent.operand} », {sent.people} personnes le {sent.at:%d/%m/%Y}"
        )
    office.terminal.say(f"oppositions : {len(read_register(office.home))}")


def answers(args: argparse.Namespace) -> None:
    """`allervers journal answer`: objections, renouncements, "already done", of one person or of a file."""
    office = open_office(args.home)
    if args.demarche is None and not args.all:
        raise ServiceError("E_REPONSE_INCONNUE", "indiquez la démarche concernée (--demarche), ou --all pour toutes")
    scope, retention = (ALL, _LONGEST) if args.all else _reach(office, args.demarche, args.kind)
    today = office.clock().date()
    with open_ledger(office.home) as ledger:
        told = answer(ledger, office.home, people_of(office, args.file), args.kind, scope, today, retention)
    office.terminal.say(
        f"{told.people} réponse(s) « {args.kind} » enregistrée(s), {told.results} résultat(s) concerné(s)"
    )


def withdraw(args: argparse.Namespace) -> None:
    """`allervers journal withdraw`: somebody no longer objects."""
    office = open_office(args.home)
    scope = ALL if args.all else str(args.demarche)
    people = people_of(office, args.file)
    with open_ledger(office.home):  # whoever writes the register holds the journal: no objection is lost in between
        gone = sum(withdraw_objection(office.home, one, scope) for one in people)
    office.terminal.say(f"{gone} opposition(s) retirée(s)")


def access(args: argparse.Namespace) -> None:
    """`allervers journal access`: the answer to a person's request for access."""
    office = open_office(args.home)
    (identifier,) = people_of(office, None)
    with open_ledger(office.home) as ledger:
        lines = answer_to_access(ledger, office.home, identifier, office.clock().date())
    if args.out is None:
        for line in lines:
            office.terminal.say(line)
    else:
        args.out.touch(mode=0o600)
        args.out.write_text("\n".join(lines) + "\n", "utf-8")
        office.terminal.say(f"réponse écrite dans {args.out}")


def purge(args: argparse.Namespace) -> None:
    """`allervers journal purge`: destroy everything whose time is over."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        signed = purge_journal(ledger, office.home, signer_of(office))
    office.terminal.say(f"{len(signed)} reçu(s) de destruction" if signed else "rien à détruire aujourd'hui")


def transmit(args: argparse.Namespace) -> None:
    """`allervers journal transmit`: who is passed on to the body that acts; the act is noted, never the content."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        one = ledger.collection(args.collection)
        demarche = AgreementStore(office.home).load(one.agreement).demarche
        homes = None
        if args.contacts is not None:
            contacts = read_contacts(args.contacts)
            gone = left_out(office.home, office.keyring.identity().party, ledger, one.name, contacts)
            of = {name: each.household or f"personne {name}" for name, each in contacts.items()}
            homes = Homes(of=of, excluded=gone)
        passed = pass_on(ledger, one.name, demarche, args.to, args.out, office.clock().date(), homes)
    if passed.kept:
        office.terminal.note(
            f"{passed.kept} personne(s) d'un foyer dont un membre est exclu ou douteux : non transmises"
        )
    listed = ", ".join(passed.fields) or "aucun"
    joined = f"champs que la démarche permet de joindre, hors de ce service : {listed}"
    office.terminal.say(f"{args.out} écrit, {passed.people} personne(s) ; {joined}")


def destroy(args: argparse.Namespace) -> None:
    """`allervers journal destroy`: destroy the results of a run before their time."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        destroy_results(ledger, ledger.collection(args.collection), signer_of(office), "campagne_terminee")
    office.terminal.say("résultats détruits, reçu enregistré")


def receipts(args: argparse.Namespace) -> None:
    """`allervers journal receipts`: the receipts, signatures checked, to keep elsewhere if need be."""
    office = open_office(args.home)
    public = office.keyring.identity().public.signing_key
    with open_ledger(office.home) as ledger:
        checked, signed = check_receipts(ledger, public), [one for _, one in ledger.receipts()]
    for one in checked:
        people = spelled(band_of(one["people"]["least"]))
        office.terminal.say(
            f"{one['destroyed_at']} : {one['what']} ({one['cause']}), {people}, {one['collection'] or ''}"
        )
    if not signed:
        office.terminal.say(
            "aucun reçu : rien n'a encore été détruit" + ("" if args.out is None else ", rien n'est écrit")
        )
    elif args.out is not None:
        args.out.write_text("\n".join(signed) + "\n", "utf-8")


def _reach(office: Office, demarche: str, kind: str) -> tuple[str, Retention]:
    """How far an answer to a démarche reaches, and how long it is kept."""
    one = _known(office, demarche)
    scope = scope_of(one, kind)
    return scope, retention_of(one, scope)


def _known(office: Office, name: str) -> Demarche:
    """A démarche by its name; one that is none would silently object to nothing."""
    if name in list_demarches():
        return load_demarche(name)
    store = AgreementStore(office.home)
    own = {one.id: one for one in (store.load(each).demarche for each in store.identifiers())}
    if name not in own:
        sentence = (
            f"aucune démarche ne s'appelle ainsi ; les vôtres : {', '.join(sorted(own)) or 'aucune'} ; ou demarche list"
        )
        raise ServiceError("E_REPONSE_INCONNUE", sentence)
    return own[name]


def signer_of(office: Office) -> Signer:
    """Who signs the receipts of this desk."""
    identity = office.keyring.identity()
    return Signer(party=identity.party, key=identity.signing_key, clock=office.clock)


def people_of(office: Office, path: Path | None) -> list[str]:
    """Local identifiers: one from the standard input, or those of a CSV file.

    Raises:
        ServiceError: `E_IDENTIFIANTS`.
    """
    if path is None:
        office.terminal.note("identifiant du dossier, puis Entrée :")
        identifier = sys.stdin.readline().strip()
        if not identifier:
            raise ServiceError("E_IDENTIFIANTS", "aucun identifiant lu : tapez celui du dossier, ou donnez un fichier")
        return [identifier]
    return [row["identifiant"] for row in read_rows(path, ("identifiant",)) if row["identifiant"]]


def read_rows(path: Path, names: Sequence[str]) -> list[dict[str, str]]:
    """Some columns of a CSV file, without the blanks around cells.

    Raises:
        ServiceError: `E_IDENTIFIANTS`.
    """
    text = _decoded(path.read_bytes())
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(_SEPARATORS, key=first.count))
    columns = " et ".join(f"« {name} »" for name in names)
    sentence = f"le fichier doit être un CSV (« ; », « , » ou tabulation) avec une colonne {columns}"
    try:
        if set(names) - set(rows.fieldnames or []):
            raise ServiceError("E_IDENTIFIANTS", sentence)
        return [{name: (row[name] or "").strip() for name in names} for row in rows]
    except csv.Error:
        raise ServiceError("E_IDENTIFIANTS", sentence) from None


def _decoded(data: bytes) -> str:
    """UTF-8, or Windows-1252 as spreadsheets write it."""
    for encoding in ("utf-8-sig", "cp1252"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise ServiceError(
        "E_IDENTIFIANTS", "le fichier n'est ni en UTF-8 ni en Windows-1252 : enregistrez-le en CSV UTF-8"
    )
