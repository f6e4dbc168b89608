"""Leave from the operating system to use the processor's matrix registers, which Linux grants to a process that asks.

Their contents are eight kibibytes that the system keeps for every thread, so programs that do not ask do not have them. A
system other than Linux, an older one, or a processor without such registers answers no, and kernels take vector code.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache

__all__ = ["granted"]

_ARCH_PRCTL = 158  # the system call's number on x86-64
_ASK = 0x1023  # ARCH_REQ_XCOMP_PERM
_TILE_DATA = 18  # the part of the processor's state that holds the matrix registers


@cache
def granted() -> bool:
    """Whether this process may use the matrix registers from now on, in all its threads; asks once."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64" or sys.maxsize < 1 << 32:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    call = library.syscall
    call.restype = ctypes.c_long
    return bool(call(ctypes.c_long(_ARCH_PRCTL), ctypes.c_long(_ASK), ctypes.c_long(_TILE_DATA)) == 0)
