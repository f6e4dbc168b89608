"""Throw-away environments for the tools that benchmarks compare with; none of them is a dependency of ours.

A peer lives in a virtual environment of its own, made with this Python and pip from the package index that pip is set up
with, and is talked to through files and its exit status only. Whoever makes one removes the folder.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["environment", "python_of"]


def environment(place: Path, requirements: Sequence[str]) -> Path:
    """Makes a virtual environment and installs requirements, as pip writes them, in it.

    Args:
        place: a folder that does not exist yet, or is empty.
        requirements: such as ["clkhash==0.18.3"]; pinned, so that two measurements meet the same peer.

    Returns:
        The Python of the environment.

    Raises:
        subprocess.CalledProcessError: pip could not install; what it wrote is in `.stderr`.
    """
    venv.create(place, with_pip=True)
    python = python_of(place)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        *requirements,
    ]
    subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
    return python


def python_of(place: Path) -> Path:
    """The Python of the virtual environment in a folder."""
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
