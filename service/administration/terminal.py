"""What the agent sees: sentences on the output, progress and refusals on the error stream.

Progress is a bar on a terminal and plain lines elsewhere, one each tenth of the work, so that a log stays
short. Every character is written even where the console knows few of them (Windows-1252): what it lacks
becomes `?`. Names and sentences may come from others: what would command the console instead of showing
on it is replaced.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TextIO

from service.forms import is_printable

__all__ = ["Progress", "Terminal", "prepare_streams", "shown", "unbroken"]

Progress = Callable[[int, int], None]  # (done, total)


def shown(text: str) -> str:
    """The text with U+FFFD for each character that does not show; ends of lines stay."""
    if is_printable(text):
        return text
    return "".join(one if one == "\n" or is_printable(one) else "\ufffd" for one in text)


def prepare_streams() -> None:
    """Let no character of a sentence stop the program, whatever the console's encoding."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


@contextmanager
def unbroken() -> Iterator[None]:
    """Ctrl-C waits for the end of what is short: libraries interrupted while they load swallow it or fail for another reason.

    Raises:
        KeyboardInterrupt: at the end, when there was one.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked:
        raise KeyboardInterrupt


class Terminal:
    """The agent's console."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def say(self, sentence: str = "") -> None:
        """A line of the result."""
        self._out.write(f"{shown(sentence)}\n")
        self._out.flush()

    def note(self, sentence: str) -> None:
        """A line about what is going on, apart from the result."""
        self._err.write(f"{shown(sentence)}\n")
        self._err.flush()

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        """A progress report for one long piece of work."""
        if self._err.isatty():
            with self._bar(label) as report:
                yield report
        else:
            yield _Lines(self, label)

    @contextmanager
    def stages(self) -> Iterator[Callable[[str, int, int], None]]:
        """A progress report for work in named stages, one line or bar each."""
        with ExitStack() as open_bars:
            reports: dict[str, Progress] = {}

            def report(stage: str, done: int, total: int) -> None:
                if stage not in reports:
                    open_bars.close()
                    reports[stage] = open_bars.enter_context(self.progress(stage))
                reports[stage](done, total)

            yield report

    @contextmanager
    def _bar(self, label: str) -> Iterator[Progress]:
        from rich import progress as bars  # noqa: PLC0415 - only a terminal needs it
        from rich.console import Console  # noqa: PLC0415

        columns = (
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TaskProgressColumn(),
            bars.TimeRemainingColumn(),
        )
        with bars.Progress(*columns, console=Console(file=self._err)) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """Progress as lines: the start, each tenth, the end."""

    def __init__(self, terminal: Terminal, label: str) -> None:
        self._terminal = terminal
        self._label = label
        self._tenths = -1

    def __call__(self, done: int, total: int) -> None:
        tenths = 10 * done // max(1, total)
        if tenths > self._tenths:
            self._tenths = tenths
            self._terminal.note(f"{self._label} : {10 * tenths} %")
