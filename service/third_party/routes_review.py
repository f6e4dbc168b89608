"""Routes of the review of a run whose results are held."""

from __future__ import annotations

from starlette.responses import JSONResponse

from crypto.framing import Json
from service.answers import RunView
from service.review import Release, ReviewView
from service.third_party import reviews
from service.third_party.admission import Visit
from service.third_party.contract import reply, says, signed
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = ["read_review", "release", "router"]

router = Router("/v1")


@router.get("/runs/{run}/review", Action.READ_REVIEW, says(ReviewView))
def read_review(visit: Visit, run: str) -> JSONResponse:
    """Where the review of a run stands, as the caller may know it."""
    return reply(reviews.read_review(visit.site, visit.caller, run).to_json())


@router.post("/runs/{run}/release", Action.RELEASE_RUN, says(RunView, body=signed(Release)))
def release(visit: Visit, run: str, body: Json) -> JSONResponse:
    """Agree that held results are delivered."""
    return reply(reviews.release(visit.site, visit.caller, run, body).to_json())
