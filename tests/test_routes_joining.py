"""The routes of relays promise what they answer."""

from __future__ import annotations

from service.third_party.api import routes
from service.third_party.routes_joining import router


def test_the_application_serves_them():
    """All three, with their contract."""
    mine = {(route.method, route.path) for route in router.routes}
    expected = {
        ("POST", "/v1/runs/{run}/relays"),
        ("GET", "/v1/runs/{run}/relays"),
        ("GET", "/v1/runs/{run}/relays/{kind}/{sender}/{number}"),
    }
    assert expected == mine
    served = {(route.method, route.path): route for route in routes()}
    assert expected <= set(served)
