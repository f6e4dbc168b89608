"""The tables. What must never be false is a constraint here, whatever the code above does.

Moments are whole seconds since 1970 (UTC). Statements are kept as the canonical JSON of the signed statement.
No table holds a row of anybody's file: encodings are sealed in files, and only digests of their chunks come
here. What remains after a run (agreements, runs, approvals, acknowledgements, receipts, log) names parties
and digests only; which tables are emptied, and when, is in `purge`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from service.agreement import MAX_ENCODINGS_HOURS, MAX_HITS_DAYS
from service.messages import RunState, UploadState

__all__ = [
    "acknowledgements",
    "agreement_members",
    "agreements",
    "approvals",
    "chunks",
    "confirmations",
    "deliveries",
    "jobs",
    "log_head",
    "log_leaves",
    "metadata",
    "nonces",
    "parties",
    "purges",
    "receipts",
    "runs",
    "shares",
    "uploads",
]

_HOUR, _DAY = 3600, 86_400
_MAX_ENCODINGS = MAX_ENCODINGS_HOURS * _HOUR
_MAX_HITS = MAX_HITS_DAYS * _DAY

metadata = MetaData()


def _one_of(column: str, values: type[RunState | UploadState]) -> CheckConstraint:
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


def _run() -> Column[str]:
    return Column("run", Text, ForeignKey("runs.run"), primary_key=True)


parties = Table(
    "parties",
    metadata,
    Column("party", Text, primary_key=True),
    Column("identity", LargeBinary, nullable=False),  # canonical JSON of the public identity
    Column("enrolled_at", BigInteger, nullable=False),
)

nonces = Table(
    "nonces",
    metadata,
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("forget_at", BigInteger, nullable=False, index=True),
)

agreements = Table(
    "agreements",
    metadata,
    Column("agreement", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),  # canonical JSON
    Column("proposed_at", BigInteger, nullable=False),
    Column("active_at", BigInteger),  # when the last party signed
)

agreement_members = Table(
    "agreement_members",
    metadata,
    Column("agreement", Text, ForeignKey("agreements.agreement"), primary_key=True),
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("signature", LargeBinary),
)

runs = Table(
    "runs",
    metadata,
    Column("run", Text, primary_key=True),
    Column("agreement", Text, ForeignKey("agreements.agreement"), nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("encodings_deadline", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("hits_deadline", BigInteger),
    Column("failure", Text),
    Column("passes_done", Integer, nullable=False),
    Column("passes_total", Integer, nullable=False),
    Column("worker_key", LargeBinary),  # signed statement; public
    Column("received", Integer, nullable=False),  # 1 once an upload of the run was complete
    _one_of("state", RunState),
    CheckConstraint("received IN (0, 1)", name="received_flag"),
    CheckConstraint(
        f"encodings_deadline > opened_at AND encodings_deadline - opened_at <= {_MAX_ENCODINGS}",
        name="encodings_cap",
    ),
    CheckConstraint(
        "(delivered_at IS NULL) = (hits_deadline IS NULL) AND (delivered_at IS NULL OR "
        f"(hits_deadline > delivered_at AND hits_deadline - delivered_at <= {_MAX_HITS}))",
        name="hits_cap",
    ),
    CheckConstraint("passes_done >= 0 AND passes_done <= passes_total", name="progress_bounds"),
    # One shot: what was delivered is never opened, sent or matched again; `invariants` keeps the moment.
    CheckConstraint(
        "delivered_at IS NULL OR state NOT IN ('opened', 'joining', 'sending', 'matching')", name="one_shot"
    ),
)

approvals = Table(
    "approvals",
    metadata,
    _run(),
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("statement", LargeBinary),  # the opener's own is its signed request
)

shares = Table(
    "shares",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("sender", Text, ForeignKey("parties.party"), primary_key=True),
    Column("receiver", Text, ForeignKey("parties.party"), nullable=False),
    Column("statement", LargeBinary, nullable=False),
)

confirmations = Table(
    "confirmations",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("upload", Text, primary_key=True),
    Column("run", Text, ForeignKey("runs.run"), nullable=False),
    Column("comparison", Text, nullable=False),
    Column("pass", Text, nullable=False),
    Column("party", Text, ForeignKey("parties.party"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("manifest", LargeBinary, nullable=False),  # signed statement
    UniqueConstraint("run", "comparison", "pass", "party", name="one_upload"),
    _one_of("state", UploadState),
    CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="refused_with_reason"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("upload", Text, ForeignKey("uploads.upload"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    CheckConstraint("number >= 0 AND size > 0", name="chunk_bounds"),
)

jobs = Table(
    "jobs",
    metadata,
    _run(),
    Column("owner", Text),  # token of the worker that holds the lease
    Column("lease_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("pass", Text, primary_key=True),
    Column("recipient", Text, ForeignKey("parties.party"), nullable=False),
    Column("statement", LargeBinary, nullable=False),  # sealed to the recipient, signed
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    _run(),
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)

purges = Table(  # destructions decided and not yet proved
    "purges",
    metadata,
    _run(),
    Column("kind", Text, primary_key=True),
    Column("party", Text, primary_key=True),  # whose deliveries, or the third party for encodings
    Column("cause", Text, nullable=False),
    Column("inventory", LargeBinary, nullable=False),  # canonical JSON, written before anything is destroyed
)

receipts = Table(
    "receipts",
    metadata,
    _run(),
    Column("kind", Text, primary_key=True),
    Column("party", Text, primary_key=True),
    Column("statement", LargeBinary, nullable=False),
    Column("leaf", BigInteger, ForeignKey("log_leaves.seq"), nullable=False),
)

log_head = Table(  # one row: its update serialises the writers of the log
    "log_head",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="single_row"),
)

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("agreement", Text, index=True),
    Column("run", Text, index=True),
)
