"""Links of batches come out in their order, whether they were spilled or not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.batch import Batch, Found
from linkage.kept_links import LINK, KeptLinks
from linkage.tag_join import JoinedBatch

EMPTY = Batch(left=np.empty((0, 1), np.uint64), right=np.empty((0, 1), np.uint64),
              blocks=np.empty((0, 4), np.int64), threshold=0.5, measure="dice")  # fmt: skip


def batch(rows: list[int], scores: list[float]) -> tuple[JoinedBatch, Found]:
    """A batch of these rows of the pass, each linked to the right row of twice its number."""
    left = np.array(rows, dtype=np.int64)
    ids = np.zeros((len(rows), 16), dtype=np.uint8)
    ids[:, 0] = left
    order = np.lexsort((left, -np.array(scores)))
    joined = JoinedBatch(batch=EMPTY, left_rows=left, right_rows=2 * left, left_ids=ids)
    return joined, Found(left=order, right=order, score=np.array(scores, dtype=np.float64)[order], candidates=3,
                         shared=2, crowd=len(rows))  # fmt: skip


@settings(deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.5, 0.75, 1.0]), max_size=40), cuts=st.lists(st.integers(0, 40), max_size=5),
    memory=st.sampled_from([0, 200, 1 << 20]),
)  # fmt: skip
def test_links_come_in_their_order(scores, cuts, memory):
    """By score descending, then left row; each with its right row and id."""
    bounds = [0, *sorted(min(one, len(scores)) for one in cuts), len(scores)]
    with KeptLinks(memory) as kept:
        for start, stop in pairwise(bounds):
            kept.take(*batch(list(range(start, stop)), scores[start:stop]))
        links = kept.ordered()
    expected = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
    assert expected == links["left"].tolist() == [int(one) for one in links["id"][:, 0]]
    assert [2 * row for row in expected] == links["right"].tolist()
    assert [scores[row] for row in expected] == links["score"].tolist()
    assert (3 * (len(bounds) - 1), 2 * (len(bounds) - 1)) == (kept.candidates, kept.shared)
    assert max(stop - start for start, stop in pairwise(bounds)) == kept.crowd


@pytest.mark.parametrize(("memory", "spilled"), [(0, True), (1 << 20, False)])
def test_many_links_are_spilled(memory, spilled):
    """Beyond the memory given; a link takes forty bytes."""
    with KeptLinks(memory) as kept:
        kept.take(*batch(list(range(10)), [1.0] * 10))
        assert spilled == (kept._spill.size > 0)
    assert 40 == LINK.itemsize
