"""The lease of a job, held by the process that carries it out and renewed by a thread of its own while it works."""

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

from service.messages import RunState
from service.third_party import jobs
from service.third_party.lifecycle import over
from service.third_party.run_store import Run, load_run
from service.third_party.site import Site

__all__ = ["LEASE", "JobLost", "Lease", "Stopped"]

LEASE = timedelta(seconds=8)  # how long a killed worker's job waits
_RENEWAL_SECONDS = 2.0


class JobLost(Exception):
    """The job is no longer this holder's: its run was ended, an operator holds it back, or another has it."""


class Stopped(Exception):
    """The worker was asked to stop."""


@dataclass(kw_only=True)
class Lease:
    """A job that was claimed with this token; a context in which the claim is kept alive.

    Attributes:
        site: whose.
        run: whose job.
        stop: set by whoever wants the worker to end.
        between: what else must go on during long work, called after each renewal; raises nothing.
        renewal_seconds: between two renewals.
        owner: the token.
    """

    site: Site
    run: str
    stop: threading.Event
    between: Callable[[], object] = lambda: None
    renewal_seconds: float = _RENEWAL_SECONDS
    owner: str = field(default_factory=lambda: secrets.token_hex(16))
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _lost: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def claim(self, connection: Connection, job: jobs.Job) -> bool:
        """Take the job; False when it is gone, held back, or held."""
        now = self.site.clock()
        return jobs.claim(connection, job, self.owner, now, now + LEASE)

    def check(self) -> None:
        """Stop the work when the job is lost or the worker must end.

        Raises:
            JobLost, Stopped: so it is.
        """
        if self._lost.is_set():
            raise JobLost
        if self.stop.is_set():
            raise Stopped

    def owned(self, connection: Connection) -> Run:
        """The run, once sure that nothing ended it and nobody took its job: the first thing of every change.

        Raises:
            JobLost: something did.
        """
        if not jobs.renew(connection, self.run, self.owner, self.site.clock() + LEASE):
            raise JobLost
        run = load_run(connection, self.run)
        # Encodings do not outlive their deadline because a comparison takes long.
        if run.state != RunState.MATCHING or over(run.deadline, self.site.clock()):
            raise JobLost
        return run

    def release(self, *, counted: bool) -> None:
        """Give the job back, as `jobs.release`."""
        with self.site.database.write() as connection:
            jobs.release(connection, self.run, self.owner, counted=counted)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _renew(self) -> None:
        while not self._over.wait(self.renewal_seconds):
            try:
                with self.site.database.write() as connection:
                    self.owned(connection)
            except JobLost:
                self._lost.set()
                return
            except SQLAlchemyError:
                continue  # whoever takes the job meanwhile is told apart by the token
            self.between()
