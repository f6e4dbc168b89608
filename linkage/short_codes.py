"""Rows of bits as short codes of small integers, made by a table of sums for each four bits.

A projection (`linkage.projection`) multiplies a row by a matrix of signed bytes, W. What W gives, less a centre, is cut to ±127
steps and divided by the step, to the nearest integer: that is the code q. What division leaves, e, is kept as the sum of its
squares, exact, since a bound needs it. All sums of any bits of a line of W are 16-bit integers: no intermediate result overflows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = ["BIAS", "MOST", "STEP", "code_rows", "tables_of", "tiles_of"]

STEP = 64  # coordinates of a step; codes are whole steps
BIAS = 4  # last coordinates of a code, which hold the bias of a left row
MOST = 127  # the largest coordinate
_NIBBLES = 16  # in a word


@compiled
def tables_of(weights: NDArray[np.int8]) -> NDArray[np.int16]:
    """(L / 4, 16, c): for each four bits of a row and each of their values, what they add to each coordinate.

    Args:
        weights: (L, c) signed bytes, a line a bit.
    """
    tables = np.zeros((len(weights) // 4, 16, weights.shape[1]), dtype=np.int16)
    for place in range(len(tables)):
        for value in range(1, 16):
            low = value & -value
            bit = 4 * place + (low > 1) + (low > 2) + (low > 4)
            for k in range(weights.shape[1]):
                tables[place, value, k] = tables[place, value ^ low, k] + weights[bit, k]
    return tables


@compiled
def code_rows(
    rows: NDArray[np.uint64],
    tables: NDArray[np.int16],
    centre: NDArray[np.int32],
    step: int,
    codes: NDArray[np.int8],
    squares: NDArray[np.int64],
) -> None:
    """Codes of rows, and what bounds need of each.

    Args:
        rows: (n, w) uint64.
        tables: from `tables_of`, for L = 64 w bits.
        centre: (c,).
        step: at least 1.
        codes: (n or more, c), the first n filled.
        squares: (n or more, 3), the first n filled: squares of the code, of what it leaves, and the popcount.
    """
    width = tables.shape[2]
    sums = np.empty(width, dtype=np.int16)
    scale = np.int32((1 << 16) // step)
    reach = np.int32(MOST * step)
    for row in range(len(rows)):
        sums[:] = 0
        bits = 0
        for word in range(rows.shape[1]):
            value = rows[row, word]
            for nibble in range(0, _NIBBLES, 4):
                place = word * _NIBBLES + nibble
                four = (value >> np.uint64(4 * nibble)) & np.uint64(0xFFFF)
                one = tables[place, four & np.uint64(15)]
                two = tables[place + 1, (four >> np.uint64(4)) & np.uint64(15)]
                three = tables[place + 2, (four >> np.uint64(8)) & np.uint64(15)]
                last = tables[place + 3, four >> np.uint64(12)]
                for k in range(width):
                    sums[k] += one[k] + two[k] + three[k] + last[k]
            while value:
                value &= value - np.uint64(1)
                bits += 1
        total, left = 0, 0
        for k in range(width):
            centred = min(max(np.int32(sums[k]) - centre[k], -reach), reach)
            near = min(max((centred * scale + np.int32(1 << 15)) >> np.int32(16), np.int32(-MOST)), np.int32(MOST))
            rest = centred - near * np.int32(step)
            codes[row, k] = near
            total += near * near
            left += rest * rest
        squares[row, 0] = total
        squares[row, 1] = left
        squares[row, 2] = bits


def tiles_of(codes: NDArray[np.int8], tile: int) -> NDArray[np.int8]:
    """(n / tile, c / 4, 4 · tile): the same codes, four coordinates of each of `tile` rows side by side."""
    fours = np.ascontiguousarray(codes).view(np.int32).reshape(-1, tile, codes.shape[1] // 4)
    return np.ascontiguousarray(fours.transpose(0, 2, 1)).view(np.int8)
