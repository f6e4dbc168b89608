"""Routes for supervisors: open to anybody, told in closed words, and 503 when the service cannot work."""

from __future__ import annotations

import pytest

from service.third_party.health import PROBES
from service.third_party.routes_operations import router
from tests.simulator import BASE, Simulation

ROUTES = router.routes


def test_the_actions_of_these_routes():
    """Each route asks for one action."""
    found = [(route.path, route.action.name) for route in ROUTES]
    assert [("/healthz", "READ_HEALTH"), ("/readyz", "READ_HEALTH")] == sorted(found)


def test_a_fresh_service_is_ready(sim: Simulation):
    """Both routes, without a signature; they tell names of what was tried and nothing more."""
    healthz, readyz = (sim.http.get(f"{BASE}{path}") for path in ("/healthz", "/readyz"))
    assert (200, {"data": {"works": []}}) == (healthz.status_code, healthz.json())
    assert (200, {"data": {"works": list(PROBES)}}) == (readyz.status_code, readyz.json())
    for answer in (healthz, readyz):
        assert "allervers-checkpoint" not in answer.headers
        assert "no-store" == answer.headers["cache-control"]


def test_a_service_that_cannot_work_is_alive_and_not_ready(sim: Simulation):
    """One word for each thing that fails, and when to ask again; no path, no code of what was found."""
    (sim.data / "log_key").chmod(0o644)
    assert 200 == sim.http.get(f"{BASE}/healthz").status_code
    answer = sim.http.get(f"{BASE}/readyz")
    assert (503, "2") == (answer.status_code, answer.headers["retry-after"])
    (error,) = answer.json()["errors"]
    assert ("E_INDISPONIBLE", True) == (error["code"], "keys" in error["detail"])
    for name in ("E_CLE_LISIBLE", "log_key", str(sim.data), *(set(PROBES) - {"keys"})):
        assert name not in error["detail"], name


def test_it_is_ready_again_once_it_works(sim: Simulation):
    """Two seconds later, without a restart."""
    (sim.data / "log_key").chmod(0o644)
    assert 503 == sim.http.get(f"{BASE}/readyz").status_code
    (sim.data / "log_key").chmod(0o600)
    statuses = [sim.http.get(f"{BASE}/readyz").status_code for _ in range(4)]  # this clock moves at each look
    assert 200 == statuses[-1]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_nothing_else_is_answered_there(sim: Simulation, path):
    """No other method, no address below; what a query says changes nothing."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert 405 == sim.http.request(method, f"{BASE}{path}", content=b"x").status_code
    for other in (f"{path}/", f"{path}/x", f"/v1{path}"):
        assert 404 == sim.http.get(f"{BASE}{other}").status_code
    assert sim.http.get(f"{BASE}{path}").json() == sim.http.get(f"{BASE}{path}?verbose=1&name=Dupont").json()
