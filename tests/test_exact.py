"""Rows with the same token are linked in turn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linkage.exact import pair_blocks


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=5))
def test_rows_of_one_token_are_paired_in_turn(sizes):
    """First with first; every left row of a token when a right row may serve several."""
    blocks, left, right = [], 0, 0
    pairs: list[tuple[int, int]] = []
    several: list[tuple[int, int]] = []
    for ours, theirs in sizes:
        blocks.append([left, left + ours, right, right + theirs])
        pairs += [(left + k, right + k) for k in range(min(ours, theirs))]
        several += [(left + k, right + min(k, theirs - 1)) for k in range(ours)]
        left, right = left + ours, right + theirs
    array = np.array(blocks, dtype=np.int64).reshape(-1, 4)
    assert pairs == list(zip(*(side.tolist() for side in pair_blocks(array)), strict=True))
    assert several == list(zip(*(side.tolist() for side in pair_blocks(array, "many-to-one")), strict=True))
