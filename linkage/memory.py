"""The memory of the process: what of it is left for data, and what is free given back to the system.

Whoever says how much memory may be used means the process. The program itself, with its libraries and compiled functions, takes
`PROGRAM` of it before anything is read.

Allocators keep what is freed for what is asked next: after a large file has been read, that is as much as was in use. Each
thread has a heap of its own besides, of which no other thread gets what is free. Where the C library cannot be asked for
anything else (it is glibc that can), nothing happens.
"""

from __future__ import annotations

import ctypes
from typing import Any

__all__ = ["MEMORY", "PROGRAM", "give_back", "left_for_data", "share_heap"]

MEMORY = 512 << 20  # bytes that a process takes where nobody says otherwise
PROGRAM = 264 << 20  # bytes, as measured with every kernel loaded

# Options of `mallopt`: at most one heap; arrays of this size are given back as they are freed, smaller ones used again.
_OPTIONS = ((-8, 1), (-3, 6 << 20), (-1, 8 << 20))


def left_for_data(memory: int) -> int:
    """Of the bytes that a process may take, those left beside the program; a quarter where there are hardly any."""
    return max(memory - PROGRAM, memory // 4)


def share_heap() -> None:
    """Has all threads to come share one heap; theirs are few and large arrays, so none waits for it."""
    change = _of_library("mallopt")
    if change is not None:
        for option, value in _OPTIONS:
            change(option, value)


def give_back() -> None:
    """Gives free memory back to the system, after work that took much more than it leaves."""
    import pyarrow as pa  # noqa: PLC0415 - of no use to who only asks for `MEMORY`

    pa.default_memory_pool().release_unused()
    trim = _of_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_library(name: str) -> Any:
    """A function of the C library, or None where it has none such, or is no library of the program (Windows)."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return None
