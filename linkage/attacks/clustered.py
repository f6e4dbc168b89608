"""Bounds of a rate whose people come in blocks: who shares a block shares a table, relatives and the luck of an attack.

Wilson's interval takes people for independent. Inside a block they are not: one mistaken pair misleads the others, families are
in one block, an attack ignites or does not. Here whole blocks are drawn again with replacement, pass by pass, and the rate is
computed anew (percentile bootstrap, two-sided 95 %). Where nobody was found in any block it says 0, and with few blocks it is
too narrow: a verdict goes by the wider of the two intervals on either side (`widest`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_BLOCKS", "by_blocks", "widest"]

Numbers = NDArray[np.float64]

LEAST_BLOCKS = 8  # in each pass; fewer say nothing of how blocks differ

_DRAWS = 2000
_TAILS = (0.025, 0.975)


def by_blocks(passes: Sequence[Sequence[tuple[int, int]]], rng: np.random.Generator) -> tuple[float, float] | None:
    """The interval of the sum of the passes' rates.

    Args:
        passes: of each pass, people tried and people found in each of its blocks.
        rng: draws blocks.

    Returns:
        Low and high; none when a pass has fewer than `LEAST_BLOCKS` blocks with somebody tried.
    """
    total: Numbers = np.zeros(_DRAWS)
    for blocks in passes:
        counts = np.array([one for one in blocks if one[0]], dtype=np.float64).reshape(-1, 2)
        if len(counts) < LEAST_BLOCKS:
            return None
        drawn = rng.multinomial(len(counts), np.full(len(counts), 1.0 / len(counts)), size=_DRAWS).astype(np.float64)
        sums = drawn @ counts
        total += sums[:, 1] / sums[:, 0]
    low, high = np.minimum(1.0, np.quantile(total, _TAILS))
    return float(low), float(high)


def widest(one: tuple[float, float], other: tuple[float, float] | None) -> tuple[float, float]:
    """What holds both intervals; the first one where there is no second."""
    return one if other is None else (min(one[0], other[0]), max(one[1], other[1]))
