"""Risk reports as tests need them: what one claims, and one that fits an agreement."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.administration.conventions import AgreementStore
from service.administration.keyring import Keyring
from service.administration.risk_report import PassRisk, Projected, RiskReport, keep
from service.agreement import Agreement
from service.demonstration.stage import Administration
from service.risk_terms import CLAIMS, LIMIT, RiskClaim

RISK = RiskClaim(
    digest=hashlib.sha256(b"the report of a test").hexdigest(),
    limit=50_000,
    claim=100_000,
    people=10_000_000,
    made_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
    verdict="favorable",
)


def report_for(agreement: Agreement, party: str = "", **changes: Any) -> RiskReport:
    """A favourable report that fits an agreement, for one of its parties, made by hand; `changes` are members."""
    mine = next(one for one in agreement.parties if party in ("", one.party))
    claim = CLAIMS[agreement.profile]
    members: dict[str, Any] = {
        "party": mine.party,
        "operand": mine.operand,
        "demarche": agreement.demarche.digest,
        "sheet": agreement.sheet_digest,
        "encoder": agreement.encoder_digest,
        "profile": agreement.profile,
        "people": 10_000_000,
        "records": 1_000,
        "made_at": datetime.now(UTC).replace(microsecond=0),
        "limit": LIMIT,
        "claim": claim,
        "passes": (PassRisk(name="jour", length=2048, degree=4, exposure=120_000, largest=900, tested=250),),
        "attacks": (),
        "projections": (Projected(known=claim, measured=30_000, projected=20_000, people=300),),
        "values": (),
        "groups": (),
        "not_run": (),
        "reasons": (),
        "verdict": "favorable",
        "milliseconds": 1_000,
    }
    return RiskReport(**{**members, **changes})


def keep_reports(home: Path, **changes: Any) -> None:
    """A report for each agreement of a home folder."""
    store, party = AgreementStore(home), Keyring(home).identity().party
    for identifier in store.identifiers():
        keep(home, identifier, report_for(store.load(identifier).agreement, party, **changes))


def by_hand(one: Administration, agreement: str, path: Path) -> None:
    """What flow tests do in place of the attacks (`service.demonstration.stage.Stage`)."""
    keep_reports(one.home)
