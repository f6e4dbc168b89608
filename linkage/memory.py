"""Memory that is free given back to the system, which then counts it no longer as this process's.

Allocators keep what is freed for what is asked next: after a large file has been read, that is as much as was in use. Where the
C library cannot be asked (it is glibc that can), nothing happens.
"""

from __future__ import annotations

import ctypes

import pyarrow as pa

__all__ = ["give_back"]


def give_back() -> None:
    """Gives free memory back to the system, after work that took much more than it leaves."""
    pa.default_memory_pool().release_unused()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library; Windows, where the program is no library
        return
    trim(0)
