"""A client that calls an application in this very thread, request by request: for tests that make thousands of them.

No socket, no other thread than those that the application itself takes for plain handlers, no connection to keep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx2

Application = Callable[..., Awaitable[None]]


class DirectClient:
    """What `tests.simulator.Administration` needs of a client."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Ends the loop and its threads."""
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def build_request(self, method: str, url: str, content: bytes | None = None) -> httpx2.Request:
        return httpx2.Request(method, url, content=content)

    def send(self, request: httpx2.Request) -> httpx2.Response:
        return self._loop.run_until_complete(self._exchange(request))

    async def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        waiting: list[dict[str, Any]] = [{"type": "http.request", "body": request.content, "more_body": False}]
        answered = asyncio.Event()
        said: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            said.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        await self._application(scope_of(request), receive, send)
        body = b"".join(bytes(one.get("body", b"")) for one in said[1:])
        return httpx2.Response(said[0]["status"], headers=list(said[0]["headers"]), content=body, request=request)


def scope_of(request: httpx2.Request) -> dict[str, Any]:
    """The request as an application is told of it."""
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("testclient", 1),
        "server": (request.url.host, 80),
        "state": {},
    }
