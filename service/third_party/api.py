"""The application: all its routes, all under /v1 but those of supervisors. Nothing is decided here.

Functions of routes are plain functions, run in threads, in the modules ``routes_*``. Each route names its action and says
with `contract.says` what it takes and answers; it cannot be written without (`routing`). Nothing of a body is read
before the request is admitted (`admission`); refusals get their form in `gate`. The list of routes and answers is in
`service.answers`.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.types import Receive, Scope, Send

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
from service.third_party.admission import respond
from service.third_party.authentication import Doorkeeper
from service.third_party.gate import Gate
from service.third_party.journal import Emit
from service.third_party.limits import RATE, Limits, Ticks
from service.third_party.openapi import describe
from service.third_party.readings import Readings
from service.third_party.routing import Route, Router, Table
from service.third_party.site import Site

__all__ = ["ROUTERS", "Application", "routes"]

ROUTERS: tuple[Router, ...] = (
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


def routes() -> list[Route]:
    """Every route of the application."""
    return [route for router in ROUTERS for route in router.routes]


class Application:
    """The web application of a site.

    ``state`` holds what requests need: ``site``, ``emit``, ``public_url``, ``doorkeeper``, ``limits``, ``readings``,
    ``interface``; `operations.equip` adds the rest.

    Args:
        site: opened.
        ticks: seconds, monotonic.
        emit: takes journal lines.
        public_url: address that parties use, when it is not what they write in Host.
        rate: requests a second of one party.
    """

    def __init__(self, site: Site, ticks: Ticks, emit: Emit, public_url: str | None = None, rate: float = RATE) -> None:
        self.state = State()
        self.state.site = site
        self.state.emit = emit
        self.state.public_url = public_url.rstrip("/") if public_url else None
        self.state.doorkeeper = Doorkeeper(site)
        self.state.limits = Limits(ticks, rate)
        self.state.readings = Readings(site.database)
        self.state.interface = describe(routes())
        self._table = Table(routes())
        self._gate = Gate(self._serve, clock=site.clock, ticks=ticks, emit=emit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] == "http":
            scope["app"], scope["state"] = self, {}
            await self._gate(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"], names = self._table.find(scope["method"], scope["path"])
        response = await respond(scope["route"], names, scope, receive)
        await response(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Answer a server that tells when it starts and stops."""
        while (await receive())["type"] == "lifespan.startup":
            await self._prepare()
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def _prepare(self) -> None:
        """Do nothing once in each of the ways in which requests do something: the first ones wait for no loading."""
        await run_in_threadpool(lambda: None)
        with suppress(SQLAlchemyError):  # a database that is away is said by /readyz, and to each request
            await self.state.readings.run(lambda glance: glance.dealings(""), "")
            await self.state.doorkeeper.prepare()
