"""A request that was captured is of no use: not at once, not after a restart, not on another node."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from service.third_party.app import create_app
from service.third_party.storage import Storage
from tests.simulator import BASE, Simulation, simulation

pytestmark = pytest.mark.S2


def captured(sim: Simulation, count: int) -> list[httpx2.Request]:
    """Requests of several kinds and parties, each admitted once."""
    kinds: list[tuple[str, str, bytes | None]] = [
        ("GET", "/runs", None),
        ("GET", "/log/checkpoint", None),
        ("POST", "/runs", b'{"agreement":"' + b"0" * 64 + b'"}'),
        ("GET", f"/runs/{'0' * 32}", None),
    ]
    parties = (sim.caf, sim.cnous, sim.dgfip)
    seen = [parties[number % 3].request(*kinds[number % 4]) for number in range(count)]
    assert {one.status_code for one in send_all(sim.http, seen)} <= {200, 404}
    return seen


def send_all(http: Any, requests: list[httpx2.Request]) -> list[httpx2.Response]:
    """Send requests, several at a time."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(http.send, requests))


def statuses(http: Any, requests: list[httpx2.Request]) -> set[tuple[int, str]]:
    """What they are answered now."""
    return {(one.status_code, one.json()["errors"][0]["code"]) for one in send_all(http, requests)}


@contextmanager
def another_node(sim: Simulation, url: str | None) -> Iterator[TestClient]:
    """A process that starts on the same data; it remembers nothing but what the database holds."""
    ticks = iter(range(1 << 30))
    app = create_app(
        sim.data, sim.clock, ticks=lambda: float(next(ticks)), emit=sim.lines.append, storage=Storage(database=url)
    )
    with TestClient(app, base_url=BASE) as http:
        yield http
    app.state.site.database.close()


def check_replays(folder: Path, url: str | None, count: int) -> None:
    """Every captured request is refused here, on a second node, and after a restart, while its signature would hold.

    Each is replayed three times at least: `count` replays take a third as many requests.
    """
    refused = {(401, "E_REQUETE_NON_SIGNEE")}
    with simulation(folder / "data", url) as sim:
        requests = captured(sim, -(-count // 3))
        assert refused == statuses(sim.http, requests)
        with another_node(sim, url) as second:
            assert refused == statuses(second, requests)
            fresh = [sim.caf.request("GET", "/runs") for _ in range(20)]
            assert [200] * 20 == [second.send(one).status_code for one in fresh]
            assert refused == statuses(sim.http, fresh)
        sim.clock.advance(seconds=290)
    sim.clock.advance(seconds=1)
    with another_node(sim, url) as restarted:
        assert refused == statuses(restarted, requests)
        sim.clock.advance(seconds=-291)
        assert refused == statuses(restarted, requests[:100])  # also for a clock that went back


def test_a_thousand_replays_are_refused(tmp_path, database_url):
    """On each database."""
    check_replays(tmp_path, database_url, 1000)


@pytest.mark.soak
def test_ten_thousand_replays_are_refused(tmp_path, database_url):
    """The large column: ten thousand requests, each on every node."""
    check_replays(tmp_path, database_url, 30_000)


def test_two_nodes_admit_a_request_once(tmp_path, database_url):
    """Sent to both at the same moment, one of them admits it."""
    with (
        simulation(tmp_path / "data", database_url) as sim,
        another_node(sim, database_url) as second,
        ThreadPoolExecutor(2) as pool,
    ):
        for _ in range(25):
            request = sim.caf.request("GET", "/runs")
            answers = [pool.submit(http.send, request) for http in (sim.http, second)]
            assert [200, 401] == sorted(one.result().status_code for one in answers)


def test_a_nonce_is_forgotten_when_no_clock_accepts_it(tmp_path):
    """The table does not grow for ever, and what is forgotten is too old to be admitted."""
    from sqlalchemy import func, select

    from service.third_party.schema import nonces

    with simulation(tmp_path / "data") as sim:
        requests = captured(sim, 30)
        sim.clock.moment += timedelta(seconds=900)
        sim.caf.get("/runs")
        with sim.site.database.read() as connection:
            assert 1 == connection.scalar(select(func.count()).select_from(nonces))
        assert {(401, "E_REQUETE_NON_SIGNEE")} == statuses(sim.http, requests)
