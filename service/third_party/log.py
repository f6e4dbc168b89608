"""The audit log: who did what, when and for which purpose, in an RFC 9162 tree that parties verify for themselves.

A leaf is the canonical JSON of a `LogLeaf`. It is appended in the transaction of the change it records, so neither exists
without the other. It names parties, identifiers, digests and the purpose of the agreement: no count, no personal data. It
carries 32 random bytes, so that nothing can be guessed from its hash: after `TRACES_MONTHS` its body is erased
(`erase_bodies`) and every proof goes on holding. Only the leaves of receipts stay, for a receipt proves something as long
as it can be shown.

A checkpoint is signed when it is asked for. Ed25519 signs the same text in the same way, so a size has one checkpoint for
ever, and two parties that compare theirs compare bytes. Each one signed by `sign` is also kept in a file outside the
database: a log that is shorter than that one, or another, comes from a restored copy, and nothing of it is signed
(`E_JOURNAL_RECULE`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, open_checkpoint, sign_checkpoint
from crypto.key_files import write_secret
from crypto.signatures import SigningKey
from service.agreement import TRACES_MONTHS
from service.answers import LogEntry, LogLeaf, LogView
from service.errors import ServiceError
from service.messages import log_origin
from service.third_party.clocks import months_after
from service.third_party.schema import agreements, log_head, log_leaves, receipts
from service.third_party.store import agreement_of, from_seconds, to_seconds

__all__ = ["SALT_BYTES", "AuditLog", "Fact", "erase_bodies"]

SALT_BYTES = 32
_FEWEST_DAYS = timedelta(days=28 * TRACES_MONTHS)  # no retention of so many months is over sooner


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What a leaf records, but its number, its salt and its purpose."""

    at: datetime
    actor: str  # a party, or the third party
    action: str
    agreement: str | None = None
    run: str | None = None
    digest: str | None = None


class AuditLog:
    """The log of one third party.

    Args:
        key: signs checkpoints.
        third_party: names the log.
        memory: file of the last checkpoint signed by `sign`, outside the database; none is kept without it.
    """

    def __init__(self, key: SigningKey, third_party: str, memory: Path | None = None) -> None:
        self._key = key
        self._name = log_origin(third_party)
        self._memory = memory
        self._tree = MerkleTree()  # of committed leaves; grows, never changes
        self._known = 0  # leaves of the remembered checkpoint that was compared with the tree
        self._lock = threading.Lock()

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key that verifies checkpoints."""
        return self._key.verify_bytes()

    @property
    def name(self) -> str:
        """Origin of the log and name of its key."""
        return self._name

    def append(self, connection: Connection, fact: Fact) -> int:
        """Add a leaf in the caller's write transaction.

        Returns:
            Its index.
        """
        seq = connection.scalar(select(log_head.c.size)) or 0
        connection.execute(update(log_head).where(log_head.c.size == seq).values(size=seq + 1))
        purpose = _purpose(connection, fact.agreement)
        leaf = LogLeaf(seq=seq, salt=secrets.token_hex(SALT_BYTES), purpose=purpose, **vars(fact)).to_bytes()
        row = {"seq": seq, "leaf": leaf, "hash": leaf_hash(leaf), "agreement": fact.agreement, "run": fact.run}
        connection.execute(insert(log_leaves).values(**row, at=to_seconds(fact.at)))
        return seq

    def checkpoint(self, connection: Connection) -> tuple[str, int]:
        """The signed note of the log as the caller's read transaction sees it, and its size.

        Raises:
            ServiceError: `E_JOURNAL_RECULE`, the database is an older copy.
        """
        with self._lock:
            size = self._follow(connection)
            root = self._tree.root(size)
        return sign_checkpoint(Checkpoint(origin=self._name, size=size, root=root), self._key, self._name), size

    def sign(self, connection: Connection) -> str:
        """The checkpoint, once it is kept outside the database too.

        Raises:
            ServiceError: `E_JOURNAL_RECULE`.
            OSError: the disk refused.
        """
        note, size = self.checkpoint(connection)
        if self._memory is not None and (size > self._known or not self._memory.exists()):
            write_secret(self._memory, note.encode())
            self._known = size
        return note

    def root(self, connection: Connection, size: int) -> bytes:
        """The root of the log as it was at a size.

        Raises:
            ProofRefused: it was never of this size.
        """
        with self._lock:
            self._follow(connection)
            return self._tree.root(size)

    def consistency(self, connection: Connection, first: int, second: int) -> list[str]:
        """The proof that the log at `first` is the beginning of the log at `second`, in hexadecimal.

        Raises:
            ProofRefused: not two sizes of this log in this order.
        """
        with self._lock:
            self._follow(connection)
            return [node.hex() for node in self._tree.consistency_proof(first, second)]

    def entries(self, connection: Connection, seqs: Iterable[int]) -> LogView:
        """Some leaves with their proofs in the present checkpoint; those whose body was erased are left out."""
        note, size = self.checkpoint(connection)
        one = log_leaves.c
        query = select(one.seq, one.leaf).where(one.seq.in_(list(seqs)), one.leaf.is_not(None))
        with self._lock:
            entries = tuple(
                LogEntry(index=seq, leaf=leaf, proof=tuple(map(bytes.hex, self._tree.inclusion_proof(seq, size))))
                for seq, leaf in connection.execute(query.order_by(one.seq))
            )
        return LogView(entries=entries, size=size, checkpoint=note)

    def about(self, connection: Connection, run: str, agreement: str) -> LogView:
        """The leaves of a run and those of its agreement that belong to no run."""
        one = log_leaves.c
        mine = (one.run == run) | ((one.agreement == agreement) & one.run.is_(None))
        return self.entries(connection, connection.scalars(select(one.seq).where(mine)).all())

    def _follow(self, connection: Connection) -> int:
        """Bring the tree up to what the transaction sees. Never called where leaves are being added."""
        size = connection.scalar(select(log_head.c.size)) or 0
        if size > self._tree.size:
            query = select(log_leaves.c.hash).where(log_leaves.c.seq >= self._tree.size, log_leaves.c.seq < size)
            for hashed in connection.scalars(query.order_by(log_leaves.c.seq)):
                self._tree.append(hashed)
        self._remember(size)
        return size

    def _remember(self, size: int) -> None:
        """Compare the log with the checkpoint kept outside the database, once in the life of the process."""
        if self._memory is None or self._known or not self._memory.exists():
            return
        known = open_checkpoint(self._memory.read_text("utf-8"), self.public_key, self._name)
        if known.size > size or self._tree.root(known.size) != known.root:
            sentence = (
                "la base est une copie plus ancienne que le journal déjà signé ; retrouvez la base en service, ou déclarez "
                "la restauration par allervers restore."
            )
            raise ServiceError("E_JOURNAL_RECULE", sentence, 503)
        self._known = known.size


def erase_bodies(connection: Connection, now: datetime, most: int) -> int:
    """Erase the bodies of leaves whose retention is over; their hashes stay.

    Args:
        connection: a write transaction.
        now: the present moment.
        most: leaves in this transaction.

    Returns:
        How many were erased.
    """
    one = log_leaves.c
    proofs = select(receipts.c.leaf)
    query = select(one.seq, one.at).where(
        one.leaf.is_not(None), one.at <= to_seconds(now - _FEWEST_DAYS), one.seq.not_in(proofs)
    )
    rows = connection.execute(query.order_by(one.at, one.seq).limit(most))
    due = [seq for seq, at in rows if months_after(from_seconds(at), TRACES_MONTHS) <= now]
    if due:
        connection.execute(update(log_leaves).where(one.seq.in_(due)).values(leaf=None, agreement=None, run=None))
    return len(due)


def _purpose(connection: Connection, agreement: str | None) -> str | None:
    """The purpose of an agreement; null for what belongs to none."""
    known = agreement is not None and connection.scalar(
        select(agreements.c.agreement).where(agreements.c.agreement == agreement)
    )
    return agreement_of(connection, agreement).purpose if agreement is not None and known else None
