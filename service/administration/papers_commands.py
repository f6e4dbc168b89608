"""`allervers papers …`: the papers that the law asks for, written from the agreements of this desk."""

from __future__ import annotations

import argparse
from pathlib import Path

from service.administration.app import Office, open_office
from service.administration.conventions import AgreementStore
from service.administration.journal.journal_commands import people_of
from service.administration.journal.ledger import open_ledger, trace_use
from service.errors import ServiceError
from service.papers.algorithm import algorithm_rules, explained_hit
from service.papers.case import Case
from service.papers.dpia import dpia_file
from service.papers.holes import holes_in
from service.papers.notices import notice_of
from service.papers.processing_record import party_record, third_party_record
from service.papers.public_register import register_csv, register_page, register_rows

__all__ = ["explain", "register", "write"]


def write(args: argparse.Namespace) -> None:
    """`allervers papers write`: records, notices, rules of the algorithm and impact assessment of an agreement."""
    office = open_office(args.home)
    case = _case(office, args.agreement)
    parties = [one.party for one in case.agreement.parties]
    papers = {
        **{f"registre-rgpd.{party}.md": party_record(case, party) for party in parties},
        "registre-rgpd.tiers.md": third_party_record(case),
        **{f"notice.{party}.md": notice_of(case, party) for party in parties},
        "algorithme.md": algorithm_rules(case),
        "aipd.json": dpia_file(case, office.clock()),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in papers.items():
        (args.out / name).write_text(text, "utf-8")
        office.terminal.say(f"{args.out / name} : {len(holes_in(text))} point(s) à compléter")


def register(args: argparse.Namespace) -> None:
    """`allervers papers register`: the public list of exchanges, as a page and as CSV."""
    office = open_office(args.home)
    rows = register_rows(_case(office, one) for one in AgreementStore(office.home).identifiers())
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "registre-public.html").write_text(register_page(rows), "utf-8")
    (args.out / "registre-public.csv").write_bytes(register_csv(rows).encode())
    office.terminal.say(f"{args.out} : registre-public.html et registre-public.csv, {len(rows)} échange(s)")


def explain(args: argparse.Namespace) -> None:
    """`allervers papers explain`: why a person is a hit, for that person."""
    office = open_office(args.home)
    (identifier,) = people_of(office, None)
    with open_ledger(office.home) as ledger:
        one = ledger.collection(args.collection)
        token = ledger.keys.token(trace_use(one.name), identifier)
        usage = next((hit.usage for hit in ledger.hits(one.name) if hit.token == token), None)
    if usage is None:
        raise ServiceError(
            "E_PERSONNE_ABSENTE", "cette personne n'est pas parmi les résultats détenus ; voyez journal access"
        )
    text = explained_hit(_case(office, one.agreement), one.name.rpartition("/")[2], usage, one.collected)
    if args.out is None:
        office.terminal.say(text)
    else:
        Path(args.out).write_text(text, "utf-8")


def _case(office: Office, agreement: str) -> Case:
    stored = AgreementStore(office.home).load(agreement)
    return Case(agreement=stored.agreement, demarche=stored.demarche)
