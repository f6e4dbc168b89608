"""Processes of a third party that die where they are told to: `python -m tests.mortal`, driven by `tests.crashes`.

This process loads everything once and forks a child for each life, so that a life begins in milliseconds. A child wraps one
function of the third party, wherever it is named, and kills itself with SIGKILL before or after a call of it; then it runs
`serve` or `work` as the command does. The product has no hook: what is wrapped is found by its name.

One line of JSON each way: ``{"life", "role", "data", "database", "port", "point", "when", "nth"}`` in; out
``{"life", "pid"}``, later ``{"life", "status"}``.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PRELOADED = (
    "service.third_party.app", "service.third_party.api", "service.third_party.worker",
    "service.third_party.standing_worker", "service.third_party.durable_engine", "linkage.linker", "psycopg",
)  # fmt: skip


def wrap(point: str, when: str, nth: int, die: Callable[[], None]) -> None:
    """Make the nth call of ``module:qualified.name`` deadly, before it or after it.

    What gives a context (a transaction) is over when its block is.
    """
    module_name, _, path = point.partition(":")
    owner: Any = importlib.import_module(module_name)
    *outer, name = path.split(".")
    for one in outer:
        owner = getattr(owner, one)
    original = getattr(owner, name)
    deadly = _deadly(original, when, nth, die)
    setattr(owner, name, deadly)
    if not outer:  # functions are also known to the modules that imported them
        for module in [one for key, one in sys.modules.items() if key.startswith("service.")]:
            for key in [one for one, value in vars(module).items() if value is original]:
                setattr(module, key, deadly)


def _deadly(original: Callable[..., Any], when: str, nth: int, die: Callable[[], None]) -> Callable[..., Any]:
    left, lock = [nth], threading.Lock()

    @wraps(original)
    def deadly(*arguments: Any, **named: Any) -> Any:
        with lock:
            left[0] -= 1
            due = left[0] == 0
        if due and when == "before":
            die()
        result = original(*arguments, **named)
        if due and hasattr(result, "__exit__"):
            return _Ending(result, die)
        if due:
            die()
        return result

    return deadly


class _Ending:
    """A context after whose end the process dies."""

    def __init__(self, inner: Any, die: Callable[[], None]) -> None:
        self._inner, self._die = inner, die

    def __enter__(self) -> Any:
        return self._inner.__enter__()

    def __exit__(self, *what: object) -> Any:
        done = self._inner.__exit__(*what)
        self._die()
        return done


def live(order: dict[str, Any]) -> None:
    """The life of a child."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(f"{order['data']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if order.get("point"):
        wrap(order["point"], order["when"], order["nth"], lambda: os.kill(os.getpid(), signal.SIGKILL))
    app, storage = (
        importlib.import_module("service.third_party.app"),
        importlib.import_module("service.third_party.storage"),
    )
    clock = app._now
    clock.__init__(clock._wall, clock._ticks)  # begun when the program is loaded: here, when the life begins
    data = Path(order["data"])
    if order.get("database"):
        os.environ["ALLERVERS_DATABASE"] = order["database"]
    options = storage.StorageOptions()
    if order["role"] == "worker":
        app.work(data, options=options)
    else:
        app.serve(data, ("127.0.0.1", order["port"]), with_worker=False, announce=lambda _: None, options=options)


def main() -> None:
    """Fork on order until standard input ends, and tell of every death."""
    for name in _PRELOADED:
        importlib.import_module(name)
    lives: dict[int, int] = {}  # process id → life
    _say({"ready": True})
    waiting = b""
    while True:
        if select.select([0], [], [], 0.005)[0]:
            got = os.read(0, 1 << 16)
            if not got:
                return
            waiting += got
        while b"\n" in waiting:
            line, _, waiting = waiting.partition(b"\n")
            order = json.loads(line)
            pid = os.fork()
            if pid == 0:
                try:
                    live(order)
                finally:
                    os._exit(0)
            lives[pid] = order["life"]
            _say({"life": order["life"], "pid": pid})
        while lives:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            _say({"life": lives.pop(pid), "status": status})


def _say(what: dict[str, Any]) -> None:
    os.write(1, (json.dumps(what) + "\n").encode())


if __name__ == "__main__":
    main()
