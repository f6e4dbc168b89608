"""Routes of witnesses: what each party has seen of the log."""

from __future__ import annotations

from starlette.responses import JSONResponse

from crypto.framing import Json
from service.answers import WitnessedView, WitnessNote
from service.forms import listed, nested
from service.third_party import witnessing
from service.third_party.admission import Visit
from service.third_party.contract import NOTHING, reply, says
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = ["read_witnesses", "router", "send_witness"]

router = Router("/v1")


@router.get("/log/witnesses", Action.READ_WITNESSES, says(listed(nested(WitnessedView))))
def read_witnesses(visit: Visit) -> JSONResponse:
    """The checkpoint that each party has seen last, signed by the log and by the party."""
    return reply([one.to_json() for one in witnessing.witnessed(visit.site)])


@router.post("/log/witnesses", Action.WITNESS, says(NOTHING, body=WitnessNote))
def send_witness(visit: Visit, body: Json) -> JSONResponse:
    """The caller has seen a checkpoint, and found that it continues the one before."""
    witnessing.witness(visit.site, visit.caller, WitnessNote.from_json(body).note)
    return reply(None)
