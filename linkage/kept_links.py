"""The links of a pass as batches give them, and at the end in their promised order; sealed in a spill when they are many."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from linkage.batch import Found
from linkage.spill import Spill
from linkage.tag_join import JoinedBatch
from linkage.wire import ID_BYTES

__all__ = ["LINK", "KeptLinks"]

LINK = np.dtype([("left", np.int64), ("right", np.int64), ("score", np.float64), ("id", np.uint8, ID_BYTES)])


class KeptLinks:
    """Links of batches that share no row.

    Attributes:
        candidates: of all batches.
        shared: of all batches (`linkage.batch.Found`).
        crowd: the largest of all batches.
    """

    def __init__(self, memory: int) -> None:
        """None yet; `memory` is the bytes of links held in clear before they are spilled."""
        self._memory = memory
        self._held: list[NDArray[Any]] = []
        self._bytes = 0
        self._pieces: list[int] = []
        self._count = 0
        self._spill = Spill()
        self.candidates = self.shared = self.crowd = 0

    def take(self, joined: JoinedBatch, found: Found) -> None:
        """Add the links of a batch.

        Raises:
            LinkageError: `E_DISQUE_PLEIN`.
        """
        links = np.empty(len(found.left), dtype=LINK)
        links["left"] = joined.left_rows[found.left]
        links["right"] = joined.right_rows[found.right]
        links["score"] = found.score
        links["id"] = joined.left_ids[found.left]
        self.candidates += found.candidates
        self.shared += found.shared
        self.crowd = max(self.crowd, found.crowd)
        self._count += len(links)
        self._held.append(links)
        self._bytes += links.nbytes
        if self._bytes > self._memory:
            self._pieces.append(self._spill.write(np.concatenate(self._held)))
            self._held, self._bytes = [], 0

    def ordered(self) -> NDArray[Any]:
        """All of them as `LINK`: by score descending, then left row (no row stands in two)."""
        links, at = np.empty(self._count, dtype=LINK), 0
        for some in (*map(self._spill.read, self._pieces), *self._held):
            links[at : at + len(some)] = some
            at += len(some)
        order = np.argsort(links["left"])
        order = order[np.argsort(-links["score"][order], kind="stable")]
        return links[order]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spill.close()
