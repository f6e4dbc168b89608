"""Randomness of the fast tests: keys as good as drawn, and the same in each run.

Figures under fresh keys vary: one chance link in a hundred is allowed by design, so a statement about two hundred
people that is true nearly always is false now and then, and a suite of thousands of such statements fails for nobody's
fault. In the fast suite the operating system's source of randomness is therefore replaced, in this process alone, by a
stream that each test and each fixture starts anew from its own name. `--fresh-randomness` leaves the true source in
place; so do the flows (their processes draw their own keys) and the long tests.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable

_FRESH = os.urandom


class Stream:
    """Bytes that follow from a name; `start` begins another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn = random.Random("")

    def start(self, name: str) -> None:
        with self._lock:
            self._drawn = random.Random(name)

    def __call__(self, size: int) -> bytes:
        with self._lock:
            return self._drawn.randbytes(size)


def _source(draw: Callable[[int], bytes]) -> None:
    """`secrets` and `random.SystemRandom` draw from the name that the module `random` keeps of the source."""
    os.urandom = draw
    vars(random)["_urandom"] = draw


def replace_source(stream: Stream) -> None:
    """From now on, in this process; never in a forked child, or two would draw the same."""
    _source(stream)


def restore_source() -> None:
    _source(_FRESH)


os.register_at_fork(after_in_child=restore_source)
