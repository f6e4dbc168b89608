"""Any history of requests, time and work, on both databases: no promise is broken (`tests.histories` says which)."""

from __future__ import annotations

import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.histories import OPERATIONS, World, run_histories
from tests.simulator import simulation

pytestmark = pytest.mark.R6

KINDS = ("sqlite", "postgresql")
STEPS = 20  # of a history, at most
AT_ONCE = 250  # histories of one third party, so that its log and tables stay small


def histories(address: Callable[[str, Path], str], kind: str, count: int, steps: int) -> None:
    """So many histories, on a fresh third party every now and then; a failure prints the seed that repeats it."""
    for first in range(0, count, AT_ONCE):
        seed = secrets.randbits(32)
        sys.stderr.write(f"{kind}: histories from {first}, seed {seed}\n")
        with _folder() as folder, simulation(folder / "data", url := address(kind, folder)) as sim:
            world = World(sim, url)
            try:
                run_histories(world, min(AT_ONCE, count - first), steps, seed)
            finally:
                world.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where there is one: what survives a loss of power is not what is tested here."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="histories-", dir=memory) as name:
        yield Path(name)


def test_there_are_enough_operations():
    """About twenty-five and more of them."""
    assert len(OPERATIONS) >= 25


@pytest.mark.parametrize("kind", KINDS)
def test_some_histories_keep_every_promise(new_database_url, kind):
    """A few dozen in the default suite."""
    histories(new_database_url, kind, 20, STEPS)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("kind", KINDS)
def test_two_thousand_histories_keep_every_promise(new_database_url, kind):
    """A thousand on each database."""
    histories(new_database_url, kind, 1_000, STEPS)


@pytest.mark.soak
@pytest.mark.timeout(24 * 3600)
@pytest.mark.parametrize("kind", KINDS)
def test_fifty_thousand_histories_keep_every_promise(new_database_url, kind):
    """Twenty-five thousand on each database."""
    histories(new_database_url, kind, 25_000, STEPS)
