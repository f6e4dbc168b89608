"""The route that describes all routes."""

from __future__ import annotations

from starlette.responses import JSONResponse

from service.forms import OBJECT
from service.third_party.admission import Visit
from service.third_party.contract import says
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = ["read_interface", "router"]

router = Router("/v1")


@router.get("/openapi.json", Action.READ_INTERFACE, says(OBJECT, bare=True))
def read_interface(visit: Visit) -> JSONResponse:
    """This description of the interface."""
    return JSONResponse(visit.state.interface)
