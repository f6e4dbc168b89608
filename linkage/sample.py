"""A look at a column while its cells go by: every so many of those that are not empty, spread over all of it."""

from __future__ import annotations

import numpy as np

from linkage.lexicon import Cells, some_cells, strings

__all__ = ["Sample"]


class Sample:
    """One in 1, 2, 4, 8… of the cells that are not empty, the stride doubling as they grow in number.

    Attributes:
        cells: those chosen so far.
    """

    def __init__(self, most: int) -> None:
        """Takes how many cells are kept at most."""
        self.cells: list[str] = []
        self._most, self._stride, self._seen = most, 1, 0

    def add(self, cells: Cells) -> None:
        """Takes the cells of some more rows."""
        held = np.flatnonzero(np.diff(cells[1]))
        while -(-(self._seen + len(held)) // self._stride) > self._most:
            self.cells = self.cells[::2]
            self._stride *= 2
        self.cells += strings(some_cells(cells, held[-self._seen % self._stride :: self._stride]))
        self._seen += len(held)
