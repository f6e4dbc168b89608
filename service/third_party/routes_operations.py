"""Routes for supervisors: whether the process answers, whether the service can work. Open to anybody; they tell nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from service.answers import HealthView
from service.third_party.admission import Admit, Visit
from service.third_party.contract import reply, says
from service.third_party.lifecycle import Action

__all__ = ["healthz", "readyz", "router"]

router = APIRouter(redirect_slashes=False)


@router.get("/healthz", **says(HealthView))
def healthz(_: Annotated[Visit, Depends(Admit(Action.READ_HEALTH))]) -> JSONResponse:
    """The process answers."""
    return reply(HealthView(works=()).to_json())


@router.get("/readyz", **says(HealthView, also=(503,)))
def readyz(_: Annotated[Visit, Depends(Admit(Action.READ_HEALTH))], request: Request) -> JSONResponse:
    """The service can do its work."""
    return reply(HealthView(works=tuple(request.app.state.health.check())).to_json())
