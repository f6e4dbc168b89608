"""Routes of proofs: which there are, and the action of each. What they answer is in test_api."""

from __future__ import annotations

from service.third_party.routes_proofs import router

ROUTES = router.routes


def test_the_actions_of_these_routes():
    """Each route asks for one action."""
    found = [route.action.name for route in ROUTES]
    expected = {"READ_IDENTITY", "READ_RECEIPTS", "READ_RUN_LOG", "READ_CHECKPOINT", "READ_CONSISTENCY"}
    assert sorted(expected) == sorted(found)
