"""A child that is watched over: started again when it dies, stopped when it is asked."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from service.third_party.worker_process import WorkerProcess

pytestmark = pytest.mark.flow

CHILD = """
import os, sys
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
sys.stdin.read()
"""


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


def command(pids: Path) -> list[str]:
    return [sys.executable, "-c", CHILD, str(pids)]


def started(pids: Path, count: int) -> list[int]:
    """The children that have started, once there are so many."""
    for _ in range(500):
        found = [int(line) for line in pids.read_text().split()] if pids.exists() else []
        if len(found) >= count:
            return found
        time.sleep(0.02)
    pytest.fail("no child")


def test_a_child_that_dies_is_told_and_replaced(pids):
    """Its status, then another process; the last is gone after the stop, and no death is told then."""
    told: list[int] = []
    ended = threading.Event()

    def tell(status: int) -> None:
        told.append(status)
        ended.set()

    child = WorkerProcess(command(pids), tell)
    (first,) = started(pids, 1)
    os.kill(first, signal.SIGKILL)
    assert ended.wait(10)
    assert [-signal.SIGKILL] == told
    second = started(pids, 2)[1]
    child.stop()
    assert [-signal.SIGKILL] == told
    assert not Path(f"/proc/{second}").exists()


def test_a_stop_just_after_a_death_starts_nobody(pids):
    """Whoever is about to be started again is not."""
    child = WorkerProcess(command(pids), lambda _: None)
    (first,) = started(pids, 1)
    os.kill(first, signal.SIGKILL)
    child.stop()
    assert [first] == started(pids, 1)
