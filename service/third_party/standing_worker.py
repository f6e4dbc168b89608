"""A worker that stays, with the engine that remembers steps.

On SQLite one worker at a time has the file of jobs to itself: it holds a lock on ``DATA/worker.lock``, which the system lets go
when its process ends, however that happens. A second one waits for its turn. On PostgreSQL any number share the work.
"""

from __future__ import annotations

import fcntl
import gc
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from service.third_party.durable_engine import DurableEngine
from service.third_party.worker import Worker

__all__ = ["stand"]

_LOCK = "worker.lock"
_TURN_SECONDS = 0.2  # between two looks at the lock
_SOLE = "worker"


def stand(worker: Worker) -> None:
    """Work until asked to stop."""
    if not worker.site.database.on_sqlite:
        _work(worker, secrets.token_hex(16), alone=False)
        return
    with _alone(worker.site.data / _LOCK, worker.stop):
        if not worker.stop.is_set():
            _work(worker, _SOLE, alone=True)


def _work(worker: Worker, name: str, *, alone: bool) -> None:
    engine = DurableEngine(worker.job, worker.stop, executor=name, alone=alone)
    gc.freeze()  # what is loaded by now stays: else the collector looks at all of it again in the middle of a comparison
    worker.run(engine=engine)


@contextmanager
def _alone(path: Path, stop: Event) -> Iterator[None]:
    """Hold the lock, once nobody else does; or be asked to stop before."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not stop.is_set():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop.wait(_TURN_SECONDS)
        yield
    finally:
        os.close(descriptor)
