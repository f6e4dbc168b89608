"""The port: one job a run, one holder a job, whatever carries it out; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from service.third_party import jobs
from service.third_party.jobs import Job
from service.third_party.run_store import add_run
from service.third_party.store import add_agreement, add_party
from tests.simulator import START
from tests.test_agreement import AGREEMENT, CAF, CNOUS
from tests.test_run_store import RUN

SECOND = timedelta(seconds=1)


@pytest.fixture
def connection(database):
    """A connection with a run and its job."""
    with database.write() as connection:
        for identity in (CAF.public, CNOUS.public):
            add_party(connection, identity, START)
        add_agreement(connection, AGREEMENT, START)
        add_run(connection, RUN)
        jobs.submit(connection, RUN.run)
        yield connection


def job(connection) -> Job:
    """The job of the run."""
    found = jobs.progress(connection, RUN.run)
    assert found is not None
    return found


def test_a_run_has_one_job(connection):
    """A second one is refused by the table."""
    assert [job(connection)] == jobs.list_jobs(connection)
    with pytest.raises(IntegrityError), connection.begin_nested():
        jobs.submit(connection, RUN.run)


def test_a_job_has_one_holder_until_its_lease_is_over(connection):
    """A second one gets it only at the second the lease ends, and the first then loses it."""
    until = START + timedelta(seconds=60)
    assert jobs.claim(connection, job(connection), "one", START, until)
    assert not jobs.claim(connection, job(connection), "two", until - SECOND, until + SECOND)
    assert jobs.renew(connection, RUN.run, "one", until)
    assert jobs.claim(connection, job(connection), "two", until, until + SECOND)
    assert not jobs.renew(connection, RUN.run, "one", until)
    assert ("two", 2) == (job(connection).owner, job(connection).attempts)


def test_a_released_job_is_free_at_once(connection):
    """A failure counts and begins another round; a polite stop does neither; another holder's job is not ours to release."""
    rounds = [job(connection).job]
    for counted, attempts in ((True, 1), (False, 1)):
        jobs.claim(connection, job(connection), "one", START, START + SECOND)
        jobs.release(connection, RUN.run, "two", counted=counted)
        assert "one" == job(connection).owner
        jobs.release(connection, RUN.run, "one", counted=counted)
        assert (None, attempts) == (job(connection).owner, job(connection).attempts)
        rounds.append(job(connection).job)
    assert rounds[0] != rounds[1]
    assert rounds[1] == rounds[2]


def test_a_round_that_is_over_is_not_claimed(connection):
    """Whoever still knows the job by its old round comes too late."""
    old = job(connection)
    jobs.start_round(connection, old)
    assert not jobs.claim(connection, old, "one", START, START + SECOND)
    assert jobs.claim(connection, job(connection), "one", START, START + SECOND)


def test_a_cancelled_job_waits_until_it_is_resumed(connection):
    """Its holder loses it at once, nobody takes it, and a resumed one begins with a clean slate."""
    jobs.claim(connection, job(connection), "one", START, START + SECOND)
    assert jobs.cancel(connection, RUN.run)
    assert not jobs.renew(connection, RUN.run, "one", START + SECOND)
    assert None is jobs.claim_any(connection, "two", START, START + SECOND)
    assert job(connection).paused
    assert jobs.resume(connection, RUN.run)
    assert (False, 0) == (job(connection).paused, job(connection).attempts)
    taken = jobs.claim_any(connection, "two", START, START + SECOND)
    assert taken == job(connection)


def test_what_does_not_exist_is_told(connection):
    """No job, no progress, nothing to cancel or resume."""
    other = "b" * 32
    assert (None, False, False) == (
        jobs.progress(connection, other),
        jobs.cancel(connection, other),
        jobs.resume(connection, other),
    )
    jobs.drop(connection, RUN.run)
    assert [] == jobs.list_jobs(connection)


def test_getting_on_is_not_failing(connection):
    """Progress by its holder starts the count of failures again; the same progress told twice does not."""
    for number, attempts in ((1, 1), (2, 2), (3, 1)):
        jobs.claim(connection, job(connection), str(number), START + number * SECOND, START + number * SECOND)
        jobs.advance(connection, RUN.run, str(number), done=[1, 1, 2][number - 1], total=5)
        if number > 1:
            assert attempts == job(connection).attempts
    jobs.advance(connection, RUN.run, "nobody", done=4, total=5)
    assert (2, 5) == (job(connection).done, job(connection).total)


def test_a_worker_that_is_alone_frees_all(connection):
    """What the last one held is free at once."""
    jobs.claim(connection, job(connection), "one", START, START + timedelta(days=1))
    jobs.free_all(connection)
    assert job(connection).is_free(START)
