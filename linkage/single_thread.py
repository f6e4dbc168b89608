"""Linear algebra of numpy on the calling thread alone, where the library behind it can be told.

That library, OpenBLAS as a rule, wakes a thread for each core, and they turn in circles for a while after each product. For
matrices of a thousand rows that costs several times what it saves, and ten times that on a machine that others use too.
Where another library is behind numpy nothing changes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

__all__ = ["single_thread"]

_NAMES = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")
_LOCK = Lock()  # the number is one for the whole process


@contextmanager
def single_thread() -> Iterator[None]:
    """Within it, products and decompositions stay on one thread; one caller at a time."""
    with _LOCK:
        count, change = _functions()
        before = count()
        change(1)
        try:
            yield
        finally:
            change(before)


@cache
def _functions() -> tuple[Any, Any]:
    """What tells the number of threads, and what changes it."""
    kernel = getattr(getattr(np.linalg, "_umath_linalg", None), "__file__", None)
    try:
        library = ctypes.CDLL(kernel) if kernel else None
    except OSError:
        library = None
    for name in _NAMES:
        found = [getattr(library, name.format(part), None) for part in ("get", "set")]
        if all(found):
            return found[0], found[1]
    return (lambda: 1), (lambda _: None)
