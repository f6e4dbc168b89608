"""The jobs of the third party: one for each run in the state *matching*. Our own port; an engine behind it carries them out.

Everybody asks here: whoever completes a run's last upload (`submit`, in the same transaction, so that a run is never
acknowledged without its job), operators (`progress`, `cancel`, `resume`, `list_jobs`). A job is a row of our own database:
nothing that was answered to anybody depends on an engine being up. Engines (`Engine`) are in the processes of workers:
`durable_engine` on DBOS, and `direct_engine`, which works in the caller's thread and keeps nothing of its own.

Whoever carries out a job holds its *lease*: a token in the row, with an end that a live holder keeps pushing. Every change that
the work makes to a run checks the token in its own transaction, so that a worker that was thought dead and is not (suspended, cut
off) changes nothing any more once another has taken its job. `job` names one round of the work; a round that failed is never
resumed: the next one has another name, and goes on from the finished pieces all the same.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from service.third_party.schema import jobs
from service.third_party.store import from_seconds, to_seconds

__all__ = [
    "Engine",
    "Job",
    "advance",
    "cancel",
    "claim",
    "claim_any",
    "drop",
    "free_all",
    "list_jobs",
    "progress",
    "release",
    "renew",
    "resume",
    "start_round",
    "submit",
]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job.

    Attributes:
        run: whose matching it is.
        job: this round of it.
        owner: token of the lease, if somebody has taken it.
        lease_until: when the lease ends unless it is renewed.
        attempts: failures since the job last got on.
        done: parts of the work that are done.
        total: parts in all; 0 until somebody has looked.
        paused: whether an operator holds it back.
    """

    run: str
    job: str
    owner: str | None
    lease_until: datetime
    attempts: int
    done: int
    total: int
    paused: bool

    @property
    def name(self) -> str:
        """What an engine knows it by."""
        return f"{self.run}-{self.job}"

    def is_free(self, now: datetime) -> bool:
        """Whether nobody holds it; a holder that has not renewed its lease in time is presumed dead."""
        return self.owner is None or self.lease_until <= now


class Engine(Protocol):
    """What carries jobs out, in the process of a worker."""

    def step(self) -> bool:
        """Look once at what there is to do; returns whether anything was done."""

    def close(self) -> None:
        """Stop, and give back what was not finished."""


# The port


def submit(connection: Connection, run: str) -> None:
    """Ask for the matching of a run."""
    row = {"run": run, "job": _fresh(), "owner": None, "lease_until": 0, "attempts": 0}
    connection.execute(insert(jobs).values(**row, done=0, total=0, paused=0))


def progress(connection: Connection, run: str) -> Job | None:
    """How far a job is; None when there is none (any more)."""
    return next(iter(_jobs(connection, jobs.c.run == run)), None)


def cancel(connection: Connection, run: str) -> bool:
    """Hold a job back until it is resumed: its worker gives it up within seconds, what is finished stays.

    The run goes on living, and its deadline with it; to end the run is another matter (`runs.cancel`).

    Returns:
        Whether there is such a job.
    """
    values = {"paused": 1, "owner": None}
    return connection.execute(update(jobs).where(jobs.c.run == run).values(values)).rowcount == 1


def resume(connection: Connection, run: str) -> bool:
    """Let a job go on, with a clean slate of failures; returns whether there is such a job."""
    values = {"paused": 0, "attempts": 0}
    return connection.execute(update(jobs).where(jobs.c.run == run).values(values)).rowcount == 1


def list_jobs(connection: Connection) -> list[Job]:
    """All jobs, in a fixed order."""
    return _jobs(connection)


# The lease, for engines and for the work itself


def claim(connection: Connection, job: Job, owner: str, now: datetime, lease_until: datetime) -> bool:
    """Take a job, in this round, if nobody holds it; False when it is gone, held back, or held."""
    mine = and_(jobs.c.run == job.run, jobs.c.job == job.job, _is_free(now))
    values = {"owner": owner, "lease_until": to_seconds(lease_until), "attempts": jobs.c.attempts + 1}
    return connection.execute(update(jobs).where(mine).values(values)).rowcount == 1


def claim_any(connection: Connection, owner: str, now: datetime, lease_until: datetime) -> Job | None:
    """Take any job that nobody holds."""
    free = _jobs(connection, _is_free(now))
    if not free or not claim(connection, free[0], owner, now, lease_until):
        return None
    return progress(connection, free[0].run)


def renew(connection: Connection, run: str, owner: str, lease_until: datetime) -> bool:
    """Keep a job; False when it is no longer this holder's: its run ended, it is held back, or taken over."""
    values = {"lease_until": to_seconds(lease_until)}
    return connection.execute(update(jobs).where(_held(run, owner)).values(values)).rowcount == 1


def advance(connection: Connection, run: str, owner: str, *, done: int, total: int) -> None:
    """Write down how far a job is; one that has got on has not failed."""
    mine = _held(run, owner)
    connection.execute(update(jobs).where(mine, jobs.c.done < done, jobs.c.total == total).values(attempts=1))
    connection.execute(update(jobs).where(mine).values(done=done, total=total))


def release(connection: Connection, run: str, owner: str, *, counted: bool) -> None:
    """Give a job back.

    Args:
        connection: of the caller.
        run: whose job.
        owner: who holds it; nothing happens when it is another.
        counted: whether this attempt counts (it failed, and begins another round), or not (the worker was asked to stop, the
            disk is full, the database cannot be reached).
    """
    values = {"owner": None} | ({"job": _fresh()} if counted else {"attempts": jobs.c.attempts - 1})
    connection.execute(update(jobs).where(_held(run, owner)).values(values))


def start_round(connection: Connection, job: Job) -> None:
    """Give a job that nobody holds to a fresh round; nothing happens when it has one already."""
    mine = and_(jobs.c.run == job.run, jobs.c.job == job.job)
    connection.execute(update(jobs).where(mine).values(job=_fresh(), owner=None))


def free_all(connection: Connection) -> None:
    """Take all leases back; only for a worker that knows itself alone."""
    connection.execute(update(jobs).values(owner=None))


def drop(connection: Connection, run: str) -> None:
    """Forget a job."""
    connection.execute(delete(jobs).where(jobs.c.run == run))


def _jobs(connection: Connection, *where: ColumnElement[bool]) -> list[Job]:
    rows = connection.execute(select(jobs).where(*where).order_by(jobs.c.run)).mappings()
    return [
        Job(**{**row, "lease_until": from_seconds(row["lease_until"]), "paused": bool(row["paused"])}) for row in rows
    ]


def _is_free(now: datetime) -> ColumnElement[bool]:
    return and_(jobs.c.paused == 0, or_(jobs.c.owner.is_(None), jobs.c.lease_until <= to_seconds(now)))


def _held(run: str, owner: str) -> ColumnElement[bool]:
    return and_(jobs.c.run == run, jobs.c.owner == owner)


def _fresh() -> str:
    return secrets.token_hex(16)
