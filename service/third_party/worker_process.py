"""The worker, or one more web process, as a child of the web process: started again when it dies, stopped by its own process id.

A child lives no longer than its parent: it reads the end of a pipe that closes when the parent dies, however
that happens.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence

__all__ = ["GRACE_SECONDS", "WorkerProcess"]

GRACE_SECONDS = 20.0
"""What a worker has to end by itself."""
_PAUSE_SECONDS = 2.0  # before a worker that died is started again


class WorkerProcess:
    """A worker that is watched over."""

    def __init__(self, command: Sequence[str], ended: Callable[[int], None], *, inherited: Sequence[int] = ()) -> None:
        """Start it.

        Args:
            command: reads its standard input and ends when that closes.
            ended: told of the status of a worker that died unasked.
            inherited: numbers of the open files that it gets as well.
        """
        self._command = list(command)
        self._ended = ended
        self._inherited = tuple(inherited)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process = self._start()
        self._watch = threading.Thread(target=self._watch_over, name="worker-watch", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop the worker and wait for its end."""
        with self._lock:
            self._stopping.set()
            self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it holds nothing that a next worker would not take up again
        self._watch.join()
        self._close_pipe()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, pass_fds=self._inherited)

    def _close_pipe(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _watch_over(self) -> None:
        while True:
            status = self._process.wait()
            self._close_pipe()
            if self._stopping.is_set():
                return
            self._ended(status)
            if self._stopping.wait(_PAUSE_SECONDS):
                return
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = self._start()
