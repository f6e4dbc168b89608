"""Whether an id names two rows of a pass, found while the rows go by, in bounded memory.

Ids are kept as they are (16 bytes a row) up to a limit; beyond it they are spilled, sealed, in 256 parts by a keyed mixing of
their bits: the same id always falls into the same part, and who writes ids cannot choose theirs. At the end each part is
looked at alone. Two ids are compared in full only where their mixings, of 64 bits, are equal.
"""

from __future__ import annotations

import secrets
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linkage.spill import Spill
from linkage.wire import ID_BYTES

__all__ = ["RowIds"]

_PARTS = 256
_SHIFT = np.uint64(56)  # what is left of a mixing is the number of its part


class RowIds:
    """The ids of one pass."""

    def __init__(self, memory: int = 1 << 28) -> None:
        """Holds nothing yet; `memory` is the bytes of ids held in clear in memory before they are spilled."""
        self._memory = memory
        self._held: list[NDArray[np.uint8]] = []
        self._rows = 0
        self._spill = Spill()
        self._pieces: list[list[int]] = [[] for _ in range(_PARTS)]
        self._factors = [np.uint64(secrets.randbits(64) | 1) for _ in range(2)]

    def take(self, ids: NDArray[np.uint8]) -> None:
        """Add some ids, (n, 16) uint8 in C order, which must not change afterwards.

        Raises:
            LinkageError: `E_DISQUE_PLEIN`.
        """
        self._held.append(ids)
        self._rows += len(ids)
        if self._rows * ID_BYTES > self._memory:
            for number, part in enumerate(self._parts()):
                if len(part):
                    self._pieces[number].append(self._spill.write(part))
            self._held, self._rows = [], 0

    def repeated(self) -> bool:
        """Whether any of the ids was taken twice."""
        if not any(self._pieces):
            return self._twice(self._joined())
        resident = self._parts()
        self._held, self._rows = [], 0
        return any(
            self._twice(np.concatenate([resident[number], *map(self._spill.read, pieces)]))
            for number, pieces in enumerate(self._pieces)
        )

    def close(self) -> None:
        """Forget them."""
        self._spill.close()
        self._held = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _joined(self) -> NDArray[np.uint8]:
        if len(self._held) == 1:
            return self._held[0]
        return np.concatenate([np.empty((0, ID_BYTES), dtype=np.uint8), *self._held])

    def _parts(self) -> list[NDArray[np.uint8]]:
        ids = self._joined()
        mixed = self._mixed(ids)
        order = np.argsort(mixed)
        bounds = np.searchsorted(mixed[order] >> _SHIFT, np.arange(1, _PARTS, dtype=np.uint64))
        return np.split(ids[order], bounds)

    def _mixed(self, ids: NDArray[np.uint8]) -> NDArray[np.uint64]:
        halves = np.ascontiguousarray(ids).view(np.uint64).reshape(-1, 2)
        first, second = self._factors
        mixed: NDArray[np.uint64] = halves[:, 0] * first
        mixed += halves[:, 1] * second
        return mixed

    def _twice(self, ids: NDArray[np.uint8]) -> bool:
        mixed = self._mixed(ids)
        ordered = np.sort(mixed)
        same = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(same):
            return False
        doubtful = np.ascontiguousarray(ids[np.isin(mixed, same)])
        values = np.sort(doubtful.view(f"S{ID_BYTES}").reshape(-1))
        return bool((values[1:] == values[:-1]).any())
