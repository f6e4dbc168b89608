"""Routes of reviews: which there are, and the action of each. What they answer is in test_reviews."""

from __future__ import annotations

from service.third_party.routes_review import router

ROUTES = router.routes


def test_the_actions_of_these_routes():
    """Each route asks for one action."""
    found = [route.action.name for route in ROUTES]
    assert ["READ_REVIEW", "RELEASE_RUN"] == sorted(found)
