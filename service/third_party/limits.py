"""How much one caller may ask: requests a second, bodies at once, how slowly a body may come.

Buckets. A party has `RATE` requests a second and may save up `BURST`; whoever is over waits, and is told how long
(429 `E_DEBIT`, ``Retry-After`` and the RateLimit headers). Requests that no signature covers share a bucket for each
client address, and so do those whose signature was refused. Bodies of more than `SMALL` bytes are read a few at a
time, for each party and altogether, the others wait their turn: memory has a bound whoever sends. A body comes at
`SLOWEST` bytes a second at least, after `GRACE` seconds; a slower one is refused (408 `E_LENTEUR`) and its connection
closed.

Buckets are those of one process: with several, a party has as many times the rate.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from service.errors import ServiceError

__all__ = ["BURST", "GRACE", "RATE", "SLOWEST", "SMALL", "Buckets", "Limits", "Rooms", "Ticks", "pieces_of"]

Ticks = Callable[[], float]  # seconds, monotonic

RATE = 200.0  # requests a second; an upload of 300 MiB/s in chunks of 8 MiB asks 38
BURST = 400.0
UNSIGNED_RATE = 100.0  # of one client address
UNSIGNED_BURST = 400.0
LOOKUP_RATE = 5.0  # of the keys of one name for one client address; a key that is remembered needs none
LOOKUP_BURST = 20.0
SMALL = 256 << 10  # bytes of a body that is read without waiting for a place
GRACE = 10.0  # seconds before the rate of a body counts
SLOWEST = 64 << 10  # bytes a second
_PLACES = 8  # large bodies at once, altogether
_PLACES_OF_ONE = 4
_NAMES = 10_000  # buckets kept


@dataclass
class _Bucket:
    level: float
    at: float


class Buckets:
    """Token buckets by name; the ones that nobody used for longest are forgotten, full or nearly so."""

    def __init__(self, ticks: Ticks, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._ticks = ticks
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one token.

        Raises:
            ServiceError: `E_DEBIT` (429), there is none.
        """
        bucket = self._filled(name)
        if bucket.level < 1.0:
            raise self._refusal(bucket)
        bucket.level -= 1.0

    def check(self, name: str) -> None:
        """Refuse when there is no token, and take none.

        Raises:
            ServiceError: `E_DEBIT` (429).
        """
        bucket = self._filled(name)
        if bucket.level < 1.0:
            raise self._refusal(bucket)

    def _filled(self, name: str) -> _Bucket:
        now = self._ticks()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(self.burst, now)
            if len(self._buckets) > _NAMES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        bucket.level = min(self.burst, bucket.level + max(0.0, now - bucket.at) * self.rate)
        bucket.at = now
        return bucket

    def _refusal(self, bucket: _Bucket) -> ServiceError:
        wait = max(1, math.ceil((1.0 - bucket.level) / self.rate))
        sentence = f"trop de demandes en peu de temps ; attendez {wait} seconde(s) puis recommencez."
        headers = {
            "retry-after": str(wait),
            "ratelimit-limit": str(int(self.rate)),
            "ratelimit-remaining": "0",
            "ratelimit-reset": str(wait),
        }
        return ServiceError("E_DEBIT", sentence, 429, headers=headers)


class Rooms:
    """Places for large bodies: some for each party, some altogether."""

    def __init__(self, places: int = _PLACES, of_one: int = _PLACES_OF_ONE) -> None:
        self._all = asyncio.Semaphore(places)
        self._of_one = of_one
        self._parties: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def place(self, party: str, size: int) -> AsyncIterator[None]:
        """A place for a body of this size, once there is one."""
        if size <= SMALL:
            yield
            return
        own, waiting = self._parties.get(party, (asyncio.Semaphore(self._of_one), 0))
        self._parties[party] = (own, waiting + 1)
        try:
            async with own, self._all:
                yield
        finally:
            own, waiting = self._parties[party]
            if waiting == 1:
                del self._parties[party]
            else:
                self._parties[party] = (own, waiting - 1)


class Limits:
    """All limits of one process."""

    def __init__(self, ticks: Ticks, rate: float = RATE) -> None:
        self.parties = Buckets(ticks, rate, rate * BURST / RATE)
        self.lookups = Buckets(ticks, LOOKUP_RATE, LOOKUP_BURST)
        self.unsigned = Buckets(ticks, UNSIGNED_RATE, UNSIGNED_BURST)
        self.rooms = Rooms()


async def pieces_of(receive: Receive, *, grace: float = GRACE, slowest: float = SLOWEST) -> AsyncIterator[bytes]:
    """The pieces of a body as they come.

    Args:
        receive: of the request.
        grace: seconds before the rate counts.
        slowest: bytes a second.

    Raises:
        ServiceError: `E_LENTEUR` (408), it comes too slowly.
        ClientDisconnect: the client left.
    """
    loop = asyncio.get_running_loop()
    started, held, more = loop.time(), 0, True
    while more:
        try:
            async with asyncio.timeout_at(started + grace + held / slowest):
                message = await receive()
        except TimeoutError:
            sentence = "le contenu arrive trop lentement ; vérifiez le réseau puis envoyez de nouveau."
            raise ServiceError("E_LENTEUR", sentence, 408, headers={"connection": "close"}) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece, more = message.get("body", b""), message.get("more_body", False)
        held += len(piece)
        yield piece
