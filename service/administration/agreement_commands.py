"""Commands on the third party's key and on agreements: pin the server, propose, show, sign."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Sequence
from datetime import timedelta

from service.administration.app import open_office
from service.administration.client import Client
from service.administration.connection import Connection, connect
from service.administration.conventions import StoredAgreement, Terms, build_agreement, check_agreement
from service.administration.keyring import ThirdParty, check_url
from service.administration.terminal import Terminal
from service.agreement import Agreement
from service.demarche import demarche_text, parse_demarche
from service.errors import ServiceError
from service.forms import write_time
from service.guard_terms import ORDINARY, GuardTerms, changed

__all__ = ["pin_server", "propose", "show", "sign"]

_EARLY = timedelta(minutes=5)  # clocks differ: an agreement must hold at once for everybody


def pin_server(args: argparse.Namespace) -> None:
    """`allervers server`: fetch the third party's keys and pin them, fingerprint in hand."""
    office, url = open_office(args.home), check_url(args.url)
    office.keyring.identity()
    with Client(url, None, clock=office.clock, sleep=office.sleep) as client:
        seen = client.identity()
    third_party = ThirdParty(url=url, identity=seen.vouched(), log_key=seen.log_key)
    office.keyring.pin_third_party(third_party, args.fingerprint, replace=args.replace)
    office.terminal.say(f"tiers de confiance « {third_party.identity.party} » épinglé : {url}")


def propose(args: argparse.Namespace) -> None:
    """`allervers agreement propose`: build an agreement, sign it, deposit it."""
    office = open_office(args.home)
    text = demarche_text(args.demarche)
    demarche = parse_demarche(text)
    now = office.clock().replace(microsecond=0)
    terms = Terms(
        holders=_holders(args.party),
        sizes=_sizes(args.size),
        profile=args.profile,
        authorisation=args.authorisation,
        dpia=args.dpia,
        max_runs=args.max_runs,
        not_before=now - _EARLY,
        not_after=now + timedelta(days=args.days),
        nonce=secrets.token_hex(16),
        guards=changed(demarche.guards(), dict(args.guard)),
        joiners=dict(args.joiner),
        objections=_sizes(args.objections),
    )
    with connect(office) as online:
        agreement = build_agreement(demarche, terms, online.pins, online.third_party.identity)
        if online.party not in agreement.members:
            raise ServiceError("E_PARTIES", "votre administration doit être l'une des parties (--party opérande=vous)")
        signature = agreement.signature(office.keyring.identity().signing_key)
        identifier = online.client.propose(agreement, signature)
        if identifier != agreement.identifier:
            raise ServiceError(
                "E_REPONSE", "le tiers de confiance a enregistré un autre document ; prévenez son exploitant"
            )
        online.store.save(agreement, {online.party: signature}, text)
    office.terminal.say(identifier)
    if demarche.local_act is not None:
        act = demarche.local_act.replace("_", " ")
        office.terminal.note(f"la démarche demande un acte local ({act}) : sa référence va dans --authorisation")
    office.terminal.note(f"convention proposée ; chaque autre partie lance : allervers agreement sign {identifier}")


def sign(args: argparse.Namespace) -> None:
    """`allervers agreement sign`: judge a proposed agreement line by line, describe it, then sign it."""
    office = open_office(args.home)
    with connect(office) as online:
        agreement = _found(online, args.id)
        text = demarche_text(args.demarche or agreement.demarche.id)
        demarche = parse_demarche(text)
        check_agreement(agreement, demarche, online.pins, online.third_party.identity)
        _describe(office.terminal, agreement, None)
        signature = agreement.signature(office.keyring.identity().signing_key)
        online.client.sign_agreement(agreement.identifier, signature)
        online.store.save(agreement, {online.party: signature}, text)
        _say_signed(office.terminal, agreement, _valid(online.refreshed(agreement.identifier), online))
        office.terminal.say("convention vérifiée et signée")


def show(args: argparse.Namespace) -> None:
    """`allervers agreement show`: the agreements, or one of them in words."""
    office = open_office(args.home)
    with connect(office) as online:
        if args.id is None:
            for one in online.client.agreements():
                state = "active" if one.active else f"signée par {', '.join(sorted(one.signatures))}"
                office.terminal.say(f"{one.document.identifier} {one.document.demarche.id} : {state}")
            return
        if any(one.startswith(args.id) for one in online.store.identifiers()):
            stored = online.refreshed(args.id)
            _describe(office.terminal, stored.agreement, _valid(stored, online))
            return
        agreement = _found(online, args.id)
        _describe(office.terminal, agreement, None)
        office.terminal.note(f"à vérifier et signer : allervers agreement sign {agreement.identifier}")


def _found(online: Connection, identifier: str) -> Agreement:
    """A proposed agreement by T or by its first digits."""
    if len(identifier) == 64:
        view = online.client.agreement(identifier)
        online.check_same(view, identifier)
        return view.document
    found = [one.document for one in online.client.agreements() if one.document.identifier.startswith(identifier)]
    if len(found) != 1 or len(identifier) < 4:
        raise ServiceError("E_CONVENTION_INCONNUE", "aucune convention, ou plusieurs, ne commencent ainsi")
    return found[0]


def _valid(stored: StoredAgreement, online: Connection) -> list[str]:
    """The parties whose signature holds with their pinned key."""
    valid = []
    for party, signature in sorted(stored.signatures.items()):
        stored.agreement.check_signature(online.pins(party).all_signing_keys, signature)
        valid.append(party)
    return valid


def _describe(terminal: Terminal, agreement: Agreement, signed: Sequence[str] | None) -> None:
    terminal.say(f"convention  : {agreement.identifier}")
    terminal.say(f"démarche    : {agreement.demarche.id}, {agreement.demarche.title}")
    terminal.say(f"finalité    : {agreement.purpose} ; {' ; '.join(agreement.legal_basis)}")
    terminal.say(f"références  : autorisation {agreement.authorisation}, analyse d'impact {agreement.dpia}")
    for one in agreement.parties:
        terminal.say(f"partie      : {one.party} ({one.name}), « {one.operand} », {one.role}, clé {one.fingerprint}")
    terminal.say(f"tiers       : {agreement.third_party.party}, clé {agreement.third_party.fingerprint}")
    for zero in agreement.outputs:
        needs = " ; ".join(
            f"{verb} {', '.join(names)}"
            for verb, names in (("demande", zero.requires), ("exclut", zero.excludes))
            if names
        )
        terminal.say(
            f"résultat    : « {zero.name} » à {zero.recipient}, {zero.use} : {zero.expression} ; {needs or 'tout son fichier'} ; "
            f"zone grise : {zero.grey_policy}"
        )
    for two in agreement.comparisons:
        sizes, passes = two.sizes, ", ".join(one.name for one in two.plan.passes)
        whom = "personnes qui s'opposent au plus" if two.of_objections else "personnes"
        terminal.say(f"comparaison : {two.id}, {sizes.recipient} et {sizes.source} {whom} ; passes {passes}")
        if two.payload_bytes:
            terminal.say(
                f"charge utile: {two.source} joint {two.payload_bytes} octets au plus à chaque résultat certain"
            )
    for three in agreement.joiners:
        terminal.say(f"jointeur    : {three.joiner} applique les règles de {three.recipient}, sur des jetons")
    terminal.say(f"contrôles   : {agreement.controls} par comparaison")
    kept = agreement.retention
    terminal.say(f"profil      : {agreement.profile} ; croisements : {agreement.max_runs} au plus")
    terminal.say(
        f"validité    : du {write_time(agreement.valid.not_before)} au {write_time(agreement.valid.not_after)}"
    )
    terminal.say(
        f"durées      : encodages {kept.encodings_hours} h, résultats {kept.hits_days} j au tiers puis "
        f"{kept.results_months} mois, traces {kept.traces_months} mois, opposition {kept.objection_months} mois"
    )
    terminal.say(f"gardes      : {_guards(agreement.guards)}")
    if agreement.guards.loosens(ORDINARY):
        terminal.note(
            "ces gardes laissent passer plus que les gardes ordinaires : ne signez que si la démarche le justifie"
        )
    for four in agreement.unheard:
        terminal.note(
            f"les oppositions reçues par « {four.source} » restent sans effet chez « {four.recipient} », qui exclut et demande "
            f"les mêmes liens : faites-les transmettre (--objections {four.source}=NOMBRE)"
        )
    if signed is not None:
        _say_signed(terminal, agreement, signed)


def _guards(terms: GuardTerms) -> str:
    sides = (("destinataire", terms.recipient), ("source", terms.source))
    parts = [f"{terms.least_rows} personnes au moins de chaque côté"]
    parts += [
        f"{name} à {side.declared} % de l'effectif déclaré et {side.previous} % du croisement précédent"
        for name, side in sides
    ]
    alike = "tout" if terms.near_permille == 1000 else f"{terms.near_permille} pour mille"
    return "; ".join([*parts, f"personnes presque identiques : {alike}", f"leurres : {terms.canaries} par source"])


def _say_signed(terminal: Terminal, agreement: Agreement, signed: Sequence[str]) -> None:
    terminal.say(f"signatures  : {', '.join(signed)} ({len(signed)} sur {len(agreement.parties)})")


def _holders(pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    holders: dict[str, tuple[str, ...]] = {}
    for operand, party in pairs:
        holders[operand] = (*holders.get(operand, ()), party)
    return holders


def _sizes(pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for party, text in pairs:
        if not text.isdigit() or party in sizes:
            raise ServiceError("E_PARTIES", "un effectif s'écrit --size partie=nombre, une fois par partie")
        sizes[party] = int(text)
    return sizes
