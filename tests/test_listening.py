"""Bounds of connections and headers, over real sockets."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from service.third_party import listening as module
from service.third_party.listening import BoundedProtocol, BoundedServer, listening

PAGE = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Reads nothing of any body."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        return
    head = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(params=["asyncio", "auto"])
def port(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[int]:
    """A server in a thread, whose times are short, on the plain event loop and on the usual one."""
    for name, value in (("HEAD_SECONDS", 0.3), ("DRAIN_SECONDS", 0.3), ("CONNECTIONS", 5), ("_SWEEP_SECONDS", 0.05)):
        monkeypatch.setattr(module, name, value)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        server = BoundedServer(listening(hello))
        server.config.loop = request.param
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            pass
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


def line(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def everything(one: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    try:
        while piece := one.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def refusal(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), str(json.loads(body)["errors"][0]["code"])


def test_a_request_is_answered_again_and_again(port):
    """On the same connection."""
    with line(port) as one:
        for _ in range(3):
            one.sendall(PAGE + b"\r\n")
            answer = b""
            while not answer.endswith(b"ok"):
                answer += one.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")


def test_headers_that_never_end_are_refused(port):
    """By their size, or by their time."""
    with line(port) as one:
        one.sendall(PAGE)
        for _ in range(3):
            one.sendall(b"x: " + b"y" * 30_000 + b"\r\n")
        assert (413, "E_EN_TETES") == refusal(everything(one))
    for beginning in (PAGE, b""):
        with line(port) as one:
            one.sendall(beginning)
            assert b"" == everything(one)


def test_a_body_that_nobody_reads_has_its_time(port):
    """The answer is given; then the rest must come, or the connection ends."""
    with line(port) as one:
        one.sendall(b"PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nxx")
        assert everything(one).startswith(b"HTTP/1.1 200")


def test_what_is_not_http_is_refused(port):
    """In the form of every refusal."""
    with line(port) as one:
        one.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert (400, "E_REQUETE") == refusal(everything(one))


def test_one_connection_too_many_is_refused(port):
    """And says when to come back."""
    held = [line(port) for _ in range(5)]
    for one in held:
        one.sendall(PAGE + b"\r\n")
        assert one.recv(4096)
    with line(port) as last:
        answer = everything(last)
        assert (503, "E_CONNEXIONS") == refusal(answer)
        assert b"retry-after: 2" in answer
    for one in held:
        one.close()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], threading.Event]:
    """How many connections each turn of a server takes; a turn waits for the event, as one does that is at work."""
    turns: list[int] = []
    go = threading.Event()
    take = BoundedServer._take

    def counted(server: BoundedServer, listener: socket.socket) -> None:
        go.wait(20)
        before = len(server._entering)
        take(server, listener)
        turns.append(len(server._entering) - before)

    monkeypatch.setattr(BoundedServer, "_take", counted)
    return turns, go


def test_newcomers_are_taken_in_numbers(turns, port, monkeypatch):
    """All that came while a turn of the event loop lasted are let in by the next, and not one of them."""
    monkeypatch.setattr(module, "CONNECTIONS", 100)
    monkeypatch.setattr(module, "HEAD_SECONDS", 30)
    held = [line(port) for _ in range(40)]
    turns[1].set()
    for one in held:
        one.sendall(PAGE + b"\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
        one.close()
    assert 40 == sum(turns[0]) == max(turns[0])


def test_a_system_without_descriptors_is_given_a_rest(port, monkeypatch):
    """The connection waits, nobody asks in vain meanwhile, and it is taken later."""
    monkeypatch.setattr(module, "_REST_SECONDS", 0.3)
    monkeypatch.setattr(module, "HEAD_SECONDS", 30)
    asked: list[float] = []
    accept = socket.socket.accept

    def scarce(listener: socket.socket) -> Any:
        asked.append(time.monotonic())
        if len(asked) <= 2:
            raise OSError(errno.EMFILE, "x")
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    with line(port) as one:
        one.sendall(PAGE + b"\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
    assert asked[1] - asked[0] > 0.25 < asked[2] - asked[1]


def test_a_server_that_stops_forgets_nobody_who_is_on_the_way_in():
    """A connection taken just before is ended with the others, and not by its own time-out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = BoundedServer(listening(hello))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.001)
        held = [line(listener.getsockname()[1]) for _ in range(20)]
        began, server.should_exit = time.monotonic(), True
        thread.join()
        assert time.monotonic() - began < module.HEAD_SECONDS / 2
        for one in held:
            one.close()


def test_the_protocol_is_the_bounded_one():
    """For every server of ours."""
    assert BoundedProtocol is listening(hello).http
