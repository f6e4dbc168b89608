"""Routes of agreements: which there are, and the action of each. What they answer is in test_api."""

from __future__ import annotations

from service.third_party.routes_agreements import router

ROUTES = router.routes


def test_the_actions_of_these_routes():
    """Each route asks for one action."""
    found = [route.action.name for route in ROUTES]
    expected = {"PROPOSE_AGREEMENT", "LIST_AGREEMENTS", "READ_AGREEMENT", "SIGN_AGREEMENT"}
    assert sorted(expected) == sorted(found)
