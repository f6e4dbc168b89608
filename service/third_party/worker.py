"""The worker: the only process that opens encodings. One loop, one job at a time, nothing lost when it is killed.

A job is one run in the state *matching*. It is a row with a lease: whoever holds the lease works, renews it
in the background, and proves that it still holds it in every transaction that changes the run. A killed
worker's lease ends by itself and the job is taken up again; passes that were compared before are not compared
twice, because each delivery is stored as soon as it is sealed (nobody can fetch it before the run is
delivered). A job that failed `MOST_ATTEMPTS` times fails the run.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import KeyAbsent
from crypto.sealing import SealingKey
from service.agreement import Agreement
from service.messages import RunState, UploadState, statement_digest
from service.third_party import matching
from service.third_party.journal import Emit, incident_line, pass_line
from service.third_party.lifecycle import Event, hits_deadline, over
from service.third_party.parcels import (
    add_delivery,
    claim_job,
    deliveries_of,
    drop_deliveries,
    drop_job,
    job_attempts,
    load_delivery,
    release_job,
    renew_job,
    set_upload,
    uploads_of,
)
from service.third_party.purge import decide, decide_all, resume
from service.third_party.run_store import Run, load_run, set_run
from service.third_party.runs import move
from service.third_party.site import Site
from service.third_party.store import agreement_of, unstored
from service.third_party.upkeep import sweep_files, tend

__all__ = ["MOST_ATTEMPTS", "Worker"]

MOST_ATTEMPTS = 5
_LEASE = timedelta(seconds=20)  # how long a killed worker's run waits
_PAUSE_SECONDS = 0.5
_STEPS_BETWEEN_SWEEPS = 1200


class _JobLost(Exception):
    """The job is no longer this worker's: the run was ended, or another worker has it."""


class _Stopped(Exception):
    """The worker was asked to stop."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker of one third party."""

    site: Site
    stop: threading.Event  # set by whoever wants the worker to end
    emit: Emit
    means: matching.Means = field(default_factory=matching.Means)
    renewal_seconds: float = 4.0  # between two renewals of the lease of a job
    owner: str = field(default_factory=lambda: secrets.token_hex(16))

    def run(self, *, once: bool = False) -> None:
        """Work until asked to stop.

        Args:
            once: return as soon as there is nothing left to do.
        """
        steps = 0
        while not self.stop.is_set():
            busy = False
            try:
                if steps % _STEPS_BETWEEN_SWEEPS == 0:
                    sweep_files(self.site)
                busy = self.step()
            except Exception as error:  # noqa: BLE001 - the loop must outlive any failure of one step
                self.complain(error)
            steps += 1
            if once and not busy:
                return
            if not busy:
                self.stop.wait(_PAUSE_SECONDS)

    def step(self) -> bool:
        """Do what is due, then at most one job; returns whether anything was done."""
        busy = tend(self.site, self.complain)
        now = self.site.clock()
        with self.site.database.write() as connection:
            run = claim_job(connection, self.owner, now, now + _LEASE)
        if run is None:
            return busy
        try:
            with _Lease(self, run) as lease:
                self._work(run, lease.check)
        except _JobLost:
            pass
        except _Stopped:
            self._release(run, counted=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job is given back and counted
            self.complain(error)
            self._release(run, counted=True)
        resume(self.site, self.complain)
        return True

    def _work(self, run_id: str, alive: Callable[[], None]) -> None:
        with self.site.database.read() as connection:
            run, attempts = load_run(connection, run_id), job_attempts(connection, run_id)
            agreement = agreement_of(connection, run.agreement)
            done = {(comparison, name) for comparison, name, _ in deliveries_of(connection, run_id)}
        key = self._key(run_id) if attempts <= MOST_ATTEMPTS else None
        if key is None:
            self._fail(run_id)
            return
        steps = matching.steps_of(self.site, run_id, agreement)
        refused = matching.judge(self.site, key, steps, alive, self.means)
        if refused:
            self._refuse(run_id, refused)
            return
        for step in steps:
            alive()
            if step.name not in done:
                compared = matching.compare(self.site, key, step, alive, self.means)
                self._store(step, compared.delivery)
                self.emit(pass_line(self.site.clock(), compared.skew))
        self._deliver(run_id, agreement)

    def _key(self, run_id: str) -> SealingKey | None:
        try:
            return self.site.vault.run_key(run_id)
        except KeyAbsent:
            return None

    def _store(self, step: matching.Step, statement: bytes) -> None:
        with self.site.database.write() as connection:
            run = self._owned(connection, step.run)
            names = (step.comparison.id, step.plan.name, step.comparison.recipient)
            add_delivery(connection, run.run, names, statement)
            set_run(connection, run.run, passes_done=run.passes_done + 1)

    def _deliver(self, run_id: str, agreement: Agreement) -> None:
        now = self.site.clock().replace(microsecond=0)
        with self.site.database.write() as connection:
            run = self._owned(connection, run_id)
            for comparison, name, _ in deliveries_of(connection, run_id):
                signed = unstored(load_delivery(connection, run_id, comparison, name) or b"{}")
                about = {"agreement": run.agreement, "run": run_id, "digest": statement_digest(signed)}
                self.site.record(connection, self.site.party, "delivery_stored", **about)
            deadline = hits_deadline(now, agreement.retention)
            set_run(connection, run_id, delivered_at=now, hits_deadline=deadline)
            run = move(self.site, connection, run, Event.DELIVERED, self.site.party)
            decide(self.site, connection, run, "encodings", self.site.party, "rapprochement_termine")
            drop_job(connection, run_id)

    def _refuse(self, run_id: str, refused: dict[str, str]) -> None:
        """Send back the uploads that are at fault; the run goes on with what replaces them."""
        with self.site.database.write() as connection:
            run = self._owned(connection, run_id)
            for upload in uploads_of(connection, run_id):
                if upload.upload in refused:
                    set_upload(connection, upload.upload, UploadState.REFUSED, refused[upload.upload])
                    digest = statement_digest(unstored(upload.manifest))
                    about = {"agreement": run.agreement, "run": run_id, "digest": digest}
                    self.site.record(connection, self.site.party, "upload_refused", **about)
            # What was compared with an upload that is replaced is worth nothing any more.
            drop_deliveries(connection, run_id)
            set_run(connection, run_id, passes_done=0)
            move(self.site, connection, run, Event.CONTENT_REFUSED, self.site.party)
            drop_job(connection, run_id)
        # A crash here leaves chunks that no row names; the sweep drops them.
        for upload_id in refused:
            self.site.blobs.drop_upload(run_id, upload_id)

    def _fail(self, run_id: str) -> None:
        with self.site.database.write() as connection:
            run = self._owned(connection, run_id)
            set_run(connection, run_id, failure="E_TRAITEMENT")
            run = move(self.site, connection, run, Event.FAILED, self.site.party)
            decide_all(self.site, connection, run, "echec")
            drop_job(connection, run_id)

    def _owned(self, connection: Connection, run_id: str) -> Run:
        """The run, once sure that nothing ended it and nobody took it over."""
        if not renew_job(connection, run_id, self.owner, self.site.clock() + _LEASE):
            raise _JobLost
        run = load_run(connection, run_id)
        if run.state != RunState.MATCHING or over(run.deadline, self.site.clock()):
            raise _JobLost
        return run

    def _release(self, run_id: str, *, counted: bool) -> None:
        with self.site.database.write() as connection:
            release_job(connection, run_id, self.owner, counted=counted)

    def complain(self, error: BaseException) -> None:
        """Write a failure to the operator's journal."""
        self.emit(incident_line(self.site.clock(), "worker", error))


class _Lease:
    """Renews the lease of a job in the background while the job is worked on."""

    def __init__(self, worker: Worker, run: str) -> None:
        self._worker = worker
        self._run = run
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def check(self) -> None:
        """Stop the work when the job is lost or the worker must end."""
        if self._lost.is_set():
            raise _JobLost
        if self._worker.stop.is_set():
            raise _Stopped

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        site = self._worker.site
        while not self._over.wait(self._worker.renewal_seconds):
            try:
                with site.database.write() as connection:
                    kept = renew_job(connection, self._run, self._worker.owner, site.clock() + _LEASE)
                    # Encodings do not outlive their deadline because a comparison takes long.
                    kept = kept and not over(load_run(connection, self._run).deadline, site.clock())
            except SQLAlchemyError:
                continue  # the lease outlives a few missed renewals
            if not kept:
                self._lost.set()
                return
            # Deadlines, destructions and keys of the other runs do not wait for a long comparison either.
            try:
                tend(site, self._worker.complain)
            except Exception as error:  # noqa: BLE001 - nothing here may cost the job its lease
                self._worker.complain(error)
