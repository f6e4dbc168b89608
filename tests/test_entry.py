"""The first instants of the command: interrupted at any moment, it says so in one line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Interrupted by itself as soon as the package of these names is asked for: sooner than any outsider could.
INTERRUPTED = """
import builtins, sys
import service.entry
ask = builtins.__import__
def interrupted(name, *rest):
    if name.startswith("{name}"):
        raise KeyboardInterrupt
    return ask(name, *rest)
builtins.__import__ = interrupted
sys.exit(service.entry.main())
"""


@pytest.mark.parametrize("name", ["service.cli", "argparse", "linkage", "crypto"])
def test_an_interruption_while_it_loads_is_one_line(name):
    """Whatever is being imported; exit code 130, no traceback."""
    command = [sys.executable, "-c", INTERRUPTED.format(name=name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (130, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert done.stderr.startswith("interrompu")


def test_the_command_runs():
    """The same as `service.cli`."""
    done = subprocess.run([sys.executable, "-m", "service.entry", "--help"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"usage : allervers")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.flow
def test_signals_in_the_first_instants():
    """Sent from outside after the interpreter's own start: no traceback of ours."""
    for instants in range(1, 8):
        command = [sys.executable, "-m", "service.entry", "plan", "--sheet", "P1", "--sizes", "100000", "100000"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.1 * instants)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert "service/" not in said
