"""Right rows in clusters, so that left rows meet only those that the triangle inequality leaves.

For a centre c, H(a, c) ≤ H(a, b) + H(b, c). With the limit of `linkage.limits`, H(a, b) ≤ g(a) + g(b), a pair can be similar
only if

    H(b, c) + g(b)  ≥  H(a, c) - g(a)
      key of b           need of a

Each row b belongs to one cluster. Its rows lie by key from high to low, so those that a left row may be near are the first ones:
a left row meets as many whole blocks as have a first key of at least its need. Keys are rounded up and needs down, to the same
fraction of a bit.

Centres only decide what this saves: any would be right. They begin as rows of a sample and become, for a few rounds, the
majority of the rows nearest to them, nearness being that of short codes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from linkage import sketch
from linkage.block_sums import BLOCK, TILE
from linkage.nearness import distances_to, nearest, needs_of
from linkage.projection import Projection
from linkage.short_codes import tiles_of

__all__ = ["Arrangement", "Centres", "arrange", "centres_of", "count_for", "needs"]

_SEED = 20_120_415  # of the sample and the first centres; no result depends on it
_ROUNDS = 2
_TAUGHT = 16  # sampled rows a centre
_FEWEST, _MOST = 32, 2048  # centres
_FINEST = 15_000  # keys and needs are whole numbers of this many in the bits of a row, which 16 bits hold
_AT_ONCE = 1 << 13  # rows
_FAR = 32_767


@dataclass(frozen=True, kw_only=True)
class Centres:
    """Centres of clusters.

    Attributes:
        rows: (k, w) uint64.
        coded: as left rows of short codes.
        bases: (k,) int32, minus half the square of each code: what makes the greatest product the nearest centre.
        bits: as left rows of codes that are their bits, one a byte.
    """

    rows: NDArray[np.uint64]
    coded: sketch.Coded
    bases: NDArray[np.int32]
    bits: sketch.Coded


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Right rows in clusters.

    Attributes:
        place: (r,) int32, the row at each place, -1 for none; whole blocks.
        starts: (k + 1,) int32, first block of each cluster, and the end.
        keys: (r,) int16, from high to low in each cluster.
    """

    place: NDArray[np.int32]
    starts: NDArray[np.int32]
    keys: NDArray[np.int16]


def count_for(rows: int) -> int:
    """Centres for some right rows: a power of two near twice the square root of their number."""
    near: int = 1 << round(log2(max(4 * rows, 1)) / 2)
    return min(max(near, _FEWEST), _MOST)


def centres_of(rows: NDArray[np.uint64], count: int, made: Projection, kind: int) -> Centres:
    """Learn centres from a sample of right rows.

    Args:
        rows: (m, w) uint64, m ≥ 1.
        count: centres; whole blocks.
        made: the projection of short codes.
        kind: of instructions, as in `linkage.sketch`.
    """
    rng = np.random.default_rng(_SEED)
    sample = rows[rng.integers(0, len(rows), min(len(rows), count * _TAUGHT))]
    centres = _centres(sample[rng.integers(0, len(sample), count)], made)
    codes = np.zeros((_padded(len(sample)), made.width), dtype=np.int8)
    made.code(sample, codes)
    tiles, scratch = tiles_of(codes, TILE), sketch.scratch()
    bits = np.unpackbits(sample.view(np.uint8), axis=1, bitorder="little")
    for _ in range(_ROUNDS):
        number = nearest(centres.coded, tiles, centres.bases, scratch, kind)[: len(sample)]
        order = np.argsort(number, kind="stable")
        present, first = np.unique(number[order], return_index=True)
        sums = np.add.reduceat(bits[order], first, axis=0, dtype=np.int32)
        size = np.diff(np.append(first, len(order)))
        better = centres.rows.copy()
        better[present] = np.packbits(2 * sums > size[:, None], axis=1, bitorder="little").view(np.uint64)
        centres = _centres(better, made)
    return centres


def _centres(rows: NDArray[np.uint64], made: Projection) -> Centres:
    codes = np.zeros((len(rows), made.width), dtype=np.int8)
    counts, _ = made.code(rows, codes)
    bits = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").view(np.int8)
    squares = (codes.astype(np.int32) ** 2).sum(axis=1, dtype=np.int32)
    place, small = np.arange(len(rows), dtype=np.int32), counts.astype(np.int32)
    return Centres(
        rows=rows,
        coded=(rows, small, codes, np.left_shift(codes.sum(axis=1, dtype=np.int32), 7), place),
        bases=-(squares // 2),
        bits=(rows, small, bits, np.left_shift(small, 7), place),
    )


def arrange(
    rows: NDArray[np.uint64],
    codes: NDArray[np.int8],
    centres: Centres,
    share: NDArray[np.float64],
    kind: int,
    pool: ThreadPoolExecutor,
) -> Arrangement:
    """Divide right rows among clusters, and order each by its keys.

    Args:
        rows: (m, w) uint64.
        codes: their short codes, row by row, in whole blocks.
        centres: from `centres_of`.
        share: g by popcount.
        kind: as in `centres_of`.
        pool: where to work.
    """
    cluster, key = np.empty(len(rows), dtype=np.int32), np.empty(len(rows), dtype=np.int64)
    fine = _fineness(rows)

    def assign(start: int) -> None:
        some = rows[start : start + _AT_ONCE]
        tiles = tiles_of(codes[start : start + _AT_ONCE], TILE)
        number = nearest(centres.coded, tiles, centres.bases, sketch.scratch(), kind)[: len(some)]
        distance = distances_to(some, centres.rows, number)
        bits = np.bitwise_count(some).sum(axis=1, dtype=np.int64)
        cluster[start : start + len(some)] = number
        key[start : start + len(some)] = np.ceil(fine * (distance + share[bits])).astype(np.int64)

    for future in [pool.submit(assign, start) for start in range(0, len(rows), _AT_ONCE)]:
        future.result()
    order = np.argsort(cluster.astype(np.int64) * (_FAR + 1) + (_FAR - np.minimum(key, _FAR)))
    size = np.bincount(cluster, minlength=len(centres.rows))
    starts = np.concatenate([[0], np.cumsum(-(-size // BLOCK))]).astype(np.int32)
    at = np.arange(len(rows)) + np.repeat(starts[:-1] * BLOCK - np.cumsum(size) + size, size)
    place = np.full(starts[-1] * BLOCK, -1, dtype=np.int32)
    keys = np.full(len(place), -_FAR, dtype=np.int16)
    place[at] = order
    keys[at] = np.minimum(key[order], _FAR)
    return Arrangement(place=place, starts=starts, keys=keys)


def needs(
    rows: NDArray[np.uint64],
    centres: Centres,
    share: NDArray[np.float64],
    scratch: sketch.Scratch,
    kind: int,
) -> NDArray[np.int16]:
    """(k, n) what each left row needs of the keys of each cluster.

    Args:
        rows: (n, w) uint64.
        centres: those of the right rows.
        share: g by popcount.
        scratch: of this thread alone.
        kind: as in `centres_of`.
    """
    fine = _fineness(rows)
    filled = np.zeros((_padded(len(rows)), 64 * rows.shape[1]), dtype=np.int8)
    filled[: len(rows)] = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").view(np.int8)
    counts = np.bitwise_count(rows).sum(axis=1, dtype=np.int64)
    bases = np.zeros(len(centres.rows) + len(filled), dtype=np.int32)
    bases[: len(centres.rows)] = fine * centres.bits[1]
    bases[len(centres.rows) :][: len(rows)] = np.floor(fine * (counts - share[counts])).astype(np.int32)
    found: NDArray[np.int16] = needs_of(centres.bits, tiles_of(filled, TILE), bases, 2 * fine, scratch, kind)
    return found[:, : len(rows)]


def _fineness(rows: NDArray[np.uint64]) -> int:
    """Into how many parts a bit is divided."""
    return max(1, int(_FINEST // (64 * rows.shape[1])))


def _padded(count: int) -> int:
    return -(-count // BLOCK) * BLOCK
