"""Several chunks at a time: all of them, once each; the first fault ends it; a line that cannot be shared is not."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from service.administration.sending import AT_ONCE, send_all
from service.errors import ServiceError


class Shore:
    """Where chunks wait until so many are there together."""

    def __init__(self, together: int) -> None:
        self.together = threading.Barrier(together, timeout=20)
        self.seen: list[int] = []
        self.taken: list[int] = []

    def __call__(self, number: int) -> None:
        self.seen.append(number)
        with suppress(threading.BrokenBarrierError):
            self.together.wait()
        self.taken.append(number)


class Line:
    """A line that takes so many chunks at a time; one more is refused for the line's sake."""

    def __init__(self, most: int, code: str = "E_LENTEUR") -> None:
        self.most, self.code = most, code
        self.here, self.refused, self.taken = 0, 0, list[int]()
        self._lock = threading.Lock()

    def __call__(self, number: int) -> None:
        with self._lock:
            self.here += 1
            refused = self.here > self.most
        time.sleep(0.002)
        with self._lock:
            self.here -= 1
            self.refused += refused
            if not refused:
                self.taken.append(number)
        if refused:
            raise ServiceError(self.code, "x")


def test_several_are_on_their_way():
    """Six, each when its turn comes; what is told adds up to all of them, and is told in this thread."""
    shore, told = Shore(AT_ONCE), list[tuple[int, int]]()
    numbers = range(2, 2 + 3 * AT_ONCE)
    send_all(numbers, shore, lambda more: told.append((more, threading.get_ident())))
    assert not shore.together.broken  # all of them met, six at a time
    assert [(1, threading.get_ident())] * len(numbers) == told
    assert list(numbers) == sorted(shore.seen) == sorted(shore.taken)


def test_what_is_told_is_held():
    """Never more than was acknowledged."""
    shore, held = Shore(1), list[bool]()
    send_all(range(50), shore, lambda _: held.append(len(shore.taken) > len(held)))
    assert [True] * 50 == held


def test_no_chunk_is_nothing():
    """An upload that is held already."""
    shore = Shore(1)
    send_all([], shore, lambda _: None)
    assert [] == shore.seen


@pytest.mark.parametrize("code", ["E_LENTEUR", "E_CONNEXION"])
@pytest.mark.parametrize("most", [1, 2, AT_ONCE])
def test_a_line_that_cannot_be_shared_is_left_to_fewer(most: int, code: str):
    """Every chunk arrives once, and those who gave a chunk back do not try again beside the others."""
    line, told = Line(most, code), list[int]()
    send_all(range(40), line, told.append)
    assert list(range(40)) == sorted(line.taken)
    assert [1] * 40 == told
    assert line.refused <= AT_ONCE


@pytest.mark.parametrize("chunks", [1, 2, 30])
def test_what_fails_alone_has_failed(chunks: int):
    """A line on which nothing passes is tried by each, and once alone."""
    line, told = Line(0), list[int]()
    with pytest.raises(ServiceError) as refusal:
        send_all(range(chunks), line, told.append)
    assert ("E_LENTEUR", []) == (refusal.value.code, told)
    assert line.refused <= AT_ONCE + 1


@pytest.mark.parametrize("fails", [0, 5], ids=["the first", "a later one"])
@pytest.mark.parametrize(
    "fault",
    [ServiceError("E_ETAT", "x"), FileNotFoundError(), SystemExit()],
    ids=["refused", "unreadable", "worse"],
)
def test_the_first_fault_ends_the_sending(fault: BaseException, fails: int):
    """Its own error is raised, once nobody is at work any more; most chunks were never asked for."""
    seen, told = list[int](), list[int]()

    def send(number: int) -> None:
        seen.append(number)
        if number == fails:
            raise fault
        time.sleep(0.001)

    before = threading.active_count()
    with pytest.raises(type(fault)):
        send_all(range(5000), send, told.append)
    assert threading.active_count() <= before
    assert len(told) < len(seen) < 2500


def test_an_interruption_waits_for_nobody():
    """Those on their way are left to themselves, and no other chunk leaves."""
    shore = Shore(AT_ONCE)  # one of them never comes

    def send(number: int) -> None:
        if number != 0:
            shore(number)
        while shore.together.n_waiting < AT_ONCE - 1 and not shore.together.broken:
            time.sleep(0.001)

    def told(_: int) -> None:
        raise KeyboardInterrupt

    before, started = threading.active_count(), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send_all(range(AT_ONCE), send, told)
    assert time.monotonic() - started < 1.5
    assert AT_ONCE - 1 == threading.active_count() - before  # they are still there
    shore.together.abort()
    while threading.active_count() > before:
        time.sleep(0.001)
    assert set(range(1, AT_ONCE)) == set(shore.taken)
