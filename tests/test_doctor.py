"""The examination finds what is wrong with an installation, says what to do, and changes nothing."""

from __future__ import annotations

import shutil

import pytest

from service.third_party.doctor import examine, sqlite_is_safe
from service.third_party.key_changes import KEY_CHANGES, note_end
from service.third_party.party_keys import active_keys
from service.third_party.purge import decide_all
from service.third_party.run_store import load_run
from service.third_party.site import open_site
from service.third_party.successors import revoke
from service.third_party.upkeep import tend
from tests.simulator import PASSES, Simulation, rows_for, simulation


@pytest.fixture
def sim(tmp_path):
    """A fresh third party that a worker looks after."""
    with simulation(tmp_path / "data") as one:
        tend(one.site, lambda error: None)
        (one.data / "blobs").mkdir(mode=0o700, exist_ok=True)
        yield one


def faults(sim: Simulation) -> set[str]:
    return {one.name for one in examine(sim.data, lambda: open_site(sim.data, sim.clock)) if not one.works}


def test_a_sound_installation_has_no_fault(sim: Simulation):
    """Everything is looked at, and works."""
    found = examine(sim.data, lambda: open_site(sim.data, sim.clock))
    assert [] == [one for one in found if not one.works and one.name != "disk"]
    assert {"database", "store", "clock", "keys", "log", "disk", "destructions", "worker", "chunks", "key_changes"} <= {
        one.name for one in found
    }
    assert "database kind" in {one.name for one in found}


@pytest.mark.parametrize("name", ["identity.json", "log_key", "blobs", "keystore"])
def test_rights_that_are_too_wide_are_found(sim: Simulation, name):
    """Each file and folder that is for one account."""
    sim.joining()
    (sim.data / name).chmod(0o755)
    assert f"rights {name}" in faults(sim)


def test_a_missing_key_is_found(sim: Simulation):
    """And the rest that needs it cannot even be opened."""
    (sim.data / "log_key").unlink()
    assert {"rights log_key", "open"} <= faults(sim)


def test_no_room_is_found(sim: Simulation, monkeypatch):
    """A gibibyte is the least."""
    monkeypatch.setattr("service.third_party.doctor.free_bytes", lambda folder: (1 << 30) - 1)
    assert {"disk"} == faults(sim)


def test_a_worker_that_is_gone_is_found(sim: Simulation):
    """Nobody has looked after deadlines for a minute."""
    sim.clock.advance(seconds=59)
    assert set() == faults(sim) - {"disk"}
    sim.clock.advance(seconds=1)
    assert {"worker"} == faults(sim) - {"disk"}


def test_a_destruction_that_waits_is_found(sim: Simulation):
    """Decided and not proved."""
    run = sim.opened()
    with sim.site.database.write() as connection:
        decide_all(sim.site, connection, load_run(connection, run.run), "annulation")
    assert {"destructions"} == faults(sim) - {"disk"}


def test_chunks_that_are_gone_are_found(sim: Simulation):
    """Rows name an upload whose files are not there any more."""
    run = sim.sending()
    uploads = sim.upload_all(run, {name: rows_for(number) for number, name in enumerate(PASSES)})
    shutil.rmtree(sim.data / "blobs" / run.run / next(iter(uploads.values())))
    assert {"chunks"} == faults(sim) - {"disk"}


def test_a_key_that_was_revoked_and_is_active_again_is_found(sim: Simulation):
    """Tables that are older than what is remembered beside them: somebody put back a copy without `restore`."""
    sim.sending()
    with sim.site.database.read() as connection:
        [key] = active_keys(connection, "caf")
        note_end(sim.site, connection, "caf", key.name)
    found = examine(sim.data, lambda: open_site(sim.data, sim.clock))
    [finding] = [one for one in found if not one.works and one.name != "disk"]
    assert ("key_changes", True) == (finding.name, "(caf)" in finding.sentence)
    revoke(sim.site, "caf", key.name)
    assert "key_changes" not in faults(sim)


@pytest.mark.parametrize("content", [None, b"", b"{}\n", b"nothing\n"], ids=["gone", "empty", "other", "damaged"])
def test_changes_of_keys_that_are_not_remembered_are_found(sim: Simulation, content):
    """A restored backup would need the operator's memory."""
    path = sim.data / KEY_CHANGES
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert {"key_changes"} <= faults(sim)


@pytest.mark.parametrize(
    ("version", "mode", "safe"),
    [
        ((3, 40, 1), "delete", True),
        ((3, 40, 1), "wal", False),
        ((3, 44, 5), "wal", False),
        ((3, 44, 6), "wal", True),
        ((3, 50, 6), "wal", False),
        ((3, 50, 7), "wal", True),
        ((3, 51, 2), "wal", False),
        ((3, 51, 3), "wal", True),
        ((3, 52, 0), "wal", True),
        ((3, 49, 9), "wal", False),
        ((3, 52, 0), "persist", False),
        ((3, 52, 0), "off", False),
        ((3, 40, 1), "truncate", True),
    ],
)
def test_versions_of_sqlite_are_judged_with_their_journal(version, mode, safe):
    """The write-ahead log lost commits until it was repaired, in three branches; kept journals keep deleted pages."""
    assert safe == sqlite_is_safe(version, mode)
