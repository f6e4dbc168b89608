"""What each route promises: the form of its body and of its answer, said once beside the route.

`says` is an argument of every route's decorator (`routing`). The OpenAPI document is written from it (`openapi`), and
schemas come from the very forms that read bodies and write answers, so that no description can part from the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

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
    query: Mapping[str, Form]  # parameters of the query, all required
    headers: Mapping[str, Form]  # fields that the request may have
    bare: bool  # the answer is not under `data`


def says(
    answer: Form | type[Message] | None,
    status: int = 200,
    *,
    body: Form | type[Message] | str | None = None,
    also: tuple[int, ...] = (),
    query: Mapping[str, Form] | None = None,
    headers: Mapping[str, Form] | None = None,
    bare: bool = False,
) -> Contract:
    """What a route takes and answers, as its decorator says it.

    Args:
        answer: form of ``data``, or the class of a message; None with status 204.
        status: when it goes well.
        body: form or class of the JSON body, or `CHUNK`.
        also: statuses of refusals beyond those that follow from the action, the path and the body.
        query: forms of the parameters of the query.
        headers: forms of fields of the header that mean something to this route.
        bare: the answer is not under ``data``.
    """
    return Contract(
        answer=_form(answer),
        status=status,
        body=_form(body),
        also=also,
        query=dict(query or {}),
        headers=dict(headers or {}),
        bare=bare,
    )


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
