"""Routes of proofs: who the third party is, receipts, the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from service.answers import CheckpointView, ConsistencyView, IdentityView, LogView, ReceiptView
from service.errors import ServiceError
from service.forms import INTEGER, listed, nested
from service.third_party import purge, runs
from service.third_party.admission import Admit, Visit
from service.third_party.contract import reply, says
from service.third_party.lifecycle import Action

__all__ = [
    "read_checkpoint",
    "read_consistency",
    "read_identity",
    "read_receipts",
    "read_run_log",
    "router",
]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.get("/identity", **says(IdentityView))
def read_identity(visit: Annotated[Visit, Depends(Admit(Action.READ_IDENTITY))]) -> JSONResponse:
    """Who the third party is."""
    site = visit.site
    return reply(IdentityView.of(site.identity, site.log.public_key).to_json())


# Agreements


@router.get("/runs/{run}/receipts", **says(listed(nested(ReceiptView))))
def read_receipts(visit: Annotated[Visit, Depends(Admit(Action.READ_RECEIPTS))], run: str) -> JSONResponse:
    """The receipts of destruction."""
    with visit.site.database.read() as connection:
        return reply([one.to_json() for one in purge.receipts_of(visit.site, connection, run)])


@router.get("/runs/{run}/log", **says(LogView))
def read_run_log(visit: Annotated[Visit, Depends(Admit(Action.READ_RUN_LOG))], run: str) -> JSONResponse:
    """The log's leaves about a run and its agreement."""
    with visit.site.database.read() as connection:
        found, _ = runs.load_for(visit.site, connection, visit.caller, run, Action.READ_RUN_LOG)
        return reply(visit.site.log.about(connection, run, found.agreement).to_json())


@router.get("/log/checkpoint", **says(CheckpointView))
def read_checkpoint(visit: Annotated[Visit, Depends(Admit(Action.READ_CHECKPOINT))]) -> JSONResponse:
    """The log's present checkpoint."""
    with visit.site.database.read() as connection:
        return reply({"checkpoint": visit.site.log.checkpoint(connection)[0]})


@router.get("/log/consistency", **says(ConsistencyView, also=(422,), query={"first": INTEGER, "second": INTEGER}))
def read_consistency(
    visit: Annotated[Visit, Depends(Admit(Action.READ_CONSISTENCY))], request: Request
) -> JSONResponse:
    """The proof that the log at one size is the beginning of the log at another."""
    sizes = [_size(request, name) for name in ("first", "second")]
    with visit.site.database.read() as connection:
        return reply({"proof": visit.site.log.consistency(connection, *sizes)})


def _size(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ServiceError("E_MESSAGE", "deux tailles du journal sont attendues.", source={"parameter": name})
    return int(text)
