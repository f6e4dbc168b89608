"""The route that describes all routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from service.forms import OBJECT
from service.third_party.admission import Admit, Visit
from service.third_party.contract import says
from service.third_party.lifecycle import Action

__all__ = ["read_interface", "router"]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.get("/openapi.json", **says(OBJECT, bare=True))
def read_interface(_: Annotated[Visit, Depends(Admit(Action.READ_INTERFACE))], request: Request) -> JSONResponse:
    """This description of the interface."""
    return JSONResponse(request.app.state.interface)
