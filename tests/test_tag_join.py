"""Two passes read together give each shared block once, whole, and are never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import tag_join
from linkage.blocks import shared_blocks
from linkage.pass_check import PassCheck
from linkage.tag_join import JoinedBatch, Side, join
from linkage.wire import EncodedPass
from tests.small_passes import PLAN, cut, encoded


def joined(
    left: EncodedPass, right: EncodedPass, cuts: tuple[list[int], list[int]], size: int
) -> Iterator[JoinedBatch]:
    with PassCheck(PLAN, fill=False, memory=1 << 20) as ours, PassCheck(PLAN, fill=False, memory=1 << 20) as theirs:
        yield from join(Side(cut(left, cuts[0]), ours, PLAN), Side(cut(right, cuts[1]), theirs, PLAN), size)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32), rows=st.tuples(st.integers(0, 120), st.integers(0, 120)), tags=st.integers(1, 60),
    cuts=st.tuples(*[st.lists(st.integers(0, 120), max_size=8)] * 2), size=st.integers(1, 3000),
)  # fmt: skip
def test_every_shared_block_comes_once(seed, rows, tags, cuts, size):
    """With the filters and ids of its rows; rows of other blocks are left out when they would be many."""
    left, right = encoded(seed, rows[0], tags), encoded(seed + 1, rows[1], tags)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tag_join, "_LEAST_PIECE", 1)
        for one in joined(left, right, cuts, size):
            np.testing.assert_array_equal(left.filters[one.left_rows], one.batch.left)
            np.testing.assert_array_equal(right.filters[one.right_rows], one.batch.right)
            np.testing.assert_array_equal(left.ids[one.left_rows], one.left_ids)
            used = int((one.batch.blocks[:, 1] - one.batch.blocks[:, 0]).sum())
            assert used >= 0.7 * len(one.left_rows)
            for a, b, c, d in one.batch.blocks.tolist():
                found.append((*one.left_rows[[a, b - 1]], *one.right_rows[[c, d - 1]]))
                assert b - a == one.left_rows[b - 1] - one.left_rows[a] + 1
    expected = shared_blocks(left.tags, right.tags) - [0, 1, 0, 1]
    assert expected.tolist() == [[int(row) for row in one] for one in sorted(found)]


def test_batches_are_small_and_a_heavy_block_is_alone():
    """About as many bytes as asked for, the heaviest first among those that come together."""
    left, right = encoded(1, 2000, 50), encoded(2, 2000, 50)
    sizes = [one.batch.left.nbytes + one.batch.right.nbytes for one in joined(left, right, ([], []), 6000)]
    assert max(sizes) < 12_000
    assert len(sizes) > 8
    *heavy, _ = [one.batch for one in joined(left, right, ([], []), 100)]  # the last tag is whole only at the end
    assert all(batch.is_one_block for batch in heavy)
    assert sorted((batch.pairs for batch in heavy), reverse=True) == [batch.pairs for batch in heavy]


def test_what_is_held_is_bounded(monkeypatch):
    """A pass of a thousand pieces is never held for more than a few of them."""
    monkeypatch.setattr(tag_join, "_LEAST_PIECE", 1)

    def pieces() -> Iterator[EncodedPass]:
        one = encoded(1, 20, 1)
        for number in range(1000):
            tags = np.zeros_like(one.tags)
            tags[:, 0], tags[:, 1] = divmod(number, 256)
            ids = one.ids.copy()
            ids[:, 14], ids[:, 15] = divmod(number, 256)
            yield replace(one, tags=tags, ids=ids[np.lexsort(ids.T[::-1])])

    most, pairs = 0, 0
    with PassCheck(PLAN, fill=False, memory=1 << 20) as ours, PassCheck(PLAN, fill=False, memory=1 << 20) as theirs:
        sides = Side(pieces(), ours, PLAN), Side(pieces(), theirs, PLAN)
        for one in join(*sides, 4 * 20 * 16):
            most = max(most, *(len(side.parts) for side in sides))
            pairs += one.batch.pairs
    assert 400_000 == pairs
    assert most < 6
