"""Sentences go out, progress goes to the error stream, whatever the console is."""

from __future__ import annotations

import io
import signal
from typing import Any

import pytest

from service.administration.terminal import Terminal, unbroken


class Screen(io.StringIO):
    """An error stream that says it is a terminal."""

    def isatty(self) -> Any:
        return True


def test_results_and_remarks_are_apart():
    """What a program reads is on the output; remarks are not."""
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(out, err)
    terminal.say("résultat")
    terminal.note("en attente")
    assert ("résultat\n", "en attente\n") == (out.getvalue(), err.getvalue())


def test_progress_is_a_line_each_tenth():
    """Away from a terminal, a thousand steps are eleven lines at most."""
    err = io.StringIO()
    with Terminal(io.StringIO(), err).progress("encodage") as report:
        for done in range(1001):
            report(done, 1000)
    assert [f"encodage : {10 * tenth} %" for tenth in range(11)] == err.getvalue().splitlines()


def test_progress_is_a_bar_on_a_terminal():
    """On a terminal the label and the end of the bar are shown, without a traceback of the library."""
    err = Screen()
    with Terminal(io.StringIO(), err).progress("envoi") as report:
        report(1, 2)
        report(2, 2)
    assert "envoi" in err.getvalue()
    assert "100%" in err.getvalue()


def test_stages_follow_each_other():
    """Each stage has its own report."""
    err = io.StringIO()
    with Terminal(io.StringIO(), err).stages() as report:
        report("a", 1, 1)
        report("b", 1, 2)
        report("b", 2, 2)
    assert ["a : 100 %", "b : 50 %", "b : 100 %"] == err.getvalue().splitlines()


@pytest.mark.parametrize("total", [0, 1])
def test_empty_work_is_not_an_error(total):
    """Nothing to do is done."""
    err = io.StringIO()
    with Terminal(io.StringIO(), err).progress("envoi") as report:
        report(total, total)
    assert 1 == len(err.getvalue().splitlines())


def test_a_narrow_console_loses_characters_not_the_program():
    """On Windows-1252 an unknown character becomes a question mark (`prepare_streams` sets this up)."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", errors="replace", newline="")
    with Terminal(stream, stream).progress("écart → 0") as report:
        report(1, 1)
    stream.flush()
    assert "écart ? 0 : 100 %\n".encode("cp1252") == raw.getvalue()


def test_nothing_commands_the_console():
    """Names come from others: escapes, returns and marks of direction are replaced, letters and line ends stay."""
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(out, err)
    terminal.say("nom\x1b[2J\r\u202e\x9b faux\tn")
    terminal.note("« é »\u00a0:\nsuite\x07")
    assert "nom\ufffd[2J\ufffd\ufffd\ufffd faux\ufffdn\n" == out.getvalue()
    assert "« é »\u00a0:\nsuite\ufffd\n" == err.getvalue()


def test_what_is_short_is_not_broken():
    """A signal in the middle comes out at the end, and the next one comes out at once again."""
    reached = []

    def interrupted() -> None:
        with unbroken():
            signal.raise_signal(signal.SIGINT)
            reached.append("end")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ["end"] == reached
    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_who_answers_signals_otherwise_keeps_doing_so():
    """A handler of somebody else is left in its place; a failure comes out as it is."""
    taken: list[int] = []

    def failing() -> None:
        with unbroken():
            signal.raise_signal(signal.SIGINT)
            raise OSError

    before = signal.signal(signal.SIGINT, lambda number, _: taken.append(number))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - the one raised above, which has no text
            failing()
    finally:
        signal.signal(signal.SIGINT, before)
    assert [signal.SIGINT] == taken
