"""Composition root of the third party: the only module here that reads the environment or the real clock.

Two processes. ``serve`` runs the web process, which never opens an encoding nor loads the matcher, and starts
the worker as its child; ``work`` is the worker. A child lives no longer than its parent: it holds the end of
a pipe that closes with it. The processes of a cluster are not here (`cluster_commands`): they know no data directory.

Environment: ``ALLERVERS_PUBLIC_URL``, the address parties use (``https://…``) when a proxy stands before this
service; signatures cover it. Without it, the address is what the Host header says.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from crypto.errors import CryptoError
from crypto.keys import PublicIdentity, check_fingerprint
from service.errors import ServiceError
from service.third_party.api import install
from service.third_party.gate import Gate, Ticks
from service.third_party.hardening import harden
from service.third_party.journal import Emit, incident_line, line
from service.third_party.site import Clock, open_site
from service.third_party.store import add_party, find_party
from service.third_party.vault import Vault

__all__ = [
    "create_app",
    "enrol",
    "main",
    "serve",
    "third_party_identity",
    "work",
]

PUBLIC_URL = "ALLERVERS_PUBLIC_URL"
_CHILD_PAUSE_SECONDS = 2.0  # before a worker that died is started again
_CHILD_GRACE_SECONDS = 20.0
_BACKLOG = 2048
_LARGEST_IDENTITY = 1 << 16  # bytes


def _now() -> datetime:
    """The real clock, UTC."""
    return datetime.now(UTC)


def _write_line(text: str) -> None:
    """Write a journal line where the operator's supervisor collects it."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def create_app(
    data: Path,
    clock: Clock,
    *,
    ticks: Ticks = time.perf_counter,
    emit: Emit = _write_line,
    public_url: str | None = None,
) -> FastAPI:
    """The web application of a data directory.

    Args:
        data: whose identity exists.
        clock: aware, UTC.
        ticks: seconds, monotonic, for durations in the journal.
        emit: takes journal lines.
        public_url: address that parties use, when it is not what they write in Host.

    Raises:
        ServiceError: `E_DONNEES_ABSENTES`.
        CryptoError: a key file is readable by others, or damaged.
    """
    app = FastAPI(title="allervers", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.site = open_site(data, clock)
    app.state.emit = emit
    app.state.public_url = public_url.rstrip("/") if public_url else None
    install(app)
    app.add_middleware(Gate, clock=clock, ticks=ticks, emit=emit)
    return app


def third_party_identity(data: Path, name: str) -> PublicIdentity:
    """The identity of the third party, created with its log key at first use.

    Raises:
        ServiceError: `E_IDENTITE_EXISTANTE`, this directory belongs to another name.
    """
    os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Vault(data).create(name).public


def enrol(data: Path, identity_file: Path, fingerprint: str) -> None:
    """Enrol a party whose fingerprint was received by another channel.

    Raises:
        ServiceError: `E_DEJA_INSCRITE`, another key, or the third party's own identifier.
        CryptoError: not an identity, or not this fingerprint.
        OSError: the file cannot be read.
    """
    os.umask(0o077)
    public = PublicIdentity.from_bytes(identity_file.read_bytes()[:_LARGEST_IDENTITY].rstrip(b"\r\n"))
    check_fingerprint(public, fingerprint)
    site = open_site(data, _now)
    with site.database.write() as connection:
        known = find_party(connection, public.party)
        if known == public:
            return
        if known is not None or public.party == site.party:
            sentence = f"« {public.party} » est déjà inscrite avec une autre clé ; choisissez un autre identifiant."
            raise ServiceError("E_DEJA_INSCRITE", sentence, 409)
        add_party(connection, public, _now())
        site.record(connection, site.party, "party_enrolled", digest=hashlib.sha256(public.to_bytes()).hexdigest())


def serve(data: Path, host: str, port: int, *, with_worker: bool, announce: Callable[[str], None]) -> int:
    """Serve the API until SIGINT or SIGTERM.

    Args:
        data: whose identity exists.
        host: address to listen on.
        port: 0 for any free one.
        with_worker: whether to start and watch over a worker.
        announce: told ``PRÊT http://HOST:PORT`` once requests are accepted.

    Returns:
        Exit status.

    Raises:
        ServiceError: `E_DONNEES_ABSENTES`.
        OSError: the address is taken.
    """
    harden()
    app = create_app(data, _now, public_url=os.environ.get(PUBLIC_URL))
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=15,
    )
    listener = _listen(host, port)
    address = f"http://{host}:{listener.getsockname()[1]}"
    server = _Server(config, lambda: announce(f"PRÊT {address}"))
    # The server hands the signal back once it has stopped: taken here, it does not kill us before the worker is stopped.
    handlers = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
    child = _Child(data) if with_worker else None
    try:
        server.run(sockets=[listener])
    finally:
        if child is not None:
            child.stop()
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0 if server.started else 1


def work(data: Path, *, once: bool = False, memory: int | None = None, executor: Any = None) -> int:
    """Run a worker until SIGINT or SIGTERM.

    Args:
        data: whose identity exists.
        once: return when there is nothing left to do.
        memory: bytes to hold of opened rows; half a gibibyte when absent.
        executor: a `linkage.batch.Executor`, where rows are compared; this process when absent.

    Returns:
        Exit status.

    Raises:
        ServiceError: `E_DONNEES_ABSENTES`.
    """
    means = {name: value for name, value in {"memory": memory, "executor": executor}.items() if value is not None}
    return _work(data, threading.Event(), once=once, **means)


def _work(data: Path, stop: threading.Event, *, once: bool, **means: Any) -> int:
    harden()
    handlers: dict[int, Any] = {}  # before anything that takes its time to load
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handlers[number] = signal.signal(number, lambda *_: stop.set())
    try:
        from service.third_party.matching import Means  # noqa: PLC0415 - the web process never loads the matcher
        from service.third_party.worker import Worker  # noqa: PLC0415

        site = open_site(data, _now)
        Worker(site=site, stop=stop, emit=_write_line, means=Means(**means)).run(once=once)
    finally:
        for taken, handler in handlers.items():
            signal.signal(taken, handler)
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """Says when requests are accepted."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


class _Child:
    """The worker process: started again when it dies, stopped by its own process id."""

    def __init__(self, data: Path) -> None:
        self._command = [sys.executable, "-m", "service.third_party.app", "work", "--data", str(data), "--child"]
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process = self._start()
        self._watch = threading.Thread(target=self._watch_over, name="worker-watch", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop the worker and wait for its end."""
        with self._lock:
            self._stopping.set()
            self._process.terminate()
        try:
            self._process.wait(_CHILD_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it holds nothing that a next worker would not take up again
        self._watch.join()
        self._close_pipe()

    def _start(self) -> subprocess.Popen[bytes]:
        # The worker reads the other end of this pipe: it closes when we die, however that happens.
        return subprocess.Popen(self._command, stdin=subprocess.PIPE)

    def _close_pipe(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _watch_over(self) -> None:
        while True:
            status = self._process.wait()
            self._close_pipe()
            if self._stopping.is_set():
                return
            _write_line(line(_now(), event="worker-ended", status=status))
            if self._stopping.wait(_CHILD_PAUSE_SECONDS):
                return
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = self._start()


def _end_with_parent(stop: threading.Event) -> None:
    """Ask the worker to stop when the parent's end of standard input closes; insist if it does not."""
    sys.stdin.buffer.read()
    stop.set()
    time.sleep(_CHILD_GRACE_SECONDS)
    os._exit(1)


def main(arguments: list[str] | None = None) -> int:
    """The command by which `serve` starts its worker."""
    parser = argparse.ArgumentParser(prog="python -m service.third_party.app")
    parser.add_argument("command", choices=["work"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--child", action="store_true", help="end when standard input closes")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()
    if chosen.child:
        threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()
    try:
        return _work(chosen.data, stop, once=chosen.once)
    except (ServiceError, CryptoError) as error:
        _write_line(incident_line(_now(), "worker", error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
