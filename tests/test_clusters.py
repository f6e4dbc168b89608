"""Clusters hold every row once, and no similar pair is out of a left row's reach."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import sketch
from linkage.block_sums import BLOCK
from linkage.clusters import arrange, centres_of, count_for, needs
from linkage.limits import largest_distances, share_of_distance
from linkage.projection import directions, projection

pytestmark = pytest.mark.skipif(not sketch.COMPILED, reason="needs the compiler")


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 150),
    words=st.integers(1, 5),
    threshold=st.sampled_from([0.3, 0.6, 0.75, 0.8, 0.9, 1.0]),
    measure=st.sampled_from(["dice", "hamming"]),
    alike=st.sampled_from(["copies", "equal", "empty"]),
)
def test_similar_pairs_are_within_reach(seed, count, words, threshold, measure, alike):
    """Whatever the rows and the centres, a pair within its limit has a key of at least the need, in blocks that begin so."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**64, (1 + count // 4, words), dtype=np.uint64)
    right = base[rng.integers(0, len(base), count)]
    if alike == "copies":
        right ^= np.packbits(rng.random((count, 64 * words)) < 0.05, axis=1).view(np.uint64)
    elif alike == "equal":
        right[:] = right[0]
    else:
        right[:] = 0
    left = right[rng.permutation(count)] ^ np.uint64(5)
    length = 64 * words
    share = share_of_distance(length, threshold, measure)
    made = projection(directions(right, min(60, length)), 1, share)
    kind = sketch.kinds()[-1]
    codes = np.zeros((-(-count // BLOCK) * BLOCK, made.width), dtype=np.int8)
    made.code(right, codes)
    centres = centres_of(right, count_for(count), made, kind)
    with ThreadPoolExecutor(1) as pool:
        found = arrange(right, codes, centres, share, kind, pool)
    assert list(range(count)) == sorted(found.place[found.place >= 0].tolist())
    need = needs(left, centres, share, sketch.scratch(), kind)
    bits = [np.bitwise_count(side).sum(axis=1, dtype=np.int64) for side in (left, right)]
    most = largest_distances(length, threshold, measure)
    for cluster in range(len(found.starts) - 1):
        places = slice(found.starts[cluster] * BLOCK, found.starts[cluster + 1] * BLOCK)
        rows, keys = found.place[places], found.keys[places]
        assert (keys[1:] <= keys[:-1]).all()
        rows, keys = rows[rows >= 0], keys[rows >= 0]
        distance = np.bitwise_count(left[:, None] ^ right[rows][None]).sum(axis=2, dtype=np.int64)
        similar = distance <= most[bits[0][:, None] + bits[1][rows][None]]
        assert not (similar & (keys[None] < need[cluster][:, None])).any()


def test_centres_grow_with_the_square_root():
    """Whole blocks of them, from thirty-two to two thousand."""
    assert [32, 64, 512, 2048, 2048] == [count_for(rows) for rows in (0, 1_000, 70_000, 1_000_000, 10**8)]
