"""Whether the service can work is tried, not guessed; and nothing else is told to strangers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from service.errors import ServiceError
from service.third_party.clocks import SteadyClock
from service.third_party.health import MOST_DRIFT, PROBES, Health, try_all
from service.third_party.site import open_site
from service.third_party.upkeep import sign_log
from tests.simulator import Simulation, simulation


def failures(sim: Simulation) -> dict[str, str]:
    return {one.name: one.code for one in try_all(sim.site) if one.failure}


def test_a_fresh_service_works(sim: Simulation):
    """Each thing that is tried works, in the order of their names' table."""
    assert [(name, "") for name in PROBES] == [(one.name, one.code) for one in try_all(sim.site)]


def test_what_is_tried_leaves_nothing(sim: Simulation):
    """The chunk of the probe is dropped, and no leaf is added to the log."""
    try_all(sim.site)
    assert set() == sim.site.blobs.held()
    with sim.site.database.read() as connection:
        assert 0 == sim.site.log.checkpoint(connection)[1]


def test_a_key_that_others_read_is_not_ready(sim: Simulation):
    """One word for the operator."""
    (sim.data / "log_key").chmod(0o644)
    assert {"keys": "E_CLE_LISIBLE"} == failures(sim)


def test_a_store_that_refuses_is_not_ready(sim: Simulation):
    """A file stands where the folder of chunks should be."""
    (sim.data / "blobs").rmdir() if (sim.data / "blobs").exists() else None
    (sim.data / "blobs").write_text("not a folder")
    assert ["store"] == list(failures(sim))


def test_a_database_that_is_gone_is_not_ready(tmp_path: Path):
    """Everything that needs it says so, and nothing else."""
    with simulation(tmp_path / "data") as sim:
        sign_log(sim.site)
        with sim.site.database.write() as connection:
            connection.exec_driver_sql("DROP TABLE marks")
        assert {"database", "log"} == set(failures(sim))


def test_an_older_log_is_not_ready(sim: Simulation):
    """The checkpoint beside the database is of a longer log."""
    sim.opened()
    sign_log(sim.site)
    with simulation(sim.data.parent / "other") as other:
        sim.opened()
        longer = (sim.data / "log_checkpoint").read_bytes()
        (other.data / "log_checkpoint").write_bytes(longer)
        (other.data / "log_key").write_bytes((sim.data / "log_key").read_bytes())
        site = open_site(other.data, other.clock)
        found = {one.name: one.code for one in try_all(site) if one.failure}
        site.database.close()
    assert {"log": "E_JOURNAL_RECULE"} == found


@pytest.mark.R8
@pytest.mark.parametrize(("behind", "ready"), [(MOST_DRIFT, True), (MOST_DRIFT + timedelta(seconds=1), False)])
def test_a_clock_that_jumped_back_is_told(tmp_path, behind, ready):
    """The service goes on by its own time, and says that the system's is wrong."""
    with simulation(tmp_path / "data") as sim:
        walls = [sim.clock()]
        clock = SteadyClock(lambda: walls[0], lambda: 0.0)
        site = open_site(sim.data, clock)
        walls[0] -= behind
        assert ready == ("clock" not in {one.name for one in try_all(site) if one.failure})
        site.database.close()


def test_answers_are_kept_for_a_moment(sim: Simulation):
    """Whoever asks often makes nobody work; a fault is seen two seconds later."""
    now = [0.0]
    health = Health(sim.site, lambda: now[0])
    assert list(PROBES) == health.check()
    (sim.data / "log_key").chmod(0o644)
    now[0] = 1.9
    assert list(PROBES) == health.check()
    now[0] = 2.0
    with pytest.raises(ServiceError) as caught:
        health.check()
    assert 503 == caught.value.status
