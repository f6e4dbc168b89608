"""Routes of runs: which there are, and the action of each. What they answer is in test_api."""

from __future__ import annotations

from service.third_party.routes_runs import router

ROUTES = router.routes


def test_the_actions_of_these_routes():
    """Each route asks for one action."""
    found = [route.action.name for route in ROUTES]
    expected = {
        "OPEN_RUN", "LIST_RUNS", "READ_RUN", "APPROVE_RUN", "CANCEL_RUN", "READ_WORKER_KEY", "SEND_SHARE",
        "READ_SHARES", "SEND_CONFIRMATION", "READ_CONFIRMATIONS", "ACKNOWLEDGE",
    }  # fmt: skip
    assert sorted(expected) == sorted(found)
