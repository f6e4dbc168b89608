"""Routes of the signing keys of parties: a successor is deposited, the chain of a partner is read."""

from __future__ import annotations

from starlette.responses import JSONResponse

from crypto.framing import Json
from service.answers import KeysView
from service.successions import Succession
from service.third_party import successors
from service.third_party.admission import Visit
from service.third_party.contract import reply, says, signed
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = ["read_keys", "router", "succeed_key"]

router = Router("/v1")


@router.post("/keys", Action.SUCCEED_KEY, says(KeysView, body=signed(Succession), also=(403, 409)))
def succeed_key(visit: Visit, body: Json) -> JSONResponse:
    """Deposit the successor of the caller's signing key."""
    return reply(successors.succeed(visit.site, visit.caller, body).to_json())


@router.get("/parties/{party}/keys", Action.READ_KEYS, says(KeysView))
def read_keys(visit: Visit, party: str) -> JSONResponse:
    """The successions of a party with which the caller has an agreement."""
    return reply(successors.keys_of(visit.site, visit.caller, party).to_json())
