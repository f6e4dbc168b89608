"""kill -9 at named points of the third party and at random, real processes, both databases: nothing acknowledged is lost."""

from __future__ import annotations

import importlib
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.third_party.app import third_party_identity
from tests.crashes import POINTS, ROOT, Ordeal, Point, Times, Zygote, waited_for_a_processor

pytestmark = [pytest.mark.R1, pytest.mark.flow]

KINDS = ("sqlite", "postgresql")
SLICES = 12  # ordeals in which every point has its turn once
READY_SECONDS = 2.0
MOVING_SECONDS = 15.0

Address = Callable[[str, Path], str]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for the whole file."""
    one = Zygote()
    yield one
    one.close()


def turn(number: int) -> list[Point]:
    """The points of one ordeal; in each round of turns, later calls of the same functions."""
    round_number, place = divmod(number, SLICES)
    chance = random.Random(number)
    return [
        Point(one.role, one.name, one.when, 1 if round_number == 0 else chance.randint(1, 4))
        for one in POINTS[place::SLICES]
    ]


def endured(
    zygote: Zygote, folder: Path, address: Address, kind: str, number: int, kills: int
) -> tuple[Counter[str], Times]:
    """An ordeal, checked at its end; what killed, and what was measured."""
    home = folder / str(number)
    home.mkdir()
    chances = [secrets.randbelow(100) / 100 for _ in range(kills)]
    ordeal = Ordeal(home, address(kind, home), zygote, turn(number), random_kills=chances)
    try:
        ordeal.check(ordeal.live())
    finally:
        ordeal.close()
        sys.stderr.write(f"{kind} {number}: {dict(ordeal.kills)} {ordeal.times}\n")
    return ordeal.kills, ordeal.times


def in_time(times: Times) -> bool:
    """Whether every life answered in time, and every job went on in time."""
    return max(times.ready) <= READY_SECONDS and max(times.moving, default=0.0) <= MOVING_SECONDS


def test_points_are_at_least_forty_and_exist():
    """Each names a function of the third party."""
    assert len(POINTS) == len(set(POINTS)) >= 40
    for point in POINTS:
        module, _, path = point.name.partition(":")
        found = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
        assert callable(found)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "first"), [("sqlite", 0), ("postgresql", 1)])
def test_kills_at_named_points_lose_nothing(zygote, tmp_path, new_database_url, kind, first):
    """Thirty deaths on each database, two of each ordeal at random."""
    deaths: Counter[str] = Counter()
    for number in range(first, 3 * SLICES, 3):
        more, times = endured(zygote, tmp_path, new_database_url, kind, number, 2)
        assert in_time(times), times
        deaths += more
        if sum(deaths.values()) >= 30:
            return
    pytest.fail(f"only {sum(deaths.values())} deaths: {deaths}")


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_and_fifty_kills_on_each_database_lose_nothing(zygote, tmp_path, new_database_url, kind):
    """Every point several times, at later calls too, until there were 250 deaths."""
    deaths: Counter[str] = Counter()
    number = 0
    while sum(deaths.values()) < 250:
        more, times = endured(zygote, tmp_path, new_database_url, kind, number, 4)
        assert in_time(times), times
        deaths += more
        number += 1
    names = {str(point).rpartition(" (")[0] for point in POINTS}
    assert len(names & {name.rpartition(" (")[0] for name in deaths}) >= 40, deaths


@pytest.mark.soak
def test_a_whole_service_is_ready_in_two_seconds_after_a_kill(tmp_path):
    """The command itself, with its interpreter and all that it loads."""
    third_party_identity(tmp_path / "data", "Tiers")
    command = [sys.executable, "-m", "service.cli", "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    took = []
    for _ in range(5):
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        try:
            while not process.stdout.readline().startswith("PRÊT"):
                assert process.poll() is None
            took.append(time.monotonic() - began - waited_for_a_processor(process.pid))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    assert max(took[1:]) <= READY_SECONDS, took
