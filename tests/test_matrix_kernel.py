"""The kernel in matrix registers gives what the one in vectors gives: exact distances, each pair once, inside its memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage import kernel, matrix_kernel, scanning
from linkage.match import match
from tests.numpy_match import match_numpy

pytestmark = pytest.mark.skipif(
    not matrix_kernel.runs(), reason="no compiler, no matrix registers, or no leave to use them"
)


def found(task: scanning.Task, cells: list[list[int]], room: int, *, matrix: bool) -> list[list[int]]:
    """What one of the kernels keeps, in order."""
    module = matrix_kernel if matrix else kernel
    words = task.left.shape[1]
    sides, scratch = (task.left, task.left_side, task.right, task.right_side, task.most), module.scratch_for(words)
    where, hits, all_hits = kernel.beginning(), np.empty((room, 3), dtype=np.int32), []
    table = np.array(cells, np.int64).reshape(-1, 4)
    while where[0] < len(cells):
        all_hits += hits[: module.scan(sides, table, scratch, hits, where)].tolist()
    return sorted(all_hits)


def some(rng: np.random.Generator, rows: int, words: int) -> NDArray[np.uint64]:
    """Rows of different fill, some without any bit or with all."""
    made = rng.integers(0, 2**64, (rows, words), dtype=np.uint64)
    made[::3] &= rng.integers(0, 2**64, made[::3].shape, dtype=np.uint64)
    made[4::11], made[5::11] = 0, 2**64 - 1
    return made


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 21),
    threshold=st.floats(0.05, 1),
    measure=st.sampled_from(["dice", "hamming"]),
    cells=st.lists(st.tuples(*[st.integers(0, 100)] * 4), max_size=3),
    room=st.sampled_from([1024, 1025, 3000, 1 << 15]),
)
def test_both_kernels_keep_the_same(seed, words, threshold, measure, cells, room):
    """In any cells, at any threshold, whatever the ends, the width and the room."""
    rng = np.random.default_rng(seed)
    left, right = some(rng, 100, words), some(rng, 100, words)
    right[:20] = left[:20]
    task = scanning.prepare(left, right, threshold, measure)
    ranges = [sorted(cell[:2]) + sorted(cell[2:]) for cell in cells]
    assert found(task, ranges, room, matrix=False) == found(task, ranges, room, matrix=True)


@pytest.mark.parametrize("words", [1, 16, 33, 64])
@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_large_sides_are_compared_so(words, measure):
    """The matcher takes this kernel for large blocks, and gives the bytes of the numpy twin."""
    rng = np.random.default_rng(words)
    left, right = some(rng, 700, words), some(rng, 1100, words)
    right[:300] = left[:300]
    task = scanning.prepare(left, right, 0.6, measure)
    rows = scanning.fastest(task, np.array([[0, 700, 0, 1100]])).rows
    assert matrix_kernel.tile_rows(words) == rows
    one, other = match(left, right, 0.6, measure, threads=2), match_numpy(left, right, 0.6, measure)
    assert len(one) >= 250
    for name in ("left", "right", "score"):
        assert getattr(other, name).tobytes() == getattr(one, name).tobytes()


@pytest.mark.parametrize("words", [1, 16, 33, 64])
def test_the_scratch_holds_the_largest_cell(words):
    """As many right rows as announced fit in an aligned scratch under 2 MiB."""
    scratch = matrix_kernel.scratch_for(words)
    assert [0] * 6 == [part.ctypes.data % 64 for part in scratch]
    assert sum(part.nbytes for part in scratch) < 2 << 20
    rows = matrix_kernel.tile_rows(words)
    right = np.random.default_rng(0).integers(0, 2**64, (rows, words), dtype=np.uint64)
    left = np.ascontiguousarray(right[:: rows // 7])
    task = scanning.prepare(left, right, 1.0, "hamming")
    hits = found(task, [[0, len(left), 0, rows]], 1024, matrix=True)
    assert [[i, i * (rows // 7), 0] for i in range(len(left))] == hits


def test_small_blocks_are_left_to_vectors():
    """Blocks that would fill few registers, and rows too long for near memory, take the other kernel."""
    rows = np.ones((400, 16), dtype=np.uint64)
    task = scanning.prepare(rows, rows, 0.5, "dice")
    small = np.array([[start, start + 50, start, start + 50] for start in range(0, 400, 50)])
    assert kernel.tile_rows(16) == scanning.fastest(task, small).rows
    long = np.ones((400, 65), dtype=np.uint64)
    task = scanning.prepare(long, long, 0.5, "dice")
    assert kernel.tile_rows(65) == scanning.fastest(task, np.array([[0, 400, 0, 400]])).rows
