"""Composition root of the third party: the only module here that reads the environment or the real clock.

Two processes. ``serve`` runs the web process, which never opens an encoding nor loads the matcher, and starts
the worker as its child; ``work`` is the worker. ``serve --processes N`` starts N - 1 more web processes, which accept
on the same listening socket (``web``). A child lives no longer than its parent: it holds the end of
a pipe that closes with it. The processes of a cluster are not here (`cluster_commands`): they know no data directory.

Environment: ``ALLERVERS_PUBLIC_URL``, the address parties use (``https://…``) when a proxy stands before this
service; signatures cover it. Without it, the address is what the Host header says. ``ALLERVERS_DATABASE`` and
``AWS_…``: see `storage`.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from crypto.errors import CryptoError
from crypto.keys import PublicIdentity, check_fingerprint
from service.errors import ServiceError
from service.third_party.api import Application, routes
from service.third_party.clocks import SteadyClock
from service.third_party.gate import Ticks
from service.third_party.hardening import harden
from service.third_party.journal import Emit, incident_line, line, take_over
from service.third_party.key_changes import KEY_CHANGES, restart
from service.third_party.listening import BoundedServer, listening
from service.third_party.metrics import serve_metrics
from service.third_party.operations import equip
from service.third_party.site import Clock, Site, open_site
from service.third_party.storage import Storage, StorageOptions, read_storage
from service.third_party.store import add_party, find_party
from service.third_party.vault import Vault
from service.third_party.worker_process import GRACE_SECONDS, WorkerProcess

__all__ = [
    "create_app",
    "enrol",
    "main",
    "open_chosen",
    "serve",
    "third_party_identity",
    "work",
]

PUBLIC_URL = "ALLERVERS_PUBLIC_URL"
_BACKLOG = 4096
_LARGEST_IDENTITY = 1 << 16  # bytes


def _ticks() -> float:
    """Seconds, monotonic, those of a machine asleep included where the system counts them."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


_now = SteadyClock(lambda: datetime.now(UTC), _ticks)  # the real clock, which never goes back


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
    storage: Storage | None = None,
) -> Application:
    """The web application of a data directory.

    Args:
        data: whose identity exists.
        clock: aware, UTC.
        ticks: seconds, monotonic, for durations in the journal.
        emit: takes journal lines.
        public_url: address that parties use, when it is not what they write in Host.
        storage: where the database and the blobs are; in the data directory when absent.

    Raises:
        ServiceError: `E_DONNEES_ABSENTES`.
        CryptoError: a key file is readable by others, or damaged.
    """
    app = Application(open_site(data, clock, storage), ticks, emit, public_url)
    equip(app.state, {route.path for route in routes()}, ticks)
    return app


def third_party_identity(data: Path, name: str) -> PublicIdentity:
    """The identity of the third party, created with its log key at first use.

    Raises:
        ServiceError: `E_IDENTITE_EXISTANTE`, this directory belongs to another name.
    """
    os.umask(0o077)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    vault, known = Vault(data), (data / "identity.json").exists() or (data / KEY_CHANGES).exists()
    public = vault.create(name).public
    if not known:
        restart(data, vault.log_key().verify_bytes(), since=0)  # of a log that is still empty
    return public


def open_chosen(data: Path, options: StorageOptions | None = None) -> Site:
    """Open a data directory with the storage that the operator chose, by the real clock.

    Raises:
        ServiceError: `E_DONNEES_ABSENTES`, `E_BASE_URL`, `E_BASE_VERSION`, `E_MOT_DE_PASSE`, `E_INDISPONIBLE`.
        CryptoError: a key file is readable by others, or damaged.
    """
    return open_site(data, _now, read_storage(options or StorageOptions(), os.environ))


def enrol(data: Path, identity_file: Path, fingerprint: str, options: StorageOptions | None = None) -> None:
    """Enrol a party whose fingerprint was received by another channel.

    Raises:
        ServiceError: as `open_chosen`; `E_DEJA_INSCRITE`, another key, or the third party's own identifier.
        CryptoError: not an identity, or not this fingerprint.
        OSError: the file cannot be read.
    """
    os.umask(0o077)
    public = PublicIdentity.from_bytes(identity_file.read_bytes()[:_LARGEST_IDENTITY].rstrip(b"\r\n"))
    check_fingerprint(public, fingerprint)
    site = open_chosen(data, options)
    with closing(site.database), site.database.write() as connection:
        known = find_party(connection, public.party)
        if known == public:
            return
        if known is not None or public.party == site.party:
            sentence = f"« {public.party} » est déjà inscrite avec une autre clé ; choisissez un autre identifiant."
            raise ServiceError("E_DEJA_INSCRITE", sentence, 409)
        add_party(connection, public, _now())
        site.record(connection, site.party, "party_enrolled", digest=hashlib.sha256(public.to_bytes()).hexdigest())


def serve(
    data: Path,
    address: tuple[str, int],
    *,
    with_worker: bool,
    announce: Callable[[str], None],
    options: StorageOptions | None = None,
    metrics: tuple[str, int] | None = None,
    processes: int = 1,
) -> int:
    """Serve the API until SIGINT or SIGTERM.

    Args:
        data: whose identity exists.
        address: to listen on; port 0 for any free one.
        with_worker: whether to start and watch over a worker.
        announce: told ``PRÊT http://HOST:PORT`` once requests are accepted.
        options: where the database and the blobs are.
        metrics: address of a second port, where metrics are told; none when absent. They are those of this process.
        processes: how many web processes, this one included; limits of rate are those of each.

    Returns:
        Exit status.

    Raises:
        ServiceError: as `open_chosen`.
        OSError: an address is taken.
    """
    harden()
    take_over(_write_line, _now)
    options = options or StorageOptions()
    storage = read_storage(options, os.environ)
    app = create_app(data, _now, public_url=os.environ.get(PUBLIC_URL), storage=storage)
    listener = _listen(*address)
    ready = f"PRÊT http://{address[0]}:{listener.getsockname()[1]}"
    server = BoundedServer(listening(app), lambda: announce(ready))
    # The server hands the signal back once it has stopped: taken here, it does not kill us before the worker is stopped.
    handlers = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
    children = [WorkerProcess(_command("work", data, options), _child_ended("worker-ended"))] if with_worker else []
    place = listener.fileno()
    for _ in range(processes - 1):
        command = [*_command("web", data, options), "--listener", str(place)]
        children.append(WorkerProcess(command, _child_ended("web-ended"), inherited=(place,)))
    gc.freeze()  # what is loaded stays
    told = serve_metrics(app.state.metrics, *metrics) if metrics else None
    try:
        server.run(sockets=[listener])
    finally:
        if told is not None:
            told()
        _stop_all(children)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0 if server.started else 1


def _command(what: str, data: Path, options: StorageOptions) -> list[str]:
    # No secret among these words: the environment, inherited, and the file of the address carry it.
    program = [sys.executable, "-m", "service.third_party.app", what, "--data", str(data), "--child"]
    return [*program, *options.words()]


def _child_ended(event: str) -> Callable[[int], None]:
    return lambda status: _write_line(line(_now(), event=event, status=status))


def _stop_all(children: Sequence[WorkerProcess]) -> None:
    threads = [threading.Thread(target=one.stop) for one in children]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def _web(data: Path, stop: threading.Event, options: StorageOptions, listener: int) -> int:
    """One more web process, on the listening socket of its parent; it ends with its parent, or by SIGTERM."""
    harden()
    take_over(_write_line, _now)
    app = create_app(data, _now, public_url=os.environ.get(PUBLIC_URL), storage=read_storage(options, os.environ))
    server = BoundedServer(listening(app))
    handlers = {number: signal.signal(number, server.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}

    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    gc.freeze()
    try:
        server.run(sockets=[socket.socket(fileno=listener)])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0 if server.started else 1


def work(
    data: Path,
    *,
    options: StorageOptions | None = None,
    once: bool = False,
    memory: int | None = None,
    executor: Any = None,
) -> int:
    """Run a worker until SIGINT or SIGTERM.

    Args:
        data: whose identity exists.
        options: where the database and the blobs are.
        once: return when there is nothing left to do.
        memory: bytes to hold of opened rows; half a gibibyte when absent.
        executor: a `linkage.batch.Executor`, where rows are compared; this process when absent.

    Returns:
        Exit status.

    Raises:
        ServiceError: as `open_chosen`.
    """
    means = {name: value for name, value in {"memory": memory, "executor": executor}.items() if value is not None}
    return _work(data, threading.Event(), options or StorageOptions(), once=once, **means)


def _work(data: Path, stop: threading.Event, options: StorageOptions, *, once: bool, **means: Any) -> int:
    harden()
    take_over(_write_line, _now)
    handlers: dict[int, Any] = {}  # before anything that takes its time to load
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handlers[number] = signal.signal(number, lambda *_: stop.set())
    try:
        from service.third_party.matching import Means  # noqa: PLC0415 - the web process never loads the matcher
        from service.third_party.worker import Worker  # noqa: PLC0415

        site = open_chosen(data, options)
        worker = Worker(site=site, stop=stop, emit=_write_line, means=Means(**means))
        if once:
            worker.run(once=True)
        else:
            _without_dbos_variables()
            from service.third_party.standing_worker import stand  # noqa: PLC0415 - a second of its own to load

            stand(worker)
    finally:
        for taken, handler in handlers.items():
            signal.signal(taken, handler)
    return 0


def _without_dbos_variables() -> None:
    """Nobody's environment connects the engine of jobs to a service elsewhere, or gives it another name or database."""
    for name in [one for one in os.environ if one.startswith("DBOS_")]:
        del os.environ[name]


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


def _end_with_parent(stop: threading.Event) -> None:
    """Ask the worker to stop when the parent's end of standard input closes; insist if it does not."""
    while os.read(0, 1 << 10):  # not the buffered stream: its lock would still be held when this process ends
        pass
    stop.set()
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main(arguments: list[str] | None = None) -> int:
    """The commands by which `serve` starts its worker and more web processes."""
    parser = argparse.ArgumentParser(prog="python -m service.third_party.app")
    parser.add_argument("command", choices=["work", "web"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--child", action="store_true", help="end when standard input closes")
    parser.add_argument("--database")
    parser.add_argument("--database-file", type=Path)
    parser.add_argument("--blobs")
    parser.add_argument("--listener", type=int, help="number of the inherited socket, for web")
    chosen = parser.parse_args(arguments)
    stop = threading.Event()
    if chosen.child:
        threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()
    try:
        if chosen.command == "web":
            return _web(chosen.data, stop, StorageOptions.of(chosen), chosen.listener)
        return _work(chosen.data, stop, StorageOptions.of(chosen), once=chosen.once)
    except (ServiceError, CryptoError) as error:
        _write_line(incident_line(_now(), chosen.command, error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
