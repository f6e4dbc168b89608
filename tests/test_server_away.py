"""R2: PostgreSQL is killed in the middle of jobs and comes back five seconds later, over TCP and over its socket.

One server, two third parties on it, each with a web half here and a worker of its own process; nobody is restarted.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from service.agreement import Validity
from service.third_party.database import Database
from service.third_party.piecewise import PIECE_ROWS
from service.third_party.schema import runs
from tests.postgres import TEMPLATE, TempPg
from tests.simulator import Rows, Run, Simulation, pass_plan, rows_for, simulation

pytestmark = [pytest.mark.R2, pytest.mark.flow]

ROOT = Path(__file__).parent.parent
AWAY_SECONDS = 5.0
_PAUSE_SECONDS = 2.4  # over all passes: both workers are in the middle of a job when the server is killed
MOST_SECONDS = 30.0  # until the job is done, counted from the server's return


@dataclass(kw_only=True)
class Case:
    """A third party and one run of it."""

    sim: Simulation
    run: Run
    rows: dict[str, tuple[Rows, Rows]]
    url: str

    def state(self) -> tuple[str, int]:
        """State and passes done, as the database has them."""
        with self.sim.site.database.read() as connection:
            query = select(runs.c.state, runs.c.passes_done).where(runs.c.run == self.run.run)
            state, done = connection.execute(query).one()
        return state, done

    def load(self) -> None:
        """Send every upload; the run waits to be matched."""
        self.sim.upload_all(self.run, self.rows)

    def worker(self, folder: Path) -> subprocess.Popen[bytes]:
        """A worker process, slow enough to be found at work; what it says goes to a file."""
        words = [str(self.sim.data), self.url, str(PIECE_ROWS), str(_PAUSE_SECONDS / len(self.rows))]
        with (folder / "worker.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "tests.killable_worker", *words], cwd=ROOT, stderr=log)


def prepared(sim: Simulation, url: str, passes: int) -> Case:
    """A run of small passes that waits for its uploads, opened by the real clock, since its worker has that one."""
    now = datetime.now(UTC).replace(microsecond=0)
    sim.clock.moment = now
    rows = {f"passe{number}": rows_for(number) for number in range(passes)}
    (comparison,) = sim.agreement().comparisons
    plan = replace(comparison.plan, passes=tuple(map(pass_plan, rows)))
    valid = Validity(not_before=now - timedelta(days=1), not_after=now + timedelta(days=90))
    run = sim.sending(comparisons=(replace(comparison, plan=plan),), valid=valid)
    return Case(sim=sim, run=run, rows=rows, url=url)


@contextlib.contextmanager
def third_parties(server: TempPg, folder: Path, passes: int) -> Iterator[dict[str, Case]]:
    """One that reaches the server over TCP, one over the socket."""
    server.administer(f"CREATE DATABASE {TEMPLATE}")
    Database(server.url(TEMPLATE)).close()
    with contextlib.ExitStack() as stack:
        found = {}
        for way in ("tcp", "socket"):
            url = server.url(server.create(TEMPLATE), by_socket=way == "socket")
            sim = stack.enter_context(simulation(folder / way / "data", url))
            found[way] = prepared(sim, url, passes)
            found[way].load()
        yield found


def until(seconds: float, condition: object) -> float:
    """Wait for a condition; how long that took."""
    started = time.monotonic()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() - started < seconds, "it never happened"
        time.sleep(0.01)
    return time.monotonic() - started


def under_way(one: Case) -> bool:
    state, done = one.state()
    assert state in ("matching", "delivered")  # on a slow machine one job ends while the other is waited for
    return done > 0 or state == "delivered"


@pytest.mark.parametrize("rounds", [1, pytest.param(6, marks=pytest.mark.soak)], ids=["small", "soak"])
def test_a_server_killed_in_the_middle_of_jobs(tmp_path: Path, rounds: int, record_property):
    """Requests are refused with 503 meanwhile; the same processes end their jobs, with the right results."""
    server = TempPg()
    workers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        with third_parties(server, tmp_path, 8 * rounds) as parties:
            workers = {way: one.worker(tmp_path / way) for way, one in parties.items()}
            for _ in range(rounds):
                for one in parties.values():
                    until(60, lambda one=one: under_way(one))
                server.kill()
                started = time.monotonic()
                for one in parties.values():
                    assert "E_INDISPONIBLE" == one.sim.caf.get(f"/runs/{one.run.run}", 503)
                time.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - started)))
                server.start()
                back = time.monotonic()
                assert {one.state()[0] for one in parties.values()} <= {"matching", "delivered"}
            for one in parties.values():
                until(MOST_SECONDS - (time.monotonic() - back), lambda one=one: one.state()[0] == "delivered")
            record_property("seconds", round(time.monotonic() - back, 1))
            assert {None} == {worker.poll() for worker in workers.values()}
            for one in parties.values():
                one.sim.clock.moment = datetime.now(UTC)
                for name, (recipient, _) in one.rows.items():
                    got = one.sim.caf.fetch(one.run, one.sim.third_party, name)
                    assert (set(recipient.certain), set(recipient.grey)) == got[:2]
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
        server.stop()
