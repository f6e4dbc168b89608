"""Several chunks at a time: all of them, once each; the first fault ends it; a slow line is not shared."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from service.administration.sending import AT_ONCE, QUICK, send_all
from service.errors import ServiceError

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


class Shore:
    """Where chunks wait, after the first, until so many are there together."""

    def __init__(self, together: int) -> None:
        self.together = threading.Barrier(together, timeout=20)
        self.seen: list[int] = []
        self.taken: list[int] = []

    def __call__(self, number: int) -> None:
        first = not self.seen
        self.seen.append(number)
        if not first:
            with suppress(threading.BrokenBarrierError):
                self.together.wait()
        self.taken.append(number)


def test_several_are_on_their_way():
    """Four, each when its turn comes; what is told adds up to all of them."""
    shore, told = Shore(AT_ONCE), list[int]()
    numbers = range(2, 3 + 3 * AT_ONCE)
    send_all(numbers, shore, told.append, lambda: NOW)
    assert not shore.together.broken  # all of them met, four at a time
    assert [1] * len(numbers) == told
    assert list(numbers) == sorted(shore.seen) == sorted(shore.taken)


def test_no_chunk_is_nothing():
    """An upload that is held already."""
    shore = Shore(1)
    send_all([], shore, lambda _: None, lambda: NOW)
    assert [] == shore.seen


def test_one_chunk_needs_no_thread():
    """The first goes alone."""
    before, seen = threading.active_count(), list[int]()
    send_all([7], lambda _: seen.append(threading.active_count()), lambda _: None, lambda: NOW)
    assert [before] == seen


@pytest.mark.parametrize(("took", "most"), [(QUICK, AT_ONCE), (QUICK + timedelta(seconds=1), 1)], ids=["quick", "slow"])
def test_a_slow_line_is_not_shared(took: timedelta, most: int):
    """The first chunk tells how quick the line is."""
    moments = iter([NOW, NOW + took])
    here, seen, lock = list[int](), list[int](), threading.Lock()

    def send(number: int) -> None:
        with lock:
            here.append(number)
            seen.append(len(here))
        time.sleep(0.02)
        with lock:
            here.remove(number)

    send_all(range(12), send, lambda _: None, lambda: next(moments))
    assert most == max(seen)


@pytest.mark.parametrize("fails", [0, 5], ids=["the first", "a later one"])
@pytest.mark.parametrize(
    "fault",
    [ServiceError("E_ETAT", "x"), FileNotFoundError(), SystemExit()],
    ids=["refused", "unreadable", "worse"],
)
def test_the_first_fault_ends_the_sending(fault: BaseException, fails: int):
    """Its own error is raised, once nobody is at work any more; most chunks were never asked for."""
    seen: list[int] = []

    def send(number: int) -> None:
        seen.append(number)
        if number == fails:
            raise fault
        time.sleep(0.001)

    before = threading.active_count()
    with pytest.raises(type(fault)):
        send_all(range(5000), send, lambda _: None, lambda: NOW)
    assert threading.active_count() <= before
    assert len(seen) < 2500


def test_an_interruption_waits_for_nobody():
    """Those on their way are left to themselves, and no other chunk leaves."""

    def told(_: int) -> None:
        if len(shore.taken) > 1:
            raise KeyboardInterrupt

    class Hurried(Shore):
        def __call__(self, number: int) -> None:
            if number != 1:
                super().__call__(number)
            else:
                self.taken.append(number)

    shore = Hurried(AT_ONCE + 1)  # of which four can be there
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        send_all(range(100), shore, told, lambda: NOW)
    assert not shore.together.broken  # they are still there
    shore.together.abort()
    while threading.active_count() > before:
        time.sleep(0.01)
    assert len(shore.seen) <= AT_ONCE + 3
