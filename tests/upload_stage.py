"""A third party with one run that waits for one large upload, and the bytes to send: for tests and measures of uploads.

What is sent is noise under a real manifest: the web process never opens an upload.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crypto.keys import Identity
from crypto.sealing import CHUNK_OVERHEAD, SEAL_OVERHEAD
from linkage.wire import row_bytes
from service.agreement import Sizes, Validity
from service.messages import Manifest, RunState
from service.third_party.app import third_party_identity
from service.third_party.run_store import Run, add_run
from service.third_party.site import Site, open_site
from service.third_party.storage import Storage
from service.third_party.store import add_agreement, add_party
from service.upload_appendix import APPENDIX_BYTES
from tests.risk_reports import RISK
from tests.simulator import LENGTH, agreement_between

ROW = row_bytes(LENGTH)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Who sends, what, under which manifest."""

    site: Site
    sender: Identity
    manifest: Manifest
    noise: bytes

    @property
    def run(self) -> str:
        return self.manifest.run

    def chunk(self, number: int) -> bytes:
        """One chunk: its number, then noise."""
        return number.to_bytes(8, "big") + self.noise[8:]


def stage(data: Path, chunks: int, rows: int, database: str | None = None) -> Stage:
    """Make it: `chunks` chunks of `rows` rows each."""
    public = third_party_identity(data, "Envois")
    site = open_site(data, lambda: datetime.now(UTC), Storage(database=database))
    caf, cnous = Identity.generate("caf", "CAF"), Identity.generate("cnous", "CNOUS")
    now = datetime.now(UTC).replace(microsecond=0)
    valid = Validity(not_before=now - timedelta(days=1), not_after=now + timedelta(days=30))
    agreement = agreement_between(public, caf.public, cnous.public, valid=valid)
    sizes = Sizes(recipient=chunks * rows, source=chunks * rows)
    comparison = replace(agreement.comparisons[0], sizes=sizes)
    agreement = replace(agreement, comparisons=(comparison,))
    run = Run(
        run=secrets.token_hex(16), agreement=agreement.identifier, state=RunState.SENDING, opened_at=now,
        encodings_deadline=now + timedelta(hours=72), delivered_at=None, hits_deadline=None, failure=None,
        passes_done=0, passes_total=2, worker_key=None,
    )  # fmt: skip
    with site.database.write() as connection:
        for one in (caf, cnous):
            add_party(connection, one.public, now)
        add_agreement(connection, agreement, now)
        add_run(connection, run)
    noise = secrets.token_bytes(rows * ROW + CHUNK_OVERHEAD)
    digests = [hashlib.sha256(number.to_bytes(8, "big") + noise[8:]).hexdigest() for number in range(chunks)]
    manifest = Manifest(
        agreement=agreement.identifier, run=run.run, comparison=comparison.id, pass_="jour", party="caf",
        role="recipient", count=chunks * rows, row_bytes=ROW, chunks=tuple(digests),
        wrapped_key=secrets.token_bytes(32 + SEAL_OVERHEAD), mean_fill_permille=500, nonce=secrets.token_hex(16),
        appendix=secrets.token_bytes(APPENDIX_BYTES), risk=replace(RISK, made_at=now, people=max(RISK.people, chunks * rows)),
    )  # fmt: skip
    return Stage(site=site, sender=caf, manifest=manifest, noise=noise)


@dataclass
class Served:
    """A real server, and how much memory it has held."""

    url: str
    process: subprocess.Popen[str]
    peak: int = 0  # bytes

    def resident(self) -> int:
        """Resident memory now, bytes."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def served(data: Path, *words: str, database: str | None = None) -> Iterator[Served]:
    """`allervers serve` on a free port, without a worker; its memory is watched."""
    environment = {**os.environ, **({"ALLERVERS_DATABASE": database} if database else {})}
    command = [sys.executable, "-m", "service.cli", "serve", "--data", str(data), "--port", "0", "--no-worker", *words]
    with (data.parent / "journal").open("wb") as journal:
        process: subprocess.Popen[str] = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=journal, env=environment, text=True
        )
    stop = threading.Event()
    try:
        assert process.stdout is not None
        ready = next((line for line in process.stdout if line.startswith("PRÊT")), "")
        assert ready, (data.parent / "journal").read_text()
        one = Served(url=ready.split()[1], process=process)
        watcher = threading.Thread(target=_watch, args=(one, stop), daemon=True)
        watcher.start()
        yield one
        stop.set()
        watcher.join()
    finally:
        stop.set()
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def _watch(one: Served, stop: Any) -> None:
    while not stop.is_set():
        one.peak = max(one.peak, one.resident())
        time.sleep(0.02)
