"""A process of the third party leaves nothing that others could read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path


def test_files_are_for_the_owner_and_no_core_is_left():
    """Seen from inside a fresh process."""
    code = (
        "import os, resource\n"
        "from service.third_party.hardening import harden\n"
        "harden()\n"
        "import ctypes\n"
        "print(os.umask(0), *resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert f"{0o077} 0 0 0\n" == done.stdout  # the last: not dumpable
    assert os.name == "posix"
    assert resource.RLIMIT_CORE >= 0
