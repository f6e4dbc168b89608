"""Chunks on their way: several at a time, on a line that is quick enough to be shared.

One travels while another is flushed to a disk. The first goes alone: the third party gives up a body that comes too slowly, and
several on a slow line would each be too slow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

__all__ = ["AT_ONCE", "QUICK", "send_all"]

AT_ONCE = 4  # as many as the third party takes of a party: one more would wait, its connection idle
QUICK = timedelta(seconds=16)  # of a chunk alone; four then have twice the least rate that the third party takes
_ENDING_SECONDS = 5.0  # for chunks on their way, once another one was refused


def send_all(
    numbers: Sequence[int],
    send: Callable[[int], None],
    told: Callable[[int], None],
    clock: Callable[[], datetime],
) -> None:
    """Send chunks. The first that fails ends it; those on their way have a moment to end too.

    An interruption waits for none of them: what is not acknowledged is sent again the next time.

    Args:
        numbers: of the chunks.
        send: sends one and returns when it is acknowledged; called from any thread when its turn comes.
        told: called in this thread with how many more are held.
        clock: what time it is.

    Raises:
        BaseException: whatever `send` raised first.
    """
    if not numbers:
        return
    started = clock()
    send(numbers[0])
    together = AT_ONCE if clock() - started <= QUICK else 1
    told(1)
    _send_together(numbers[1:], send, told, together)


def _send_together(
    numbers: Sequence[int], send: Callable[[int], None], told: Callable[[int], None], together: int
) -> None:
    left: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    stop = threading.Event()
    for number in numbers:
        left.put(number)

    def work() -> None:
        while not stop.is_set():
            try:
                send(left.get_nowait())
            except Empty:
                return
            except BaseException as error:  # noqa: BLE001 - the thread that waits raises it
                done.put(error)
                return
            done.put(None)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(together, len(numbers)))]
    try:
        for thread in threads:
            thread.start()
        for _ in numbers:
            if (error := done.get()) is not None:
                stop.set()
                for thread in threads:
                    thread.join(_ENDING_SECONDS)
                raise error
            told(1)
    finally:
        stop.set()
