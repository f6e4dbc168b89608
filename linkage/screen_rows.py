"""The compiled half of a screen: drawn columns gathered from each row, and survivors compared in full.

Columns are gathered word by word: the drawn bits of a word move together in six steps, each by a power of two where a mask says
(a bit moves by the number of bits below it that are not drawn, one binary digit of it a step), then join those of the words before.
Each step goes over all words of a row, so that it takes vector instructions, on any processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.block_sums import distance_code
from linkage.compiled import compiled

__all__ = ["gather_rows", "keep_near"]

_distance: Any = intrinsic(distance_code)


@compiled
def gather_rows(
    rows: NDArray[np.uint64],
    masks: NDArray[np.uint64],
    moves: NDArray[np.uint64],
    places: NDArray[np.int64],
    side: NDArray[np.int64],
    out: NDArray[np.uint64],
) -> None:
    """The drawn columns of each row, in their order.

    Args:
        rows: (n, w).
        masks: (w,) the drawn columns of each word.
        moves: (6, w) the bits that move by 1, 2, 4… in each step.
        places: (w,) drawn columns before each word.
        side: (n, 2), what the rows are for the kernel; the popcount of each becomes that of its columns, its bias stays.
        out: (n, p), filled.
    """
    words, count = rows.shape[1], out.shape[1]
    some, joined = np.empty(words, dtype=np.uint64), np.empty(count + 1, dtype=np.uint64)
    for row in range(len(rows)):
        for word in range(words):
            some[word] = rows[row, word] & masks[word]
        for step in range(len(moves)):
            shift = np.uint64(1 << step)
            for word in range(words):
                moving = some[word] & moves[step, word]
                some[word] = (some[word] ^ moving) | (moving >> shift)
        joined[:] = 0
        for word in range(words):
            place, shift = places[word] >> 6, np.uint64(places[word] & 63)
            joined[place] |= some[word] << shift
            joined[place + 1] |= (some[word] >> np.uint64(1)) >> (np.uint64(63) - shift)
        for word in range(count):
            out[row, word] = joined[word]


@compiled
def keep_near(
    left: NDArray[np.uint64], right: NDArray[np.uint64], most: int, hits: NDArray[np.int32]
) -> int:
    """Of pairs (left row, right row, anything), those at a distance of at most `most`, with it, written to the first lines; how many."""
    count = 0
    for k in range(len(hits)):
        i, j = hits[k, 0], hits[k, 1]
        distance = _distance(left, np.int64(i), right, np.int64(j), left.shape[1])
        hits[count, 0], hits[count, 1], hits[count, 2] = i, j, distance
        count += distance <= most  # no branch: the next pairs' rows are fetched meanwhile
    return count
