"""Routes of agreements: proposed, read, signed."""

from __future__ import annotations

from starlette.responses import JSONResponse

from crypto.framing import Json
from service.answers import AgreementName, AgreementView
from service.forms import listed, nested
from service.messages import AgreementProposal, AgreementSignature
from service.third_party import agreements
from service.third_party.admission import Visit
from service.third_party.contract import reply, says
from service.third_party.lifecycle import Action
from service.third_party.routing import Router
from service.third_party.store import agreement_of

__all__ = [
    "list_agreements",
    "propose",
    "read_agreement",
    "router",
    "sign_agreement",
]

router = Router("/v1")


@router.post("/agreements", Action.PROPOSE_AGREEMENT, says(AgreementName, 201, body=AgreementProposal, also=(403,)))
def propose(visit: Visit, body: Json) -> JSONResponse:
    """Propose an agreement."""
    return reply({"agreement": agreements.propose(visit.site, visit.caller, body)}, 201)


@router.get("/agreements", Action.LIST_AGREEMENTS, says(listed(nested(AgreementView))))
def list_agreements(visit: Visit) -> JSONResponse:
    """The caller's agreements."""
    return reply([one.to_json() for one in agreements.list_agreements(visit.site, visit.caller)])


@router.get("/agreements/{agreement}", Action.READ_AGREEMENT, says(AgreementView))
def read_agreement(visit: Visit, agreement: str) -> JSONResponse:
    """One agreement."""
    with visit.site.database.read() as connection:
        return reply(agreements.view(connection, agreement_of(connection, agreement)).to_json())


@router.post("/agreements/{agreement}/signatures", Action.SIGN_AGREEMENT, says(AgreementView, body=AgreementSignature))
def sign_agreement(visit: Visit, agreement: str, body: Json) -> JSONResponse:
    """Sign an agreement."""
    return reply(agreements.sign(visit.site, visit.caller, agreement, body).to_json())


# Runs
