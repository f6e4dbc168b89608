"""`allervers campaign …`: from results to files of messages, answers recorded, figures.

The journal knows what was sent to whom; contacts are read for one export and kept nowhere. Nothing here touches the network.
"""

from __future__ import annotations

import argparse
import itertools
import secrets
from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from service.administration.app import Office, open_office
from service.administration.campaign import roll
from service.administration.campaign.contacts import Contact, read_contacts
from service.administration.campaign.households import left_out
from service.administration.campaign.kit import write_kit
from service.administration.campaign.letterhead import letterhead_of, read_letterhead
from service.administration.campaign.mailing import ROUTED, Mailing, note_mailing, write_mailing, write_rows
from service.administration.campaign.roll import (
    Campaign,
    Plan,
    campaign,
    campaigns,
    living,
    open_campaign,
    plan_dispatches,
    unreached,
)
from service.administration.campaign.selected import selected_people
from service.administration.campaign.steps import check_journey, events_of, journey_of, words_of
from service.administration.campaign.take_up import take_up
from service.administration.campaign.texts import Texts
from service.administration.conventions import AgreementStore
from service.administration.journal.journal_commands import people_of
from service.administration.journal.journaling import ANSWERS, answer, retention_of, scope_of
from service.administration.journal.ledger import Collection, Ledger, open_ledger, trace_use
from service.administration.journal.legal_clocks import results_end
from service.administration.journal.objections import objecting
from service.demarche import demarche_text, parse_demarche
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["export", "kit", "record", "route", "show", "start", "start_local"]

_LEFT = {
    "sans_fiche": "absentes du fichier des contacts",
    "foyer_exclu": "dont un membre du foyer est exclu",
    "contact_oppose": "dont le contact s'est opposé à la démarche",
    "deces": "décédées, ou dont le contact l'est",
    "a_revoir": "dont le lien est incertain : examinez leur dossier, puis campaign record CAMPAGNE revu",
    "sans_contact": "sans « contact » dans le fichier : la démarche prévient une autre personne",
    "sans_canal": "qu'aucun canal n'atteint",
    "rien_du": "à qui rien n'est dû aujourd'hui",
}


def start(args: argparse.Namespace) -> None:
    """`allervers campaign open`: a campaign about the results of a run."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        collection = ledger.collection(args.collection)
        text = _agreed_text(office, collection.agreement)
        one = _open(office, ledger, collection.name, args, text)
    office.terminal.say(one.name)


def start_local(args: argparse.Namespace) -> None:
    """`allervers campaign local`: a campaign about people whom the administration selected on its own."""
    office = open_office(args.home)
    text = demarche_text(args.demarche)
    demarche, today = parse_demarche(text), office.clock().date()
    if demarche.outputs[0].expression not in demarche.operands:
        sentence = (
            f"« {demarche.id} » compare des fichiers : faites le croisement, puis allervers campaign open CROISEMENT"
        )
        raise ServiceError("E_CROISEMENT_REQUIS", sentence)
    found = selected_people(demarche, args.file, office.home, today, args.parameters, args.zone)
    for sentence in found.tally.sentences():
        office.terminal.note(sentence)
    if found.objecting:
        office.terminal.note(f"{found.objecting} personne(s) écartée(s) : opposition ou renoncement")
    collection = Collection(
        name=f"{secrets.token_hex(16)}/{demarche.outputs[0].name}", agreement="", demarche=demarche.id, title=demarche.title,
        eligible=found.rows, collected=today, until=results_end(today, demarche.retention),
    )  # fmt: skip
    with open_ledger(office.home) as ledger:
        ledger.add_collection(collection, ((one, "information", told) for one, told in found.people))
        one = _open(office, ledger, collection.name, args, text)
    office.terminal.say(one.name)


def kit(args: argparse.Namespace) -> None:
    """`allervers campaign kit`: texts, call script and sheets of a démarche, as one folder."""
    office = open_office(args.home)
    text = demarche_text(args.demarche)
    _, head = letterhead_of(args.letterhead)
    texts = Texts(demarche=parse_demarche(text), head=head, folder=args.templates)
    files = write_kit(texts, text, args.out)
    office.terminal.say(f"{args.out} : {len(files)} fichiers")
    for line in (args.out / "tailles.csv").read_text("utf-8-sig").splitlines()[1:]:
        step, characters, segments, alphabet = line.replace('"', "").split(";")
        office.terminal.say(f"SMS « {step} » : {characters} caractères, {segments} segment(s), {alphabet}")


def export(args: argparse.Namespace) -> None:
    """`allervers campaign export`: what is due today, one file a channel."""
    office = open_office(args.home)
    now = office.clock()
    with open_ledger(office.home) as ledger:
        one = campaign(ledger, args.campaign)
        until = living(ledger, one.collection, now.date()).until
        demarche, texts = _texts(one)
        contacts = _contacts(demarche, args.contacts)
        plan = replace(_plan(demarche, one), objecting=_objecting(office, demarche, contacts))
        if plan.household:
            party = office.keyring.identity().party
            plan = replace(plan, excluded=left_out(office.home, party, ledger, one.collection, contacts))
        dispatches, left = plan_dispatches(ledger, one, plan, contacts, now.date())
        mailing = Mailing(texts=texts, folder=args.out, until=until, now=now, fields=_fields(demarche))
        written = write_mailing(mailing, dispatches)
        if not args.dry_run:
            note_mailing(ledger, one, dispatches, now)
    for channel, count in written.messages.items():
        office.terminal.say(f"{channel} : {count} message(s)")
    if written.unprinted:
        sentence = (
            "lettre(s) absente(s) des PDF, un caractère n'y est pas imprimable ; imprimez-les d'après courrier.csv"
        )
        office.terminal.note(f"{written.unprinted} {sentence}")
    for reason, count in left.items():
        if count:
            office.terminal.note(f"{count} personne(s) {_LEFT[reason]}")
    if written.untranslated:
        sentence = (
            "message(s) en français à qui lit une autre langue : aucune traduction relue (--templates, langues/CODE)"
        )
        office.terminal.note(f"{written.untranslated} {sentence}")
    if args.dry_run:
        office.terminal.note("essai : rien n'est noté comme envoyé")


def record(args: argparse.Namespace) -> None:
    """`allervers campaign record`: answers, deaths, bounces, holds, resends, appointments, of one person or of a file."""
    office = open_office(args.home)
    today, what = args.day or office.clock().date(), args.event
    if what == "rebond" and args.channel is None:
        raise ServiceError("E_REPONSE_INCONNUE", "un rebond concerne un canal : ajoutez --channel")
    people = people_of(office, args.file)
    with open_ledger(office.home) as ledger:
        one = campaign(ledger, args.campaign)
        demarche, _ = _texts(one)
        known = (*roll.EVENTS, *events_of(demarche.journey))
        if what not in known:
            sentence = f"un événement de cette campagne est l'un de : {', '.join(known)}"
            raise ServiceError("E_REPONSE_INCONNUE", sentence)
        if what in ANSWERS:
            scope = scope_of(demarche, what)
            count = answer(ledger, office.home, people, what, scope, today, retention_of(demarche, scope)).results
        else:
            tokens = ledger.keys.tokens(trace_use(one.collection), people)
            count = roll.record(ledger, one, tokens, what, today, args.channel or "")
            if what in ("reponse", "droit_ouvert"):
                ledger.trace(
                    one.collection, [token for token in tokens if ledger.has(one.collection, token)], what, today
                )
    office.terminal.say(f"{count} personne(s) : {what}")


def route(args: argparse.Namespace) -> None:
    """`allervers campaign route`: who has no e-mail and no mobile, or did not answer, as a file for a démarche of routing."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        one = campaign(ledger, args.campaign)
        title = living(ledger, one.collection, office.clock().date()).title
        contacts = read_contacts(args.contacts)
        out = _objecting(office, _texts(one)[0], contacts)
        rows = unreached(ledger, one, {name: each for name, each in contacts.items() if each.told not in out})
    write_rows(args.out, ROUTED, [{**row, "demarche_a_proposer": title} for row in rows])
    office.terminal.say(f"{args.out} : {len(rows)} personne(s)")


def show(args: argparse.Namespace) -> None:
    """`allervers campaign show`: the campaigns, or the figures of one, as they may be shown."""
    office = open_office(args.home)
    with open_ledger(office.home) as ledger:
        if args.campaign is None:
            for one in campaigns(ledger):
                title = ledger.collection(one.collection).title
                office.terminal.say(f"{one.name} : {title}, ouverte le {one.opened:%d/%m/%Y}")
            return
        one = campaign(ledger, args.campaign)
        figures = take_up(ledger, one, _texts(one)[0].publish_least)
    for words, figure in figures.stages:
        office.terminal.say(f"{words} : {figure}")
    for head, parts in (("messages par canal", figures.channels), ("arrêts", figures.stopped)):
        if parts:
            office.terminal.say(f"{head} : {', '.join(f'{name} {figure}' for name, figure in parts.items())}")


def _open(office: Office, ledger: Ledger, collection: str, args: argparse.Namespace, text: str) -> Campaign:
    letterhead, _ = letterhead_of(args.letterhead)
    terms = {
        "letterhead": letterhead,
        "templates": str(args.templates.resolve()) if args.templates else "",
        "demarche": text,
    }
    one = open_campaign(ledger, collection, terms, office.clock().date())
    demarche, texts = _texts(one)
    journey = _plan(demarche, one).journey
    check_journey(journey)
    for step in journey:
        texts.phrases(words_of(step, award=demarche.purpose == "attribution"))
    return one


def _texts(one: Campaign) -> tuple[Demarche, Texts]:
    demarche = parse_demarche(one.terms["demarche"])
    folder = Path(one.terms["templates"]) if one.terms["templates"] else None
    return demarche, Texts(demarche=demarche, head=read_letterhead(one.terms["letterhead"]), folder=folder)


def _contacts(demarche: Demarche, path: Path) -> dict[str, Contact]:
    due = demarche.trigger.field if demarche.trigger is not None else None
    return read_contacts(path, _fields(demarche), due or "echeance")


def _plan(demarche: Demarche, one: Campaign) -> Plan:
    name = one.collection.rpartition("/")[2]
    doubtful = [each for each in demarche.outputs if each.name == name and each.grey_policy == "revue_humaine"]
    return Plan(
        journey=journey_of(demarche.journey, award=demarche.purpose == "attribution"),
        channels=demarche.channels,
        fallback=demarche.fallback,
        household=demarche.identity_terms.entity == "foyer",
        contact=demarche.identity_terms.contact,
        review=any(each.award for each in doubtful),
    )


def _objecting(office: Office, demarche: Demarche, contacts: Mapping[str, Contact]) -> Names[str]:
    """Who of those who would be told objected to the démarche, for themselves."""
    told = sorted({one.told for one in contacts.values()})
    objectors = objecting(office.home, demarche.id, office.clock().date())
    return frozenset() if objectors is None else frozenset(itertools.compress(told, objectors(told)))


def _fields(demarche: Demarche) -> Sequence[str]:
    return demarche.message.fields if demarche.message is not None else ()


def _agreed_text(office: Office, agreement: str) -> str:
    """The démarche as it was signed, checked against the agreement."""
    if not agreement:
        raise ServiceError("E_COLLECTE_INCONNUE", "ces résultats n'ont pas de convention ; ouvrez avec campaign local")
    AgreementStore(office.home).load(agreement)
    return (office.home / "agreements" / f"{agreement}.toml").read_text("utf-8")
