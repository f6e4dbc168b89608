"""Routes of runs: opened, approved, joined, ended."""

from __future__ import annotations

from starlette.responses import JSONResponse

from crypto.framing import Json
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
from service.third_party.admission import Visit, destroy_decided
from service.third_party.contract import NOTHING, reply, says, signed
from service.third_party.idempotency import KEY
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

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

router = Router("/v1")


@router.post(
    "/runs", Action.OPEN_RUN, says(RunName, 201, body=RunRequest, also=(404, 409), headers={"Idempotency-Key": KEY})
)
def open_run(visit: Visit, body: Json) -> JSONResponse:
    """Open a run."""
    return reply({"run": runs.open_run(visit.site, visit.caller, body)}, 201)


@router.get("/runs", Action.LIST_RUNS, says(listed(nested(RunView))))
def list_runs(visit: Visit) -> JSONResponse:
    """The runs of the caller's agreements."""
    return reply([one.to_json() for one in runs.list_runs(visit.site, visit.caller)])


@router.get("/runs/{run}", Action.READ_RUN, says(RunView), together=True)
def read_run(visit: Visit, run: str) -> JSONResponse:
    """One run."""
    found, _ = visit.glance.run(run)
    return reply(runs.view_with(found, visit.glance.dealings(run)).to_json())


@router.post("/runs/{run}/approval", Action.APPROVE_RUN, says(RunView, body=signed(Approval)))
def approve(visit: Visit, run: str, body: Json) -> JSONResponse:
    """Approve a run."""
    return reply(runs.approve(visit.site, visit.caller, run, body).to_json())


@router.post("/runs/{run}/cancellation", Action.CANCEL_RUN, says(RunView, body=signed(Cancellation)))
def cancel(visit: Visit, run: str, body: Json) -> JSONResponse:
    """End a run and destroy what it holds."""
    view = runs.cancel(visit.site, visit.caller, run, body)
    destroy_decided(visit)
    return reply(view.to_json())


@router.get("/runs/{run}/worker-key", Action.READ_WORKER_KEY, says(signed(WorkerKey)), together=True)
def worker_key(visit: Visit, run: str) -> JSONResponse:
    """The key to which uploads are sealed."""
    return reply(runs.worker_key(visit.site, visit.caller, run))


@router.post("/runs/{run}/shares", Action.SEND_SHARE, says(NOTHING, body=signed(SealedShare)))
def send_share(visit: Visit, run: str, body: Json) -> JSONResponse:
    """Relay a share."""
    runs.send_share(visit.site, visit.caller, run, body)
    return reply(None)


@router.get("/runs/{run}/shares", Action.READ_SHARES, says(listed(signed(SealedShare))), together=True)
def list_shares(visit: Visit, run: str) -> JSONResponse:
    """The shares addressed to the caller."""
    return reply(runs.list_shares(visit.site, visit.caller, run))


@router.post("/runs/{run}/confirmations", Action.SEND_CONFIRMATION, says(RunView, body=signed(Confirmation)))
def send_confirmation(visit: Visit, run: str, body: Json) -> JSONResponse:
    """Relay a confirmation."""
    return reply(runs.send_confirmation(visit.site, visit.caller, run, body).to_json())


@router.get("/runs/{run}/confirmations", Action.READ_CONFIRMATIONS, says(listed(signed(Confirmation))), together=True)
def list_confirmations(visit: Visit, run: str) -> JSONResponse:
    """The confirmations of the caller's comparisons."""
    return reply(runs.list_confirmations(visit.site, visit.caller, run))


# Uploads


@router.post("/runs/{run}/acknowledgement", Action.ACKNOWLEDGE, says(RunView, body=signed(Acknowledgement)))
def acknowledge(visit: Visit, run: str, body: Json) -> JSONResponse:
    """The caller holds its deliveries: destroy them here."""
    view = runs.acknowledge(visit.site, visit.caller, run, body)
    destroy_decided(visit)
    return reply(view.to_json())


# Proofs
