"""Risk reports as they are kept and judged: what the attacks found before anything was sent, in closed canonical JSON.

A report is about one file under one sheet, profile, encoder and, where it is to serve a run, démarche, up to a declared size.
The file is that of one party for one operand: another party's report says nothing of it. What the report claims stands in the
signed manifest of every upload (`service.risk_terms`); the third party refuses an upload without it, and never sees the
report. Whoever encodes needs a report that *fits* the agreement and is not older than a year; an unfavourable one serves only
when the agent says that it was accepted. A verdict of fewer known pairs, or of a larger share, than the profile promises serves
nothing. ``HOME/risk/T.json`` is the last report made for the agreement T.

Numbers are integers: shares in parts per million, κ in millionths.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar

from crypto.errors import CryptoError
from crypto.framing import parse_canonical_json
from crypto.key_files import write_secret
from service.agreement import Agreement
from service.errors import ServiceError
from service.forms import (
    DIGEST,
    PARTY,
    TEXT,
    Count,
    Digest,
    Message,
    Moment,
    Text,
    choice,
    listed,
    nested,
    optional,
)
from service.messages import MAX_JSON_BYTES
from service.risk_terms import RiskClaim, Share

__all__ = [
    "Attacked",
    "Group",
    "PassRisk",
    "Projected",
    "RiskReport",
    "ValueRisk",
    "fitting",
    "keep",
    "kept_at",
    "load_report",
]


@dataclass(frozen=True, kw_only=True)
class PassRisk(Message):
    """One pass of the plan."""

    name: Text
    length: Count
    degree: Count
    exposure: Count  # κ measured on the sampled blocks, the highest
    largest: Count  # people expected in its largest block at the declared size
    tested: Count  # people of the largest block that was attacked


@dataclass(frozen=True, kw_only=True)
class Attacked(Message):
    """What one attack did on the sampled blocks of one pass, or of all of them."""

    attack: Text
    pass_: Text
    known: Share  # of the people, that the attacker knows beforehand
    blocks: Count
    tried: Count
    right: Count
    low: Share
    high: Share
    chance: Share
    sure: Share  # found by the guesses that are right nine times in ten
    milliseconds: Count


@dataclass(frozen=True, kw_only=True)
class Projected(Message):
    """What κ√s says at the declared size, for one number of known pairs."""

    known: Share
    measured: Share  # upper bound of the attacks, all passes together
    projected: Share  # all passes together
    people: Count  # at risk, of the declared ones, by the worse of both


@dataclass(frozen=True, kw_only=True)
class Group(Message):
    """People of one kind, under the worst attack."""

    name: Text
    tried: Count
    right: Count
    high: Share


@dataclass(frozen=True, kw_only=True)
class ValueRisk(Message):
    """How often the guesses of the worst attack have somebody's value of one attribute."""

    name: Text
    tried: Count
    right: Count
    chance: Share


@dataclass(frozen=True, kw_only=True)
class RiskReport(Message):
    """What the attacks found."""

    FORMAT: ClassVar[str] = "allervers/risk-report/v1"

    party: Annotated[str | None, optional(PARTY)]  # whose file it is; none: nobody's that could be sent
    operand: Annotated[str | None, optional(TEXT)]  # that the file stands for
    demarche: Annotated[str | None, optional(DIGEST)]  # for which it may serve
    sheet: Digest
    encoder: Digest
    profile: Text
    people: Count  # declared
    records: Count  # of the file
    made_at: Moment
    limit: Share  # of the people, that the verdict tolerates
    claim: Share  # known pairs under which the limit must hold
    passes: Annotated[tuple[PassRisk, ...], listed(nested(PassRisk), 100)]
    attacks: Annotated[tuple[Attacked, ...], listed(nested(Attacked), 10_000)]
    projections: Annotated[tuple[Projected, ...], listed(nested(Projected), 100)]
    values: Annotated[tuple[ValueRisk, ...], listed(nested(ValueRisk), 100)]
    groups: Annotated[tuple[Group, ...], listed(nested(Group), 100)]
    not_run: Annotated[tuple[str, ...], listed(TEXT, 100)]
    reasons: Annotated[tuple[str, ...], listed(TEXT, 100)]
    verdict: Annotated[str, choice("favorable", "defavorable")]
    milliseconds: Count

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, as manifests carry it."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def favourable(self) -> bool:
        """Whether the verdict allows to send."""
        return self.verdict == "favorable"

    @property
    def contradicts_itself(self) -> bool:
        """Whether its verdict is better than its own figures, which no tool writes."""
        judged = [one for one in self.projections if one.known == self.claim]
        exceeds = any(max(one.measured, one.projected) > self.limit for one in judged)
        return self.favourable and bool(self.reasons or exceeds or not judged)


def kept_at(home: Path, agreement: str) -> Path:
    """Where the last report made for an agreement is."""
    return home / "risk" / f"{agreement}.json"


def keep(home: Path, agreement: str, report: RiskReport) -> None:
    """Keep a report for the runs of an agreement."""
    path = kept_at(home, agreement)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(path, report.to_bytes())


def load_report(path: Path) -> RiskReport:
    """Read a report.

    Raises:
        ServiceError: `E_RAPPORT_RISQUE_ABSENT`, `E_RAPPORT_RISQUE_ABIME`.
    """
    try:
        report = RiskReport.from_json(parse_canonical_json(path.read_bytes(), MAX_JSON_BYTES))
    except FileNotFoundError:
        sentence = "aucun rapport de risque : lancez d'abord allervers risk FICHIER --agreement CONVENTION"
        raise ServiceError("E_RAPPORT_RISQUE_ABSENT", sentence) from None
    except (CryptoError, ServiceError):
        raise _damaged(path) from None
    if report.contradicts_itself:
        raise _damaged(path)
    return report


def fitting(report: RiskReport, agreement: Agreement, party: str, now: datetime, *, accepted: bool) -> RiskClaim:
    """What the manifests of a party say of the report under which it encodes.

    Args:
        report: of its file.
        agreement: under which it encodes.
        party: who encodes.
        now: the time.
        accepted: whether its head has accepted an unfavourable report.

    Raises:
        ServiceError: `E_RAPPORT_RISQUE_DIFFERENT`, `E_RAPPORT_RISQUE_ANCIEN`, `E_RAPPORT_RISQUE_DEFAVORABLE`.
    """
    claim = RiskClaim(
        digest=report.digest,
        limit=report.limit,
        claim=report.claim,
        people=report.people,
        made_at=report.made_at,
        verdict="favorable" if report.favourable else "accepte",
    )
    different = [*_different(report, agreement, party), *claim.lacks(agreement.profile, agreement.declared(party))]
    if different:
        sentence = (
            f"le rapport de risque ne vaut pas pour cette convention ({', '.join(different)}) : refaites-le avec "
            "allervers risk FICHIER --agreement CONVENTION"
        )
        raise ServiceError("E_RAPPORT_RISQUE_DIFFERENT", sentence)
    if not claim.is_current(now):
        sentence = f"le rapport de risque est du {report.made_at:%d/%m/%Y} : refaites-le, il vaut un an"
        raise ServiceError("E_RAPPORT_RISQUE_ANCIEN", sentence)
    if not report.favourable and not accepted:
        sentence = (
            "le rapport de risque est défavorable : prenez un profil plus fort ou un fichier moins exposé ; si le "
            "responsable de traitement l'a accepté par écrit, ajoutez --risk-accepted"
        )
        raise ServiceError("E_RAPPORT_RISQUE_DEFAVORABLE", sentence)
    return claim


def _different(report: RiskReport, agreement: Agreement, party: str) -> list[str]:
    """What the report is about and the agreement is not."""
    operand = next((one.operand for one in agreement.parties if one.party == party), "")
    return [
        name
        for name, ours, theirs in (
            ("la partie", report.party, party),
            ("le fichier", report.operand, operand),
            ("la démarche", report.demarche, agreement.demarche.digest),
            ("la feuille", report.sheet, agreement.sheet_digest),
            ("l'encodeur", report.encoder, agreement.encoder_digest),
            ("le profil", report.profile, agreement.profile),
        )
        if ours != theirs
    ]


def _damaged(path: Path) -> ServiceError:
    sentence = f"{path} n'est pas un rapport de risque intact : refaites-le (allervers risk)"
    return ServiceError("E_RAPPORT_RISQUE_ABIME", sentence)
