"""The plainest engine: one job at a time in the caller's thread, and what it does of each failure; on both databases."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from linkage.errors import LinkageError
from service.errors import ServiceError
from service.third_party import jobs
from service.third_party.direct_engine import DirectEngine, is_passing
from service.third_party.jobs import Job
from service.third_party.leases import JobLost, Lease, Stopped
from service.third_party.matching_job import Answer, MatchingJob
from service.third_party.site import Site
from tests.simulator import Run, Simulation
from tests.test_worker import ROWS, check_results

CAUSE = RuntimeError("said by a driver")


@pytest.fixture
def run(sim: Simulation) -> Run:
    """A run that waits for its matching."""
    one = sim.sending()
    sim.upload_all(one, ROWS)
    return one


@dataclass(frozen=True, kw_only=True)
class Failing:
    """Work that ends in some way as soon as it begins."""

    site: Site
    error: BaseException

    def perform(self, lease: Lease, step: Callable[[str, Callable[[], Answer]], Answer]) -> None:
        assert not lease.stop.is_set()
        assert {"of": 1} == step("compare", lambda: {"of": 1})
        raise self.error


def engine(sim: Simulation, job: Any, told: list[BaseException]) -> DirectEngine:
    return DirectEngine(
        job=cast("MatchingJob", job), stop=threading.Event(), complain=told.append, between=lambda: None
    )


def job(sim: Simulation) -> Job:
    with sim.site.database.read() as connection:
        (found,) = jobs.list_jobs(connection)
    return found


def test_a_job_is_carried_out_and_then_there_is_none(sim: Simulation, run: Run):
    """In the caller's thread: it is done when the call returns."""
    told: list[BaseException] = []
    one = engine(sim, MatchingJob(site=sim.site, emit=sim.lines.append), told)
    assert one.step()
    assert "delivered" == sim.state(run)
    assert not one.step()
    assert [] == told
    one.close()
    check_results(sim, run)


@pytest.mark.parametrize("error", [OperationalError("", {}, CAUSE), OSError(errno.EIO, "broken")], ids=repr)
def test_what_is_the_machine_s_is_not_the_job_s(sim: Simulation, run: Run, error):
    """Given back uncounted, in the same round, however often; and the caller pauses, since nothing could be done."""
    told: list[BaseException] = []
    before = job(sim)
    for _ in range(20):
        assert not engine(sim, Failing(site=sim.site, error=error), told).step()
    assert [error] * 20 == told
    assert before == replaced(job(sim), before)
    assert "matching" == sim.state(run)


def replaced(now: Job, before: Job) -> Job:
    """A job, but for the moment that its last lease would have ended."""
    return Job(**{**vars(now), "lease_until": before.lease_until})


@pytest.mark.parametrize("error", [KeyError("member"), IntegrityError("", {}, CAUSE)], ids=repr)
def test_a_failure_counts_and_begins_another_round(sim: Simulation, run: Run, error):
    """A fault of the program or of what it was given."""
    told: list[BaseException] = []
    before = job(sim)
    assert engine(sim, Failing(site=sim.site, error=error), told).step()
    after = job(sim)
    assert ([error], 1, None) == (told, after.attempts, after.owner)
    assert before.job != after.job
    assert "matching" == sim.state(run)


def test_a_job_that_was_lost_is_left_to_whoever_has_it(sim: Simulation, run: Run):
    """Nothing is said and nothing is given back."""
    told: list[BaseException] = []
    assert engine(sim, Failing(site=sim.site, error=JobLost()), told).step()
    assert [] == told
    assert job(sim).owner is not None
    assert "matching" == sim.state(run)


def test_a_polite_stop_gives_the_job_back_uncounted(sim: Simulation, run: Run):
    """Another worker has it at once, in the same round."""
    told: list[BaseException] = []
    before = job(sim)
    assert engine(sim, Failing(site=sim.site, error=Stopped()), told).step()
    assert [] == told
    assert (None, 0, before.job) == (job(sim).owner, job(sim).attempts, job(sim).job)
    assert "matching" == sim.state(run)


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OperationalError("", {}, CAUSE), True),
        (InterfaceError("", {}, CAUSE), True),
        (PoolTimeout(), True),
        (OSError(errno.ENOSPC, "full"), True),
        (LinkageError("E_DISQUE_PLEIN", "plein"), True),
        (LinkageError("E_FORMAT_LIGNES", "lignes"), False),
        (IntegrityError("", {}, CAUSE), False),
        (ProgrammingError("", {}, CAUSE), False),
        (ServiceError("E_MORCEAU_ALTERE", "altéré"), False),
        (KeyError("member"), False),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else str(one),
)
def test_what_passes_by_itself(error, passing):
    """The database or the disk: tried again for ever. A fault that would be the same at each try: not."""
    assert passing == is_passing(error)
