"""`allervers risk`: the attacks on one's own file before it is sent, as text, page and JSON.

Nothing here touches the network. The file is read as it is for an encoding (columns, connector, local selection of the démarche)
and encoded on this machine under keys that live as long as the attacks. Exit code: 0 for a favourable verdict and 3 for an
unfavourable one. With ``--agreement`` the report is kept for the runs of that agreement.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crypto.key_files import write_secret
from linkage.attacks.outcome import wilson
from linkage.connectors import with_file_columns
from linkage.costing import cost_plan
from linkage.holder import encoder_digest
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.records import BadRows, Records, read_records
from linkage.risk import LIMIT, Findings, PassFindings, Trial
from linkage.risk_groups import groups_of
from linkage.risk_trials import Declared, Tools, attacked
from linkage.sheet import Sheet, load_sheet
from service.administration.app import Office, open_office
from service.administration.conventions import AgreementStore
from service.administration.preview_commands import operand_of
from service.administration.risk_page import page
from service.administration.risk_report import (
    Attacked,
    Group,
    PassRisk,
    Projected,
    RiskReport,
    ValueRisk,
    keep,
    kept_at,
)
from service.administration.risk_words import sentences
from service.administration.selecting import PeopleFile, read_people
from service.administration.terminal import Terminal
from service.agreement import Agreement
from service.counts import LEAST
from service.demarche import load_demarche
from service.errors import ServiceError
from service.risk_terms import MILLION
from service.rule_sheet import Demarche

__all__ = ["UNFAVOURABLE", "risk"]

UNFAVOURABLE = 3
_NOT_RUN = (
    "le spectre des bits (A3), l'algèbre (A11) et les rapprochements entre passes ou entre croisements (A9) : banc d'essai",
    "la clé divulguée (A8) : qui tient la clé lit tout ; le sondage par de fausses personnes (A10) : les gardes du tiers",
    "un fichier de l'attaquant qui ne recouvre pas tout le vôtre, ou fautif : moins que ce qui est essayé ici",
)


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What is attacked, under what."""

    sheet: Sheet
    side: str
    profile: str
    sizes: tuple[int, int] | None  # recipient, source; None: as many as the file has
    people: int | None  # of this file, as it is declared
    demarche: Demarche | None
    agreement: str | None
    party: str | None = None
    operand: str | None = None


def risk(args: argparse.Namespace) -> int:
    """`allervers risk`: attack a file, say what came of it; 3 when the verdict is unfavourable."""
    office = open_office(args.home)
    subject = _subject(office, args)
    sheet, records = subject.sheet, _people(office, subject, args)
    people = _declared_people(office, subject, len(records), args.people or 0)
    sizes = subject.sizes or (people, people)
    plan = plan_passes(sheet, subject.profile, sizes)
    start = _seconds(office)
    with office.terminal.progress("attaques") as told:
        tools = Tools(
            seconds=60 * args.minutes, clock=lambda: _seconds(office), rng=np.random.default_rng(), progress=told
        )
        found = attacked(records, sheet, plan, _declared(sheet, plan, sizes, people, args.known), tools)
    report = _report(office, subject, records, found, _seconds(office) - start)
    _written(office, report, subject, args)
    return 0 if report.favourable else UNFAVOURABLE


def _people(office: Office, subject: _Subject, args: argparse.Namespace) -> Records:
    """Whom the encoding of a run would take from the file."""
    bad_rows: BadRows | None = "skip" if args.skip_bad_rows else None
    if subject.demarche is None:
        sheet = with_file_columns(subject.sheet, subject.side, args.connector, args.columns)
        return read_records(args.file, sheet, subject.side, bad_rows=bad_rows)
    file = PeopleFile(
        path=args.file,
        connector=args.connector,
        columns=args.columns,
        parameters=args.parameters,
        bad_rows=bad_rows,
    )
    records, tally = read_people(subject.demarche, subject.side, file, office.clock().date())
    for sentence in tally.sentences() if tally else ():
        office.terminal.say(sentence)
    return records


def _declared_people(office: Office, subject: _Subject, records: int, asked: int) -> int:
    """The people that the report speaks for: never fewer than the agreement declares, nor than the file has."""
    least = max(subject.people or 0, records)
    if 0 < asked < least:
        whose = "la convention en déclare" if least == subject.people else "le fichier en compte"
        office.terminal.note(f"--people {asked} est écarté : {whose} {least}, et le rapport vaut pour tous")
    return max(asked, least)


def _report(office: Office, subject: _Subject, records: Records, found: Findings, seconds: float) -> RiskReport:
    return RiskReport(
        party=subject.party,
        operand=subject.operand,
        demarche=subject.demarche.digest if subject.demarche else None,
        sheet=subject.sheet.digest,
        encoder=encoder_digest(),
        profile=subject.profile,
        people=found.people,
        records=len(records),
        made_at=office.clock().replace(microsecond=0),
        limit=_parts(LIMIT),
        claim=_parts(found.claim),
        passes=tuple(map(_pass, found.passes)),
        attacks=tuple(map(_attack, found.trials)),
        projections=tuple(_projected(found, known) for known in found.known),
        values=_values(found),
        groups=_groups(found, groups_of(records, subject.sheet)),
        not_run=_NOT_RUN,
        reasons=found.reasons(),
        verdict="favorable" if found.favourable else "defavorable",
        milliseconds=round(1000 * seconds),
    )


def _subject(office: Office, args: argparse.Namespace) -> _Subject:
    if args.agreement is not None:
        stored = AgreementStore(office.home).load(args.agreement)
        if args.profile not in (None, stored.agreement.profile):
            sentence = f"la convention fixe le profil « {stored.agreement.profile} » : retirez --profile"
            raise ServiceError("E_PROFIL", sentence)
        return _of_agreement(stored.agreement, office.keyring.identity().party, stored.demarche)
    demarche, sheet, side = None, None, args.side or "left"
    if args.demarche is not None:
        demarche = load_demarche(args.demarche)
        sheet, side = demarche.sheet(), operand_of(demarche, args.side)
    return _Subject(
        sheet=sheet or load_sheet(args.sheet),
        side=side,
        profile=args.profile or "standard",
        sizes=None,
        people=None,
        demarche=demarche,
        agreement=None,
        party=office.keyring.identity().party if demarche and office.keyring.has_identity else None,
        operand=side if demarche else None,
    )


def _of_agreement(agreement: Agreement, party: str, demarche: Demarche) -> _Subject:
    """This party's file under an agreement, in the comparison where its blocks are the largest."""
    own = [one for one in agreement.comparisons if party in one.parties and not one.of_objections]
    if not own:
        sentence = "votre administration ne figure dans aucune comparaison de cette convention : rien à essayer"
        raise ServiceError("E_CONVENTION_ETRANGERE", sentence)
    one = min(own, key=lambda one: (max(one.sizes.recipient, one.sizes.source), one.id))
    side = next(each.operand for each in agreement.parties if each.party == party)
    return _Subject(
        sheet=demarche.sheet(),
        side=side,
        profile=agreement.profile,
        sizes=(one.sizes.recipient, one.sizes.source),
        people=agreement.declared(party),
        demarche=demarche,
        agreement=agreement.identifier,
        party=party,
        operand=side,
    )


def _declared(sheet: Sheet, plan: Plan, sizes: tuple[int, int], people: int, known: Sequence[float] | None) -> Declared:
    """Expected blocks are of the larger file; this one's are in proportion."""
    largest = {
        one.plan.name: one.sizing.largest * people // max(sizes) if one.plan.cap else people
        for one in cost_plan(sheet, plan, sizes).passes
    }
    return Declared(people=people, largest=largest, known=tuple(known or ()))


def _written(office: Office, report: RiskReport, subject: _Subject, args: argparse.Namespace) -> None:
    for line in sentences(report):
        office.terminal.say(line)
    if args.html:
        _write(office.terminal, args.html, page(report, file=args.file.name).encode())
    if args.json:
        _write(office.terminal, args.json, report.to_bytes())
    if subject.agreement:
        keep(office.home, subject.agreement, report)
        office.terminal.note(f"rapport gardé pour les croisements : {kept_at(office.home, subject.agreement)}")


def _write(terminal: Terminal, path: Path, data: bytes) -> None:
    write_secret(path, data)
    terminal.note(f"{path} écrit")


def _seconds(office: Office) -> float:
    return office.clock().timestamp()


def _parts(share: float) -> int:
    """A share in parts per million, rounded up: a bound stays one."""
    return min(MILLION, max(0, int(np.ceil(share * MILLION - 1e-6))))


def _pass(one: PassFindings) -> PassRisk:
    return PassRisk(
        name=one.plan.name,
        length=one.plan.length,
        degree=one.plan.degree,
        exposure=round(one.kappa * MILLION),
        largest=one.largest,
        tested=one.tested,
    )


def _attack(one: Trial) -> Attacked:
    outcome = one.outcome
    low, high = outcome.interval
    return Attacked(
        attack=one.attack,
        pass_=one.pass_name,
        known=_parts(one.known),
        blocks=len(one.outcomes),
        tried=outcome.tried,
        right=outcome.right,
        low=_parts(low),
        high=_parts(high),
        chance=_parts(outcome.chance),
        sure=_parts(outcome.sure),
        milliseconds=round(1000 * one.seconds),
    )


def _projected(found: Findings, known: float) -> Projected:
    return Projected(
        known=_parts(known),
        measured=_parts(found.measured(known)),
        projected=_parts(found.projected(known)),
        people=found.at_risk(known),
    )


def _worst(found: Findings) -> list[Trial]:
    """The trials of the worst attack at the claim."""
    worst = found.worst(found.claim)
    shares = [one.known for one in found.trials if one.attack == worst and one.known <= found.claim]
    return [one for one in found.trials if one.attack == worst and one.known == max(shares, default=0.0)]


def _values(found: Findings) -> tuple[ValueRisk, ...]:
    names = sorted({name for one in _worst(found) for name in one.values})
    made = []
    for name in names:
        parts = [one.values[name] for one in _worst(found) if name in one.values]
        tried, right = sum(one.tried for one in parts), sum(one.right for one in parts)
        chance = sum(one.by_chance for one in parts) / max(1, tried)
        made.append(ValueRisk(name=name, tried=tried, right=right, chance=_parts(chance)))
    return tuple(made)


def _groups(found: Findings, groups: Mapping[str, NDArray[np.int64]]) -> tuple[Group, ...]:
    """Groups of which enough people were tried."""
    made = []
    for name, members in groups.items():
        outcomes = [one.outcome.of(members) for one in _worst(found)]
        tried, right = sum(one.tried for one in outcomes), sum(one.right for one in outcomes)
        if tried >= LEAST:
            made.append(Group(name=name, tried=tried, right=right, high=_parts(wilson(right, tried)[1])))
    return tuple(made)
