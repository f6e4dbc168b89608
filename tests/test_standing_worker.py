"""A worker that stays: alone on SQLite, in turn after the one before; any number on PostgreSQL; it stops when asked."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.third_party.standing_worker import stand
from service.third_party.worker import Worker
from tests.simulator import Simulation
from tests.test_durable_engine import loaded, processes, third_party, until
from tests.test_worker import check_results

ROOT = Path(__file__).parent.parent


@pytest.fixture
def sim(tmp_path, database_url):
    """A third party by the real clock."""
    with third_party(tmp_path / "data", database_url) as one:
        yield one


@contextmanager
def stood(sim: Simulation) -> Iterator[tuple[Worker, threading.Thread]]:
    """A worker that stays, in a thread."""
    worker = Worker(site=sim.site, stop=threading.Event(), emit=sim.lines.append)
    thread = threading.Thread(target=stand, args=(worker,))
    thread.start()
    try:
        yield worker, thread
    finally:
        worker.stop.set()
        thread.join()
        gc.unfreeze()


def locked(sim: Simulation) -> bool:
    """Whether somebody has the file of jobs to itself."""
    descriptor = os.open(sim.data / "worker.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def test_it_works_until_asked_to_stop_and_leaves_nothing_behind(sim: Simulation):
    """What its last job has left to destroy is destroyed before it ends."""
    run = loaded(sim)
    with stood(sim) as (worker, thread):
        until(lambda: "delivered" == sim.state(run))
        assert thread.is_alive()
        worker.stop.set()
        thread.join(30)
        assert not thread.is_alive()
        assert not sim.site.blobs.holds(run.run)
    check_results(sim, run)
    assert 1 == len(sim.caf.get(f"/runs/{run.run}/receipts"))


def test_on_sqlite_it_is_alone(tmp_path):
    """The lock is held while it works, for its owner only, and let go when it ends."""
    with third_party(tmp_path / "data") as sim:
        with stood(sim):
            until(lambda: (sim.data / "worker.lock").exists() and locked(sim))
            assert 0o600 == (sim.data / "worker.lock").stat().st_mode & 0o777
        assert not locked(sim)


def test_one_that_waits_for_its_turn_stops_when_asked(tmp_path):
    """It has opened nothing of the engine by then."""
    with third_party(tmp_path / "data") as sim:
        descriptor = os.open(sim.data / "worker.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with stood(sim) as (worker, thread):
            thread.join(0.5)
            assert thread.is_alive()
            worker.stop.set()
            thread.join(10)
            assert not thread.is_alive()
        os.close(descriptor)
        assert not (sim.data / "jobs.sqlite").exists()


@pytest.mark.flow
def test_the_next_one_gets_its_turn_when_the_first_is_killed(tmp_path):
    """The system lets the lock go, however the process ended: the job goes on in the one that waited."""
    with third_party(tmp_path / "data") as sim, processes() as start:
        url = str(sim.site.database.url.render_as_string(hide_password=False))
        first = start(sim, url, seconds=600.0)  # it will never end a piece
        until(lambda: locked(sim))
        run = loaded(sim)
        with stood(sim) as (_, thread):
            thread.join(1.0)
            assert thread.is_alive()
            assert "matching" == sim.state(run)
            first.end(signal.SIGKILL)
            until(lambda: "delivered" == sim.state(run))
        check_results(sim, run)


def test_what_is_loaded_is_looked_at_once_only(tmp_path):
    """The collector leaves the program alone: a look at all of it costs a tenth of a second in the middle of a comparison."""
    with third_party(tmp_path / "data") as sim:
        assert 0 == gc.get_freeze_count()
        with stood(sim):
            until(lambda: gc.get_freeze_count() > 50_000)


def test_the_engine_is_loaded_by_workers_that_stay_only():
    """`allervers work --once` and the web process have nothing of it in memory."""
    code = "import sys, service.third_party.worker, service.third_party.app; print('dbos' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()
