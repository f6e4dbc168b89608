"""Routes for supervisors: whether the process answers, whether the service can work. Open to anybody; they tell nothing else."""

from __future__ import annotations

from starlette.responses import JSONResponse

from service.answers import HealthView
from service.third_party.admission import Visit
from service.third_party.contract import reply, says
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = ["healthz", "readyz", "router"]

router = Router()


@router.get("/healthz", Action.READ_HEALTH, says(HealthView))
def healthz(_: Visit) -> JSONResponse:
    """The process answers."""
    return reply(HealthView(works=()).to_json())


@router.get("/readyz", Action.READ_HEALTH, says(HealthView, also=(503,)))
def readyz(visit: Visit) -> JSONResponse:
    """The service can do its work."""
    return reply(HealthView(works=tuple(visit.state.health.check())).to_json())
