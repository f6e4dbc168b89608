"""How the web process listens: HTTP/1.1 by httptools, with bounds that the protocol's implementation does not have.

* Connections: `CONNECTIONS` at most; one more is answered 503 and closed. They are taken in numbers (`BoundedServer`).
* Headers: complete within `HEAD_SECONDS`, `HEAD_BYTES` at most (the application then counts them exactly); a
  connection on which nothing comes at first is closed after the same time.
* What is left of a body that was refused unread: `DRAIN_SECONDS` to come to its end.
* Idle connections between two requests: `IDLE_SECONDS`.

What is not HTTP is answered 400, in the form of every refusal. The bounds of bodies are in `limits`.
"""

from __future__ import annotations

import asyncio
import http
import json
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.errors import error_body

__all__ = [
    "CONNECTIONS",
    "DRAIN_SECONDS",
    "HEAD_BYTES",
    "HEAD_SECONDS",
    "IDLE_SECONDS",
    "BoundedProtocol",
    "BoundedServer",
    "listening",
]

CONNECTIONS = 4096
HEAD_BYTES = 64 << 10
HEAD_SECONDS = 10.0
DRAIN_SECONDS = 30.0
IDLE_SECONDS = 30
_SWEEP_SECONDS = 1.0
_TAKEN_AT_ONCE = 64  # connections in one turn of the event loop
_REST_SECONDS = 1.0  # after the system had no more descriptors to give


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head_since: float | None = None  # while headers are awaited
        self._head_bytes = 0
        self._body_since: float | None = None  # while the rest of a body is awaited

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._head_since = self.loop.time()
        if len(self.connections) > CONNECTIONS:
            self._refuse(503, "E_CONNEXIONS", "trop de connexions à la fois ; réessayez dans un instant.")
            return
        _sweep_later(self.loop, self.server_state)

    def data_received(self, data: bytes) -> None:
        """Read what came, unless it makes headers too long."""
        if self.transport.is_closing():
            return
        if self._head_since is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_since is not None and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(413, "E_EN_TETES", "les en-têtes de la requête sont trop grands ; utilisez l'outil.")

    # The parser

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._head_since is None:
            self._head_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Its headers are there."""
        self._head_since, self._head_bytes = None, 0
        self._body_since = self.loop.time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Its body is there."""
        self._body_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It was answered; what is left of its body has a time from now on."""
        if self._body_since is not None:
            self._body_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the library's words are not ours
        """Answer what is not HTTP."""
        self._refuse(400, "E_REQUETE", "ce n'est pas une requête HTTP/1.1 bien formée.")

    def close_if_late(self, now: float) -> None:
        """Close the connection if what is awaited has not come in time."""
        head = self._head_since is not None and now - self._head_since > HEAD_SECONDS
        answered = self.cycle is None or self.cycle.response_complete
        body = self._body_since is not None and answered and now - self._body_since > DRAIN_SECONDS
        if (head or body) and not self.transport.is_closing():
            self.transport.abort()

    def _refuse(self, status: int, code: str, sentence: str) -> None:
        body = json.dumps(error_body(code, sentence), ensure_ascii=False).encode()
        head = [
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "cache-control: no-store",
            "connection: close",
            *(["retry-after: 2"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()


class BoundedServer(uvicorn.Server):
    """A server that takes many connections in one turn of its event loop.

    The quick loop, uvloop, takes one a turn, and under load a turn lasts tens of milliseconds: newcomers would wait for seconds
    while those who are in are answered at once.

    Args:
        config: of `listening`.
        ready: called once connections are taken.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._ready = ready
        self._entering: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections on sockets that listen."""
        await super().startup([])
        for one in sockets or []:
            one.setblocking(False)
            self._listen(one)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and let those who are in finish."""
        loop = asyncio.get_running_loop()
        for one in sockets or []:
            loop.remove_reader(one)
        await asyncio.gather(*self._entering, return_exceptions=True)  # those who are not in yet would be forgotten
        await super().shutdown(sockets)

    def _listen(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:  # a rest may outlast the server
            asyncio.get_running_loop().add_reader(listener, self._take, listener)

    def _take(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_TAKEN_AT_ONCE):
            try:
                line, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                loop.remove_reader(listener)
                loop.call_later(_REST_SECONDS, self._listen, listener)
                return
            if line.family in (socket.AF_INET, socket.AF_INET6):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, line))
            self._entering.add(task)
            task.add_done_callback(self._entered)

    def _entered(self, task: asyncio.Task[Any]) -> None:
        self._entering.discard(task)
        if not task.cancelled():
            task.exception()  # a client that left before it was in

    def _protocol(self) -> asyncio.Protocol:
        return BoundedProtocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _sweep_later(loop: asyncio.AbstractEventLoop, state: Any) -> None:
    """One look a second at all connections of a server, for as long as there are any."""
    if not getattr(state, "swept", False):
        state.swept = True
        loop.call_later(_SWEEP_SECONDS, _sweep, loop, state)


def _sweep(loop: asyncio.AbstractEventLoop, state: Any) -> None:
    state.swept = False
    now = loop.time()
    for connection in list(state.connections):
        if isinstance(connection, BoundedProtocol):
            connection.close_if_late(now)
    if state.connections:
        _sweep_later(loop, state)


def listening(app: ASGIApp) -> uvicorn.Config:
    """The server's settings for an application."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="auto",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=15,
    )
