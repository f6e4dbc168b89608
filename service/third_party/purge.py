"""Destruction, in steps that can all be done again, and its proof.

1. *Decided* (`decide`), in the transaction of the change that causes it: an inventory of what is to be destroyed is written
   while the rows that tell it still exist.
2. *Done* (`carry_out`): the key first, with the epoch of the keystore, which alone makes everything under it unreadable,
   copies and backups included; then the files; then the rows, at most `MOST_ROWS` in a transaction, so that nobody waits long for
   the lock; then, in one transaction, a check that nothing is left, the signed receipt and its leaf.

A crash anywhere leaves the decision in the database, and the worker carries it out again: the normal path and the recovery are
the same function. A receipt is signed only after the check has found nothing.

`PURGED` is the list of all that holds personal or derived data, by kind; a test compares it with the tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, insert, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError, KeyAbsent
from crypto.framing import Json, canonical_json, parse_canonical_json
from service.answers import ReceiptProof, ReceiptView
from service.errors import ServiceError
from service.messages import Destroyed, Receipt, UploadState, WorkerKey, key_commitment, statement_digest
from service.third_party import job_state, sealed_deliveries
from service.third_party.parcels import deliveries_of, load_delivery, uploads_of
from service.third_party.relay_store import addressees, relays_to
from service.third_party.run_store import Run, load_run
from service.third_party.schema import (
    chunks,
    confirmations,
    deliveries,
    findings,
    jobs,
    pieces,
    purges,
    receipts,
    relays,
    shares,
    uploads,
)
from service.third_party.site import Site
from service.third_party.store import LARGEST_STATEMENT, stored, unstored

__all__ = [
    "MOST_ROWS",
    "PURGED",
    "Cause",
    "Decision",
    "Kind",
    "carry_out",
    "decide",
    "decide_all",
    "pending",
    "receipts_of",
    "resume",
]

Kind = Literal["encodings", "deliveries"]
Cause = Literal["rapprochement_termine", "annulation", "expiration", "echec", "accuse_reception"]

MOST_ROWS = 5000
"""Rows deleted in one transaction: some tens of milliseconds of the lock that all writers share."""

# Children before parents.
PURGED: Mapping[Kind, tuple[Table, ...]] = {
    "encodings": (chunks, uploads, shares, confirmations, jobs, pieces, findings),
    "deliveries": (deliveries, relays),
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A destruction that is decided: `party` is whose deliveries, or the third party for encodings."""

    run: str
    kind: Kind
    party: str


def decide(site: Site, connection: Connection, run: Run, kind: Kind, party: str, cause: Cause) -> None:
    """Write down what is to be destroyed, in the transaction that causes it; once."""
    where = (purges.c.run == run.run, purges.c.kind == kind, purges.c.party == party)
    done = (receipts.c.run == run.run, receipts.c.kind == kind, receipts.c.party == party)
    if connection.scalar(select(exists().where(*where))) or connection.scalar(select(exists().where(*done))):
        return
    commitment = _commitment(site, run)
    if kind == "deliveries":
        items = [*_deliveries(site, connection, run.run, party), *_relays(connection, run.run, party)]
    else:
        items = [*_run_key(site, commitment), *_uploads(connection, run.run)]
    inventory = canonical_json({"destroyed": [item.to_json() for item in items], "commitment": commitment})
    row = {"run": run.run, "kind": kind, "party": party, "cause": cause, "inventory": inventory}
    connection.execute(insert(purges).values(row))


def decide_all(site: Site, connection: Connection, run: Run, cause: Cause) -> None:
    """Decide the destruction of all that a run still holds."""
    waiting = {recipient for _, _, recipient in deliveries_of(connection, run.run)}
    for party in sorted(waiting | addressees(connection, run.run)):
        decide(site, connection, run, "deliveries", party, cause)
    decide(site, connection, run, "encodings", site.party, cause)


def pending(connection: Connection) -> list[Decision]:
    """Destructions that are decided and not proved yet."""
    query = select(purges.c.run, purges.c.kind, purges.c.party).order_by(purges.c.run, purges.c.kind)
    return [Decision(run=run, kind=cast("Kind", kind), party=party) for run, kind, party in connection.execute(query)]


def resume(site: Site, complain: Callable[[Exception], None]) -> bool:
    """Carry out every destruction that is decided.

    Args:
        site: whose.
        complain: told of each one that could not be finished; it stays decided, and the others are not held
        up.

    Returns:
        Whether any was finished.
    """
    with site.database.read() as connection:
        decisions = pending(connection)
    finished = False
    for decision in decisions:
        try:
            carry_out(site, decision)
            finished = True
        except (OSError, ServiceError, CryptoError, SQLAlchemyError) as error:
            complain(error)
    return finished


def carry_out(site: Site, decision: Decision) -> None:
    """Destroy, check, sign the receipt. Does nothing when it was all done before.

    Raises:
        ServiceError: `E_DESTRUCTION_INCOMPLETE`, something is still there; it stays decided.
        CryptoError: the keystore cannot be read; it stays decided.
        OSError: the disk refused; it stays decided.
    """
    run = decision.run
    if decision.kind == "encodings":
        site.vault.destroy_run_key(run)
        # A crash here leaves files that nothing can open.
        site.blobs.drop_run(run)
    else:
        site.vault.destroy_parcel_key(run, decision.party)
    # A crash here leaves rows about files that are gone; the run's state already refuses every use of them.
    for table in PURGED[decision.kind]:
        while _delete_some(site, table, decision) == MOST_ROWS:
            pass
    if decision.kind == "encodings":
        job_state.forget(site, run)  # after the row of the job, from which an engine would begin again
    with site.database.write() as connection:
        where = (purges.c.run == run, purges.c.kind == decision.kind, purges.c.party == decision.party)
        row = connection.execute(select(purges).where(*where)).mappings().one_or_none()
        if row is None:
            return
        _prove(site, connection, decision)
        _sign_receipt(site, connection, decision, str(row["cause"]), row["inventory"])
        connection.execute(delete(purges).where(*where))


def _delete_some(site: Site, table: Table, decision: Decision) -> int:
    """Delete rows that a destruction concerns, in one transaction; returns how many."""
    key = tuple(table.primary_key.columns)
    some = select(*key).where(_about(table, decision)).limit(MOST_ROWS)
    with site.database.write() as connection:
        return connection.execute(delete(table).where(tuple_(*key).in_(some))).rowcount


def receipts_of(site: Site, connection: Connection, run: str) -> list[ReceiptView]:
    """The receipts of a run, each with its place in the log, oldest first."""
    query = select(receipts.c.statement, receipts.c.leaf).where(receipts.c.run == run)
    rows = connection.execute(query.order_by(receipts.c.leaf)).all()
    log = site.log.entries(connection, [leaf for _, leaf in rows])
    return [
        ReceiptView(
            receipt=unstored(statement),
            log=ReceiptProof(
                index=entry.index, leaf=entry.leaf, size=log.size, proof=entry.proof, checkpoint=log.checkpoint
            ),
        )
        for (statement, _), entry in zip(rows, log.entries, strict=True)
    ]


def _about(table: Table, decision: Decision) -> ColumnElement[bool]:
    """The rows of a table that a destruction concerns."""
    if table is chunks:
        mine = select(uploads.c.upload).where(uploads.c.run == decision.run)
        return chunks.c.upload.in_(mine)
    where = table.c.run == decision.run
    return where & (table.c.recipient == decision.party) if table in PURGED["deliveries"] else where


def _run_key(site: Site, commitment: str | None) -> list[Destroyed]:
    if commitment is None:
        return []
    return [Destroyed(kind="run_key", party=site.party, comparison=None, pass_=None, pieces=1, digest=commitment)]


def _uploads(connection: Connection, run: str) -> list[Destroyed]:
    return [
        Destroyed(
            kind="upload",
            party=upload.party,
            comparison=upload.comparison,
            pass_=upload.pass_,
            pieces=_count(connection, chunks, chunks.c.upload == upload.upload),
            digest=statement_digest(unstored(upload.manifest)),
        )
        for upload in uploads_of(connection, run)
        if upload.state != UploadState.REFUSED  # a refused one was destroyed when it was refused
    ]


def _deliveries(site: Site, connection: Connection, run: str, receiver: str) -> list[Destroyed]:
    return [
        Destroyed(
            kind="delivery",
            party=party,
            comparison=comparison,
            pass_=pass_name,
            pieces=1,
            digest=_digest(site, connection, run, (comparison, pass_name, party)),
        )
        for comparison, pass_name, party in deliveries_of(connection, run, receiver)
    ]


def _digest(site: Site, connection: Connection, run: str, names: tuple[str, str, str]) -> str:
    try:
        return statement_digest(unstored(sealed_deliveries.statement(site, connection, run, names)))
    except KeyAbsent:  # a copy of the database brought the row back: nobody can say any more what was in it
        return hashlib.sha256(load_delivery(connection, run, names[0], names[1]) or b"").hexdigest()


def _relays(connection: Connection, run: str, recipient: str) -> list[Destroyed]:
    # One thing each, of however many pieces: every party reads receipts, and pieces would tell how many hits there are.
    return [
        Destroyed(kind="relay", party=recipient, comparison=None, pass_=None, pieces=1, digest=digest)
        for _, _, digest in relays_to(connection, run, recipient)
    ]


def _commitment(site: Site, run: Run) -> str | None:
    """What names the run's key ever after; null when none was published, and then nothing was sealed to it."""
    if run.worker_key is None:
        return None
    return key_commitment(WorkerKey.opened(site.public.signing_key, unstored(run.worker_key)).sealing_key)


def _count(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(where)) or 0


def _prove(site: Site, connection: Connection, decision: Decision) -> None:
    left = [table.name for table in PURGED[decision.kind] if _count(connection, table, _about(table, decision))]
    if decision.kind == "encodings":
        if site.vault.holds_run_key(decision.run):
            left.append("keystore")
        if site.blobs.holds(decision.run):
            left.append("blobs")
    elif site.vault.holds_parcel_key(decision.run, decision.party):
        left.append("keystore")
    if left:
        raise ServiceError("E_DESTRUCTION_INCOMPLETE", f"il reste quelque chose dans : {', '.join(left)}.", 500)


def _sign_receipt(site: Site, connection: Connection, decision: Decision, cause: str, inventory: bytes) -> None:
    held = cast("dict[str, list[Json]]", parse_canonical_json(inventory, LARGEST_STATEMENT))
    agreement = load_run(connection, decision.run).agreement
    receipt = Receipt(
        agreement=agreement,
        run=decision.run,
        kind=decision.kind,
        cause=cause,
        destroyed=tuple(Destroyed.from_json(item) for item in held["destroyed"]),
        key_commitment=cast("str | None", held["commitment"]),
        destroyed_at=site.clock(),
    )
    signed = receipt.signed(site.identity.signing_key)
    digest = statement_digest(signed)
    leaf = site.record(connection, site.party, "receipt", agreement=agreement, run=decision.run, digest=digest)
    row = {"run": decision.run, "kind": decision.kind, "party": decision.party}
    connection.execute(insert(receipts).values(**row, statement=stored(signed), leaf=leaf))
