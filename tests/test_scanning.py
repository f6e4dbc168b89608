"""Every pair of every block is in exactly one cell; biases lose no pair; steps and threads lose no hit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import scanning as module
from linkage.limits import largest_distances

ranges = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted)


@settings(max_examples=100, deadline=None)
@given(
    blocks=st.lists(st.tuples(ranges, ranges).map(lambda pair: [*pair[0], *pair[1]]), max_size=8),
    rows=st.integers(1, 30),
    chunk=st.integers(1, 500),
    cells=st.sampled_from([1, 3, 1 << 14]),
)
def test_cells_cover_blocks_exactly(blocks, rows, chunk, cells):
    """However blocks are cut, each pair of a block is compared as often as it is in one."""
    table = np.array(blocks, dtype=np.int64).reshape(-1, 4)
    expected, found = np.zeros((2, 60, 60), dtype=np.int64)
    for a, b, c, d in blocks:
        expected[a:b, c:d] += 1
    before, module._CELLS = module._CELLS, cells
    try:
        total = 0
        for some, pairs in module._steps(table, rows, chunk):
            total += pairs
            for a, b, c, d in some.tolist():
                assert d - c <= rows
                found[a:b, c:d] += 1
    finally:
        module._CELLS = before
    assert expected.sum() == total
    assert expected.tolist() == found.tolist()


@settings(max_examples=40, deadline=None)
@given(threshold=st.floats(1e-9, 1.0), words=st.sampled_from([1, 2, 16]), measure=st.sampled_from(["dice", "hamming"]))
def test_biases_never_lose_a_pair(threshold, words, measure):
    """A pair at the largest distance of its popcounts is examined, for all popcounts; an empty row never."""
    length = 64 * words
    bits = np.tri(length + 1, length, -1, dtype=bool)
    rows = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    task = module.prepare(rows, rows, threshold, measure)
    assert list(range(length + 1)) == task.left_side[:, 1].tolist() == task.right_side[:, 1].tolist()
    most = largest_distances(length, threshold, measure)
    total = task.left_side[1:, None, 1] + task.right_side[None, 1:, 1]
    assert (2 * task.left_side[1:, None, 0] + task.right_side[None, 1:, 0] + most[total] < 0).all()
    for side in (task.left_side, task.right_side):
        assert side[0, 0] > 1 << 30


def test_popcounts_need_no_compiler(monkeypatch):
    """The numpy way gives the sides that the compiled one gives."""
    rows = np.random.default_rng(0).integers(0, 2**64, (300, 5), dtype=np.uint64)
    fast = module.prepare(rows, rows, 0.7, "dice")
    monkeypatch.setattr(module, "kernel", None)
    slow = module.prepare(rows, rows, 0.7, "dice")
    assert fast.left_side.tolist() == slow.left_side.tolist()
    assert fast.right_side.tolist() == slow.right_side.tolist()


def test_a_thread_that_fails_stops_the_others():
    """Its exception comes out of the call, whichever thread it was."""
    rows = np.zeros((4000, 1), dtype=np.uint64) + 1
    task = module.prepare(rows, rows, 0.5, "dice")
    calls = []

    def receive(hits):
        calls.append(len(hits))
        raise ValueError("no room")

    everything = np.array([[0, 4000, 0, 4000]])
    with pytest.raises(ValueError, match="no room"):
        module.scan_blocks(everything, module.fastest(task, everything), receive, chunk=1000, threads=3)
    assert len(calls) <= 3


def test_there_is_a_processor():
    """At least the one that runs this."""
    assert module.processors() >= 1
