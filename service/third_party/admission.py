"""How a request gets in. Every route declares one action, and `respond` decides, in this order, before any body is read.

1. the signature (`authentication`), unless the action is open to anyone; 2. the caller's role in the object
that the path names (`authorisation`); 3. the state of the run (`lifecycle`). Only then is the body received, no
further than its limit; in a thread, it is held to the digest that was signed, and then the route's function is called.

What a request reads before that, and the whole of a short reading, shares a transaction with those of other requests
(`readings`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.responses import Response
from starlette.types import Receive, Scope

from service.errors import ServiceError, absent
from service.forms import read_json
from service.messages import MAX_CHUNK_BYTES, MAX_JSON_BYTES
from service.third_party import authentication, purge
from service.third_party.authentication import Caller, Doorkeeper, check_body
from service.third_party.authorisation import check_right, roles_in
from service.third_party.contract import CHUNK
from service.third_party.glance import Glance
from service.third_party.journal import Emit, incident_line
from service.third_party.limits import Limits, pieces_of
from service.third_party.readings import Readings
from service.third_party.routing import Route
from service.third_party.runs import check_asked
from service.third_party.signature_input import Fields
from service.third_party.site import Site
from service.third_party.store import agreement_of

__all__ = ["Chunk", "Visit", "destroy_decided", "received", "respond"]

_AGREEMENT = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"[0-9a-f]{32}")
_PIECE = 64 << 10  # bytes


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An admitted request."""

    state: State  # of the application
    known: Caller | None = None
    seen: Glance | None = None  # while the request is read for in common
    query: str = ""  # as received

    @property
    def site(self) -> Site:
        """The third party that was asked."""
        site: Site = self.state.site
        return site

    @property
    def caller(self) -> Caller:
        """Who asks.

        Raises:
            ServiceError: `E_INTROUVABLE`, nobody did; no route that needs a caller lets that happen.
        """
        if self.known is None:
            raise absent()
        return self.known

    @property
    def glance(self) -> Glance:
        """The runs that this request and those beside it are about; for routes that answer together."""
        if self.seen is None:
            raise LookupError("this route does not answer together with others")
        return self.seen


@dataclass(frozen=True)
class Chunk:
    """A body that was held to the digest that was signed."""

    data: bytes
    digest: str  # its SHA-256, hexadecimal: no need to compute it twice


async def respond(route: Route, names: dict[str, str], scope: Scope, receive: Receive) -> Response:
    """Admit a request to a route and let the route answer.

    Args:
        route: that its method and path have found.
        names: the variable pieces of its path.
        scope: of the request; ``app`` is the application, and ``state`` learns who asks.
        receive: its body.

    Raises:
        ServiceError: `E_REQUETE_NON_SIGNEE`, `E_DEBIT`, `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`; of its body,
            `E_LONGUEUR`, `E_CORPS_TROP_GRAND`, `E_LENTEUR`, `E_MESSAGE`; what the route refuses.
    """
    state: State = scope["app"].state
    if route.is_open:
        state.limits.unsigned.take(_address(scope))
        return await run_in_threadpool(route.endpoint, Visit(state=state), **names)
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    caller = await _authenticated(state, scope, fields)
    scope["state"]["caller"] = caller
    visit = Visit(state=state, known=caller, query=scope["query_string"].decode("latin-1"))
    if route.together:
        readings: Readings = state.readings
        return await readings.run(partial(_answered, route, visit, names), _run_in(names))
    given = await _admitted(route, visit, names)
    if route.contract.body is None:
        return await run_in_threadpool(route.endpoint, visit, **given)
    async with _body(state, caller, fields, receive, route) as pieces:
        return await run_in_threadpool(_answered_with, route, visit, given, pieces)


async def _admitted(route: Route, visit: Visit, names: dict[str, str]) -> dict[str, Any]:
    if "run" in names or "agreement" in names:
        readings: Readings = visit.state.readings
        return await readings.run(partial(_checked, route, visit, names), _run_in(names))
    check_right(route.action, roles_in(None, visit.caller.party))
    return dict(names)


def _run_in(names: dict[str, str]) -> str | None:
    """The run that a path names, if it has the form of one: no other text reaches the database."""
    name = names.get("run", "")
    return name if _RUN.fullmatch(name) else None


def _answered(route: Route, visit: Visit, names: dict[str, str], glance: Glance) -> Response:
    given = _checked(route, visit, names, glance)
    return route.endpoint(replace(visit, seen=glance), **given)


def _checked(route: Route, visit: Visit, names: dict[str, str], glance: Glance) -> dict[str, Any]:
    """What the route's function is given, once the caller may ask this now of the object that the path names."""
    if "run" in names:
        if (name := _run_in(names)) is None:
            raise absent()
        run, agreement = glance.run(name)
        check_asked(visit.site, visit.caller, run, agreement, route.action)
    elif "agreement" in names:
        if not _AGREEMENT.fullmatch(names["agreement"]):
            raise absent()
        with visit.site.database.read() as connection:
            agreement = agreement_of(connection, names["agreement"])
        check_right(route.action, roles_in(agreement, visit.caller.party))
    else:
        check_right(route.action, roles_in(None, visit.caller.party))
    return dict(names) if route.first is None else {"found": route.first(visit, **names)}


async def _authenticated(state: State, scope: Scope, fields: Fields) -> Caller:
    """The party that signed a request, its nonce spent, its rate kept."""
    doorkeeper: Doorkeeper = state.doorkeeper
    limits: Limits = state.limits
    try:
        head = doorkeeper.read(_signed_part(state, scope, fields))
        found = await doorkeeper.joined(head)
        if found is None:
            # Forged signatures do not reach the database for ever. Where addresses are those of clients, and not of a proxy,
            # forgeries under the name of a party leave its own machines alone.
            limits.lookups.take(f"{_address(scope)} {head.key_id}")
            found = await doorkeeper.look_up(head, state.readings)
        caller, ticket = found
        limits.parties.check(caller.party)
        await doorkeeper.enter(ticket)
    except ServiceError as error:
        if error.status == 401:
            limits.unsigned.take(_address(scope))
        raise
    limits.parties.take(caller.party)
    return caller


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


@asynccontextmanager
async def _body(
    state: State, caller: Caller, fields: Fields, receive: Receive, route: Route
) -> AsyncIterator[list[bytes]]:
    """The body of an admitted request as it came; it keeps its place until the request is answered."""
    limit = MAX_CHUNK_BYTES if route.contract.body == CHUNK else MAX_JSON_BYTES
    text = next((value for name, value in fields if name == "content-length"), "")
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ServiceError("E_LONGUEUR", "la requête doit annoncer la longueur de son contenu.", 411)
    if int(text) > limit:
        raise _too_large(limit)
    async with state.limits.rooms.place(caller.party, int(text)):
        yield await received(receive, limit)


async def received(receive: Receive, limit: int) -> list[bytes]:
    """A body in pieces of 64 KiB or more, however the network cuts it: byte by byte, it takes no more memory.

    Raises:
        ServiceError: `E_CORPS_TROP_GRAND` (413); `E_LENTEUR` (408).
        ClientDisconnect: the client left.
    """
    pieces, small, size = list[bytes](), bytearray(), 0
    async for piece in pieces_of(receive):
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        small += piece
        if len(small) >= _PIECE:
            pieces.append(bytes(small))
            small.clear()
    pieces.append(bytes(small))
    return pieces


def _answered_with(route: Route, visit: Visit, given: dict[str, Any], pieces: list[bytes]) -> Response:
    """Hold a body to what was signed, and let the route answer; in a thread: a large one takes a while."""
    data = b"".join(pieces)
    pieces.clear()  # whoever handed them over keeps the list until the answer: a body is there twice for a moment only
    digest = hashlib.sha256(data)
    check_body(visit.caller, data, digest.digest())
    body = Chunk(data, digest.hexdigest()) if route.contract.body == CHUNK else read_json(data, MAX_JSON_BYTES)
    return route.endpoint(visit, **given, body=body)


def _too_large(limit: int) -> ServiceError:
    return ServiceError("E_CORPS_TROP_GRAND", f"le contenu dépasse {limit} octets ; réduisez-le.", 413)


def destroy_decided(visit: Visit) -> None:
    """Carry out what was just decided; what cannot be finished now stays decided, and the worker goes on with it."""
    emit: Emit = visit.state.emit
    clock = visit.site.clock
    purge.resume(visit.site, lambda error: emit(incident_line(clock(), "purge", error)))


def _signed_part(state: State, scope: Scope, fields: Fields) -> authentication.Request:
    there = dict(fields)
    announced = there.get("content-length", "0").strip("0") != "" or "transfer-encoding" in there
    base = state.public_url or f"{scope['scheme']}://{there.get('host', '')}"
    path = scope.get("raw_path", b"").decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return authentication.Request(
        method=scope["method"],
        url=f"{base}{path}" + (f"?{query}" if query else ""),
        fields=fields,
        announces_body=announced,
    )
