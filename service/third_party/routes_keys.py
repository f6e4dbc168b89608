"""Routes of the signing keys of parties: a successor is deposited, the chain of a partner is read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.answers import KeysView
from service.successions import Succession
from service.third_party import successors
from service.third_party.admission import Admit, JsonBody, Visit
from service.third_party.contract import reply, says, signed
from service.third_party.lifecycle import Action

__all__ = ["read_keys", "router", "succeed_key"]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.post("/keys", **says(KeysView, body=signed(Succession), also=(403, 409)))
def succeed_key(visit: Annotated[Visit, Depends(Admit(Action.SUCCEED_KEY))], body: JsonBody) -> JSONResponse:
    """Deposit the successor of the caller's signing key."""
    return reply(successors.succeed(visit.site, visit.caller, body).to_json())


@router.get("/parties/{party}/keys", **says(KeysView))
def read_keys(visit: Annotated[Visit, Depends(Admit(Action.READ_KEYS))], party: str) -> JSONResponse:
    """The successions of a party with which the caller has an agreement."""
    return reply(successors.keys_of(visit.site, visit.caller, party).to_json())
