"""Routes between a recipient and its joiner: sealed pieces go up, their addressee fetches them."""

from __future__ import annotations

from starlette.responses import JSONResponse

from crypto.framing import Json
from service.answers import RelayView
from service.forms import listed, nested
from service.messages import Relay
from service.third_party import relays
from service.third_party.admission import Visit
from service.third_party.contract import NOTHING, reply, says, signed
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = ["list_relays", "read_relay", "router", "send_relay"]

router = Router("/v1")


@router.post("/runs/{run}/relays", Action.SEND_RELAY, says(NOTHING, body=signed(Relay), also=(413,)))
def send_relay(visit: Visit, run: str, body: Json) -> JSONResponse:
    """Send a piece to one's joiner, or to the recipient that one joins for."""
    relays.send_relay(visit.site, visit.caller, run, body)
    return reply(None)


@router.get("/runs/{run}/relays", Action.READ_RELAYS, says(listed(nested(RelayView))))
def list_relays(visit: Visit, run: str) -> JSONResponse:
    """The relays that the caller sends or receives."""
    return reply([one.to_json() for one in relays.list_relays(visit.site, visit.caller, run)])


@router.get("/runs/{run}/relays/{kind}/{sender}/{number}", Action.READ_RELAYS, says(signed(Relay)))
def read_relay(visit: Visit, run: str, kind: str, sender: str, number: str) -> JSONResponse:
    """One piece that is addressed to the caller."""
    return reply(relays.read_relay(visit.site, visit.caller, run, kind, sender, number))
