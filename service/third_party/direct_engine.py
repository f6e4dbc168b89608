"""The plainest engine: jobs are carried out one after the other in the caller's own thread.

It keeps nothing beside the rows of `jobs`: a killed process's lease ends by itself, and whoever looks next goes on from the
finished pieces. It serves `allervers work --once` and everything that drives a third party step by step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from linkage.errors import LinkageError
from service.third_party import jobs
from service.third_party.leases import LEASE, JobLost, Lease, Stopped
from service.third_party.matching_job import Answer, MatchingJob

__all__ = ["DirectEngine", "is_passing"]


def is_passing(error: BaseException) -> bool:
    """Whether a failure is the machine's (database, disk), not the job's: it is tried again, however often."""
    if isinstance(error, LinkageError):
        return error.code == "E_DISQUE_PLEIN"
    return isinstance(error, OperationalError | InterfaceError | PoolTimeout | OSError)


@dataclass(kw_only=True)
class DirectEngine:
    """An engine of one thread.

    Attributes:
        job: the work.
        stop: set by whoever wants the worker to end.
        complain: told of failures.
        between: what else must go on during long work.
        renewal_seconds: between two renewals of a lease.
    """

    job: MatchingJob
    stop: threading.Event
    complain: Callable[[BaseException], None]
    between: Callable[[], object]
    renewal_seconds: float = 2.0

    def step(self) -> bool:
        """Carry out one job, if there is one that nobody holds; False also when the machine is not fit for it now."""
        site = self.job.site
        lease = Lease(site=site, run="", stop=self.stop, between=self.between, renewal_seconds=self.renewal_seconds)
        now = site.clock()
        with site.database.write() as connection:
            taken = jobs.claim_any(connection, lease.owner, now, now + LEASE)
        if taken is None:
            return False
        lease.run = taken.run
        try:
            with lease:
                self.job.perform(lease, _at_once)
        except JobLost:
            pass
        except Stopped:
            lease.release(counted=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, the job is given back, and counted unless it is the machine's
            self.complain(error)
            lease.release(counted=not is_passing(error))
            return not is_passing(error)
        return True

    def close(self) -> None:
        """Nothing to stop."""


def _at_once(_: str, work: Callable[[], Answer]) -> Answer:
    return work()
