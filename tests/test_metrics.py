"""Metrics have closed labels, are there from the start, and tell nothing of what was compared."""

from __future__ import annotations

import re
import urllib.request

import pytest

from service.messages import RunState
from service.third_party.api import routes
from service.third_party.metrics import serve_metrics
from tests.simulator import BASE, Simulation, simulation


def told(sim: Simulation) -> dict[str, float]:
    """Every sample, as a supervisor reads it from the port."""
    metrics = sim.http.app.state.metrics  # type: ignore[attr-defined]
    from prometheus_client import generate_latest

    lines = generate_latest(metrics.registry).decode().splitlines()
    return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if not one.startswith("#"))}


def test_everything_is_there_at_zero(sim: Simulation):
    """States of runs, routes, counts: before anything happened."""
    found = told(sim)
    for state in RunState:
        assert 0 == found[f'allervers_runs{{state="{state}"}}']
    for name in (
        "allervers_jobs",
        "allervers_purges_pending",
        "allervers_purge_overdue_seconds",
        "allervers_log_leaves",
    ):
        assert 0 == found[name]
    assert (1, -1, -1) == (
        found["allervers_database_up"],
        found["allervers_log_signed_age_seconds"],
        found["allervers_upkeep_age_seconds"],
    )
    assert found["allervers_disk_free_bytes"] > 0


def test_requests_are_counted_by_route_and_class(sim: Simulation):
    """An address that is no route counts as other: no label can be made up by a caller."""
    sim.caf.get("/runs")
    sim.http.get(f"{BASE}/v1/runs/{'0' * 32}?name=Dupont")
    sim.http.request("BREW", f"{BASE}/Dupont")
    found = told(sim)
    assert 1 == found['allervers_requests_total{method="GET",route="/v1/runs",status="2xx"}']
    assert 1 == found['allervers_requests_total{method="GET",route="/v1/runs/{run}",status="4xx"}']
    assert 1 == found['allervers_requests_total{method="other",route="other",status="4xx"}']
    assert "Dupont" not in "".join(found)


@pytest.mark.S5
def test_labels_are_of_closed_sets(sim: Simulation):
    """After a whole run: no party, no identifier, no count of links among names and labels."""
    run, _ = sim.delivered()
    sim.caf.acknowledge(run)
    found = told(sim)
    assert 1 == found['allervers_runs{state="closed"}']
    known = {
        "method": {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "other"},
        "route": {route.path for route in routes()} | {"other"},
        "status": {"1xx", "2xx", "3xx", "4xx", "5xx", "other"},
        "state": {str(state) for state in RunState},
    }
    for sample in found:
        labels = dict(re.findall(r'(\w+)="([^"]*)"', sample))
        assert set(labels) <= {*known, "le"}
        assert all(value in known[name] for name, value in labels.items() if name != "le")
        assert not re.search(r"link|match|hit|row|pair|caf|cnous", re.sub(r'(route|state)="[^"]*"', "", sample))


def test_a_deadline_that_is_not_kept_is_told(sim: Simulation):
    """Nobody looks after the runs: the age of the oldest one shows it."""
    sim.opened()
    sim.clock.advance(hours=72, seconds=90)
    assert 90 == told(sim)["allervers_purge_overdue_seconds"]
    sim.work()
    found = told(sim)
    assert (0, 0) == (found["allervers_purge_overdue_seconds"], found["allervers_upkeep_age_seconds"])


def test_they_are_served_on_a_port_of_their_own(sim: Simulation):
    """Over HTTP, until it is stopped."""
    metrics = sim.http.app.state.metrics  # type: ignore[attr-defined]
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    stop = serve_metrics(metrics, "127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"allervers_database_up 1.0" in answer.read()
    finally:
        stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")


def test_without_a_database_the_rest_is_told(tmp_path):
    """What cannot be read is left out, and that is said."""
    with simulation(tmp_path / "data") as sim:
        with sim.site.database.write() as connection:
            connection.exec_driver_sql("DROP TABLE marks")
        found = told(sim)
    assert 0 == found["allervers_database_up"]
    assert "allervers_jobs" not in found
