"""Routes of agreements: proposed, read, signed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.answers import AgreementName, AgreementView
from service.forms import listed, nested
from service.messages import AgreementProposal, AgreementSignature
from service.third_party import agreements
from service.third_party.admission import Admit, JsonBody, Visit
from service.third_party.contract import reply, says
from service.third_party.lifecycle import Action
from service.third_party.store import agreement_of

__all__ = [
    "list_agreements",
    "propose",
    "read_agreement",
    "router",
    "sign_agreement",
]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.post("/agreements", **says(AgreementName, 201, body=AgreementProposal, also=(403,)))
def propose(visit: Annotated[Visit, Depends(Admit(Action.PROPOSE_AGREEMENT))], body: JsonBody) -> JSONResponse:
    """Propose an agreement."""
    return reply({"agreement": agreements.propose(visit.site, visit.caller, body)}, 201)


@router.get("/agreements", **says(listed(nested(AgreementView))))
def list_agreements(visit: Annotated[Visit, Depends(Admit(Action.LIST_AGREEMENTS))]) -> JSONResponse:
    """The caller's agreements."""
    return reply([one.to_json() for one in agreements.list_agreements(visit.site, visit.caller)])


@router.get("/agreements/{agreement}", **says(AgreementView))
def read_agreement(visit: Annotated[Visit, Depends(Admit(Action.READ_AGREEMENT))], agreement: str) -> JSONResponse:
    """One agreement."""
    with visit.site.database.read() as connection:
        return reply(agreements.view(connection, agreement_of(connection, agreement)).to_json())


@router.post("/agreements/{agreement}/signatures", **says(AgreementView, body=AgreementSignature))
def sign_agreement(
    visit: Annotated[Visit, Depends(Admit(Action.SIGN_AGREEMENT))], agreement: str, body: JsonBody
) -> JSONResponse:
    """Sign an agreement."""
    return reply(agreements.sign(visit.site, visit.caller, agreement, body).to_json())


# Runs
