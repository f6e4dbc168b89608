"""The application's routes, all under /v1, and the form of refusals. Nothing is decided here.

Handlers are plain functions, run in threads, in the modules ``routes_*``. Each route names its action through
`Admit`, as its first parameter, so that nothing of a body is read before the request is admitted, and says
with `contract.says` what it takes and answers; a test refuses a route without either. The list of routes and
answers is in `service.answers`.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from crypto.errors import CryptoError
from service.errors import ServiceError, absent, error_body
from service.third_party import (
    routes_agreements,
    routes_interface,
    routes_joining,
    routes_keys,
    routes_operations,
    routes_proofs,
    routes_review,
    routes_runs,
    routes_uploads,
    routes_witness,
)
from service.third_party.authentication import Doorkeeper
from service.third_party.limits import RATE, Limits, Ticks
from service.third_party.openapi import describe

__all__ = ["ROUTERS", "install", "routes"]

ROUTERS: tuple[APIRouter, ...] = (
    routes_interface.router,
    routes_keys.router,
    routes_agreements.router,
    routes_runs.router,
    routes_uploads.router,
    routes_joining.router,
    routes_review.router,
    routes_proofs.router,
    routes_witness.router,
    routes_operations.router,
)


def routes() -> list[APIRoute]:
    """Every route of the application."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def _refusal(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ServiceError):
        said = error
    elif isinstance(error, CryptoError):
        said = ServiceError(error.code, error.message)
    elif isinstance(error, HTTPException) and error.status_code == 405:
        allowed = {"allow": (error.headers or {}).get("Allow", "")}
        said = ServiceError("E_METHODE", "cette adresse ne permet pas cette méthode.", 405, headers=allowed)
    else:
        said = absent()
    headers = {"retry-after": "2", **said.headers} if said.status == 503 else said.headers
    return JSONResponse(error_body(said.code, said.message, said.source), said.status, headers)


def install(app: FastAPI, ticks: Ticks, rate: float = RATE) -> None:
    """Add to an application whose site is open the routes, what admits requests, and the form of refusals.

    Args:
        app: ``app.state.site`` is there.
        ticks: seconds, monotonic.
        rate: requests a second of one party.
    """
    app.state.doorkeeper = Doorkeeper(app.state.site)
    app.state.limits = Limits(ticks, rate)
    app.state.interface = describe(routes())
    app.router.routes.extend(routes())  # one flat list: nested routers are searched one by one
    for kind in (ServiceError, CryptoError, HTTPException):
        app.add_exception_handler(kind, _refusal)
