"""What every request passes through: size of headers, refusals in one form, one journal line, answers nobody stores.

An error of ours becomes its JSON form; a storage failure 503 or 507, anything else 500 with nothing but its
type in the journal. A client that sends nonsense gets a 4xx with a reason, never a 5xx.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crypto.errors import CryptoError
from crypto.framing import to_base64
from service.errors import ServiceError, error_body
from service.third_party.authentication import check_headers
from service.third_party.database import is_full
from service.third_party.journal import Emit, incident_line, line
from service.third_party.site import Clock

__all__ = ["Gate", "Ticks"]

Ticks = Callable[[], float]  # seconds, monotonic

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, clock: Clock, ticks: Ticks, emit: Emit) -> None:
        self._app = app
        self._clock = clock
        self._ticks = ticks
        self._emit = emit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._ticks(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS, *_checkpoint(scope)]}
            await send(message)

        try:
            check_headers(scope["headers"])
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            status = status or 499  # nobody is there to be answered; the journal's usual number for it
        except Exception as error:  # noqa: BLE001 - the HTTP error handler
            refusal = self._judge(error)
            if not status:
                await _answer(refusal, watched)
        finally:
            self._journal(scope, status, started)

    def _judge(self, error: Exception) -> ServiceError:
        if isinstance(error, ServiceError):
            return error
        if isinstance(error, CryptoError):
            return ServiceError(error.code, error.message)
        self._emit(incident_line(self._clock(), "request", error))
        if is_full(error) or (isinstance(error, OSError) and error.errno in _FULL):
            return ServiceError("E_DISQUE_PLEIN", "le service n'a plus d'espace ; réessayez plus tard.", 507)
        if isinstance(error, SQLAlchemyError | OSError):
            return ServiceError("E_INDISPONIBLE", "le service est occupé ; réessayez dans un instant.", 503)
        return ServiceError("E_INTERNE", "le service a rencontré une erreur ; prévenez son exploitant.", 500)

    def _journal(self, scope: Mapping[str, Any], status: int, started: float) -> None:
        route = getattr(scope.get("route"), "path", "-")
        caller = scope.get("state", {}).get("caller")
        members = {"method": scope["method"], "route": route, "status": status}
        seconds = self._ticks() - started
        if (metrics := _of_application(scope, "metrics")) is not None:
            metrics.observe(**members, seconds=seconds)
        self._emit(line(self._clock(), **members, ms=round(1000 * seconds), party=getattr(caller, "party", None)))


def _of_application(scope: Mapping[str, Any], name: str) -> Any:
    return getattr(getattr(scope.get("app"), "state", None), name, None)


def _checkpoint(scope: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """The log's latest checkpoint, told to each authenticated caller so that it can watch over the log's history."""
    latest = _of_application(scope, "latest_note")
    note = latest() if latest is not None and "caller" in scope.get("state", {}) else None
    return [] if note is None else [(b"allervers-checkpoint", to_base64(note.encode()).encode())]


async def _answer(refusal: ServiceError, send: Send) -> None:
    body = json.dumps(error_body(refusal.code, refusal.message, refusal.source), ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.status == 503:
        headers.append((b"retry-after", b"2"))
    headers += [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
