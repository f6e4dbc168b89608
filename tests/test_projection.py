"""Biases of short codes exclude no pair within its limit, whatever the sample that taught them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.limits import largest_distances, share_of_distance
from linkage.projection import directions, projection
from linkage.short_codes import BIAS, STEP

THRESHOLDS = [0.3, 0.6, 0.75, 0.8, 0.9, 0.95, 1.0]


def rows_of(rng, count, words, density):
    bits = rng.random((count, 64 * words)) < density
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)


def survive(made, left, right):
    """Which pairs the codes let through."""
    sides = []
    for side in (left, right):
        codes = np.zeros((len(side), made.width), dtype=np.int8)
        bits, bias = made.code(side, codes)
        sides.append((codes.astype(np.int64), bits, bias))
    (one, bits, bias), (other, other_bits, other_bias) = sides
    return one @ other.T >= bias[:, None] + other_bias[None], bits[:, None] + other_bits[None]


def similar(left, right, total, threshold, measure):
    distance = np.bitwise_count(left[:, None] ^ right[None]).sum(axis=2, dtype=np.int64)
    return distance <= largest_distances(64 * left.shape[1], threshold, measure)[total]


@pytest.mark.parametrize("measure", ["dice", "hamming"])
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 6),
    steps=st.integers(1, 2),
    threshold=st.one_of(st.sampled_from(THRESHOLDS), st.floats(0.05, 1.0)),
    density=st.sampled_from([0.0, 0.05, 0.4, 0.5, 1.0]),
    taught=st.sampled_from(["same rows", "other rows", "one row", "equal rows", "empty rows"]),
)
def test_no_pair_within_its_limit_is_excluded(measure, seed, words, steps, threshold, density, taught):
    """Rows, near copies of them and subsets of them, under a projection learned from anything."""
    rng = np.random.default_rng(seed)
    left = rows_of(rng, 24, words, density)
    right = np.concatenate([left, left & rows_of(rng, 24, words, 0.8), left ^ rows_of(rng, 24, words, 0.05)])
    sample = {
        "same rows": left,
        "other rows": rows_of(rng, 20, words, 0.3),
        "one row": left[:1],
        "equal rows": np.repeat(left[:1], 9, axis=0),
        "empty rows": np.zeros((5, words), dtype=np.uint64),
    }[taught]
    length = 64 * words
    found = directions(sample, min(length, STEP * steps - BIAS))
    made = projection(found, steps, share_of_distance(length, threshold, measure))
    through, total = survive(made, left, right)
    assert not (similar(left, right, total, threshold, measure) & ~through).any()


def test_directions_are_orthonormal_and_hold_the_variance():
    """On rows that differ in a few patterns only, as many directions hold nearly all that differs."""
    rng = np.random.default_rng(3)
    patterns = rows_of(rng, 6, 8, 0.3)
    chosen = rng.random((400, 6)) < 0.5
    rows = np.zeros((400, 8), dtype=np.uint64)
    for k in range(6):
        rows[chosen[:, k]] |= patterns[k]
    found = directions(rows, 60)
    assert np.allclose(np.eye(60), found.vectors @ found.vectors.T, atol=1e-4)
    seen = (found.sample @ found.vectors.T).var(axis=0).sum()
    assert seen > 0.98 * found.sample.var(axis=0).sum()


def test_similar_rows_alone_survive_on_rows_of_few_patterns():
    """The bound is of use: of rows made of common patterns, unlike ones are excluded."""
    rng = np.random.default_rng(4)
    patterns = rows_of(rng, 40, 16, 0.06)
    rows = np.zeros((600, 16), dtype=np.uint64)
    for k in range(600):
        rows[k] = np.bitwise_or.reduce(patterns[rng.choice(40, 8, replace=False)])
    made = projection(directions(rows[:300], 60), 1, share_of_distance(1024, 0.9, "dice"))
    through, total = survive(made, rows[300:], rows[300:])
    assert through.mean() < similar(rows[300:], rows[300:], total, 0.9, "dice").mean() + 0.01
