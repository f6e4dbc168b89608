"""Routes of uploads and deliveries: what goes to the worker, what waits for a recipient."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from crypto.framing import Json
from service.answers import DeliveryName, UploadName, UploadStatus
from service.forms import listed, nested
from service.messages import Delivery, Manifest
from service.third_party import uploads
from service.third_party.admission import Chunk, Visit
from service.third_party.contract import CHUNK, reply, says, signed
from service.third_party.lifecycle import Action
from service.third_party.routing import Router
from service.third_party.uploads import ExpectedChunk, expect_chunk

__all__ = [
    "complete",
    "declare",
    "list_deliveries",
    "put_chunk",
    "read_delivery",
    "router",
    "upload_status",
]

router = Router("/v1")


@router.post("/runs/{run}/uploads", Action.DECLARE_UPLOAD, says(UploadName, 201, body=signed(Manifest)))
def declare(visit: Visit, run: str, body: Json) -> JSONResponse:
    """Declare an upload by its manifest."""
    return reply({"upload": uploads.declare(visit.site, visit.caller, run, body)}, 201)


@router.get("/runs/{run}/uploads/{upload}", Action.READ_UPLOAD, says(UploadStatus), together=True)
def upload_status(visit: Visit, run: str, upload: str) -> JSONResponse:
    """What is held of an upload."""
    return reply(uploads.status(visit.site, visit.caller, run, upload).to_json())


def _expected(visit: Visit, run: str, upload: str, number: str) -> ExpectedChunk:
    return expect_chunk(visit.site, visit.caller, run, upload, number)


@router.put(
    "/runs/{run}/uploads/{upload}/chunks/{number}", Action.SEND_CHUNK, says(None, 204, body=CHUNK), first=_expected
)
def put_chunk(visit: Visit, found: ExpectedChunk, body: Chunk) -> Response:
    """Store a chunk."""
    uploads.put_chunk(visit.site, visit.caller, found, body.data, body.digest)
    return Response(status_code=204)


@router.post("/runs/{run}/uploads/{upload}/complete", Action.COMPLETE_UPLOAD, says(UploadStatus, also=(422,)))
def complete(visit: Visit, run: str, upload: str) -> JSONResponse:
    """End an upload."""
    return reply(uploads.complete(visit.site, visit.caller, run, upload).to_json())


# Deliveries


@router.get("/runs/{run}/deliveries", Action.LIST_DELIVERIES, says(listed(nested(DeliveryName))), together=True)
def list_deliveries(visit: Visit, run: str) -> JSONResponse:
    """The deliveries that wait for the caller."""
    return reply([one.to_json() for one in uploads.list_deliveries(visit.site, visit.caller, run)])


@router.get("/runs/{run}/deliveries/{comparison}/{pass_name}", Action.READ_DELIVERY, says(signed(Delivery)))
def read_delivery(visit: Visit, run: str, comparison: str, pass_name: str) -> JSONResponse:
    """One delivery."""
    return reply(uploads.read_delivery(visit.site, visit.caller, run, comparison, pass_name))
