"""Composition root of the administration's tool: the only module that reads the environment and the clocks.

The home folder is ``--home``, else ``ALLERVERS_HOME``, else ``~/.allervers``. Everything else is handed what it
needs: an `Office` with the home, the console, the time and a way to pause. Nothing here loads a network module, so
that encoding never does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from service.administration.keyring import Keyring
from service.administration.rehearsal_report import sentences
from service.administration.terminal import Terminal, unbroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Office", "at_desk", "dated", "evaluate_command", "open_office", "real_time"]


def real_time() -> datetime:
    """The time of this machine, aware, UTC."""
    return datetime.now(UTC)


_TIME: ContextVar[Callable[[], datetime]] = ContextVar("time of the desks that are opened", default=real_time)


@dataclass(frozen=True, kw_only=True)
class Office:
    """An agent's desk.

    Attributes:
        home: folder of keys, agreements and runs.
        terminal: what the agent sees.
        clock: the time, aware, UTC.
        sleep: pauses, in seconds.
    """

    home: Path
    terminal: Terminal
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    @property
    def keyring(self) -> Keyring:
        """Its keys."""
        return Keyring(self.home)


def open_office(home: str | None) -> Office:
    """The desk of this process."""
    _harden()
    place = home or os.environ.get("ALLERVERS_HOME")
    return Office(
        home=Path(place) if place else Path.home() / ".allervers",
        terminal=Terminal(),
        clock=_TIME.get(),
        sleep=time.sleep,
    )


@contextmanager
def dated(clock: Callable[[], datetime]) -> Iterator[None]:
    """Within it, desks opened in this thread go by another clock: a demonstration takes place on a chosen day."""
    before = _TIME.set(clock)
    try:
        yield
    finally:
        _TIME.reset(before)


def at_desk(home: Path) -> dict[str, str]:
    """The environment of a command in a process of its own, at the desk of that folder: nothing leads it to a service in use."""
    others = {name: value for name, value in os.environ.items() if not name.upper().startswith("ALLERVERS_")}
    return {**others, "ALLERVERS_HOME": str(home), "PYTHONIOENCODING": "utf-8"}


def _harden() -> None:
    """Files for the owner only, and no core file: it would hold keys and records."""
    if os.name == "posix":
        import resource  # noqa: PLC0415 - does not exist on Windows

        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def evaluate_command(args: argparse.Namespace) -> None:
    """`allervers evaluate`: a rehearsal of two files, against a truth if there is one, entirely on this machine."""
    # Here, not above: nothing but a rehearsal needs the matcher.
    with unbroken():
        from linkage.connectors import with_file_columns  # noqa: PLC0415
        from linkage.evaluate import Instruments, Truth, evaluate  # noqa: PLC0415
        from linkage.sheet import load_sheet  # noqa: PLC0415

    _harden()
    terminal = Terminal()
    sheet = with_file_columns(load_sheet(args.sheet), "left", args.connector_a, None)
    sheet = with_file_columns(sheet, "right", args.connector_b, None)
    with terminal.stages() as report:
        found = evaluate(
            (args.left, args.right),
            sheet,
            Truth(pairs=args.truth, column=args.truth_column) if args.truth or args.truth_column else None,
            args.profile,
            by=args.by,
            bad_rows="skip" if args.skip_bad_rows else None,
            instruments=Instruments(clock=time.perf_counter, peak=_peak_bytes, progress=report),
        )
    if args.json:
        terminal.say(json.dumps(found.to_json(), ensure_ascii=False, sort_keys=True))
    else:
        for sentence in sentences(found.to_json()):
            terminal.say(sentence)


def _peak_bytes() -> int:
    """Most memory this process has held; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    status = Path("/proc/self/status")
    if status.exists():  # `getrusage` also has what the process that started this one held
        return int(status.read_text("utf-8").split("VmHWM:")[1].split()[0]) * 1024
    import resource  # noqa: PLC0415 - does not exist on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
