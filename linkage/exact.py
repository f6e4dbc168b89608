"""Exact passes: rows that carry the same keyed token are linked, and nothing else is compared.

Where a token stands once on each side, the rows are one and the same. Where it stands several times on a side, nothing tells its
rows apart: they are linked first with first in row order, as many as the smaller side has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.plan import Solving

__all__ = ["pair_blocks"]

Ints = NDArray[np.int64]


def pair_blocks(blocks: NDArray[np.int64], solving: Solving = "one-to-one") -> tuple[Ints, Ints]:
    """The links of rows sorted by token: of the rows that share one, first with first, as many as the smaller side has.

    Args:
        blocks: (k, 4) int64 [left start, left stop, right start, right stop), the rows of each token on both sides.
        solving: with `many-to-one`, all left rows of a token are linked, those beyond the right ones with the last of these.

    Returns:
        Left rows, rising, and the right row of each.
    """
    left, right = blocks[:, 1] - blocks[:, 0], blocks[:, 3] - blocks[:, 2]
    counts = left if solving == "many-to-one" else np.minimum(left, right)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    ours = np.repeat(blocks[:, 0], counts) + nth
    theirs = np.repeat(blocks[:, 2], counts) + np.minimum(nth, np.repeat(right, counts) - 1)
    order = np.argsort(ours, kind="stable")
    return ours[order], theirs[order]
