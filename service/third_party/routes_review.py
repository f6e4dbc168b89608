"""Routes of the review of a run whose results are held."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.answers import RunView
from service.review import Release, ReviewView
from service.third_party import reviews
from service.third_party.admission import Admit, JsonBody, Visit
from service.third_party.contract import reply, says, signed
from service.third_party.lifecycle import Action

__all__ = ["read_review", "release", "router"]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.get("/runs/{run}/review", **says(ReviewView))
def read_review(visit: Annotated[Visit, Depends(Admit(Action.READ_REVIEW))], run: str) -> JSONResponse:
    """Where the review of a run stands, as the caller may know it."""
    return reply(reviews.read_review(visit.site, visit.caller, run).to_json())


@router.post("/runs/{run}/release", **says(RunView, body=signed(Release)))
def release(visit: Annotated[Visit, Depends(Admit(Action.RELEASE_RUN))], run: str, body: JsonBody) -> JSONResponse:
    """Agree that held results are delivered."""
    return reply(reviews.release(visit.site, visit.caller, run, body).to_json())
