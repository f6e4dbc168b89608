"""The worker: right results, one at a time, and nothing lost whenever it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from linkage.plan import Solving
from service.answers import RunView
from service.guard_terms import GuardTerms
from service.messages import Receipt
from service.third_party import jobs
from service.third_party.leases import JobLost, Lease
from service.third_party.matching_job import MOST_ATTEMPTS, Answer
from service.third_party.parcels import deliveries_of, load_delivery
from service.third_party.schema import uploads
from service.third_party.worker import Worker
from tests.simulator import PASSES, Rows, Run, Simulation, rows_for

ROWS = {name: rows_for(number) for number, name in enumerate(PASSES)}


def loaded(sim: Simulation, **changes: Any) -> Run:
    """A run whose uploads are all there."""
    run = sim.sending(**changes)
    sim.upload_all(run, ROWS)
    return run


def check_results(sim: Simulation, run: Run, rows: dict[str, tuple[Rows, Rows]] = ROWS) -> None:
    """The recipient gets exactly the planted links of each pass."""
    for name, (recipient, _) in rows.items():
        assert (set(recipient.certain), set(recipient.grey)) == sim.caf.fetch(run, sim.third_party, name)


def view(sim: Simulation, run: Run) -> RunView:
    return RunView.from_json(sim.caf.get(f"/runs/{run.run}"))


def test_a_run_is_delivered_and_its_encodings_are_gone(sim: Simulation):
    """Planted links and no other, certain and grey apart; the receipt at the same moment."""
    run = loaded(sim)
    assert (0, 2) == ((before := view(sim, run).progress).done, before.total)
    sim.work()
    seen = view(sim, run)
    assert ("delivered", 2, ()) == (seen.state, seen.progress.done, seen.uploads)
    assert sim.clock() + timedelta(days=30) == seen.deadline
    check_results(sim, run)
    (receipt,) = sim.cnous.get(f"/runs/{run.run}/receipts")
    opened = Receipt.opened(sim.third_party.signing_key, receipt["receipt"])
    assert ("encodings", "rapprochement_termine", 5) == (opened.kind, opened.cause, len(opened.destroyed))
    assert not sim.site.vault.holds_run_key(run.run)
    assert [] == [one for one in sim.lines if '"error"' in one]
    assert 2 == len([one for one in sim.lines if '"pass"' in one])


@pytest.mark.parametrize("solving", ["one-to-one", "many-to-one"])
def test_each_row_of_a_person_is_delivered_where_the_plan_says_so(sim: Simulation, solving: Solving):
    """Two equal rows of the recipient and one of the source: both come back, or only one."""
    recipient, source = rows_for(3)
    ids, tags, filters = (getattr(recipient.encoded, name).copy() for name in ("ids", "tags", "filters"))
    expected = set(recipient.certain)
    linked = {one.tobytes() for one in ids} & (recipient.certain | recipient.grey)
    for row in range(len(ids) - 1):
        twins = ids[row].tobytes(), ids[row + 1].tobytes()
        if twins[0] in recipient.certain and twins[1] not in linked and (tags[row] == tags[row + 1]).all():
            filters[row + 1] = filters[row]
            expected.add(twins[1])
    assert len(expected) > len(recipient.certain)
    both = replace(recipient, encoded=replace(recipient.encoded, filters=filters)), source
    (comparison,) = sim.agreement().comparisons
    passes = tuple(replace(one, solving=solving) for one in comparison.plan.passes)
    comparisons = (replace(comparison, plan=replace(comparison.plan, passes=passes)),)
    run = sim.sending(comparisons=comparisons, guards=GuardTerms(near_permille=1000))
    sim.upload_all(run, dict.fromkeys(PASSES, both))
    sim.work()
    wanted = expected if solving == "many-to-one" else set(recipient.certain)
    assert [(wanted, set(recipient.grey))] * 2 == [sim.caf.fetch(run, sim.third_party, name) for name in PASSES]


def test_grey_links_are_left_out_when_the_agreement_says_so(sim: Simulation):
    """The recipient then cannot tell that there were any."""
    run = loaded(sim, grey_policy="ecarter")
    sim.work()
    for name, (recipient, _) in ROWS.items():
        assert (set(recipient.certain), set[bytes]()) == sim.caf.fetch(run, sim.third_party, name)


def test_a_fault_of_content_sends_back_that_upload_only(sim: Simulation):
    """The run stays usable: the party sends another, and gets its results."""
    run = sim.sending()
    uploads = sim.upload_all(run, {"jour": ROWS["jour"], "noms": ROWS["noms"]} | {"jour": _with_empty_row()})
    sim.work()
    seen = view(sim, run)
    assert "sending" == seen.state
    refused = [(one.pass_, one.party, one.reason) for one in seen.uploads if one.state == "refused"]
    assert [("jour", "caf", "E_REMPLISSAGE")] == refused
    assert None is sim.site.blobs.read(run.run, uploads["jour", "caf"], 0)
    assert "E_ETAT" == sim.caf.post(f"/runs/{run.run}/uploads/{uploads['jour', 'caf']}/complete", status=409)
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", ROWS["jour"][0].encoded)
    sim.caf.upload(run, manifest, sealed)
    assert "matching" == sim.state(run)
    sim.work()
    check_results(sim, run)


def _with_empty_row() -> tuple[Rows, Rows]:
    recipient, source = ROWS["jour"]
    filters = recipient.encoded.filters.copy()
    filters[0] = 0
    encoded = type(recipient.encoded)(ids=recipient.encoded.ids, tags=recipient.encoded.tags, filters=filters)
    return Rows(encoded=encoded), source


def test_every_upload_at_fault_is_named_at_once(sim: Simulation):
    """One answer, not one fault a day."""
    run = sim.sending()
    sim.upload_all(run, {"jour": _with_empty_row(), "noms": _with_empty_row()})
    sim.work()
    assert {"jour", "noms"} == {one.pass_ for one in view(sim, run).uploads if one.state == "refused"}


class Killed(BaseException):
    """The process is killed: nothing of it runs any more, not even an `except Exception`."""


class MortalClock:
    """The site's clock, until the reading at which the process is killed."""

    def __init__(self, clock: Any, readings: int) -> None:
        self.clock = clock
        self.left = readings

    def __call__(self) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return self.clock()


@pytest.mark.parametrize("readings", range(16))
def test_a_worker_killed_anywhere_loses_nothing(sim: Simulation, readings):
    """Killed at any reading of the clock (every transaction has one), its run is taken up and ends the same."""
    run = sim.sending()
    sim.upload_all(run, {name: ROWS[name] for name in PASSES})
    site = replace(sim.site, clock=MortalClock(sim.clock, readings))
    try:
        Worker(site=site, stop=threading.Event(), emit=sim.lines.append).run(once=True)
    except Killed:
        sim.clock.advance(seconds=61)  # the dead worker's lease ends
    sim.work()
    assert "delivered" == sim.state(run)
    check_results(sim, run)
    assert 1 == len(sim.caf.get(f"/runs/{run.run}/receipts"))
    actions = [entry["leaf"] for entry in sim.caf.get(f"/runs/{run.run}/log")["entries"]]
    assert len(actions) == len(set(actions))


def held(sim: Simulation, run: Run, worker: Worker | None = None) -> Lease:
    """The lease of a job, just claimed."""
    worker = worker or sim.worker()
    lease = Lease(site=sim.site, run=run.run, stop=worker.stop, renewal_seconds=worker.renewal_seconds)
    with sim.site.database.write() as connection:
        job = jobs.progress(connection, run.run)
        assert job is not None
        assert lease.claim(connection, job)
    return lease


def killed_at(sim: Simulation, run: Run, kind: str, worker: Worker | None = None) -> list[str]:
    """Work until the first step of a kind is done, and die; the kinds of all steps that were taken."""
    taken: list[str] = []

    def step(name: str, work: Callable[[], Answer]) -> Answer:
        answer = work()
        taken.append(name)
        if name == kind:
            raise Killed
        return answer

    worker = worker or sim.worker()
    with pytest.raises(Killed):
        worker.job.perform(held(sim, run, worker), step)
    sim.clock.advance(seconds=61)
    return taken


def test_what_was_compared_before_a_kill_is_not_compared_again(sim: Simulation):
    """A delivery that is stored stays byte for byte, and nobody can fetch it before its time."""
    run = loaded(sim)
    killed_at(sim, run, "deliver")
    assert (1, "matching") == (view(sim, run).progress.done, sim.state(run))
    assert "E_ETAT" == sim.caf.get(f"/runs/{run.run}/deliveries", 409)
    with sim.site.database.read() as connection:
        first = load_delivery(connection, run.run, "caf.cnous", PASSES[0])
    sim.work()
    with sim.site.database.read() as connection:
        assert first == load_delivery(connection, run.run, "caf.cnous", PASSES[0])
        assert 2 == len(deliveries_of(connection, run.run))
    check_results(sim, run)


def spoil(sim: Simulation, run: Run) -> None:
    """Leave manifests in the table that nothing can be done with."""
    with sim.site.database.write() as connection:
        connection.execute(update(uploads).where(uploads.c.run == run.run).values(manifest=b"{}"))


def test_a_job_that_keeps_failing_fails_its_run(sim: Simulation):
    """After a number of attempts the run ends, everything is destroyed, and both parties see why."""
    run = loaded(sim)
    spoil(sim, run)
    sim.work()
    seen = view(sim, run)
    assert ("failed", "E_TRAITEMENT") == (seen.state, seen.failure)
    assert MOST_ATTEMPTS == len([one for one in sim.lines if '"worker"' in one])
    (receipt,) = sim.caf.get(f"/runs/{run.run}/receipts")
    assert "echec" == receipt["receipt"]["statement"]["cause"]
    assert not sim.site.vault.holds_run_key(run.run)


def test_a_run_whose_key_is_lost_fails_at_once(sim: Simulation):
    """Nothing could ever open its uploads."""
    run = loaded(sim)
    sim.site.vault.destroy_run_key(run.run)
    sim.work()
    assert "failed" == sim.state(run)


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(sim: Simulation):
    """At once and without counting it as a failure."""
    run = loaded(sim)
    worker = sim.worker()
    worker.stop.set()
    assert worker.step()
    with sim.site.database.read() as connection:
        job = jobs.progress(connection, run.run)
    assert job is not None
    assert (0, None) == (job.attempts, job.owner)
    sim.work()
    check_results(sim, run)


def test_a_run_that_is_cancelled_under_the_worker_delivers_nothing(sim: Simulation):
    """The worker finds at its next transaction that the run is no longer its own."""
    run = loaded(sim)

    class Canceller(threading.Event):
        """Cancels the run the first time the worker looks whether to go on."""

        done = False

        def is_set(self) -> bool:
            if not self.done:
                self.done = True
                sim.caf.cancel(run)
            return False

    worker = Worker(site=sim.site, stop=Canceller(), emit=sim.lines.append)
    assert worker.step()
    assert "cancelled" == sim.state(run)
    with sim.site.database.read() as connection:
        assert [] == deliveries_of(connection, run.run)
    assert 1 == len(sim.caf.get(f"/runs/{run.run}/receipts"))
    assert not sim.site.blobs.holds(run.run)


def test_a_run_past_its_deadline_is_not_delivered(sim: Simulation):
    """Even when its comparison was under way."""
    run = loaded(sim)
    lease = held(sim, run)
    sim.clock.advance(hours=72)
    with pytest.raises(JobLost), sim.site.database.write() as connection:
        lease.owned(connection)
    sim.work()
    assert "expired" == sim.state(run)


def test_two_workers_share_the_runs_and_never_one(sim: Simulation):
    """Each run is compared once, whoever takes it."""
    runs = [loaded(sim, max_runs=1) for _ in range(3)]
    workers = [threading.Thread(target=sim.worker().run, kwargs={"once": True}) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    sim.work()
    for run in runs:
        check_results(sim, run)
        assert 2 == view(sim, run).progress.done


def test_the_loop_outlives_a_job_that_fails(sim: Simulation):
    """A failure is a line of the journal without its text, and the other runs go on."""
    run, spoiled = sim.sending(), sim.sending()
    for one in (spoiled, run):
        sim.upload_all(one, ROWS)
    spoil(sim, spoiled)
    sim.work()
    assert "failed" == sim.state(spoiled)
    check_results(sim, run)
    lines = [one for one in sim.lines if '"worker"' in one]
    assert MOST_ATTEMPTS == len(lines)
    assert all('"KeyError"' in one and spoiled.run not in one for one in lines)


def test_a_pass_of_a_handful_of_people_is_sent_back(sim: Simulation):
    """Were it compared, its result would be about them."""
    run = sim.sending()
    recipient, source = ROWS["noms"]
    one = source.encoded
    few = type(one)(ids=one.ids[:20], tags=one.tags[:20], filters=one.filters[:20])
    sim.upload_all(run, {"jour": ROWS["jour"], "noms": (recipient, Rows(encoded=few))})
    sim.work()
    refused = [(one.pass_, one.party, one.reason) for one in view(sim, run).uploads if one.state == "refused"]
    assert [("noms", "cnous", "E_EFFECTIF_FAIBLE")] == refused


def test_the_lease_is_renewed_while_the_work_lasts(sim: Simulation):
    """Renewals are by the clock of the site; a worker whose job was taken learns it and stops."""
    run = loaded(sim)
    with held(sim, run, replace(sim.worker(), renewal_seconds=0.01)) as lease:
        lease.check()
        sim.clock.advance(seconds=7)
        _until(lambda: not _free(sim, run))
        sim.caf.cancel(run)
        with pytest.raises(JobLost):
            _until_raises(lease.check)


def _free(sim: Simulation, run: Run) -> bool:
    """Whether another worker could take the job 2 seconds from now."""
    with sim.site.database.read() as connection:
        job = jobs.progress(connection, run.run)
    return job is None or job.is_free(sim.clock() + timedelta(seconds=2))


def _until(condition: Any) -> None:
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it never happened")


def _until_raises(check: Any) -> None:
    for _ in range(500):
        check()
        threading.Event().wait(0.01)
