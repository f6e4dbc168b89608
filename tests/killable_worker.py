"""A worker in a process of its own that takes its time, so that it can be killed in the middle: a program for tests.

``python -m tests.killable_worker DATA URL PIECE_ROWS SECONDS``: as `allervers work`, by the real clock, pieces of so many rows,
each batch of which takes so many seconds more. With ``--watched`` it also
writes down, in ``DATA/connected``, every address that anything in the process connects to.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from linkage.batch import Batch, Found, Threads
from service.third_party.app import open_chosen
from service.third_party.matching import Means
from service.third_party.standing_worker import stand
from service.third_party.storage import StorageOptions
from service.third_party.worker import Worker


class Slow(Threads):
    """Batches on one thread, each after a pause."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1)
        self._seconds = seconds

    def submit(self, batch: Batch, told: Callable[[int], None]) -> Future[Found]:
        """As `Executor`."""
        time.sleep(self._seconds)
        return super().submit(batch, told)


def watch(path: Path) -> None:
    """Write down every connection and every name that is looked up."""

    def seen(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
            with path.open("a") as file:
                file.write(f"{event} {arguments[1:] if event == 'socket.connect' else arguments}\n")

    path.touch()
    sys.addaudithook(seen)


def main(data: str, url: str, piece_rows: str, seconds: str, *options: str) -> None:
    """Work until killed."""
    if "--watched" in options:
        watch(Path(data) / "connected")
    site = open_chosen(Path(data), StorageOptions(database=url))
    means = Means(piece_rows=int(piece_rows), executor=Slow(float(seconds)))
    stand(
        Worker(
            site=site, stop=threading.Event(), emit=lambda text: print(text, file=sys.stderr, flush=True), means=means
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
