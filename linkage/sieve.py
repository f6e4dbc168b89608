"""A screen at work: the drawn columns of both sides scanned in place of the rows, and what survives compared in full.

`linkage.screen` has the law and the choice. The gathered rows are a task of their own, for the same kernels as whole rows; the
largest distance of that task is the bound. A row that is empty stays so for the kernel even where only its columns are not all there is
to it, and a row whose columns alone are empty is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from linkage.scanning import Hits, Task, kernel_runs
from linkage.screen import Look, Screened, columns_of

try:
    from linkage import screen_rows
except ImportError:  # an installation without the compiler
    screen_rows = None  # type: ignore[assignment]

__all__ = ["Sieve", "sieved"]

Rows = NDArray[np.uint64]

_STEPS = 6
_AT_ONCE = 1 << 12  # rows or pairs, without the compiler
