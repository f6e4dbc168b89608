"""The audit log: who did what and when, in an RFC 9162 tree that parties verify for themselves.

A leaf is the canonical JSON of a `LogLeaf`. It is appended in the transaction of the change it records, so
neither exists without the other. It names parties, identifiers and digests: no count, no personal data,
nothing that ever has to be erased.

A checkpoint is signed when it is asked for. Ed25519 signs the same text in the same way, so a size has one
checkpoint for ever, and two parties that compare theirs compare bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from crypto.audit import Checkpoint, MerkleTree, leaf_hash, sign_checkpoint
from crypto.signatures import SigningKey
from service.answers import LogEntry, LogLeaf, LogView
from service.messages import log_origin
from service.third_party.schema import log_head, log_leaves

__all__ = ["AuditLog", "Fact"]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What a leaf records, but its number."""

    at: datetime
    actor: str  # a party, or the third party
    action: str
    agreement: str | None = None
    run: str | None = None
    digest: str | None = None


class AuditLog:
    """The log of one third party."""

    def __init__(self, key: SigningKey, third_party: str) -> None:
        self._key = key
        self._name = log_origin(third_party)
        self._tree = MerkleTree()  # of committed leaves; grows, never changes
        self._lock = threading.Lock()

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key that verifies checkpoints."""
        return self._key.verify_bytes()

    def append(self, connection: Connection, fact: Fact) -> int:
        """Add a leaf in the caller's write transaction.

        Returns:
            Its index.
        """
        seq = connection.scalar(select(log_head.c.size)) or 0
        connection.execute(update(log_head).where(log_head.c.size == seq).values(size=seq + 1))
        leaf = LogLeaf(seq=seq, **vars(fact)).to_bytes()
        row = {"seq": seq, "leaf": leaf, "hash": leaf_hash(leaf), "agreement": fact.agreement, "run": fact.run}
        connection.execute(insert(log_leaves).values(row))
        return seq

    def checkpoint(self, connection: Connection) -> tuple[str, int]:
        """The signed note of the log as the caller's read transaction sees it, and its size."""
        with self._lock:
            size = self._follow(connection)
            root = self._tree.root(size)
        return sign_checkpoint(Checkpoint(origin=self._name, size=size, root=root), self._key, self._name), size

    def consistency(self, connection: Connection, first: int, second: int) -> list[str]:
        """The proof that the log at `first` is the beginning of the log at `second`, in hexadecimal.

        Raises:
            ProofRefused: not two sizes of this log in this order.
        """
        with self._lock:
            self._follow(connection)
            return [node.hex() for node in self._tree.consistency_proof(first, second)]

    def entries(self, connection: Connection, seqs: Iterable[int]) -> LogView:
        """Some leaves with their proofs in the present checkpoint."""
        note, size = self.checkpoint(connection)
        query = select(log_leaves.c.seq, log_leaves.c.leaf).where(log_leaves.c.seq.in_(list(seqs)))
        with self._lock:
            entries = tuple(
                LogEntry(index=seq, leaf=leaf, proof=tuple(map(bytes.hex, self._tree.inclusion_proof(seq, size))))
                for seq, leaf in connection.execute(query.order_by(log_leaves.c.seq))
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
        return size
