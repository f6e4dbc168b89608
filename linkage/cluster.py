"""Batches compared by other machines: an executor on a Dask cluster (the optional extra `cluster`).

What travels. A task is one batch: filters, where blocks are, a threshold. No key, no row id, no tag, no access to anything. All
connections are mutual TLS 1.3 under one authority: whoever holds a certificate of it can have code run on every machine of the
cluster, so that authority signs for nothing else. Scheduler and workers see opened filters, in memory only: spilling is off,
nothing of a batch enters a log, no page is served.

What is lost. The scheduler gives the batches of a worker that died, or was stopped for its memory, to another. What the cluster
cannot do after that, for whatever reason, is compared here: a run never ends differently because machines are gone, only later.
The result is the same bytes as without a cluster.

Dask is imported when it is used, so that nothing else loads a network module.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np

from crypto.errors import CryptoError
from crypto.key_files import read_secret
from linkage.batch import Batch, Found, Stopped, compare_batch, is_heavy, match_batch, ordered, solved
from linkage.candidates import Candidates
from linkage.errors import LinkageError

__all__ = ["SETTINGS", "Cluster", "Credentials", "check_address", "joined", "security"]

_T = TypeVar("_T")

_TILE_ROWS = 1 << 14  # of either side of a tile of a heavy batch: a second of work or less for a few megabytes sent
_MOST_LANES = 64
_POLL = 0.2  # seconds between two looks at whether to go on
_PATIENCE = 50  # such looks without any worker before a batch is compared here
_RETRIES = 3
_CONNECTION_SECONDS = 15
_ROLES = ("client", "scheduler", "worker")

SETTINGS: dict[str, Any] = {
    "distributed.worker.memory.target": False,  # the three ways by which data would reach a disk
    "distributed.worker.memory.spill": False,
    "distributed.p2p.storage.disk": False,
    "distributed.worker.memory.pause": 0.8,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.http.routes": [],
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.work-stealing": False,  # a batch is sent once
    "distributed.scheduler.worker-ttl": "60 seconds",
    "distributed.scheduler.allowed-failures": 1,  # a batch that ended two machines is compared here
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.comm.timeouts.connect": "10s",
    "distributed.comm.tls.min-version": 1.3,
    "distributed.comm.require-encryption": True,
    "distributed.admin.large-graph-warning-threshold": "1 GiB",
    "distributed.diagnostics.nvml": False,
}


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a process of the cluster shows and demands, as PEM files.

    Attributes:
        ca: certificate of the cluster's own authority.
        cert: certificate of this machine.
        key: its private key, readable by its owner only.
    """

    ca: Path
    cert: Path
    key: Path


class Cluster:
    """The executor of a cluster that was joined.

    Attributes:
        compared_here: batches and tiles that the cluster could not do.
    """

    def __init__(self, client: Any) -> None:
        """`client` is a connected Dask client; see `joined`."""
        self._client = client
        self._pool = ThreadPoolExecutor(max_workers=_MOST_LANES, thread_name_prefix="cluster")
        self._stop = Event()
        self._here = Lock()  # one at a time, as memory was shared out for
        self.compared_here = 0

    @property
    def lanes(self) -> int:
        """Two batches for each thread of the cluster: one is compared while the next one travels."""
        return max(1, min(_MOST_LANES, 2 * self._threads()))

    def submit(self, batch: Batch, told: Callable[[int], None]) -> Future[Found]:
        """As `linkage.batch.Executor`."""
        return self._pool.submit(self._found, batch, told)

    def abandon(self, pending: Iterable[Future[Found]]) -> None:
        """As `linkage.batch.Executor`; tasks that run on the cluster end there and are forgotten."""
        self._stop.set()
        wait([one for one in pending if not one.cancel()])
        self._stop.clear()

    def close(self) -> None:
        """End the threads of this process."""
        self._stop.set()
        self._pool.shutdown()

    def _threads(self) -> int:
        if self._client.status != "running":
            return 0
        try:
            return sum(self._client.nthreads().values())
        except Exception:  # noqa: BLE001 - whatever the network says, no machine is known to be there
            return 0

    def _found(self, batch: Batch, told: Callable[[int], None]) -> Found:
        if is_heavy(batch) and batch.is_one_block:
            return solved(self._tiled(batch, told), batch.solving, batch.strict)
        return self._done(compare_batch, batch)

    def _tiled(self, batch: Batch, told: Callable[[int], None]) -> Candidates:
        """The candidates of one large block, from tiles that are compared at once."""
        compared = [0]

        def work(tile: tuple[int, int, Batch]) -> Candidates:
            left, right, part = tile
            found = self._done(match_batch, part)
            compared[0] += part.pairs
            told(compared[0])
            return replace(found, left=found.left + left, right=found.right + right)

        with ThreadPoolExecutor(max_workers=self.lanes, thread_name_prefix="tile") as pool:
            return ordered(list(pool.map(work, _tiles(batch))))

    def _done(self, work: Callable[[Batch], _T], batch: Batch) -> _T:
        """`work(batch)`, by the cluster if it can."""
        try:
            return self._remote(work, batch)
        except Stopped:
            raise
        except Exception:  # noqa: BLE001 - lost machines, a lost scheduler, a lost network: all end the same way
            with self._here:
                if self._stop.is_set():
                    raise Stopped from None
                self.compared_here += 1
                return work(batch)

    def _remote(self, work: Callable[[Batch], _T], batch: Batch) -> _T:
        if self._client.status != "running":
            raise ConnectionError
        future = self._client.submit(work, batch, pure=False, retries=_RETRIES)
        finished, alone = Event(), 0
        future.add_done_callback(lambda _: finished.set())
        try:
            while not finished.wait(_POLL):
                if self._stop.is_set():
                    raise Stopped
                alone = 0 if self._threads() else alone + 1
                if alone > _PATIENCE:
                    raise ConnectionError
            result: _T = future.result()
            return result
        finally:
            future.cancel()


@contextmanager
def joined(address: str, credentials: Credentials) -> Iterator[Cluster]:
    """The cluster of a scheduler, for as long as the context lasts.

    Args:
        address: ``tls://HOST:PORT``.
        credentials: of this machine.

    Raises:
        LinkageError: `E_GRAPPE_ABSENTE`, the extra is not installed; `E_GRAPPE_ADRESSE`; `E_GRAPPE_CLES`, files that cannot be
            used; `E_GRAPPE_INJOIGNABLE`, no scheduler answers there, or it does not accept our certificate, or we not its.
    """
    guard = security(address, credentials)
    from distributed import Client  # noqa: PLC0415 - an optional extra

    try:
        client = Client(address, security=guard, timeout=_CONNECTION_SECONDS, set_as_default=False)
    except (OSError, TimeoutError):
        rule = "l'ordonnanceur ne répond pas ou refuse ce certificat ; vérifiez son adresse et les certificats, puis relancez"
        raise LinkageError("E_GRAPPE_INJOIGNABLE", rule) from None
    cluster = Cluster(client)
    try:
        yield cluster
    finally:
        cluster.close()
        client.close()


def check_address(address: str) -> None:
    """Refuse an address that is not for TLS.

    Raises:
        LinkageError: `E_GRAPPE_ADRESSE`.
    """
    parts = urlsplit(address)
    try:
        fits = parts.scheme == "tls" and bool(parts.hostname) and parts.port is not None and not parts.path
    except ValueError:
        fits = False
    if not fits:
        raise LinkageError("E_GRAPPE_ADRESSE", "l'adresse de l'ordonnanceur s'écrit tls://MACHINE:PORT")


def security(address: str, credentials: Credentials) -> Any:
    """Dask's own form of the credentials, after its settings were made safe.

    Raises:
        LinkageError: as `joined`, but for `E_GRAPPE_INJOIGNABLE`.
    """
    check_address(address)
    try:
        import dask  # noqa: PLC0415 - an optional extra
        from distributed import Security  # noqa: PLC0415
    except ImportError:
        rule = "le calcul sur plusieurs machines demande l'extra « cluster » : installez allervers[cluster]"
        raise LinkageError("E_GRAPPE_ABSENTE", rule) from None
    for name in ("distributed", "tornado", *logging.root.manager.loggerDict):  # some have a level of their own
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # their lines quote arguments of tasks
    dask.config.set(SETTINGS)
    cert, key = str(credentials.cert), str(credentials.key)
    try:
        read_secret(credentials.key)
        guard = Security(
            require_encryption=True,
            tls_ca_file=str(credentials.ca),
            tls_min_version=ssl.TLSVersion.TLSv1_3,
            **{f"tls_{role}_cert": cert for role in _ROLES},
            **{f"tls_{role}_key": key for role in _ROLES},
        )
        for role in _ROLES:
            guard.get_connection_args(role)
    except (CryptoError, OSError) as error:  # among them those of TLS
        rule = "le certificat, sa clé (lisible par son seul propriétaire) ou celui de l'autorité est illisible"
        raise LinkageError("E_GRAPPE_CLES", f"{rule} ({type(error).__name__})") from None
    return guard


def _tiles(batch: Batch) -> Iterator[tuple[int, int, Batch]]:
    """A batch of one block as tiles, each with its first left and right row."""
    for left in range(0, len(batch.left), _TILE_ROWS):
        for right in range(0, len(batch.right), _TILE_ROWS):
            rows = batch.left[left : left + _TILE_ROWS], batch.right[right : right + _TILE_ROWS]
            block = np.array([[0, len(rows[0]), 0, len(rows[1])]], dtype=np.int64)
            yield left, right, replace(batch, left=rows[0], right=rows[1], blocks=block)
