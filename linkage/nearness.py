"""Compiled code of clusters: the centre nearest to each row, and how far rows are from all centres.

Both are sums of products (`linkage.block_sums`): of short codes, for a nearest centre that need not be exact, and of the bits
themselves, one a byte, for distances that must be: H = |a| + |c| - 2 a·c.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.block_sums import BLOCK, TILE, begin_code, distance_code, end_code, sums_code
from linkage.compiled import compiled
from linkage.short_codes import STEP
from linkage.sketch import Coded, Scratch

__all__ = ["distances_to", "nearest", "needs_of"]

_sums: Any = intrinsic(sums_code)
_begin: Any = intrinsic(begin_code)
_end: Any = intrinsic(end_code)
_distance: Any = intrinsic(distance_code)


@compiled
def needs_of(
    centres: Coded, tiles: NDArray[np.int8], bases: NDArray[np.int32], double: int, scratch: Scratch, kind: int
) -> NDArray[np.int16]:
    """(p, r) what rows need of each cluster: the bases of both less products of their bits, which are their distance.

    Args:
        centres: p coded rows, in whole blocks, of which codes are bits, one a byte; their numbers are not read.
        tiles: of the bits of r rows, in whole blocks.
        bases: (p + r,), of centres and then of rows.
        double: what one common bit takes away.
        scratch: as in `scan`.
        kind: as in `scan`.
    """
    codes, raised = centres[2], centres[3]
    out, bias, shape = scratch
    count = len(tiles) * TILE
    needs = np.empty((len(codes), count), dtype=np.int16)
    bias[:] = 0
    _begin(shape, kind)
    for group in range(0, count, 4 * BLOCK):  # their bits stay close to the processor
        for row in range(0, len(codes), BLOCK):
            for other in range(group, min(group + 4 * BLOCK, count), BLOCK):
                _sums(codes, row, tiles, other // TILE, bias, raised, out, 0, codes.shape[1] // STEP, kind)
                for line in range(2 * BLOCK):
                    centre = row + line // BLOCK * TILE + line % TILE
                    first = other + line // TILE % 2 * TILE
                    for lane in range(TILE):
                        value = bases[centre] + bases[len(codes) + first + lane] - double * out[line * TILE + lane]
                        needs[centre, first + lane] = value
    _end(kind)
    return needs


@compiled
def nearest(
    centres: Coded, tiles: NDArray[np.int8], bases: NDArray[np.int32], scratch: Scratch, kind: int
) -> NDArray[np.int32]:
    """(r,) for each of r codes in tiles, in whole blocks, the centre with the greatest product plus base."""
    codes, raised = centres[2], centres[3]
    out, bias, shape = scratch
    result = np.zeros(len(tiles) * TILE, dtype=np.int32)
    best = np.empty(BLOCK, dtype=np.int32)
    bias[:] = 0
    _begin(shape, kind)
    for other in range(0, len(result), BLOCK):
        best[:] = -(1 << 31)
        for row in range(0, len(codes), BLOCK):
            _sums(codes, row, tiles, other // TILE, bias, raised, out, 0, codes.shape[1] // STEP, kind)
            for line in range(2 * BLOCK):
                centre = np.int32(row + line // BLOCK * TILE + line % TILE)
                first = line // TILE % 2 * TILE
                for lane in range(TILE):
                    value = out[line * TILE + lane] + bases[centre]
                    if value > best[first + lane]:
                        best[first + lane] = value
                        result[other + first + lane] = centre
    _end(kind)
    return result


@compiled
def distances_to(rows: NDArray[np.uint64], others: NDArray[np.uint64], number: NDArray[np.int32]) -> NDArray[np.int32]:
    """(n,) the distance of each row to the one of `others` that `number` says."""
    result = np.empty(len(rows), dtype=np.int32)
    for row in range(len(rows)):
        result[row] = _distance(rows, row, others, np.int64(number[row]), rows.shape[1])
    return result
