"""The scan keeps all and only the pairs within their limit that their codes let through, with each kind of instructions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import block_sums, sketch
from linkage.short_codes import tiles_of

pytestmark = pytest.mark.skipif(not sketch.COMPILED, reason="the scan needs the compiler")
KINDS = pytest.mark.parametrize("kind", sketch.kinds())


def padded(count):
    return -(-count // block_sums.BLOCK) * block_sums.BLOCK


def scanned(rng, sizes, words, steps, kind, *, same=False):
    """Hits of the scan on random codes and rows, and those of plain products."""
    count, others = sizes
    left = rng.integers(0, 2**64, (count, words), dtype=np.uint64)
    right = rng.integers(0, 2**64, (others, words), dtype=np.uint64)
    right[: count // 2] = left[: count // 2][: len(right)]
    left[rng.random(count) < 0.1] = 0
    codes = np.zeros((padded(count), 64 * steps), dtype=np.int8)
    other_codes = np.zeros((padded(others), 64 * steps), dtype=np.int8)
    codes[:count] = rng.integers(-127, 128, (count, 64 * steps))
    other_codes[:others] = rng.integers(-127, 128, (others, 64 * steps))
    bias = np.full(padded(others), -(1 << 30), dtype=np.int32)
    bias[:others] = rng.integers(-60_000, 60_000, others)
    most = rng.integers(-1, 64 * words, 128 * words + 1)
    bits = [np.bitwise_count(side).sum(axis=1, dtype=np.int32) for side in (left, right)]
    for side in (left, right):
        side.flags.writeable = False
    raised = codes.sum(axis=1, dtype=np.int32) << 7
    span = (0, padded(others) // block_sums.BLOCK, 1000, 3 if same else -1)
    place, other_place = (np.append(np.arange(k), np.full(padded(k) - k, -1)).astype(np.int32) for k in sizes)
    hits = sketch.scan(
        (left, bits[0], codes, raised, place),
        (right, bits[1], tiles_of(other_codes, block_sums.TILE), bias, other_place),
        most, span, sketch.scratch(), kind,
    )  # fmt: skip
    through = codes[:count].astype(np.int64) @ other_codes[:others].T.astype(np.int64) + bias[:others] - 1000 >= 0
    distance = np.bitwise_count(left[:, None] ^ right[None]).sum(axis=2, dtype=np.int64)
    kept = through & (distance <= most[bits[0][:, None] + bits[1][None]])
    kept &= (bits[0] > 0)[:, None] & (bits[1] > 0)[None]
    if same:
        kept &= 3 + np.arange(count)[:, None] < np.arange(others)[None]
    i, j = np.nonzero(kept)
    return sorted(hits.tolist()), np.stack([i, j, distance[i, j]], axis=1).tolist()


@KINDS
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    words=st.integers(1, 17),
    steps=st.integers(1, 4),
    same=st.booleans(),
)
def test_the_scan_is_the_plain_product(kind, seed, sizes, words, steps, same):
    """Any sizes, widths and lengths of codes give the pairs of integer products and exact distances."""
    found, expected = scanned(np.random.default_rng(seed), sizes, words, steps, kind, same=same)
    assert expected == found


@KINDS
def test_lists_of_survivors_grow(kind):
    """More survivors and hits than there was room for are all compared and kept."""
    found, expected = scanned(np.random.default_rng(5), (300, 700), 16, 2, kind)
    assert expected == found
    assert len(found) > 20_000
