"""What each route promises: the form of its body and of its answer, said once beside the route.

`says` is the last argument of every route's decorator. The OpenAPI document is written from it (`openapi`), and
schemas come from the very forms that read bodies and write answers, so that no description can part from the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.responses import JSONResponse

from service.forms import BASE64, SCHEMAS, Form, Message, nested
from service.messages import Statement

__all__ = ["CHUNK", "NOTHING", "Contract", "reply", "says", "signed"]

CHUNK = "application/octet-stream"
"""The body of a route that takes a sealed chunk instead of JSON."""

NOTHING = Form(lambda value, _: value, lambda value: value, {"type": "null"})
"""The answer of a route that has nothing to say but that it is done."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a route takes and answers."""

    answer: Form | None  # of the member `data`; None for no content
    status: int  # when it goes well
    body: Form | str | None  # of a JSON body, or the media type of another one
    also: tuple[int, ...]  # statuses of refusals that the route's shape does not already tell


def says(
    answer: Form | type[Message] | None,
    status: int = 200,
    *,
    body: Form | type[Message] | str | None = None,
    also: tuple[int, ...] = (),
) -> dict[str, Any]:
    """The arguments of a route's decorator that carry its contract.

    Args:
        answer: form of ``data``, or the class of a message; None with status 204.
        status: when it goes well.
        body: form or class of the JSON body, or `CHUNK`.
        also: statuses of refusals beyond those that follow from the action, the path and the body.
    """
    contract = Contract(answer=_form(answer), status=status, body=_form(body), also=also)
    return {"openapi_extra": {"contract": contract}}


def signed(kind: type[Statement]) -> Form:
    """The form of a signed statement; only the class of the statement opens it, with a key."""
    members = {"statement": {"$ref": f"{SCHEMAS}{kind.__name__}"}, "signature": dict(BASE64.schema)}
    schema = {"type": "object", "additionalProperties": False, "required": sorted(members), "properties": members}
    return Form(lambda value, _: value, lambda value: value, schema, kind)


def _form(given: Any) -> Any:
    return nested(given) if isinstance(given, type) else given


def reply(value: Any, status: int = 200) -> JSONResponse:
    """A successful answer."""
    return JSONResponse({"data": value}, status)
