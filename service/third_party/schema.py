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
    "findings",
    "histories",
    "holds",
    "jobs",
    "log_head",
    "log_leaves",
    "marks",
    "metadata",
    "nonces",
    "openings",
    "parties",
    "party_keys",
    "pieces",
    "purges",
    "receipts",
    "relays",
    "releases",
    "runs",
    "shares",
    "uploads",
    "witnesses",
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

party_keys = Table(  # two active keys a party at most: the places 0 and 1; null once the key has ended
    "party_keys",
    metadata,
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("key", Text, primary_key=True),  # SHA-256 of the public key
    Column("public", LargeBinary, nullable=False),
    Column("slot", Integer),
    Column("number", Integer, nullable=False),  # its place in the line of the party's keys
    Column("added_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("statement", LargeBinary),  # the signed succession; null for the key of the identity
    UniqueConstraint("key", name="key_once"),
    UniqueConstraint("party", "number", name="one_line_of_keys"),
    UniqueConstraint("party", "slot", name="two_active_keys"),
    CheckConstraint("slot IS NULL OR slot IN (0, 1)", name="key_places"),
    CheckConstraint("(slot IS NULL) = (ended_at IS NOT NULL)", name="key_ended"),
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

openings = Table(  # requests to open a run, by the key that makes them one: sent again, they are answered, not repeated
    "openings",
    metadata,
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # of the body
    Column("run", Text, ForeignKey("runs.run"), nullable=False),
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
    Column("job", Text, nullable=False),  # one round of matching; drawn afresh when it failed
    Column("owner", Text),  # token of the worker that holds the lease
    Column("lease_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),  # failures since it last got on
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),  # parts of the work; 0 until somebody has looked
    Column("paused", Integer, nullable=False),  # 1 while an operator holds it back
    CheckConstraint("done >= 0 AND total >= 0 AND attempts >= 0 AND paused IN (0, 1)", name="job_bounds"),
)

pieces = Table(  # what the matching has found so far: each sealed under the key of its run
    "pieces",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("pass", Text, primary_key=True),
    Column("part", Text, primary_key=True),  # the party whose upload was judged, or the links
    Column("number", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("number >= 0", name="piece_bounds"),
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

relays = Table(  # pieces that a recipient and its joiner seal to each other
    "relays",
    metadata,
    _run(),
    Column("kind", Text, primary_key=True),
    Column("sender", Text, ForeignKey("parties.party"), primary_key=True),
    Column("recipient", Text, ForeignKey("parties.party"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("pieces", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # of the signed piece: what receipts name it by, without opening it again
    Column("statement", LargeBinary, nullable=False),  # sealed to the recipient, signed by the sender
    CheckConstraint("number >= 0 AND number < pieces", name="relay_bounds"),
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
    Column("leaf", LargeBinary),  # null once its retention is over: the hash stays, salted, and proofs with it
    Column("hash", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("agreement", Text, index=True),
    Column("run", Text, index=True),
)

marks = Table(  # moments that must outlive a restart: the highest the clock has shown, the last signature of the log
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

witnesses = Table(  # the latest checkpoint that each party says it has seen, signed by the log and by the party
    "witnesses",
    metadata,
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

findings = Table(  # what guards count, a pass each
    "findings",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("pass", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # to the run's own worker
)

holds = Table(  # why results are held, a comparison each
    "holds",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    _run(),
    Column("party", Text, ForeignKey("parties.party"), primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)

histories = Table(  # steps of coarse scales, never a count: what the next runs of the agreement are compared with
    "histories",
    metadata,
    _run(),
    Column("comparison", Text, primary_key=True),
    Column("recipient_step", Integer, nullable=False),
    Column("source_step", Integer, nullable=False),
    Column("rate_step", Integer, nullable=False),
    Column("forget_at", BigInteger, nullable=False, index=True),  # when the agreement ends
)
