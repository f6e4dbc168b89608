"""The two kinds of processes of a cluster: one scheduler, and on each machine a worker under the eye of its own parent.

Both keep opened filters in memory for as long as a batch takes, hold no key and no access to the third party's data, and refuse
every connection that does not show a certificate of the cluster's authority. A worker whose memory goes over its limit is ended
and started again by its parent. The web server that Dask keeps in each process listens on this machine only, without a page.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from linkage.cluster import Credentials, joined, security
from linkage.errors import LinkageError
from linkage.scanning import processors

__all__ = ["run_scheduler", "run_worker"]

_NO_PAGES: dict[str, Any] = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
_STARTING_SECONDS = 60


def run_scheduler(address: str, credentials: Credentials, announce: Callable[[str], None]) -> int:
    """Schedule batches until SIGINT or SIGTERM.

    Args:
        address: ``tls://HOST:PORT`` to listen on; port 0 for any free one.
        credentials: of this machine.
        announce: told ``PRÊT tls://HOST:PORT`` once machines can join.

    Returns:
        Exit status.

    Raises:
        LinkageError: as `linkage.cluster.security`; `E_GRAPPE_ADRESSE` also when the address is taken or not ours.
    """
    guard = security(address, credentials)
    from distributed import Scheduler  # noqa: PLC0415 - an optional extra

    async def run() -> None:
        stop = _stop_on_signals()
        parts = urlsplit(address)
        async with Scheduler(host=parts.hostname, port=parts.port, protocol="tls", security=guard, **_NO_PAGES) as one:
            announce(f"PRÊT {one.address}")
            await stop.wait()

    try:
        asyncio.run(run())
    except (OSError, RuntimeError):
        rule = "cette adresse est déjà prise ou n'est pas de cette machine ; choisissez-en une autre"
        raise LinkageError("E_GRAPPE_ADRESSE", rule) from None
    return 0


def run_worker(address: str, credentials: Credentials, memory: int | None, announce: Callable[[str], None]) -> int:
    """Compare batches for a scheduler until SIGINT or SIGTERM.

    Args:
        address: ``tls://HOST:PORT`` of the scheduler.
        credentials: of this machine.
        memory: bytes over which the process that compares is ended and started again; those of the machine when absent.
        announce: told ``PRÊT`` once batches are taken.

    Returns:
        Exit status; 1 when the scheduler is gone.

    Raises:
        LinkageError: as `linkage.cluster.joined`.
    """
    with joined(address, credentials):
        pass  # refused here, a machine is told why
    guard = security(address, credentials)
    from distributed import Nanny  # noqa: PLC0415 - an optional extra

    async def run(folder: str) -> int:
        stop = _stop_on_signals()
        nanny = Nanny(
            address,
            nthreads=processors(),
            memory_limit=memory or "auto",
            local_directory=folder,  # for the lock files of Dask; nothing else is written
            security=guard,
            silence_logs=logging.CRITICAL,
            death_timeout=_STARTING_SECONDS,
            **_NO_PAGES,
        )
        async with nanny:
            announce("PRÊT")
            ends = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(nanny.finished())}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for one in ends:
                one.cancel()
        return 0 if stop.is_set() else 1

    with tempfile.TemporaryDirectory(prefix="allervers-") as folder:
        try:
            return asyncio.run(run(folder))
        except (OSError, RuntimeError):
            rule = "l'ordonnanceur a disparu pendant le démarrage ; relancez la machine quand il est revenu"
            raise LinkageError("E_GRAPPE_INJOIGNABLE", rule) from None


def _stop_on_signals() -> asyncio.Event:
    """An event of the running loop that either signal sets."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)
    return stop
