"""How a request gets in: every route declares one action, and `Admit` decides, in this order, before any body is read.

1. the signature (`authentication`), unless the action is open to anyone; 2. the caller's role in the object
that the path names (`authorisation`); 3. the state of the run (`lifecycle`). Only then is the body read, no
further than its limit, and held to the digest that was signed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from crypto.framing import Json
from service.errors import ServiceError, absent
from service.forms import read_json
from service.messages import MAX_CHUNK_BYTES, MAX_JSON_BYTES
from service.third_party import authentication, purge
from service.third_party.authentication import Caller, Doorkeeper, check_body
from service.third_party.authorisation import RIGHTS, Role, check_right, roles_in
from service.third_party.journal import Emit, incident_line
from service.third_party.lifecycle import Action
from service.third_party.limits import Limits, pieces_of
from service.third_party.run_store import Run
from service.third_party.runs import load_for
from service.third_party.site import Site
from service.third_party.store import agreement_of

__all__ = ["Admit", "Chunk", "JsonBody", "Visit", "chunk_body", "destroy_decided", "json_body"]

_AGREEMENT = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Visit:
    """An admitted request."""

    site: Site
    known: Caller | None
    emit: Emit
    run: Run | None = None  # the one that the path names, as it was when the request was admitted

    @property
    def caller(self) -> Caller:
        """Who asks.

        Raises:
            ServiceError: `E_INTROUVABLE`, nobody did; no route that needs a caller lets that happen.
        """
        if self.known is None:
            raise absent()
        return self.known


@dataclass(frozen=True)
class Chunk:
    """A body that was held to the digest that was signed."""

    data: bytes
    digest: str  # its SHA-256, hexadecimal: no need to compute it twice


@dataclass(frozen=True)
class Admit:
    """The dependency of one route: signature, rate, nonce, role, state, in this order."""

    action: Action

    async def __call__(self, request: Request) -> Visit:
        """Admit a request, or refuse it.

        Raises:
            ServiceError: `E_REQUETE_NON_SIGNEE`, `E_DEBIT`, `E_INTROUVABLE`, `E_ACCES_REFUSE`, `E_ETAT`.
        """
        state = request.app.state
        if Role.ANYONE in RIGHTS.get(self.action, frozenset()):
            state.limits.unsigned.take(_address(request))
            return Visit(state.site, None, state.emit)
        caller = await _authenticated(request)
        request.state.caller = caller
        names = request.path_params
        if "run" in names or "agreement" in names:
            run = await run_in_threadpool(self._check_object, state.site, caller, names)
            return Visit(state.site, caller, state.emit, run)
        check_right(self.action, roles_in(None, caller.party))
        return Visit(state.site, caller, state.emit)

    def _check_object(self, site: Site, caller: Caller, names: dict[str, str]) -> Run | None:
        with site.database.read() as connection:
            if "run" in names:
                if not _RUN.fullmatch(names["run"]):
                    raise absent()
                return load_for(site, connection, caller, names["run"], self.action)[0]
            if not _AGREEMENT.fullmatch(names["agreement"]):
                raise absent()
            check_right(self.action, roles_in(agreement_of(connection, names["agreement"]), caller.party))
            return None


async def _authenticated(request: Request) -> Caller:
    """The party that signed a request, its nonce spent, its rate kept."""
    doorkeeper: Doorkeeper = request.app.state.doorkeeper
    limits: Limits = request.app.state.limits
    try:
        head = doorkeeper.read(_signed_part(request))
        found = doorkeeper.remembered(head)
        if found is None:
            limits.lookups.take(head.key_id)  # forged signatures do not reach the database for ever
            found = await run_in_threadpool(doorkeeper.looked_up, head)
        caller, ticket = found
        limits.parties.check(caller.party)
        await doorkeeper.enter(ticket)
    except ServiceError as error:
        if error.status == 401:
            limits.unsigned.take(_address(request))
        raise
    limits.parties.take(caller.party)
    return caller


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _json_body(request: Request) -> AsyncIterator[Json]:
    """The JSON body of an admitted request.

    Raises:
        ServiceError: `E_LONGUEUR`, `E_CORPS_TROP_GRAND`, `E_LENTEUR`, `E_REQUETE_NON_SIGNEE`, `E_MESSAGE`.
    """
    async with _body(request, MAX_JSON_BYTES) as body:
        yield read_json(body.data, MAX_JSON_BYTES)


async def _chunk_body(request: Request) -> AsyncIterator[Chunk]:
    """The sealed chunk of an admitted request.

    Raises:
        ServiceError: `E_LONGUEUR`, `E_CORPS_TROP_GRAND`, `E_LENTEUR`, `E_REQUETE_NON_SIGNEE`.
    """
    async with _body(request, MAX_CHUNK_BYTES) as body:
        yield body


@asynccontextmanager
async def _body(request: Request, limit: int) -> AsyncIterator[Chunk]:
    """The body, as signed; it keeps its place until the request is answered."""
    text = request.headers.get("content-length", "")
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ServiceError("E_LONGUEUR", "la requête doit annoncer la longueur de son contenu.", 411)
    too_large = ServiceError("E_CORPS_TROP_GRAND", f"le contenu dépasse {limit} octets ; réduisez-le.", 413)
    if int(text) > limit:
        raise too_large
    caller: Caller = request.state.caller
    async with request.app.state.limits.rooms.place(caller.party, int(text)):
        pieces, size, digest = [], 0, hashlib.sha256()
        async for piece in pieces_of(request.receive):
            size += len(piece)
            if size > limit:
                raise too_large
            digest.update(piece)
            pieces.append(piece)
        body = b"".join(pieces)
        pieces.clear()
        check_body(caller, body, digest.digest())
        yield Chunk(body, digest.hexdigest())


json_body = Depends(_json_body)
"""The body of a route that takes JSON; its limit is `MAX_JSON_BYTES`."""

chunk_body = Depends(_chunk_body)
"""The body of a route that takes a sealed chunk; its limit is `MAX_CHUNK_BYTES`."""


JsonBody = Annotated[Json, json_body]
"""The same, as the annotation of a parameter."""


def destroy_decided(visit: Visit) -> None:
    """Carry out what was just decided; what cannot be finished now stays decided, and the worker goes on with it."""
    emit, clock = visit.emit, visit.site.clock
    purge.resume(visit.site, lambda error: emit(incident_line(clock(), "purge", error)))


def _signed_part(request: Request) -> authentication.Request:
    headers = request.headers
    announced = headers.get("content-length", "0").strip("0") != "" or "transfer-encoding" in headers
    base = request.app.state.public_url or f"{request.scope['scheme']}://{headers.get('host', '')}"
    path = request.scope.get("raw_path", b"").decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return authentication.Request(
        method=request.method,
        url=f"{base}{path}" + (f"?{query}" if query else ""),
        fields=headers.items(),
        announces_body=announced,
    )
