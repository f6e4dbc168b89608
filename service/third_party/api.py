"""The routes under /v1: authenticate, call, answer. Nothing is decided here.

Handlers are plain functions, run in threads. Each route names its action through `Admit`, as its first
parameter, so that nothing of a body is read before the request is admitted; a test refuses a route without
one. The list of routes and answers is in `service.answers`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from crypto.errors import CryptoError
from crypto.framing import Json
from service.answers import IdentityView
from service.errors import ServiceError, absent, error_body
from service.third_party import agreements, purge, runs, uploads
from service.third_party.admission import Admit, Visit, chunk_body, json_body
from service.third_party.journal import incident_line
from service.third_party.lifecycle import Action
from service.third_party.store import agreement_of
from service.third_party.uploads import ExpectedChunk, expect_chunk

__all__ = [
    "acknowledge",
    "approve",
    "cancel",
    "complete",
    "declare",
    "install",
    "list_agreements",
    "list_confirmations",
    "list_deliveries",
    "list_runs",
    "list_shares",
    "open_run",
    "propose",
    "put_chunk",
    "read_agreement",
    "read_checkpoint",
    "read_consistency",
    "read_delivery",
    "read_identity",
    "read_receipts",
    "read_run",
    "read_run_log",
    "router",
    "send_confirmation",
    "send_share",
    "sign_agreement",
    "upload_status",
    "worker_key",
]

Body = Annotated[Json, json_body]

router = APIRouter(prefix="/v1", redirect_slashes=False)


def _data(value: Any, status: int = 200) -> JSONResponse:
    return JSONResponse({"data": value}, status)


@router.get("/identity")
def read_identity(visit: Annotated[Visit, Depends(Admit(Action.READ_IDENTITY))]) -> JSONResponse:
    """Who the third party is."""
    site = visit.site
    return _data(IdentityView.of(site.identity, site.log.public_key).to_json())


# Agreements


@router.post("/agreements")
def propose(visit: Annotated[Visit, Depends(Admit(Action.PROPOSE_AGREEMENT))], body: Body) -> JSONResponse:
    """Propose an agreement."""
    return _data({"agreement": agreements.propose(visit.site, visit.caller, body)}, 201)


@router.get("/agreements")
def list_agreements(visit: Annotated[Visit, Depends(Admit(Action.LIST_AGREEMENTS))]) -> JSONResponse:
    """The caller's agreements."""
    return _data([one.to_json() for one in agreements.list_agreements(visit.site, visit.caller)])


@router.get("/agreements/{agreement}")
def read_agreement(visit: Annotated[Visit, Depends(Admit(Action.READ_AGREEMENT))], agreement: str) -> JSONResponse:
    """One agreement."""
    with visit.site.database.read() as connection:
        return _data(agreements.view(connection, agreement_of(connection, agreement)).to_json())


@router.post("/agreements/{agreement}/signatures")
def sign_agreement(
    visit: Annotated[Visit, Depends(Admit(Action.SIGN_AGREEMENT))], agreement: str, body: Body
) -> JSONResponse:
    """Sign an agreement."""
    return _data(agreements.sign(visit.site, visit.caller, agreement, body).to_json())


# Runs


@router.post("/runs")
def open_run(visit: Annotated[Visit, Depends(Admit(Action.OPEN_RUN))], body: Body) -> JSONResponse:
    """Open a run."""
    return _data({"run": runs.open_run(visit.site, visit.caller, body)}, 201)


@router.get("/runs")
def list_runs(visit: Annotated[Visit, Depends(Admit(Action.LIST_RUNS))]) -> JSONResponse:
    """The runs of the caller's agreements."""
    return _data([one.to_json() for one in runs.list_runs(visit.site, visit.caller)])


@router.get("/runs/{run}")
def read_run(visit: Annotated[Visit, Depends(Admit(Action.READ_RUN))], run: str) -> JSONResponse:
    """One run."""
    with visit.site.database.read() as connection:
        found, _ = runs.load_for(visit.site, connection, visit.caller, run, Action.READ_RUN)
        return _data(runs.view(connection, found).to_json())


@router.post("/runs/{run}/approval")
def approve(visit: Annotated[Visit, Depends(Admit(Action.APPROVE_RUN))], run: str, body: Body) -> JSONResponse:
    """Approve a run."""
    return _data(runs.approve(visit.site, visit.caller, run, body).to_json())


@router.post("/runs/{run}/cancellation")
def cancel(visit: Annotated[Visit, Depends(Admit(Action.CANCEL_RUN))], run: str, body: Body) -> JSONResponse:
    """End a run and destroy what it holds."""
    view = runs.cancel(visit.site, visit.caller, run, body)
    _destroy(visit)
    return _data(view.to_json())


@router.get("/runs/{run}/worker-key")
def worker_key(visit: Annotated[Visit, Depends(Admit(Action.READ_WORKER_KEY))], run: str) -> JSONResponse:
    """The key to which uploads are sealed."""
    return _data(runs.worker_key(visit.site, visit.caller, run))


@router.post("/runs/{run}/shares")
def send_share(visit: Annotated[Visit, Depends(Admit(Action.SEND_SHARE))], run: str, body: Body) -> JSONResponse:
    """Relay a share."""
    runs.send_share(visit.site, visit.caller, run, body)
    return _data(None)


@router.get("/runs/{run}/shares")
def list_shares(visit: Annotated[Visit, Depends(Admit(Action.READ_SHARES))], run: str) -> JSONResponse:
    """The shares addressed to the caller."""
    return _data(runs.list_shares(visit.site, visit.caller, run))


@router.post("/runs/{run}/confirmations")
def send_confirmation(
    visit: Annotated[Visit, Depends(Admit(Action.SEND_CONFIRMATION))], run: str, body: Body
) -> JSONResponse:
    """Relay a confirmation."""
    return _data(runs.send_confirmation(visit.site, visit.caller, run, body).to_json())


@router.get("/runs/{run}/confirmations")
def list_confirmations(visit: Annotated[Visit, Depends(Admit(Action.READ_CONFIRMATIONS))], run: str) -> JSONResponse:
    """The confirmations of the caller's comparisons."""
    return _data(runs.list_confirmations(visit.site, visit.caller, run))


# Uploads


@router.post("/runs/{run}/uploads")
def declare(visit: Annotated[Visit, Depends(Admit(Action.DECLARE_UPLOAD))], run: str, body: Body) -> JSONResponse:
    """Declare an upload by its manifest."""
    return _data({"upload": uploads.declare(visit.site, visit.caller, run, body)}, 201)


@router.get("/runs/{run}/uploads/{upload}")
def upload_status(visit: Annotated[Visit, Depends(Admit(Action.READ_UPLOAD))], run: str, upload: str) -> JSONResponse:
    """What is held of an upload."""
    return _data(uploads.status(visit.site, visit.caller, run, upload).to_json())


def _expected(
    visit: Annotated[Visit, Depends(Admit(Action.SEND_CHUNK))], run: str, upload: str, number: str
) -> tuple[Visit, ExpectedChunk]:
    return visit, expect_chunk(visit.site, visit.caller, run, upload, number)


@router.put("/runs/{run}/uploads/{upload}/chunks/{number}")
def put_chunk(
    expected: Annotated[tuple[Visit, ExpectedChunk], Depends(_expected)],
    data: Annotated[bytes, chunk_body],
) -> Response:
    """Store a chunk."""
    visit, chunk = expected
    uploads.put_chunk(visit.site, visit.caller, chunk, data)
    return Response(status_code=204)


@router.post("/runs/{run}/uploads/{upload}/complete")
def complete(visit: Annotated[Visit, Depends(Admit(Action.COMPLETE_UPLOAD))], run: str, upload: str) -> JSONResponse:
    """End an upload."""
    return _data(uploads.complete(visit.site, visit.caller, run, upload).to_json())


# Deliveries


@router.get("/runs/{run}/deliveries")
def list_deliveries(visit: Annotated[Visit, Depends(Admit(Action.LIST_DELIVERIES))], run: str) -> JSONResponse:
    """The deliveries that wait for the caller."""
    return _data([one.to_json() for one in uploads.list_deliveries(visit.site, visit.caller, run)])


@router.get("/runs/{run}/deliveries/{comparison}/{pass_name}")
def read_delivery(
    visit: Annotated[Visit, Depends(Admit(Action.READ_DELIVERY))], run: str, comparison: str, pass_name: str
) -> JSONResponse:
    """One delivery."""
    return _data(uploads.read_delivery(visit.site, visit.caller, run, comparison, pass_name))


@router.post("/runs/{run}/acknowledgement")
def acknowledge(visit: Annotated[Visit, Depends(Admit(Action.ACKNOWLEDGE))], run: str, body: Body) -> JSONResponse:
    """The caller holds its deliveries: destroy them here."""
    view = runs.acknowledge(visit.site, visit.caller, run, body)
    _destroy(visit)
    return _data(view.to_json())


# Proofs


@router.get("/runs/{run}/receipts")
def read_receipts(visit: Annotated[Visit, Depends(Admit(Action.READ_RECEIPTS))], run: str) -> JSONResponse:
    """The receipts of destruction."""
    with visit.site.database.read() as connection:
        return _data([one.to_json() for one in purge.receipts_of(visit.site, connection, run)])


@router.get("/runs/{run}/log")
def read_run_log(visit: Annotated[Visit, Depends(Admit(Action.READ_RUN_LOG))], run: str) -> JSONResponse:
    """The log's leaves about a run and its agreement."""
    with visit.site.database.read() as connection:
        found, _ = runs.load_for(visit.site, connection, visit.caller, run, Action.READ_RUN_LOG)
        return _data(visit.site.log.about(connection, run, found.agreement).to_json())


@router.get("/log/checkpoint")
def read_checkpoint(visit: Annotated[Visit, Depends(Admit(Action.READ_CHECKPOINT))]) -> JSONResponse:
    """The log's present checkpoint."""
    with visit.site.database.read() as connection:
        return _data({"checkpoint": visit.site.log.checkpoint(connection)[0]})


@router.get("/log/consistency")
def read_consistency(
    visit: Annotated[Visit, Depends(Admit(Action.READ_CONSISTENCY))], request: Request
) -> JSONResponse:
    """The proof that the log at one size is the beginning of the log at another."""
    sizes = [_size(request, name) for name in ("first", "second")]
    with visit.site.database.read() as connection:
        return _data({"proof": visit.site.log.consistency(connection, *sizes)})


def _size(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ServiceError("E_MESSAGE", "deux tailles du journal sont attendues.", source={"parameter": name})
    return int(text)


def _destroy(visit: Visit) -> None:
    """Carry out what was just decided; what cannot be finished now stays decided, and the worker goes on with it."""
    app_emit, clock = visit.emit, visit.site.clock
    purge.resume(visit.site, lambda error: app_emit(incident_line(clock(), "purge", error)))


def _refusal(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ServiceError):
        return JSONResponse(error_body(error.code, error.message, error.source), error.status)
    if isinstance(error, CryptoError):
        return JSONResponse(error_body(error.code, error.message), 422)
    if isinstance(error, HTTPException) and error.status_code == 405:
        return JSONResponse(error_body("E_METHODE", "cette adresse ne permet pas cette méthode."), 405)
    gone = absent()
    return JSONResponse(error_body(gone.code, gone.message), gone.status)


def install(app: FastAPI) -> None:
    """Add the routes and the form of refusals to an application."""
    app.include_router(router)
    for kind in (ServiceError, CryptoError, HTTPException):
        app.add_exception_handler(kind, _refusal)
