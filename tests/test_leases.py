"""The lease of a job: claimed once, checked in every change, kept alive by a thread, given back; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError

from service.third_party import jobs
from service.third_party.database import Database
from service.third_party.jobs import Job
from service.third_party.leases import LEASE, JobLost, Lease, Stopped
from tests.simulator import Run, Simulation
from tests.test_worker import ROWS


@pytest.fixture
def run(sim: Simulation) -> Run:
    """A run that waits for its matching."""
    one = sim.sending()
    sim.upload_all(one, ROWS)
    return one


def job(sim: Simulation, run: Run) -> Job:
    with sim.site.database.read() as connection:
        found = jobs.progress(connection, run.run)
    assert found is not None
    return found


def lease_of(sim: Simulation, run: Run, **changes: Any) -> Lease:
    return Lease(**{"site": sim.site, "run": run.run, "stop": threading.Event(), **changes})


def claim(sim: Simulation, lease: Lease, of: Job) -> bool:
    with sim.site.database.write() as connection:
        return lease.claim(connection, of)


def until(condition: Callable[[], Any]) -> None:
    """Wait for something that a thread does."""
    for _ in range(3000):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it never happened")


def lost(lease: Lease) -> bool:
    try:
        lease.check()
    except JobLost:
        return True
    return False


def test_one_holder_at_a_time_and_the_next_when_its_lease_is_over(sim: Simulation, run: Run):
    """Two tokens never hold one job: the second gets it at the end of the first lease, and the first finds out."""
    first, second = lease_of(sim, run), lease_of(sim, run)
    assert first.owner != second.owner
    assert claim(sim, first, job(sim, run))
    assert not claim(sim, second, job(sim, run))
    sim.clock.advance(seconds=int(LEASE.total_seconds()) - 1)
    assert not claim(sim, second, job(sim, run))
    sim.clock.advance(seconds=1)
    assert claim(sim, second, job(sim, run))
    for lease, holds in ((first, False), (second, True)):
        with sim.site.database.write() as connection:
            if holds:
                assert run.run == lease.owned(connection).run
            else:
                with pytest.raises(JobLost):
                    lease.owned(connection)


def test_a_job_whose_round_is_over_is_not_claimed(sim: Simulation, run: Run):
    """Whoever has looked before another round began comes too late."""
    old = job(sim, run)
    with sim.site.database.write() as connection:
        jobs.start_round(connection, old)
    assert not claim(sim, lease_of(sim, run), old)


def test_each_change_keeps_the_lease(sim: Simulation, run: Run):
    """`owned` pushes the end of the lease, so that work that gets on is never taken for dead."""
    lease = lease_of(sim, run)
    claim(sim, lease, job(sim, run))
    sim.clock.advance(seconds=5)
    with sim.site.database.write() as connection:
        lease.owned(connection)
    assert sim.clock() + LEASE == job(sim, run).lease_until


@pytest.mark.parametrize("how", ["cancelled", "over", "held back"])
def test_nothing_is_changed_of_a_run_that_must_not_go_on(sim: Simulation, run: Run, how):
    """Cancelled by its party, past its deadline though nobody has ended it yet, held back by an operator."""
    lease = lease_of(sim, run)
    claim(sim, lease, job(sim, run))
    if how == "cancelled":
        sim.caf.cancel(run)
    elif how == "over":
        sim.clock.advance(hours=72)
    else:
        with sim.site.database.write() as connection:
            assert jobs.cancel(connection, run.run)
    with sim.site.database.write() as connection, pytest.raises(JobLost):
        lease.owned(connection)


@pytest.mark.parametrize(("counted", "attempts"), [(True, 1), (False, 0)])
def test_what_is_given_back_is_free_at_once(sim: Simulation, run: Run, counted, attempts):
    """A failure counts and its round is over; a polite stop leaves everything as it was."""
    lease, before = lease_of(sim, run), job(sim, run)
    claim(sim, lease, before)
    lease.release(counted=counted)
    after = job(sim, run)
    assert (None, attempts) == (after.owner, after.attempts)
    assert counted == (before.job != after.job)
    assert claim(sim, lease_of(sim, run), after)


def test_a_job_of_another_is_not_given_back(sim: Simulation, run: Run):
    """A worker that was thought dead cannot free what its successor holds."""
    first, second = lease_of(sim, run), lease_of(sim, run)
    claim(sim, first, job(sim, run))
    sim.clock.advance(seconds=9)
    claim(sim, second, job(sim, run))
    first.release(counted=True)
    assert second.owner == job(sim, run).owner


def test_the_thread_keeps_it_and_lets_the_rest_go_on(sim: Simulation, run: Run):
    """While the work lasts: the end moves with the clock, and what else must happen does after each renewal."""
    between: list[int] = []
    lease = lease_of(sim, run, renewal_seconds=0.01, between=lambda: between.append(1))
    claim(sim, lease, job(sim, run))
    with lease:
        sim.clock.advance(seconds=7)
        until(lambda: sim.clock() + LEASE == job(sim, run).lease_until)
        until(lambda: between)
        lease.check()
    seen = len(between)
    sim.clock.advance(seconds=3)
    threading.Event().wait(0.1)
    assert seen == len(between)
    assert sim.clock() + LEASE > job(sim, run).lease_until  # the thread has ended with the work


def test_the_thread_says_that_the_job_is_lost(sim: Simulation, run: Run):
    """Work that makes no change for long learns it all the same, and the thread ends."""
    lease = lease_of(sim, run, renewal_seconds=0.01)
    claim(sim, lease, job(sim, run))
    with lease:
        lease.check()
        sim.caf.cancel(run)
        until(lambda: lost(lease))


def test_a_database_that_is_away_for_a_moment_costs_nothing(sim: Simulation, run: Run):
    """A renewal that fails is tried again; whether the job is lost is said by its token only."""
    failures: list[int] = []

    class Away:
        """The database, whose first transactions fail."""

        def write(self) -> Any:
            if len(failures) < 3:
                failures.append(1)
                raise OperationalError("", {}, RuntimeError("the connection is lost"))
            return sim.site.database.write()

    lease = lease_of(sim, run, site=replace(sim.site, database=cast("Database", Away())), renewal_seconds=0.01)
    with sim.site.database.write() as connection:
        assert lease.claim(connection, jobs.list_jobs(connection)[0])
    with lease:
        sim.clock.advance(seconds=5)
        until(lambda: sim.clock() + LEASE == job(sim, run).lease_until)
        lease.check()
    assert 3 == len(failures)


def test_whoever_is_asked_to_stop_stops(sim: Simulation, run: Run):
    """At the next look, the job still being his to give back."""
    lease = lease_of(sim, run)
    claim(sim, lease, job(sim, run))
    lease.stop.set()
    with pytest.raises(Stopped):
        lease.check()
    assert lease.owner == job(sim, run).owner
