"""What happens without a request: keys, deadlines, leftovers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.messages import Receipt
from service.third_party.purge import decide_all
from service.third_party.run_store import load_run, set_run
from service.third_party.upkeep import end_unreadable, expire_runs, publish_keys, sign_log, sweep_files, tend
from tests.simulator import PASSES, Run, Simulation, rows_for


def fail(error: Exception) -> None:
    """Nothing may be complained of."""
    raise error


def causes(sim: Simulation, run: Run) -> list[tuple[str, str]]:
    """(kind, cause) of each receipt of a run."""
    views = sim.caf.get(f"/runs/{run.run}/receipts")
    opened = [Receipt.opened(sim.third_party.signing_key, view["receipt"]) for view in views]
    return [(one.kind, one.cause) for one in opened]


def test_encodings_die_at_their_deadline_and_not_a_second_before(sim: Simulation):
    """72 hours after the opening, whatever the run was doing."""
    run = sim.sending()
    manifest, sealed = sim.caf.manifest(run, sim.third_party, "jour", rows_for(1)[0].encoded)
    sim.caf.upload(run, manifest, sealed)
    sim.clock.advance(hours=72, seconds=-1)
    sim.work()
    assert ("sending", True) == (sim.state(run), sim.site.vault.holds_run_key(run.run))
    sim.clock.advance(seconds=1)
    sim.work()
    assert ("expired", False, False) == (
        sim.state(run),
        sim.site.vault.holds_run_key(run.run),
        sim.site.blobs.holds(run.run),
    )
    assert [("encodings", "expiration")] == causes(sim, run)


def test_deliveries_die_at_theirs(sim: Simulation):
    """30 days after they were stored, the run is closed without its recipient."""
    run, _ = sim.delivered()
    sim.clock.advance(days=30, seconds=-1)
    sim.work()
    assert "delivered" == sim.state(run)
    sim.clock.advance(seconds=1)
    sim.work()
    assert "closed" == sim.state(run)
    assert [("encodings", "rapprochement_termine"), ("deliveries", "expiration")] == causes(sim, run)


def test_a_clock_that_goes_back_brings_nothing_back(sim: Simulation):
    """What expired stays expired."""
    run = sim.joining()
    sim.clock.advance(hours=73)
    sim.work()
    sim.clock.advance(hours=-73)
    sim.work()
    assert "expired" == sim.state(run)


def test_shorter_clocks_of_the_agreement_are_kept(sim: Simulation):
    """Six hours are six hours."""
    retention = sim.agreement().retention
    run = sim.joining(retention=replace(retention, encodings_hours=6))
    sim.clock.advance(hours=6)
    assert expire_runs(sim.site, fail)
    assert "expired" == sim.state(run)
    assert not expire_runs(sim.site, fail)


def test_a_key_is_published_once(sim: Simulation):
    """For runs that all have approved; a crash before the publication finds the same key again."""
    run = sim.opened()
    assert not publish_keys(sim.site, fail)
    sim.cnous.approve(run)
    early = sim.site.vault.make_run_key(run.run).public_bytes()
    assert publish_keys(sim.site, fail)
    assert early == sim.caf.worker_key(run, sim.third_party)
    assert not publish_keys(sim.site, fail)


def test_a_key_that_nobody_waits_for_any_more_is_destroyed(sim: Simulation):
    """A worker that was late leaves no key of a cancelled run, and publishes none."""
    run = sim.opened()
    sim.cnous.approve(run)
    sim.caf.cancel(run)
    sim.site.vault.make_run_key(run.run)
    sweep_files(sim.site)
    assert not sim.site.vault.holds_run_key(run.run)
    with sim.site.database.read() as connection:
        assert None is load_run(connection, run.run).worker_key


def test_leftovers_of_crashes_are_swept_and_nothing_else(sim: Simulation):
    """Chunks that no row names go; those of live uploads stay, and so do keys of live runs."""
    run = sim.sending()
    uploads = sim.upload_all(run, {name: rows_for(number) for number, name in enumerate(PASSES)})
    sim.site.blobs.write(run.run, "0" * 32, 0, b"left by a replaced upload")
    sim.site.blobs.write("1" * 32, "2" * 32, 0, b"left by a run that is gone")
    (sim.data / "blobs" / ("3" * 32)).mkdir()
    sweep_files(sim.site)
    assert {(run.run, upload) for upload in uploads.values()} == sim.site.blobs.held()
    assert sim.site.vault.holds_run_key(run.run)


def test_a_decided_destruction_is_left_to_its_own_proof(sim: Simulation):
    """The sweep does not take away what a receipt is still to be given for."""
    run = sim.sending()
    with sim.site.database.write() as connection:
        decide_all(sim.site, connection, load_run(connection, run.run), "annulation")
        set_run(connection, run.run, state="cancelled")
    sweep_files(sim.site)
    assert sim.site.vault.holds_run_key(run.run)
    assert tend(sim.site, fail)
    assert [("encodings", "annulation")] == causes(sim, run)
    assert not tend(sim.site, fail)


@pytest.mark.R8
@pytest.mark.parametrize("late", [0, 5, 59])
def test_what_is_due_is_destroyed_at_the_first_look(sim: Simulation, late: int):
    """A look every few seconds keeps every deadline to the minute; one before it destroys nothing."""
    run = sim.joining()
    sim.clock.advance(hours=72, seconds=-1)
    tend(sim.site, fail)
    assert ("joining", True) == (sim.state(run), sim.site.vault.holds_run_key(run.run))
    sim.clock.advance(seconds=1 + late)
    tend(sim.site, fail)
    assert ("expired", False) == (sim.state(run), sim.site.vault.holds_run_key(run.run))
    assert [("encodings", "expiration")] == causes(sim, run)


def test_a_run_whose_key_is_lost_ends_with_a_receipt(sim: Simulation):
    """The keystore is another's, or an older one: nothing of the run can be opened any more, and it says so."""
    run, waiting = sim.sending(), sim.delivered()[0]
    sim.site.vault.destroy_run_key(run.run)
    sim.site.vault.destroy_parcel_key(waiting.run, "caf")
    assert end_unreadable(sim.site, fail)
    assert ("failed", "closed") == (sim.state(run), sim.state(waiting))
    assert not end_unreadable(sim.site, fail)
    tend(sim.site, fail)
    assert [("encodings", "echec")] == causes(sim, run)
    assert [("encodings", "rapprochement_termine"), ("deliveries", "echec")] == causes(sim, waiting)


def test_the_log_is_signed_every_ten_seconds_and_kept_beside_the_database(sim: Simulation):
    """Whichever process comes first; the file holds the very note that parties are given."""
    sim.opened()
    assert sign_log(sim.site)
    assert not sign_log(sim.site)
    assert sim.caf.get("/log/checkpoint")["checkpoint"] == (sim.data / "log_checkpoint").read_text()
    sim.clock.advance(seconds=10)
    assert sign_log(sim.site)


def test_a_failure_to_sign_is_complained_of_and_stops_nothing(sim: Simulation):
    """What is due is destroyed all the same."""
    run = sim.joining()
    (sim.data / "log_checkpoint").write_text("not a checkpoint")
    sim.site.log._known = 0
    sim.clock.advance(hours=72)
    complaints: list[Exception] = []
    tend(sim.site, complaints.append)
    assert 1 == len(complaints)
    assert "expired" == sim.state(run)
