"""Routes of interface: which there are, and that each asks for its action first. What they answer is in test_api."""

from __future__ import annotations

from fastapi.routing import APIRoute

from service.third_party.admission import Admit
from service.third_party.routes_interface import router

ROUTES = [route for route in router.routes if isinstance(route, APIRoute)]


def test_the_actions_of_these_routes():
    """Each route asks for one action, before anything else."""
    found = []
    for route in ROUTES:
        first = route.dependant.dependencies[0]
        while not isinstance(first.call, Admit):
            first = first.dependencies[0]
        found.append(first.call.action.name)
    expected = {"READ_INTERFACE"}
    assert sorted(expected) == sorted(found)
