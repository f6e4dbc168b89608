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
from service.third_party import routes_agreements, routes_proofs, routes_runs, routes_uploads

__all__ = ["ROUTERS", "install", "routes"]

ROUTERS: tuple[APIRouter, ...] = (
    routes_agreements.router,
    routes_runs.router,
    routes_uploads.router,
    routes_proofs.router,
)


def routes() -> list[APIRoute]:
    """Every route of the application."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def _refusal(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ServiceError):
        return JSONResponse(error_body(error.code, error.message, error.source), error.status)
    if isinstance(error, CryptoError):
        return JSONResponse(error_body(error.code, error.message), 422)
    if isinstance(error, HTTPException) and error.status_code == 405:
        return JSONResponse(error_body("E_METHODE", "cette adresse ne permet pas cette méthode."), 405)
    gone = absent()
    return JSONResponse(error_body(gone.code, gone.message), gone.status)


def install(app: FastAPI) -> None:
    """Add the routes and the form of refusals to an application."""
    for router in ROUTERS:
        app.include_router(router)
    for kind in (ServiceError, CryptoError, HTTPException):
        app.add_exception_handler(kind, _refusal)
