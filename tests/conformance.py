"""Whether an answer is one that the description of the interface foretells; the simulator asks it of every answer."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from service.errors import ServiceError
from service.third_party.api import routes
from service.third_party.openapi import describe, statuses_of
from service.third_party.routing import Route, Table


@cache
def document() -> dict[str, Any]:
    return describe(routes())


@cache
def table() -> Table:
    return Table(routes())


@cache
def validator(path: str, method: str, status: str) -> Any:
    """What judges the bodies of one status of one operation; None where there is none."""
    response = document()["paths"][path][method]["responses"][status]
    content = response.get("content", {}).get("application/json")
    if content is None:
        return None
    return jsonschema_rs.Draft202012Validator({**content["schema"], "components": document()["components"]})


def check_answer(route: Route, response: Any) -> None:
    """Fail on a status that is not described, or a body of another form."""
    method = route.method.lower()
    name = f"{method.upper()} {route.path}"
    assert response.status_code in statuses_of(route), f"{name}: {response.status_code} is not described"
    judge = validator(route.path, method, str(response.status_code))
    if judge is None:
        assert not response.content, f"{name}: {response.status_code} has no body"
        return
    try:
        judge.validate(json.loads(response.content))
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise AssertionError(f"{name} {response.status_code}: {str(error)[:300]}") from error


def check_response(response: Any) -> None:
    """Check the answer to a request that some route serves; others are no business of the description."""
    try:
        route, _ = table().find(response.request.method, response.request.url.path)
    except ServiceError:
        return
    response.read()
    check_answer(route, response)
