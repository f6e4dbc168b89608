"""The compiled scan of all pairs of short codes, and the full comparison of the few pairs that survive it.

A code is a line of 64 · steps signed bytes (`linkage.short_codes`). A pair survives when the product of its codes plus the right
row's bias is not negative; the left row's bias is part of its code. Survivors alone are compared in full, and kept under the
integer rule of `linkage.limits`.

Sums are made by `linkage.block_sums`, in blocks of 32 × 32 pairs that share one look at their signs, since survivors are rare.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import config
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.block_sums import (
    BLOCK,
    MATRIX,
    TILE,
    begin_code,
    distance_code,
    end_code,
    lowest_code,
    met_code,
    signs_code,
    sums_code,
    supported,
)
from linkage.compiled import compiled, inlined
from linkage.matrix_unit import granted
from linkage.short_codes import STEP

__all__ = ["COMPILED", "Clusters", "Coded", "Scratch", "kinds", "scan", "scan_clusters", "scratch"]

COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]
_MET = 2048  # survivors listed before they are compared
_NEAR, _FAR = 1 << 15, 1 << 19  # bytes of left codes and of right tiles that stay close to the processor
_OUT = 8192  # bytes of the sums of two blocks

Scratch: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]
"""Working memory of one thread: the sums of a block, the biases of its right rows, the shape of the matrix registers."""
Coded: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int8], NDArray[np.int32], NDArray[np.int32]]
"""One side: rows (n, w); popcounts (n,); codes, whole blocks; a number for each code; the row of each code, -1 for none."""
Clusters: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int16]]
_Hits: TypeAlias = tuple[NDArray[np.int64], int]


def kinds() -> tuple[int, ...]:
    """The kinds of instructions that this process may use, the best last."""
    return tuple(kind for kind in supported() if kind != MATRIX or granted())


def scratch() -> Scratch:
    """The working memory of one thread, aligned to cache lines."""
    raw = np.zeros(_OUT + 2 * 64 + 64 + 64, dtype=np.uint8)
    skipped = -raw.ctypes.data % 64
    out, bias, shape = (
        raw[skipped + a : skipped + b] for a, b in ((0, _OUT), (_OUT, _OUT + 128), (_OUT + 128, _OUT + 192))
    )
    shape[0] = 1  # palette 1: eight registers, here each of 16 lines of 64 bytes
    shape[16:32:2] = 64
    shape[48:56] = TILE
    return out.view(np.int32), bias.view(np.int32), shape


_sums: Any = intrinsic(sums_code)
_met: Any = intrinsic(met_code)
_signs: Any = intrinsic(signs_code)
_lowest: Any = intrinsic(lowest_code)
_begin: Any = intrinsic(begin_code)
_end: Any = intrinsic(end_code)
_distance: Any = intrinsic(distance_code)


@inlined
def _list(signs: NDArray[np.uint64], row: int, other: int, met: NDArray[np.int32], count: int) -> int:
    """Append the survivors of a block to `met`, as places of codes; the new count."""
    for k in range(len(signs)):  # four lines of a quarter, 16 × 16
        word = signs[k]
        i = row + (k >> 3) * TILE + (k & 3) * 4
        j = other + ((k >> 2) & 1) * TILE
        while word:
            bit = _lowest(word)
            word &= word - np.uint64(1)
            met[count, 0] = i + (bit >> 4)
            met[count, 1] = j + (bit & 15)
            count += 1
    return count


@compiled
def _kept(
    left: Coded, right: Coded, most: NDArray[np.int64], met: NDArray[np.int32], same: int, hits: NDArray[np.int64]
) -> int:
    """Pairs of `met` whose distance is within the limit, written to the first of `hits`; their number."""
    rows, bits, place = left[0], left[1], left[4]
    others, other_bits, other_place = right[0], right[1], right[4]
    count = 0
    for k in range(len(met)):
        i, j = np.int64(place[met[k, 0]]), np.int64(other_place[met[k, 1]])
        if i >= 0 and j >= 0 and (same < 0 or same + i < j) and bits[i] > 0 and other_bits[j] > 0:
            distance = _distance(rows, i, others, j, rows.shape[1])
            hits[count, 0] = i
            hits[count, 1] = j
            hits[count, 2] = distance
            count += distance <= most[bits[i] + other_bits[j]]  # no branch: the next pairs' rows are fetched meanwhile
    return count


@compiled
def _added(left: Coded, right: Coded, most: NDArray[np.int64], met: NDArray[np.int32], same: int, hits: _Hits) -> _Hits:
    """The hits with those of `met`."""
    kept, count = hits
    if count + len(met) > len(kept):
        kept = np.concatenate((kept, np.empty((len(kept) + len(met), 3), dtype=np.int64)))
    more: int = _kept(left, right, most, met, same, kept[count:])
    return kept, count + more


@compiled
def _meet(
    left: Coded,
    right: Coded,
    most: NDArray[np.int64],
    reach: NDArray[np.int32],
    told: tuple[int, int, int, int],
    scratch: Scratch,
    hits: _Hits,
) -> _Hits:
    """The hits with those of left codes and some blocks of right codes: with each block as many codes as `reach` says."""
    codes, raised, tiles, biases = left[2], left[3], right[2], right[3]
    first, less, same, kind = told
    out, bias, shape = scratch
    steps, half, listed = codes.shape[1] // STEP, 0, 0
    signs = np.empty(BLOCK // 2, dtype=np.uint64)
    met = np.empty((_MET + BLOCK * BLOCK, 2), dtype=np.int32)
    last_row, last_other = -1, 0  # the block whose sums are ready, while those of the next are made
    _begin(shape, kind)
    for k in range(len(reach)):
        other = (first + k) * BLOCK
        for lane in range(BLOCK):
            bias[lane] = biases[other + lane] - less
        for row in range(0, reach[k], BLOCK):
            _sums(codes, row, tiles, other // TILE, bias, raised, out, half, steps, kind)
            half ^= 1
            if last_row >= 0 and _met(out, half):
                _signs(out, half, signs)
                listed = _list(signs, last_row, last_other, met, listed)
                if listed > _MET:
                    hits = _added(left, right, most, met[:listed], same, hits)
                    listed = 0
            last_row, last_other = row, other
    _end(kind)
    if last_row >= 0:
        _signs(out, half ^ 1, signs)
        listed = _list(signs, last_row, last_other, met, listed)
    found: _Hits = _added(left, right, most, met[:listed], same, hits)
    return found


@compiled
def scan(
    left: Coded,
    right: Coded,
    most: NDArray[np.int64],
    span: tuple[int, int, int, int],
    scratch: Scratch,
    kind: int,
) -> NDArray[np.int64]:
    """The pairs within their limit among some left rows and a span of right rows.

    Args:
        left: coded rows, codes row by row, 128 times the sum of each code.
        right: coded rows, codes in tiles, their biases.
        most: the largest distance of a pair, by the sum of its popcounts.
        span: first block of right codes, the block to stop before, what is taken from right biases, and the number of the
            first left row where both sides are one set, of which pairs i < j are wanted; -1 where they are two.
        scratch: from `scratch`, of this thread alone.
        kind: one of `kinds()`.

    Returns:
        (h, 3) int64: left row, right row, distance, in no promised order.
    """
    rows, bits, codes, raised, place = left
    first, stop, less, same = span
    near, far = max(BLOCK, _NEAR // codes.shape[1] // BLOCK * BLOCK), max(1, _FAR // codes.shape[1] // BLOCK)
    hits = (np.empty((_MET, 3), dtype=np.int64), np.int64(0))  # of one type in the loop, or it is compiled twice
    for start in range(first, stop, far):
        for group in range(0, len(codes), near):
            some = slice(group, min(group + near, len(codes)))
            part = (rows, bits, codes[some], raised[some], place[some])
            reach = np.full(min(far, stop - start), len(part[2]), dtype=np.int32)
            hits = _meet(part, right, most, reach, (start, less, same, kind), scratch, hits)
    return hits[0][: hits[1]].copy()


@compiled
def _order(need: NDArray[np.int16], keys: NDArray[np.int16], found: NDArray[np.int32], reach: NDArray[np.int32]) -> int:
    """Left rows that some right row of a cluster may be near, those that reach most blocks first; how many.

    `reach` gets, by block, the rows that reach it.
    """
    count = 0
    some = np.empty((len(need), 2), dtype=np.int32)
    for row in range(len(need)):  # no branch
        some[count, 0] = row
        count += need[row] <= keys[0]
    blocks = len(reach)
    reach[:] = 0
    low = keys[(blocks - 1) * BLOCK]
    reached = np.empty(keys[0] - low + 1, dtype=np.int32)  # blocks, by what a row needs above the least of first keys
    above = 0
    for block in range(blocks, 0, -1):
        stop = keys[(block - 1) * BLOCK] - low + 1
        reached[above:stop] = block
        above = max(above, stop)
    for k in range(count):
        block = reached[max(need[some[k, 0]] - low, 0)]
        some[k, 1] = block
        reach[block - 1] += 1
    for block in range(blocks - 2, -1, -1):
        reach[block] += reach[block + 1]
    start = np.zeros(blocks + 1, dtype=np.int32)
    for block in range(blocks):  # an assignment of slices would compile a message about their shapes, for seconds
        start[block] = reach[block]
    for k in range(count):  # those of `block` blocks come after those of more
        block = some[k, 1]
        found[start[block]] = some[k, 0]
        start[block] += 1
    return count


@compiled
def scan_clusters(
    left: Coded,
    right: Coded,
    most: NDArray[np.int64],
    clusters: Clusters,
    span: tuple[int, int, int, int],
    scratch: Scratch,
    kind: int,
) -> NDArray[np.int64]:
    """As `scan`, for clusters of right rows: each left row meets the blocks whose first key is at least its need.

    Args:
        left: as in `scan`.
        right: as in `scan`, clusters in whole blocks, keys descending in each.
        most: as in `scan`.
        clusters: first block of each cluster and the end, key of each right code, need of each left row by cluster.
        span: as in `scan`, with clusters instead of blocks.
        scratch: as in `scan`.
        kind: as in `scan`.
    """
    rows, bits, codes, raised, place = left
    starts, keys, needs = clusters
    first, stop, less, same = span
    hits = (np.empty((_MET, 3), dtype=np.int64), np.int64(0))  # of one type in the loop, or it is compiled twice
    found = np.empty(len(place), dtype=np.int32)
    near, near_raised, near_place = np.zeros_like(codes), np.zeros_like(raised), np.empty_like(place)
    wide, near_wide = codes.view(np.int64), near.view(np.int64)
    for cluster in range(first, stop):
        start, end = np.int64(starts[cluster]), np.int64(starts[cluster + 1])
        reach = np.empty(end - start, dtype=np.int32)
        if start == end:
            continue
        count = _order(needs[cluster], keys[start * BLOCK : end * BLOCK], found, reach)
        for k in range(count):
            row = found[k]
            for word in range(wide.shape[1]):
                near_wide[k, word] = wide[row, word]
            near_raised[k] = raised[row]
            near_place[k] = place[row]
        near_place[count : count + BLOCK] = -1
        some = (rows, bits, near, near_raised, near_place)
        hits = _meet(some, right, most, reach, (start, less, same, kind), scratch, hits)
    return hits[0][: hits[1]].copy()
