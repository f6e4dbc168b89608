"""Randomness of the fast tests: keys as good as drawn, and the same in each run.

Figures under fresh keys vary: one chance link in a hundred is allowed by design, so a statement about two hundred
people that is true nearly always is false now and then, and a suite of thousands of such statements fails for nobody's
fault. In the fast suite the operating system's source of randomness is therefore replaced, in this process alone, by
streams that each test and each fixture starts anew from its own name. Each place in the code that draws has a stream of its
own, so that a run's name is the same whatever the threads of a server and of a worker draw meanwhile.
`--fresh-randomness` leaves the true source in place; so do the flows (their processes draw their own keys) and the
long tests.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable

_FRESH = os.urandom
_BETWEEN = {"random", "secrets", "uuid", __name__}  # modules between who draws and the source


class Stream:
    """Bytes that follow from a name and from the place that draws; `start` begins another name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._name = ""
        self._drawn: dict[str, random.Random] = {}

    def start(self, name: str) -> None:
        with self._lock:
            self._name, self._drawn = name, {}

    def __call__(self, size: int) -> bytes:
        place = _place()
        with self._lock:
            if place not in self._drawn:
                self._drawn[place] = random.Random(f"{self._name} {place}")
            return self._drawn[place].randbytes(size)


def _place() -> str:
    """Module and line of who draws."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__')}:{frame.f_lineno}"


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
