"""Routes carry their action and their contract; an address finds its route piece by piece."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import Response

from service.answers import RunView
from service.errors import ServiceError
from service.third_party.api import routes
from service.third_party.contract import CHUNK, says
from service.third_party.lifecycle import Action
from service.third_party.routing import Router, Table


def small() -> Router:
    """Three routes, two of them at one address."""
    router = Router("/v1")

    @router.get("/runs/{run}", Action.READ_RUN, says(RunView), together=True)
    def read(visit: Any, run: str) -> Response:
        """Read."""
        return Response(run)

    @router.post("/runs/{run}", Action.CANCEL_RUN, says(RunView))
    def cancel(visit: Any, run: str) -> Response:
        """Cancel."""
        return Response(run)

    @router.put("/runs/{run}/chunks/{number}", Action.SEND_CHUNK, says(None, 204, body=CHUNK), first=lambda *_: 7)
    def put(visit: Any, found: int) -> Response:
        """Store."""
        return Response(str(found))

    return router


def test_a_route_is_what_its_decorator_says():
    """Method, path after the prefix, action, contract, how it is answered."""
    read, cancel, put = small().routes
    assert ("GET", "/v1/runs/{run}", Action.READ_RUN, "read") == (read.method, read.path, read.action, read.name)
    assert [True, False, False] == [one.together for one in (read, cancel, put)]
    assert [None, None] == [read.first, cancel.first]
    assert ("run", "number") == put.names
    assert CHUNK == put.contract.body
    assert not read.is_open
    assert {"healthz", "read_identity", "read_interface", "readyz"} == {one.name for one in routes() if one.is_open}


def test_an_address_finds_its_route_and_its_names():
    """By its method, among those of one address."""
    table = Table(small().routes)
    for method, name in (("GET", "read"), ("POST", "cancel")):
        route, names = table.find(method, "/v1/runs/abc")
        assert (name, {"run": "abc"}) == (route.name, names)
    route, names = table.find("PUT", "/v1/runs/a/chunks/3")
    assert ("put", {"run": "a", "number": "3"}) == (route.name, names)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/runs", "/v1/runs/", "/v1/runs//chunks/1", "/v1/runs/a/b", "/v2/runs/a", "/v1/runs/a\0"]
)
def test_another_address_is_absent(path):
    """So is one of which a piece is empty, or that ends with one more, or has a sign that no database takes."""
    with pytest.raises(ServiceError) as caught:
        Table(small().routes).find("GET", path)
    assert ("E_INTROUVABLE", 404) == (caught.value.code, caught.value.status)


def test_another_method_is_told_which_there_are():
    """405 with the methods of this address."""
    with pytest.raises(ServiceError) as caught:
        Table(small().routes).find("DELETE", "/v1/runs/a")
    assert ("E_METHODE", 405, {"allow": "GET, POST"}) == (caught.value.code, caught.value.status, caught.value.headers)


def test_no_two_routes_share_a_place():
    """Each route of the application is found by its own path, and only there."""
    table = Table(routes())
    for route in routes():
        pieces = ["x" if piece.startswith("{") else piece for piece in route.path.split("/")]
        found, names = table.find(route.method, "/".join(pieces))
        assert found is route
        assert dict.fromkeys(route.names, "x") == names
