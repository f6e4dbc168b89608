"""The fast tests draw the same in each run, each test something of its own."""

from __future__ import annotations

import os
import secrets
import uuid

import pytest

from tests.randomness import Stream, replace_source, restore_source


def drawn() -> tuple[bytes, int, str, float]:
    return os.urandom(16), secrets.randbelow(1 << 64), uuid.uuid4().hex, secrets.SystemRandom().random()


def test_a_name_gives_its_stream() -> None:
    """Started again under its name, a stream gives the same, by every way of drawing."""
    stream = Stream()
    replace_source(stream)
    stream.start("a")
    first = drawn()
    assert first != drawn()
    stream.start("a")
    assert first == drawn()
    stream.start("b")
    assert first != drawn()


def test_the_true_source_comes_back() -> None:
    """Flows and long tests draw what nobody can draw again."""
    stream = Stream()
    replace_source(stream)
    restore_source()
    stream.start("a")
    first = drawn()
    stream.start("a")
    assert not set(first) & set(drawn())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # threads of the test's process
def test_a_forked_child_draws_from_the_true_source() -> None:
    """Two processes never share a stream."""
    stream = Stream()
    replace_source(stream)
    stream.start("a")
    reads, writes = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - another process
        os.write(writes, os.urandom(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reads, 16) != os.urandom(16)
    os.close(reads)
    os.close(writes)
