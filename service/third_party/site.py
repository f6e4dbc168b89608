"""What one third party is made of, handed to whoever acts for it: files, database, vault, log, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from crypto.keys import Identity, PublicIdentity
from service.third_party.blobs import Blobs, LocalBlobs
from service.third_party.bucket import BucketBlobs
from service.third_party.clocks import CLOCK, SteadyClock, marked
from service.third_party.database import Database, sqlite_url
from service.third_party.log import AuditLog, Fact
from service.third_party.storage import Storage
from service.third_party.vault import Vault

__all__ = ["Clock", "Site", "open_site"]

Clock = Callable[[], datetime]  # aware, UTC


@dataclass(frozen=True, kw_only=True)
class Site:
    """One data directory, opened."""

    data: Path
    clock: Clock
    database: Database
    blobs: Blobs
    vault: Vault
    identity: Identity
    public: PublicIdentity
    log: AuditLog

    @property
    def party(self) -> str:
        """The third party's identifier."""
        return self.identity.party

    def record(self, connection: Connection, actor: str, action: str, **about: Any) -> int:
        """Append to the audit log, in the caller's write transaction; returns the leaf's index."""
        return self.log.append(connection, Fact(at=self.clock(), actor=actor, action=action, **about))


def open_site(data: Path, clock: Clock, storage: Storage | None = None) -> Site:
    """Open a data directory whose identity exists.

    Raises:
        ServiceError: `E_DONNEES_ABSENTES`, no identity was created there; `E_BASE_URL`, `E_BASE_VERSION`,
            `E_BLOBS_URL`, `E_INDISPONIBLE`.
        CryptoError: a key file is readable by others, or damaged.
        SQLAlchemyError: the database does not answer.
    """
    storage = storage or Storage()
    vault = Vault(data)
    identity = vault.identity()
    log = AuditLog(vault.log_key(), identity.party, data / "log_checkpoint")
    blobs = BucketBlobs.at(storage.blobs, storage.bucket) if storage.blobs else LocalBlobs(data / "blobs")
    site = Site(
        data=data,
        clock=clock,
        database=Database(storage.database or sqlite_url(data / "database.sqlite")),  # last: it would be left open
        blobs=blobs,
        vault=vault,
        identity=identity,
        public=identity.public,
        log=log,
    )
    if isinstance(clock, SteadyClock):  # a restart does not bring back a moment that was over
        with site.database.read() as connection:
            if (floor := marked(connection, CLOCK)) is not None:
                clock.raise_to(floor)
    return site
