"""Routes of uploads and deliveries: what goes to the worker, what waits for a recipient."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from service.answers import DeliveryName, UploadName, UploadStatus
from service.forms import listed, nested
from service.messages import Delivery, Manifest
from service.third_party import uploads
from service.third_party.admission import Admit, Chunk, JsonBody, Visit, chunk_body
from service.third_party.contract import CHUNK, reply, says, signed
from service.third_party.lifecycle import Action
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

router = APIRouter(prefix="/v1", redirect_slashes=False)


@router.post("/runs/{run}/uploads", **says(UploadName, 201, body=signed(Manifest)))
def declare(visit: Annotated[Visit, Depends(Admit(Action.DECLARE_UPLOAD))], run: str, body: JsonBody) -> JSONResponse:
    """Declare an upload by its manifest."""
    return reply({"upload": uploads.declare(visit.site, visit.caller, run, body)}, 201)


@router.get("/runs/{run}/uploads/{upload}", **says(UploadStatus))
def upload_status(visit: Annotated[Visit, Depends(Admit(Action.READ_UPLOAD))], run: str, upload: str) -> JSONResponse:
    """What is held of an upload."""
    return reply(uploads.status(visit.site, visit.caller, run, upload).to_json())


def _expected(
    visit: Annotated[Visit, Depends(Admit(Action.SEND_CHUNK))], run: str, upload: str, number: str
) -> tuple[Visit, ExpectedChunk]:
    return visit, expect_chunk(visit.site, visit.caller, run, upload, number)


@router.put("/runs/{run}/uploads/{upload}/chunks/{number}", **says(None, 204, body=CHUNK))
def put_chunk(
    expected: Annotated[tuple[Visit, ExpectedChunk], Depends(_expected)],
    body: Annotated[Chunk, chunk_body],
) -> Response:
    """Store a chunk."""
    visit, chunk = expected
    uploads.put_chunk(visit.site, visit.caller, chunk, body.data, body.digest)
    return Response(status_code=204)


@router.post("/runs/{run}/uploads/{upload}/complete", **says(UploadStatus, also=(422,)))
def complete(visit: Annotated[Visit, Depends(Admit(Action.COMPLETE_UPLOAD))], run: str, upload: str) -> JSONResponse:
    """End an upload."""
    return reply(uploads.complete(visit.site, visit.caller, run, upload).to_json())


# Deliveries


@router.get("/runs/{run}/deliveries", **says(listed(nested(DeliveryName))))
def list_deliveries(visit: Annotated[Visit, Depends(Admit(Action.LIST_DELIVERIES))], run: str) -> JSONResponse:
    """The deliveries that wait for the caller."""
    return reply([one.to_json() for one in uploads.list_deliveries(visit.site, visit.caller, run)])


@router.get("/runs/{run}/deliveries/{comparison}/{pass_name}", **says(signed(Delivery)))
def read_delivery(
    visit: Annotated[Visit, Depends(Admit(Action.READ_DELIVERY))], run: str, comparison: str, pass_name: str
) -> JSONResponse:
    """One delivery."""
    return reply(uploads.read_delivery(visit.site, visit.caller, run, comparison, pass_name))
