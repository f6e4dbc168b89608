"""Routes of witnesses: what each party has seen of the log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.answers import WitnessedView, WitnessNote
from service.forms import listed, nested
from service.third_party import witnessing
from service.third_party.admission import Admit, JsonBody, Visit
from service.third_party.contract import NOTHING, reply, says
from service.third_party.lifecycle import Action

__all__ = ["read_witnesses", "router", "send_witness"]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.get("/log/witnesses", **says(listed(nested(WitnessedView))))
def read_witnesses(visit: Annotated[Visit, Depends(Admit(Action.READ_WITNESSES))]) -> JSONResponse:
    """The checkpoint that each party has seen last, signed by the log and by the party."""
    return reply([one.to_json() for one in witnessing.witnessed(visit.site)])


@router.post("/log/witnesses", **says(NOTHING, body=WitnessNote))
def send_witness(visit: Annotated[Visit, Depends(Admit(Action.WITNESS))], body: JsonBody) -> JSONResponse:
    """The caller has seen a checkpoint, and found that it continues the one before."""
    witnessing.witness(visit.site, visit.caller, WitnessNote.from_json(body).note)
    return reply(None)
