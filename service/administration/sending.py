"""Chunks on their way: several at a time, so that one travels while another is flushed to a disk.

A line may be too slow to be shared, or something on it may refuse several connections. What fails for the line's sake is
therefore given back, and whoever gave it back leaves the line to the others; the last one goes on alone, and what fails alone
has failed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue

from service.errors import ServiceError

__all__ = ["AT_ONCE", "send_all"]

AT_ONCE = 6  # the four bodies that the third party takes of a party at once, and two that are ready
_ENDING_SECONDS = 5.0  # for chunks on their way, once another one was refused
_OF_THE_LINE = ("E_LENTEUR", "E_CONNEXION")


def send_all(numbers: Sequence[int], send: Callable[[int], None], told: Callable[[int], None]) -> None:
    """Send chunks. The first that fails ends it; those on their way have a moment to end too.

    An interruption waits for none of them: what is not acknowledged is sent again the next time.

    Args:
        numbers: of the chunks.
        send: sends one and returns when it is acknowledged; called from any thread when its turn comes.
        told: called in this thread with how many more are held.

    Raises:
        BaseException: whatever `send` raised first, for a line's sake only where the chunk was alone on it.
    """
    together = min(AT_ONCE, len(numbers))
    line = _Line(numbers, send, together)
    threads = [threading.Thread(target=line.work, daemon=True) for _ in range(together)]
    try:
        for thread in threads:
            thread.start()
        for _ in numbers:
            if (error := line.done.get()) is not None:
                line.stop.set()
                for thread in threads:
                    thread.join(_ENDING_SECONDS / len(threads))
                raise error
            told(1)
    finally:
        line.stop.set()


class _Line:
    """What several threads have still to send."""

    def __init__(self, numbers: Iterable[int], send: Callable[[int], None], together: int) -> None:
        self.stop = threading.Event()
        self.done: SimpleQueue[BaseException | None] = SimpleQueue()  # one of each chunk, or what ended it all
        self._send = send
        self._left = deque(numbers)
        self._together = together  # threads that are at work
        self._lock = threading.Lock()

    def work(self) -> None:
        while not self.stop.is_set() and (turn := self._take()) is not None:
            number, alone = turn
            try:
                self._send(number)
            except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
                shared = isinstance(error, ServiceError) and error.code in _OF_THE_LINE and not alone
                if not shared:
                    self.done.put(error)
                    return
                if not self._stays(number):
                    return
            else:
                self.done.put(None)

    def _take(self) -> tuple[int, bool] | None:
        """A chunk, and whether it is alone on the line."""
        with self._lock:
            if self._left:
                return self._left.popleft(), self._together == 1
            self._together -= 1
            return None

    def _stays(self, number: int) -> bool:
        """Give a chunk back; whether this thread is the last one."""
        with self._lock:
            self._left.appendleft(number)
            if self._together > 1:
                self._together -= 1
                return False
            return True
