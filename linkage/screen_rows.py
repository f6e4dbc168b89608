"""The compiled half of a screen: drawn columns gathered from each row, and survivors compared in full.

Columns are gathered word by word: the drawn bits of a word move together in six steps, each by a power of two where a mask says
(a bit moves by the number of bits below it that are not drawn, one binary digit of it a step), then join those of the words
before. A step moves eight words at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.block_sums import distance_code
from linkage.compiled import LANES, VECTOR, WORD, arrays_as_pointers, compiled, load, store

__all__ = ["gather_rows", "keep_near"]

_STEPS = 6  # of the bits of a word

_distance: Any = intrinsic(distance_code)


def _closed_code(_typing: Any, rows: Any, _at: Any, masks: Any, moves: Any, _word: Any, _words: Any, some: Any) -> Any:
    """Eight words of a row from `word` on, which lie at `at`: their drawn bits moved together, into `some`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, at, masks, moves, word, words, some = arrays_as_pointers(context, builder, signature, values)
        value = builder.and_(load(builder, builder.gep(rows, [at])), load(builder, builder.gep(masks, [word])))
        for step in range(_STEPS):
            place = builder.add(word, builder.mul(words, ir.Constant(WORD, step)))
            moving = builder.and_(value, load(builder, builder.gep(moves, [place])))
            moved = builder.lshr(moving, ir.Constant(VECTOR, [1 << step] * LANES))
            value = builder.or_(builder.xor(value, moving), moved)
        store(builder, value, builder.gep(some, [word]))
        return context.get_dummy_value()

    long = types.int64
    return types.void(rows, long, masks, moves, long, long, some), emit


_closed: Any = intrinsic(_closed_code)


def _bits_code(_typing: Any, _word: Any) -> Any:
    """The bits set in a word."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.int64(types.uint64), emit


_bits: Any = intrinsic(_bits_code)


@compiled
def gather_rows(
    rows: NDArray[np.uint64],
    masks: NDArray[np.uint64],
    moves: NDArray[np.uint64],
    places: NDArray[np.int64],
    out: NDArray[np.uint64],
    bits: NDArray[np.int64],
) -> None:
    """The drawn columns of each row, in their order.

    Args:
        rows: (n, w).
        masks: (w,) the drawn columns of each word.
        moves: (6, w) the bits that move by 1, 2, 4… in each step.
        places: (w + 1,) drawn columns before each word, and all.
        out: (n, p), filled.
        bits: (n,), filled with how many of them are set.
    """
    words = rows.shape[1]
    whole = words // LANES * LANES
    some = np.empty(words, dtype=np.uint64)
    for row in range(len(rows)):
        for word in range(0, whole, LANES):
            _closed(rows, row * words + word, masks, moves, word, words, some)
        for word in range(whole, words):
            some[word] = rows[row, word] & masks[word]
            for step in range(_STEPS):
                moving = some[word] & moves[step, word]
                some[word] = (some[word] ^ moving) | (moving >> np.uint64(1 << step))
        joined, at, total = np.uint64(0), 0, 0
        for word in range(words):
            shift = np.uint64(places[word] & 63)
            joined |= some[word] << shift
            if places[word + 1] >> 6 > at:
                out[row, at] = joined
                total += _bits(joined)
                joined = (some[word] >> np.uint64(1)) >> (np.uint64(63) - shift)
                at += 1
        bits[row] = total


@compiled
def keep_near(left: NDArray[np.uint64], right: NDArray[np.uint64], most: int, hits: NDArray[np.int32]) -> int:
    """Writes to the first lines of `hits` (left row, right row, …) those at a distance of at most `most`, with it; how many."""
    count = 0
    for k in range(len(hits)):
        i, j = hits[k, 0], hits[k, 1]
        distance = _distance(left, np.int64(i), right, np.int64(j), left.shape[1])
        hits[count, 0], hits[count, 1], hits[count, 2] = i, j, distance
        count += distance <= most  # no branch: the next pairs' rows are fetched meanwhile
    return count
