"""What every request passes through: one form of refusal, one silent line, no answer that is kept."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.errors import ServiceError
from service.third_party.gate import Gate
from tests.simulator import HandClock


class Failing:
    """An application that fails in a chosen way, or answers."""

    def __init__(self, error: Exception | None, *, late: bool = False) -> None:
        self.error = error
        self.late = late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.error is None or self.late:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        if self.error is not None:
            raise self.error
        await send({"type": "http.response.body", "body": b"fine"})


def through(application: Failing, **headers: str) -> tuple[Any, list[dict[str, Any]]]:
    """The response through a gate, and the lines of the journal."""
    lines: list[str] = []
    ticks = iter([1.0, 1.25])
    gate = Gate(application, clock=HandClock(), ticks=lambda: next(ticks), emit=lines.append)
    response = TestClient(gate).get("/v1/runs/secret-name?person=Dupont", headers=headers)
    return response, [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ServiceError("E_ETAT", "trop tard.", 409), 409, "E_ETAT"),
        (OSError(errno.ENOSPC, "Dupont"), 507, "E_DISQUE_PLEIN"),
        (OperationalError("Dupont", {}, Exception("Dupont")), 503, "E_INDISPONIBLE"),
        (OSError(errno.EIO, "Dupont"), 503, "E_INDISPONIBLE"),
        (KeyError("Dupont"), 500, "E_INTERNE"),
    ],
)
def test_each_failure_has_its_status_and_form(error, status, code):
    """Nothing of the exception comes out, neither in the answer nor in the journal."""
    response, lines = through(Failing(error))
    assert (status, code) == (response.status_code, response.json()["errors"][0]["code"])
    assert "Dupont" not in response.text + json.dumps(lines)
    assert {"method": "GET", "route": "-", "status": status, "ms": 250, "at": "2026-11-20T08:00:00Z"} == lines[-1]
    incidents = [line["error"] for line in lines[:-1]]
    assert ([] if isinstance(error, ServiceError) else [type(error).__name__]) == incidents


def test_every_answer_is_for_nobody_else():
    """No cache keeps it, no browser guesses its kind or runs it."""
    for application in (Failing(None), Failing(KeyError("x"))):
        headers = through(application)[0].headers
        assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])
        assert headers["content-security-policy"].startswith("default-src 'none'")


def test_a_busy_store_says_when_to_come_back():
    """503 with a delay."""
    assert "2" == through(Failing(OperationalError("x", {}, Exception())))[0].headers["retry-after"]


def test_a_failure_after_the_answer_began_is_only_told_to_the_journal():
    """Two answers are never written to one request."""
    lines: list[str] = []
    gate = Gate(Failing(KeyError("x"), late=True), clock=HandClock(), ticks=lambda: 0.0, emit=lines.append)
    assert 200 == TestClient(gate, raise_server_exceptions=False).get("/").status_code
    assert ["KeyError", 200] == [json.loads(lines[0])["error"], json.loads(lines[1])["status"]]


def test_a_client_that_leaves_is_no_incident():
    """The line has the usual number for it."""
    lines: list[str] = []
    gate = Gate(Failing(ClientDisconnect()), clock=HandClock(), ticks=lambda: 0.0, emit=lines.append)
    with pytest.raises(AssertionError):  # the test client wants an answer
        TestClient(gate).get("/")
    assert [499] == [json.loads(line)["status"] for line in lines]


def test_headers_that_are_too_large_never_reach_the_application():
    """413 before anything else."""
    response, lines = through(Failing(None), signature="x" * 2000)
    assert (413, "E_EN_TETES") == (response.status_code, response.json()["errors"][0]["code"])
    assert [413] == [line["status"] for line in lines]


def test_the_journal_never_holds_the_address_asked_for():
    """Neither the path with its identifiers nor the query."""
    text = json.dumps(through(Failing(None))[1])
    assert "secret-name" not in text
    assert "person" not in text
