"""Whether the service can do its work: each thing that a request needs, tried for real.

Answers are kept for a moment, so that whoever asks often costs nothing.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crypto.errors import CryptoError
from service.errors import ServiceError
from service.third_party.clocks import SteadyClock, mark, marked
from service.third_party.site import Site
from service.third_party.upkeep import SIGNED, sign_log

__all__ = ["MOST_DRIFT", "PROBES", "Health", "Probe", "try_all"]

MOST_DRIFT = timedelta(seconds=60)
"""Between the clocks that must agree: the system's, the service's, the database's."""

_OLDEST_SIGNATURE = timedelta(seconds=60)
_KEPT_SECONDS = 2.0
_FAILURES = (OSError, SQLAlchemyError, CryptoError, ServiceError)


class _Unhealthy(ServiceError):
    """What a probe found."""

    def __init__(self, sentence: str) -> None:
        super().__init__("E_INDISPONIBLE", sentence, 503)


def _database(site: Site) -> None:
    """A transaction is written, durably."""
    with site.database.write() as connection:
        mark(connection, "ready", site.clock())


def _store(site: Site) -> None:
    """A chunk is written, read and dropped."""
    run, upload, data = secrets.token_hex(16), secrets.token_hex(16), secrets.token_bytes(32)
    site.blobs.write(run, upload, 0, data)
    held = site.blobs.read(run, upload, 0)
    site.blobs.drop_run(run)
    if held != data:
        raise _Unhealthy("le dépôt des morceaux ne rend pas ce qu'il a reçu")


def _clock(site: Site) -> None:
    """The system's clock is neither behind what was shown before, nor apart from the database's."""
    if not isinstance(site.clock, SteadyClock):  # moved by hand: there is nothing to compare it with
        return
    drift = site.clock.drift()
    if not site.database.on_sqlite:
        with site.database.read() as connection:
            seconds = float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
        drift = max(drift, timedelta(seconds=site.clock().timestamp() - seconds), key=abs)
    if abs(drift) > MOST_DRIFT:
        raise _Unhealthy("l'horloge du système s'écarte de plus de 60 secondes de celle du service")


def _keys(site: Site) -> None:
    """The key files are there, for their owner only, and the keystore opens."""
    site.vault.identity()
    site.vault.log_key()
    for name in site.vault.keystore.names()[:1]:
        site.vault.keystore.key(name)


def _log(site: Site) -> None:
    """The log can be signed, and was within the last minute."""
    sign_log(site)
    with site.database.read() as connection:
        signed = marked(connection, SIGNED)
    if signed is None or site.clock() - signed > _OLDEST_SIGNATURE:
        raise _Unhealthy("le journal n'a pas été signé depuis une minute")


PROBES: dict[str, Callable[[Site], None]] = {
    "database": _database,
    "store": _store,
    "clock": _clock,
    "keys": _keys,
    "log": _log,
}
"""What is tried, by name; each raises when it fails."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing that was tried."""

    name: str
    failure: Exception | None

    @property
    def code(self) -> str:
        """Why it failed, in a word; empty when it did not."""
        code = getattr(self.failure, "code", None)
        return "" if self.failure is None else code if isinstance(code, str) else type(self.failure).__name__


def try_all(site: Site) -> list[Probe]:
    """Try everything."""
    found = []
    for name, probe in PROBES.items():
        try:
            probe(site)
        except _FAILURES as error:
            found.append(Probe(name=name, failure=error))
        else:
            found.append(Probe(name=name, failure=None))
    return found


class Health:
    """Readiness of one process, asked by anybody as often as they like."""

    def __init__(self, site: Site, ticks: Callable[[], float]) -> None:
        self._site = site
        self._ticks = ticks
        self._lock = threading.Lock()
        self._probes: list[Probe] = []
        self._until = float("-inf")

    def check(self) -> list[str]:
        """The names of what works, when all of it does.

        Raises:
            ServiceError: `E_INDISPONIBLE` (503), with the names of what does not.
        """
        with self._lock:
            if self._ticks() >= self._until:
                self._probes = try_all(self._site)
                self._until = self._ticks() + _KEPT_SECONDS
            failed = [one.name for one in self._probes if one.failure]
            if failed:
                raise _Unhealthy(f"le service n'est pas prêt : {', '.join(failed)} ; voyez allervers doctor")
            return [one.name for one in self._probes]
