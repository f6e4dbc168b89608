"""What every process of the third party does first: files for the owner only, no core file, no other process that looks in."""

from __future__ import annotations

import os
import sys

__all__ = ["harden"]

_SET_DUMPABLE = 4  # prctl of Linux


def harden() -> None:
    """Files for the owner only, no core file, and no look into the memory by other processes of the same account.

    A core file, or a debugger, would show keys and opened encodings. Where the system lacks one of these, the others hold.
    """
    os.umask(0o077)
    if os.name == "posix":
        import resource  # noqa: PLC0415 - absent elsewhere

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - needed here only

        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
