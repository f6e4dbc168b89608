"""Nearest centres and needs are what plain integers give, with each kind of instructions."""

from __future__ import annotations

import numpy as np
import pytest

from linkage import sketch
from linkage.block_sums import TILE
from linkage.nearness import distances_to, nearest, needs_of
from linkage.short_codes import tiles_of

pytestmark = pytest.mark.skipif(not sketch.COMPILED, reason="needs the compiler")
KINDS = pytest.mark.parametrize("kind", sketch.kinds())


def coded(codes):
    """Codes as a left side whose rows are not read."""
    count = len(codes)
    nothing = np.zeros((count, 1), dtype=np.uint64)
    raised = np.left_shift(codes.sum(axis=1, dtype=np.int32), 7)
    return nothing, np.zeros(count, dtype=np.int32), codes, raised, np.arange(count, dtype=np.int32)


@KINDS
def test_needs_are_bases_less_common_bits(kind):
    """Whole numbers, whatever the widths."""
    rng = np.random.default_rng(1)
    centres, rows = ((rng.random((count, 128)) < 0.4).astype(np.int8) for count in (64, 192))
    bases = rng.integers(0, 500, 256).astype(np.int32)
    found = needs_of(coded(centres), tiles_of(rows, TILE), bases, 14, sketch.scratch(), kind)
    common = centres.astype(np.int64) @ rows.T.astype(np.int64)
    assert (bases[:64, None] + bases[None, 64:] - 14 * common).tolist() == found.tolist()


@KINDS
def test_the_nearest_centre_has_the_greatest_product(kind):
    """The first of the centres whose product plus base is the greatest."""
    rng = np.random.default_rng(2)
    centres, rows = (rng.integers(-127, 128, (count, 64)).astype(np.int8) for count in (96, 64))
    bases = rng.integers(-9000, 0, 96).astype(np.int32)
    found = nearest(coded(centres), tiles_of(rows, TILE), bases, sketch.scratch(), kind)
    products = centres.astype(np.int64) @ rows.T.astype(np.int64) + bases[:, None]
    assert products.max(axis=0).tolist() == products[found, np.arange(64)].tolist()


def test_distances_are_those_of_the_rows_named():
    """Each row is compared with one other."""
    rng = np.random.default_rng(3)
    rows, others = (rng.integers(0, 2**64, (count, 11), dtype=np.uint64) for count in (20, 7))
    number = rng.integers(0, 7, 20).astype(np.int32)
    expected = np.bitwise_count(rows ^ others[number]).sum(axis=1, dtype=np.int64)
    assert expected.tolist() == distances_to(rows, others, number).tolist()
