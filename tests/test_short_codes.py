"""Codes are the cut, rounded products of rows and weights, with what rounding left."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.short_codes import MOST, code_rows, tables_of, tiles_of


def bits_of(rows):
    return np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").astype(np.int64)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 9), words=st.integers(1, 5), step=st.integers(1, 60))
def test_codes_are_the_products_of_plain_integers(seed, count, words, step):
    """Code, squares and popcount follow from integer products, whatever the centre and the step."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 2**64, (count, words), dtype=np.uint64)
    weights = rng.integers(-MOST, MOST + 1, (64 * words, 64)).astype(np.int8)
    weights[rng.random(weights.shape) < 0.5] = 0
    centre = rng.integers(-2000, 2000, 64).astype(np.int32)
    codes, squares = np.zeros((count, 64), dtype=np.int8), np.zeros((count, 3), dtype=np.int64)
    code_rows(rows, tables_of(weights), centre, step, codes, squares)
    cut = np.clip(bits_of(rows) @ weights.astype(np.int64) - centre, -MOST * step, MOST * step)
    rest = cut - codes.astype(np.int64) * step
    assert (np.abs(rest) <= step // 2 + 1 + np.abs(cut) * (65536 % step) // 65536).all()
    assert (codes.astype(np.int64) ** 2).sum(axis=1).tolist() == squares[:, 0].tolist()
    assert (rest**2).sum(axis=1).tolist() == squares[:, 1].tolist()
    assert bits_of(rows).sum(axis=1).tolist() == squares[:, 2].tolist()


def test_tiles_hold_four_coordinates_of_each_row_side_by_side():
    """The code of row r, coordinate c is byte c % 4 of lane r % 16 of line c // 4 of tile r // 16."""
    codes = np.random.default_rng(1).integers(-127, 128, (48, 64)).astype(np.int8)
    tiles = tiles_of(codes, 16)
    expected = [[codes[row, column] for column in range(64)] for row in range(48)]
    found = [[tiles[row // 16, column // 4, 4 * (row % 16) + column % 4] for column in range(64)] for row in range(48)]
    assert expected == found
