"""Jobs as workflows, on both databases: taken up whatever dies, held back and resumed, destroyed with their run."""

from __future__ import annotations

import json
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from service.agreement import Validity
from service.third_party import job_state, jobs, matching_job
from service.third_party.durable_engine import DurableEngine
from service.third_party.jobs import Job
from service.third_party.matching import Means
from service.third_party.worker import Worker
from tests.killable_worker import Slow
from tests.simulator import Run, Simulation, simulation
from tests.test_matching_job import plaintexts
from tests.test_worker import ROWS, check_results

ROOT = Path(__file__).parent.parent


@contextmanager
def third_party(data: Path, url: str | None = None) -> Iterator[Simulation]:
    """A third party by the real clock."""
    with simulation(data, url) as one:
        one.clock.moment = datetime.now(UTC).replace(microsecond=0)
        yield one


@pytest.fixture
def sim(tmp_path, database_url):
    """One on each of the two databases."""
    with third_party(tmp_path / "data", database_url) as one:
        yield one


@pytest.fixture
def small(tmp_path):
    """One in a folder, where the database makes no difference."""
    with third_party(tmp_path / "data") as one:
        yield one


def loaded(sim: Simulation) -> Run:
    """A run whose uploads are all there."""
    now = sim.clock()
    run = sim.sending(valid=Validity(not_before=now - timedelta(days=1), not_after=now + timedelta(days=90)))
    sim.upload_all(run, ROWS)
    return run


def job_of(sim: Simulation, run: Run) -> Job | None:
    with sim.site.database.read() as connection:
        return jobs.progress(connection, run.run)


def until(condition: Callable[[], Any], seconds: float = 240) -> float:
    """Wait, for long on a machine that is full of other tests; how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, "it never happened"
        time.sleep(0.02)
    return time.monotonic() - begun


@contextmanager
def standing(sim: Simulation, seconds: float = 0.0) -> Iterator[DurableEngine]:
    """A worker with its engine, in threads of this process, by the real clock."""
    begun, base = time.monotonic(), sim.clock()
    site = replace(sim.site, clock=lambda: base + timedelta(seconds=time.monotonic() - begun))
    means = Means(piece_rows=80, executor=Slow(seconds))
    worker = Worker(site=site, stop=threading.Event(), emit=sim.lines.append, means=means)
    engine = DurableEngine(worker.job, worker.stop, executor="test", alone=True)
    thread = threading.Thread(target=worker.run, kwargs={"engine": engine})
    thread.start()
    try:
        yield engine
    finally:
        worker.stop.set()
        thread.join()


def workflows() -> dict[str, str]:
    return {one.workflow_id: one.status for one in DBOS.list_workflows()}


def test_jobs_are_carried_out_and_leave_nothing(sim: Simulation):
    """Submitted by the web process while no engine was up; what the engine kept goes with the run."""
    runs = [loaded(sim)]
    with standing(sim):
        until(lambda: "delivered" == sim.state(runs[0]))
        until(lambda: not workflows())
    check_results(sim, runs[0])
    assert not job_state.holds(sim.site, runs[0].run)
    if sim.site.database.on_sqlite:
        assert runs[0].run.encode() not in (sim.data / "jobs.sqlite").read_bytes()


def test_a_cancelled_job_waits_and_a_resumed_one_goes_on(sim: Simulation):
    """Held back in mid-pass by an operator, from any process: nothing moves; resumed, it goes on from where it was."""
    run = loaded(sim)
    with standing(sim, 0.3):
        until(lambda: (job := job_of(sim, run)) and job.done > 5)
        with sim.site.database.write() as connection:
            jobs.cancel(connection, run.run)
        until(lambda: ["CANCELLED"] == list(workflows().values()))
        before = job_of(sim, run)
        time.sleep(1)
        assert before == job_of(sim, run)
        assert before is not None
        assert (True, None) == (before.paused, before.owner)
        with sim.site.database.write() as connection:
            jobs.resume(connection, run.run)
        until(lambda: "delivered" == sim.state(run))
    check_results(sim, run)


def test_a_run_cancelled_by_its_party_stops_the_work(sim: Simulation):
    """In mid-pass; nothing of the job is left, and the next job is taken."""
    run = loaded(sim)
    with standing(sim, 0.3):
        until(lambda: (job := job_of(sim, run)) and job.done > 5)
        sim.caf.cancel(run)
        until(lambda: not workflows() and not job_state.holds(sim.site, run.run))
        assert "cancelled" == sim.state(run)
        other = loaded(sim)
        until(lambda: "delivered" == sim.state(other))


class Broken:
    """Connections that fail, for a while: each statement ends as it does when the server is gone, or the disk is full."""

    def __init__(self, engine: Any, sentence: str) -> None:
        self.failures = 0
        self.on = False
        self._sentence = sentence
        event.listen(engine, "before_cursor_execute", self._fail)

    def _fail(self, *_: Any) -> None:
        if self.on:
            self.failures += 1
            raise OperationalError("", {}, sqlite3.OperationalError(self._sentence))


@pytest.mark.R2
@pytest.mark.R3
@pytest.mark.parametrize(
    ("which", "sentence"), [("site", "database or disk is full"), ("engine", "the connection is bad")]
)
def test_a_job_whose_thread_died_is_taken_up_again(sim: Simulation, sentence, which):
    """Of a full disk, of a connection that DBOS does not know how to retry: in the live process, without a restart."""
    run = loaded(sim)
    with standing(sim, 0.2) as engine:
        broken = Broken(engine._connections if which == "engine" else sim.site.database._engine, sentence)
        until(lambda: (job := job_of(sim, run)) and job.done > 4)
        broken.on = True
        time.sleep(2)
        assert broken.failures
        broken.on = False
        assert until(lambda: "delivered" == sim.state(run)) < 30 * patience()
    check_results(sim, run)


def test_a_round_that_fails_is_followed_by_another_and_says_no_text(small: Simulation):
    """The run fails after as many rounds as the port allows; the journal names the fault, never what it says."""
    run = loaded(small)
    with small.site.database.write() as connection:
        connection.execute(text("UPDATE uploads SET manifest = :m"), {"m": b"{}"})
    with standing(small):
        until(lambda: "failed" == small.state(run))
    lines = [json.loads(one) for one in small.lines if '"error"' in one]
    assert matching_job.MOST_ATTEMPTS == len(lines)
    assert {"worker"} == {one["event"] for one in lines}
    assert all(run.run not in json.dumps(one) for one in lines)


def test_no_pickle_is_opened(small: Simulation, tmp_path):
    """Whoever can write the tables of jobs cannot run a program with them: a row that says pickle is refused."""
    run = loaded(small)
    mark = tmp_path / "executed"
    bomb = b64encode(pickle.dumps(Bomb(mark))).decode()
    with standing(small, 0.2) as engine:
        until(lambda: (job := job_of(small, run)) and job.done > 4)
        with small.site.database.write() as connection:
            jobs.cancel(connection, run.run)
        until(lambda: ["CANCELLED"] == list(workflows().values()))
        with engine._connections.begin() as connection:
            connection.execute(text("UPDATE workflow_status SET serialization = 'py_pickle'"))
            connection.execute(text("UPDATE operation_outputs SET serialization = 'py_pickle'"))
            connection.execute(text("UPDATE workflow_input SET inputs = :bomb"), {"bomb": bomb})
            connection.execute(text("UPDATE operation_outputs SET output = :bomb"), {"bomb": bomb})
        with small.site.database.write() as connection:
            jobs.resume(connection, run.run)
        until(lambda: "delivered" == small.state(run))
    assert not mark.exists()
    check_results(small, run)


class Bomb:
    """Executes something when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_steps_hold_names_and_counts_only(small: Simulation):
    """What lies in clear in the engine's tables: the run, the round, kinds of steps, small numbers."""
    run = loaded(small)
    with standing(small, 0.2) as engine:
        until(lambda: (job := job_of(small, run)) and job.done > 6)
        with engine._connections.begin() as connection:
            (inputs,) = connection.scalars(text("SELECT inputs FROM workflow_input"))
            steps = connection.execute(text("SELECT function_name, output, error FROM operation_outputs")).all()
        until(lambda: "delivered" == small.state(run))
    job = json.loads(inputs)["positionalArgs"]
    assert run.run == job[0]
    assert 2 == len(job)
    assert {"judge", "verdict", "compare", "deliver", "conclude"} >= {name for name, _, _ in steps}
    assert len(steps) > 4
    assert {None} == {error for _, _, error in steps}
    assert {"{}", '{"refused":0}', '{"of":3}'} >= {output for _, output, _ in steps}


class Process:
    """A worker in a process of its own."""

    def __init__(self, sim: Simulation, url: str, *options: str, seconds: float = 0.4) -> None:
        command = [sys.executable, "-m", "tests.killable_worker", str(sim.data), url, "24", str(seconds)]
        self.process = subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def end(self, how: int = signal.SIGTERM) -> list[str]:
        """End it; the lines that it wrote."""
        self.process.send_signal(how)
        _, written = self.process.communicate(timeout=60)
        return written.splitlines()


@contextmanager
def processes() -> Iterator[Callable[..., Process]]:
    """Starts workers, and kills those that are left."""
    started: list[Process] = []

    def start(*arguments: Any, **options: Any) -> Process:
        started.append(Process(*arguments, **options))
        return started[-1]

    try:
        yield start
    finally:
        for one in started:
            if one.process.poll() is None:
                one.end(signal.SIGKILL)


@pytest.mark.flow
@pytest.mark.R1
def test_killed_in_mid_pass_and_the_same_bytes(sim: Simulation, database_url):
    """kill -9 at some piece, the next worker goes on from what is finished; it connects to nothing but its database."""
    calm = loaded(sim)
    sim.work()
    run = loaded(sim)
    with processes() as start:
        first = start(sim, database_url, seconds=0.4)
        until(lambda: (job := job_of(sim, run)) and job.done > 6)
        first.end(signal.SIGKILL)
        before = job_of(sim, run)
        assert before is not None
        second = start(sim, database_url, "--watched", seconds=0.0)
        moving = until(lambda: (job := job_of(sim, run)) is None or job.done > before.done)
        until(lambda: "delivered" == sim.state(run))
        lines = second.end()
    assert moving < 15 * patience()
    assert plaintexts(sim, calm) == plaintexts(sim, run)
    check_results(sim, run)
    assert {"pass"} == {json.loads(one)["event"] for one in lines}
    connected = (sim.data / "connected").read_text()
    if sim.site.database.on_sqlite:
        assert "" == connected
    assert all("127.0.0.1" in one or "localhost" in one for one in connected.splitlines())


def patience() -> float:
    """How much slower this machine is now than one that has nothing else to do: it may be full of other tests."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import dbos"], check=True)
    return max(1.0, (time.perf_counter() - begun) / 2.0)


@pytest.mark.flow
@pytest.mark.R1
def test_another_worker_takes_over_and_the_first_one_changes_nothing_any_more(tmp_path, postgres_url):
    """A worker is suspended in mid-pass; a second one ends its job; woken up, the first one finds that it lost it."""
    with third_party(tmp_path / "data", postgres_url) as sim, processes() as start:
        run = loaded(sim)
        first = start(sim, postgres_url, seconds=0.4)
        until(lambda: (job := job_of(sim, run)) and job.done > 6)
        second = start(sim, postgres_url, seconds=0.0)
        first.process.send_signal(signal.SIGSTOP)
        until(lambda: "delivered" == sim.state(run))
        first.process.send_signal(signal.SIGCONT)
        time.sleep(2)
        check_results(sim, run)
        other = loaded(sim)  # and it is a worker like any other again
        second.end(signal.SIGKILL)
        until(lambda: "delivered" == sim.state(other))
        check_results(sim, other)
        assert 1 == len(sim.caf.get(f"/runs/{run.run}/receipts"))
        lines = first.end()
        assert all(json.loads(one)["at"] and run.run not in one for one in lines)
