"""The work of a job: killed after any of its steps, done twice, by anybody; the same bytes in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from crypto.sealing import unseal
from service.messages import Delivery, delivery_context
from service.third_party import jobs
from service.third_party.leases import JobLost, Lease
from service.third_party.matching import Means
from service.third_party.matching_job import MOST_ATTEMPTS, Answer, MatchingJob
from service.third_party.schema import pieces
from tests.simulator import PASSES, Run, Simulation
from tests.test_worker import ROWS, check_results

STEPS = ["judge"] * 2 + ["verdict"] + (["compare"] * 3 + ["deliver"]) * 2 + ["conclude"]
MEANS = Means(piece_rows=80)  # 240 rows a pass: three pieces


class Killed(BaseException):
    """The process is killed: nothing of it runs any more."""


def loaded(sim: Simulation) -> Run:
    """A run whose uploads are all there."""
    run = sim.sending()
    sim.upload_all(run, ROWS)
    return run


def job_of(sim: Simulation) -> MatchingJob:
    return MatchingJob(site=sim.site, emit=sim.lines.append, means=MEANS)


def claimed(sim: Simulation, run: Run) -> Lease:
    """The lease of a job."""
    lease = Lease(site=sim.site, run=run.run, stop=threading.Event())
    with sim.site.database.write() as connection:
        job = jobs.progress(connection, run.run)
        assert job is not None
        assert lease.claim(connection, job)
    return lease


def work(sim: Simulation, run: Run, until: int | None = None, memory: list[Answer] | None = None) -> list[str]:
    """Take the steps of a job; die once so many of them are done. With a memory, no step that has answered is taken again."""
    taken: list[str] = []

    def step(name: str, work: Callable[[], Answer]) -> Answer:
        known = memory if memory is not None else []
        answer = known[len(taken)] if len(taken) < len(known) else work()
        if memory is not None and len(taken) == len(memory):
            memory.append(answer)
        taken.append(name)
        if len(taken) == until:
            raise Killed
        return answer

    try:
        job_of(sim).perform(claimed(sim, run), step)
    except Killed:
        sim.clock.advance(seconds=9)  # its lease ends
    return taken


def plaintexts(sim: Simulation, run: Run) -> list[bytes]:
    """What the recipient reads in the end, byte for byte."""
    found = []
    for name in PASSES:
        signed = sim.caf.get(f"/runs/{run.run}/deliveries/{run.comparison}/{name}")
        delivery = Delivery.opened(sim.third_party.signing_key, signed)
        info = delivery_context(run.agreement, run.run, run.comparison, name, "caf")
        found.append(unseal(sim.caf.identity.sealing_key, delivery.sealed, info))
    return found


@pytest.mark.R1
@pytest.mark.parametrize("remembers", [True, False])
def test_killed_after_every_step_and_the_same_bytes(sim: Simulation, remembers):
    """Killed once after each of its steps, each time taken up by another: nothing is lost and nothing is done twice."""
    calm = loaded(sim)
    sim.work()  # at once, each pass in one piece
    run = loaded(sim)
    memory: list[Answer] | None = [] if remembers else None
    for number in range(1, len(STEPS)):
        if "delivered" == sim.state(run):
            break
        taken = work(sim, run, until=number, memory=memory)
        assert not remembers or STEPS[:number] == taken
    if "delivered" != sim.state(run):
        work(sim, run, memory=memory)
    assert plaintexts(sim, calm) == plaintexts(sim, run)
    check_results(sim, run)
    sim.work()  # destroys what is decided
    assert 1 == len(sim.caf.get(f"/runs/{run.run}/receipts"))


def test_finished_pieces_are_not_compared_again(sim: Simulation):
    """What is stored stays byte for byte, and the successor adds the rest."""
    run = loaded(sim)
    work(sim, run, until=STEPS.index("compare") + 2)
    before = stored(sim, run)
    assert 6 == len(before)  # four judgements, two pieces
    work(sim, run, until=STEPS.index("deliver"))
    after = stored(sim, run)
    assert 7 == len(after)
    assert before.items() <= after.items()


def stored(sim: Simulation, run: Run) -> dict[tuple[str, str, int], bytes]:
    """The sealed parts of a run."""
    query = select(pieces.c["pass"], pieces.c.part, pieces.c.number, pieces.c.sealed).where(pieces.c.run == run.run)
    with sim.site.database.read() as connection:
        return {(name, part, number): sealed for name, part, number, sealed in connection.execute(query)}


@pytest.mark.parametrize("kind", ["compare", "deliver", "conclude"])
def test_a_zombie_changes_nothing(sim: Simulation, kind):
    """A worker that was suspended longer than its lease before any kind of step: what it brings then is refused."""
    run, lost = loaded(sim), []

    def step(name: str, work: Callable[[], Answer]) -> Answer:
        if name == kind:
            sim.clock.advance(seconds=9)
            claimed(sim, run)  # by another
            lost.append(stored(sim, run))
        return work()

    with pytest.raises(JobLost):
        job_of(sim).perform(claimed(sim, run), step)
    assert [stored(sim, run)] == lost
    assert "matching" == sim.state(run)
    sim.clock.advance(seconds=9)
    work(sim, run)
    check_results(sim, run)


def test_a_hole_among_the_pieces_is_an_error_not_a_shorter_result(sim: Simulation):
    """A database that lost a piece (a restored copy): the round fails, the next one goes on from what is there."""
    run = loaded(sim)
    work(sim, run, until=STEPS.index("compare") + 3)
    with sim.site.database.write() as connection:
        gone = (pieces.c.run == run.run) & (pieces.c.part == "=links") & (pieces.c.number == 1)
        assert 1 == connection.execute(delete(pieces).where(gone)).rowcount
    remembered = iter([{}, {}, {"refused": 0}, *[{"of": 3}] * 3])
    with pytest.raises(Exception, match="résultat intermédiaire"):
        job_of(sim).perform(claimed(sim, run), lambda _, work: next(remembered, None) or work())
    sim.clock.advance(seconds=9)
    work(sim, run)
    check_results(sim, run)


def test_progress_is_shown_and_never_falls(sim: Simulation):
    """Parts done, of all: uploads judged, pieces compared, passes delivered."""
    run, seen, memory = loaded(sim), [], list[Answer]()
    for number in range(1, len(STEPS)):
        work(sim, run, until=number, memory=memory)
        with sim.site.database.read() as connection:
            job = jobs.progress(connection, run.run)
        assert job is not None
        assert 12 == job.total  # four uploads, six pieces, two deliveries
        seen.append(job.done)
    assert sorted(seen) == seen
    assert (2, 12) == (seen[0], seen[-1])


def test_a_job_that_gets_on_never_fails_its_run_however_often_it_is_killed(sim: Simulation):
    """Only failures without any progress count."""
    run, memory = loaded(sim), list[Answer]()
    for number in range(1, len(STEPS)):
        work(sim, run, until=number, memory=memory)
        with sim.site.database.read() as connection:
            job = jobs.progress(connection, run.run)
        assert job is not None
        assert job.attempts <= MOST_ATTEMPTS
    assert "matching" == sim.state(run)


def test_a_job_that_never_gets_on_fails_its_run(sim: Simulation):
    """One that kills its worker each time (memory, a fault of a library) is not tried for ever."""
    run = loaded(sim)
    for _ in range(MOST_ATTEMPTS):
        work(sim, run, until=1, memory=[{}])
    sim.work()
    assert "failed" == sim.state(run)


def test_larger_pieces_than_those_that_are_stored_are_no_fault(sim: Simulation):
    """A worker with other settings goes on in the pieces that the first one began with."""
    run = loaded(sim)
    work(sim, run, until=STEPS.index("compare") + 2)
    replaced = replace(job_of(sim), means=Means())
    replaced.perform(claimed(sim, run), lambda _, work: work())
    check_results(sim, run)
