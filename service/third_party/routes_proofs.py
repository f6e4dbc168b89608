"""Routes of proofs: who the third party is, receipts, the audit log."""

from __future__ import annotations

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse

from service.answers import CheckpointView, ConsistencyView, IdentityView, LogView, ReceiptView
from service.errors import ServiceError
from service.forms import INTEGER, listed, nested
from service.third_party import purge, runs
from service.third_party.admission import Visit
from service.third_party.contract import reply, says
from service.third_party.lifecycle import Action
from service.third_party.routing import Router

__all__ = [
    "read_checkpoint",
    "read_consistency",
    "read_identity",
    "read_receipts",
    "read_run_log",
    "router",
]

router = Router("/v1")


@router.get("/identity", Action.READ_IDENTITY, says(IdentityView))
def read_identity(visit: Visit) -> JSONResponse:
    """Who the third party is."""
    site = visit.site
    return reply(IdentityView.of(site.identity, site.log.public_key).to_json())


# Agreements


@router.get("/runs/{run}/receipts", Action.READ_RECEIPTS, says(listed(nested(ReceiptView))))
def read_receipts(visit: Visit, run: str) -> JSONResponse:
    """The receipts of destruction."""
    with visit.site.database.read() as connection:
        return reply([one.to_json() for one in purge.receipts_of(visit.site, connection, run)])


@router.get("/runs/{run}/log", Action.READ_RUN_LOG, says(LogView))
def read_run_log(visit: Visit, run: str) -> JSONResponse:
    """The log's leaves about a run and its agreement."""
    with visit.site.database.read() as connection:
        found, _ = runs.load_for(visit.site, connection, visit.caller, run, Action.READ_RUN_LOG)
        return reply(visit.site.log.about(connection, run, found.agreement).to_json())


@router.get("/log/checkpoint", Action.READ_CHECKPOINT, says(CheckpointView), together=True)
def read_checkpoint(visit: Visit) -> JSONResponse:
    """The log's present checkpoint."""
    with visit.site.database.read() as connection:
        return reply({"checkpoint": visit.site.log.checkpoint(connection)[0]})


@router.get(
    "/log/consistency",
    Action.READ_CONSISTENCY,
    says(ConsistencyView, also=(422,), query={"first": INTEGER, "second": INTEGER}),
)
def read_consistency(visit: Visit) -> JSONResponse:
    """The proof that the log at one size is the beginning of the log at another."""
    sizes = [_size(visit, name) for name in ("first", "second")]
    with visit.site.database.read() as connection:
        return reply({"proof": visit.site.log.consistency(connection, *sizes)})


def _size(visit: Visit, name: str) -> int:
    text = QueryParams(visit.query).get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ServiceError("E_MESSAGE", "deux tailles du journal sont attendues.", source={"parameter": name})
    return int(text)
