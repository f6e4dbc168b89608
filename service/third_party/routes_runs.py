"""Routes of runs: opened, approved, joined, ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.answers import RunName, RunView
from service.forms import listed, nested
from service.messages import (
    Acknowledgement,
    Approval,
    Cancellation,
    Confirmation,
    RunRequest,
    SealedShare,
    WorkerKey,
)
from service.third_party import runs
from service.third_party.admission import Admit, JsonBody, Visit, destroy_decided
from service.third_party.contract import NOTHING, reply, says, signed
from service.third_party.idempotency import KEY
from service.third_party.lifecycle import Action

__all__ = [
    "acknowledge",
    "approve",
    "cancel",
    "list_confirmations",
    "list_runs",
    "list_shares",
    "open_run",
    "read_run",
    "router",
    "send_confirmation",
    "send_share",
    "worker_key",
]

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.post("/runs", **says(RunName, 201, body=RunRequest, also=(404, 409), headers={"Idempotency-Key": KEY}))
def open_run(visit: Annotated[Visit, Depends(Admit(Action.OPEN_RUN))], body: JsonBody) -> JSONResponse:
    """Open a run."""
    return reply({"run": runs.open_run(visit.site, visit.caller, body)}, 201)


@router.get("/runs", **says(listed(nested(RunView))))
def list_runs(visit: Annotated[Visit, Depends(Admit(Action.LIST_RUNS))]) -> JSONResponse:
    """The runs of the caller's agreements."""
    return reply([one.to_json() for one in runs.list_runs(visit.site, visit.caller)])


@router.get("/runs/{run}", **says(RunView))
def read_run(visit: Annotated[Visit, Depends(Admit(Action.READ_RUN))], run: str) -> JSONResponse:
    """One run."""
    with visit.site.database.read() as connection:
        found = visit.run or runs.load_for(visit.site, connection, visit.caller, run, Action.READ_RUN)[0]
        return reply(runs.view(connection, found).to_json())


@router.post("/runs/{run}/approval", **says(RunView, body=signed(Approval)))
def approve(visit: Annotated[Visit, Depends(Admit(Action.APPROVE_RUN))], run: str, body: JsonBody) -> JSONResponse:
    """Approve a run."""
    return reply(runs.approve(visit.site, visit.caller, run, body).to_json())


@router.post("/runs/{run}/cancellation", **says(RunView, body=signed(Cancellation)))
def cancel(visit: Annotated[Visit, Depends(Admit(Action.CANCEL_RUN))], run: str, body: JsonBody) -> JSONResponse:
    """End a run and destroy what it holds."""
    view = runs.cancel(visit.site, visit.caller, run, body)
    destroy_decided(visit)
    return reply(view.to_json())


@router.get("/runs/{run}/worker-key", **says(signed(WorkerKey)))
def worker_key(visit: Annotated[Visit, Depends(Admit(Action.READ_WORKER_KEY))], run: str) -> JSONResponse:
    """The key to which uploads are sealed."""
    return reply(runs.worker_key(visit.site, visit.caller, run))


@router.post("/runs/{run}/shares", **says(NOTHING, body=signed(SealedShare)))
def send_share(visit: Annotated[Visit, Depends(Admit(Action.SEND_SHARE))], run: str, body: JsonBody) -> JSONResponse:
    """Relay a share."""
    runs.send_share(visit.site, visit.caller, run, body)
    return reply(None)


@router.get("/runs/{run}/shares", **says(listed(signed(SealedShare))))
def list_shares(visit: Annotated[Visit, Depends(Admit(Action.READ_SHARES))], run: str) -> JSONResponse:
    """The shares addressed to the caller."""
    return reply(runs.list_shares(visit.site, visit.caller, run))


@router.post("/runs/{run}/confirmations", **says(RunView, body=signed(Confirmation)))
def send_confirmation(
    visit: Annotated[Visit, Depends(Admit(Action.SEND_CONFIRMATION))], run: str, body: JsonBody
) -> JSONResponse:
    """Relay a confirmation."""
    return reply(runs.send_confirmation(visit.site, visit.caller, run, body).to_json())


@router.get("/runs/{run}/confirmations", **says(listed(signed(Confirmation))))
def list_confirmations(visit: Annotated[Visit, Depends(Admit(Action.READ_CONFIRMATIONS))], run: str) -> JSONResponse:
    """The confirmations of the caller's comparisons."""
    return reply(runs.list_confirmations(visit.site, visit.caller, run))


# Uploads


@router.post("/runs/{run}/acknowledgement", **says(RunView, body=signed(Acknowledgement)))
def acknowledge(visit: Annotated[Visit, Depends(Admit(Action.ACKNOWLEDGE))], run: str, body: JsonBody) -> JSONResponse:
    """The caller holds its deliveries: destroy them here."""
    view = runs.acknowledge(visit.site, visit.caller, run, body)
    destroy_decided(visit)
    return reply(view.to_json())


# Proofs
