"""Risk reports as tests need them: the digest of one, and one that fits an agreement."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.demo_stage import Administration
from service.administration.conventions import AgreementStore
from service.administration.risk_report import PassRisk, Projected, RiskReport, keep
from service.agreement import Agreement

RISK = hashlib.sha256(b"the report of a test").hexdigest()


def report_for(agreement: Agreement, **changes: Any) -> RiskReport:
    """A favourable report that fits an agreement, made by hand; `changes` are members."""
    members: dict[str, Any] = {
        "demarche": agreement.demarche.digest,
        "sheet": agreement.sheet_digest,
        "encoder": agreement.encoder_digest,
        "profile": agreement.profile,
        "people": 10_000_000,
        "records": 1_000,
        "made_at": datetime.now(UTC).replace(microsecond=0),
        "limit": 50_000,
        "claim": 10_000,
        "passes": (PassRisk(name="jour", length=2048, degree=4, exposure=120_000, largest=900, tested=250),),
        "attacks": (),
        "projections": (Projected(known=10_000, measured=30_000, projected=20_000, people=300),),
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
    store = AgreementStore(home)
    for identifier in store.identifiers():
        keep(home, identifier, report_for(store.load(identifier).agreement, **changes))


def by_hand(one: Administration, agreement: str, path: Path) -> None:
    """What flow tests do in place of the attacks (`benchmarks.demo_stage.Stage`)."""
    keep_reports(one.home)
