"""The operator's journal: one JSON line for each request or incident, of a closed list of members.

A line never holds a body, a query, an address, a header, an identifier of an object, nor the text of an exception: only its
type and the place in our code. Each member of ALLOWED has one form; a member that is not in the list, or a value that has
not its form, is dropped and counted (`dropped`), so that a mistake costs a member and never a leak. What libraries log goes
through the same filter (`take_over`): of their lines only the library, the level, the place and the type of an exception
remain.

Of a pass that was compared it holds sizes of blocks, which tell the operator how even the work was, and never how many rows
are linked; sizes under 11 are left out.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any

from linkage.blocks import Skew
from service.counts import LEAST, band_of
from service.forms import write_time

__all__ = ["ALLOWED", "Emit", "dropped", "incident_line", "line", "pass_line", "take_over"]

Emit = Callable[[str], None]

_SIZES = ("blocks", "pairs", "largest", "median", "ninth_decile", "last_percentile")
_NUMBERS = ("status", "ms", "heaviest_percent", *_SIZES)
_LIBRARIES = frozenset(
    {"uvicorn", "starlette", "dbos", "sqlalchemy", "alembic", "psycopg", "distributed", "asyncio", "py"}
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

ALLOWED: Mapping[str, re.Pattern[str] | None] = {  # the form of each member; None: a whole number
    "at": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
    "event": _NAME,
    "method": re.compile(r"[A-Z]{1,16}"),
    "route": re.compile(r"-|/[a-z0-9_/{}.-]{0,120}"),
    "party": re.compile(r"[a-z][a-z0-9-]{1,31}"),
    "error": _NAME,
    "place": re.compile(r"[A-Za-z0-9_<>.-]{1,64}:[0-9]{1,6}"),
    "code": re.compile(r"E_[A-Z_]{1,40}"),
    "library": re.compile("|".join(sorted({*_LIBRARIES, "other"}))),
    "level": re.compile(r"debug|info|warning|error|critical"),
    **dict.fromkeys(_NUMBERS, None),
}


class _Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self) -> None:
        with self._lock:
            self.count += 1


_DROPPED = _Tally()


def dropped() -> int:
    """How many members were not allowed into a line since the process began."""
    return _DROPPED.count


def _allow(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep what the list allows, in the form that it says; count the rest."""
    kept = {}
    for name, value in members.items():
        if name in ALLOWED and _fits(ALLOWED[name], value):
            kept[name] = value
        else:
            _DROPPED.add()
    return kept


def _fits(form: re.Pattern[str] | None, value: object) -> bool:
    if form is None:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) and form.fullmatch(value) is not None


def line(at: datetime, **members: str | int | None) -> str:
    """One line.

    Args:
        at: when.
        **members: names of ALLOWED; None is left out, and what is not allowed is dropped and counted.
    """
    known = {name: value for name, value in members.items() if value is not None}
    return json.dumps(_allow({"at": write_time(at), **known}), ensure_ascii=True)


def incident_line(at: datetime, event: str, error: BaseException) -> str:
    """A line about an exception: its type, its code when it is one of ours, the innermost place."""
    code = getattr(error, "code", None)
    known = code if isinstance(code, str) and code.startswith("E_") else None
    return line(at, event=event, error=type(error).__name__, place=_place(error.__traceback__), code=known)


def pass_line(at: datetime, skew: Skew) -> str:
    """A line about a pass that was compared: sizes of its blocks, each as the beginning of its band."""
    sizes = {name: band_of(size).least for name in _SIZES if (size := vars(skew)[name]) >= LEAST}
    return line(at, event="pass", heaviest_percent=round(100 * skew.heaviest_share), **sizes)


def take_over(emit: Emit, clock: Callable[[], datetime]) -> None:
    """Route all that libraries log, and what would end a thread or the process, through the journal.

    For a process of its own only: the loggers and hooks of the whole interpreter are replaced.

    Args:
        emit: takes lines.
        clock: the time of a line.
    """
    handler = _Libraries(emit, clock)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    for name in _LIBRARIES:
        one = logging.getLogger(name)
        one.handlers, one.propagate = [handler], False  # a library that adds its own handler finds one there
        one.setLevel(logging.WARNING)

    def uncaught(_: object, error: BaseException | None, __: TracebackType | None = None) -> None:
        if error is not None:
            emit(incident_line(clock(), "uncaught", error))

    sys.excepthook = uncaught
    threading.excepthook = lambda args: uncaught(None, args.exc_value)
    sys.unraisablehook = lambda args: uncaught(None, args.exc_value)


class _Libraries(logging.Handler):
    """Lines of libraries, without a word of theirs."""

    def __init__(self, emit: Emit, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._emit = emit
        self._clock = clock

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        first = record.name.partition(".")[0]
        error = record.exc_info[1] if record.exc_info else None
        self._emit(
            line(
                self._clock(),
                event="library",
                library=first if first in _LIBRARIES else "other",
                level=record.levelname.lower(),
                error=type(error).__name__ if error else None,
                place=f"{record.filename}:{record.lineno}",
            )
        )


def _place(trace: TracebackType | None) -> str | None:
    frames = traceback.extract_tb(trace)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
