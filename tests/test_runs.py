"""Records laid aside by runs and sorted by block: in memory and on the disk, nobody lost, each in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage import runs as module
from linkage.records import Column
from linkage.runs import Runs, codes_of, count_blocks, set_aside
from linkage.spill import Spill

Codes = NDArray[np.int32]


def crowd(size: int, blocks: int, seed: int) -> tuple[Codes, Codes]:
    """Codes of three columns and the block of each record, some of none."""
    draw = np.random.default_rng(seed)
    return draw.integers(-1, 50, (3, size), dtype=np.int32), draw.integers(-1, blocks, size, dtype=np.int32)


@pytest.mark.parametrize("spilled", [False, True])
@given(st.integers(0, 60), st.integers(1, 9), st.integers(1, 20), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_each_run_has_the_records_of_its_blocks(spilled, size, blocks, step, seed):
    """Taken run by run, every record with a block is there once, in its block, in the order of the file, with its codes."""
    codes, block = crowd(size, blocks, seed)
    sizes = np.zeros(blocks, dtype=np.int64)
    count_blocks(block, sizes)
    assert sizes.tolist() == [int((block == one).sum()) for one in range(blocks)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    firsts = sorted({0, blocks, *np.random.default_rng(seed).integers(0, blocks, 3).tolist()})
    with Spill() as spill:
        runs = Runs(starts, firsts, 3, spill if spilled else None)
        for start in range(0, size, step):
            runs.lay_aside(start, codes[:, start : start + step], block[start : start + step])
        found = []
        for number in range(len(runs)):
            run = runs.take(number)
            assert firsts[number] == run.first
            for place, one in enumerate(range(run.first, firsts[number + 1])):
                some = slice(run.bounds[place], run.bounds[place + 1])
                assert np.flatnonzero(block == one).tolist() == run.records[some].tolist()
            assert codes[:, run.records].T.tolist() == run.rows.tolist()
            found += run.records.tolist()
    assert sorted(found) == np.flatnonzero(block >= 0).tolist()


def test_who_says_too_little_leaves_the_block(monkeypatch):
    """Only at the depth asked for, only below what is asked; no value is worth nothing."""
    monkeypatch.setattr(module, "AT_ONCE", 3)
    columns = [
        Column(values=["a", "b"], codes=np.array(codes, dtype=np.int32)) for codes in ([0, 1, -1, 1], [0, -1, 0, -1])
    ]
    block = np.array([0, 1, 1, 0], dtype=np.int32)
    worth = [(0, np.array([1, 5, 0], dtype=np.int32)), (1, np.array([2, 9, 0], dtype=np.int32))]
    for start, codes in codes_of(columns, 4):
        set_aside(codes, block[start : start + 3], np.array([0, 1]), worth, (1, 3))
    assert block.tolist() == [0, 1, -1, 0]
    for start, codes in codes_of(columns, 4):
        set_aside(codes, block[start : start + 3], np.array([0, 1]), worth, (0, 4))
    assert block.tolist() == [-1, 1, -1, 0]
