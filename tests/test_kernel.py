"""The compiled kernel counts exactly, stays inside its memory and uses the vector instructions it was written for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from linkage import kernel

pytestmark = pytest.mark.skipif(not kernel.COMPILED, reason="the JIT is off")
ROOT = Path(__file__).parent.parent


def found(left: NDArray[np.uint64], right: NDArray[np.uint64], limit: int, cells: list[list[int]]) -> list[list[int]]:
    """What the kernel keeps at one limit for all pairs, in order."""
    left_side = np.stack([np.zeros(len(left), np.int64), np.bitwise_count(left).sum(axis=1, dtype=np.int64)], axis=1)
    right_bits = np.bitwise_count(right).sum(axis=1, dtype=np.int64)
    right_side = np.stack([np.full(len(right), -limit - 1, np.int64), right_bits], axis=1)
    most = np.full(128 * left.shape[1] + 1, limit, dtype=np.int64)
    scratch = kernel.scratch_for(left.shape[1])
    hits = kernel.scan(left, left_side, right, right_side, most, np.array(cells, np.int64).reshape(-1, 4), scratch)
    return sorted(hits.tolist())


def slow(left: NDArray[np.uint64], right: NDArray[np.uint64], limit: int, cells: list[list[int]]) -> list[list[int]]:
    """The same, bit by bit over Python integers."""
    rows = [[int.from_bytes(row.tobytes(), "little") for row in side] for side in (left, right)]
    return sorted(
        [i, j, (rows[0][i] ^ rows[1][j]).bit_count()]
        for a, b, c, d in cells
        for i in range(a, b)
        for j in range(c, d)
        if (rows[0][i] ^ rows[1][j]).bit_count() <= limit
    )


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    words=st.integers(1, 21),
    share=st.floats(0, 1),
    cells=st.lists(st.tuples(*[st.integers(0, 30)] * 4), max_size=3),
)
def test_distances_are_exact_in_any_cell(seed, words, share, cells):
    """Every pair of a cell within the limit comes out once with its distance, whatever the ends and the width."""
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(0, 2**64, (30, words), dtype=np.uint64) for _ in range(2))
    right[:5] = left[:5]
    ranges = [sorted(cell[:2]) + sorted(cell[2:]) for cell in cells]
    limit = int(share * 64 * words)
    assert slow(left, right, limit, ranges) == found(left, right, limit, ranges)


@pytest.mark.parametrize("fill", [0, 2**64 - 1])
def test_extreme_words_do_not_carry_into_each_other(fill):
    """Rows without any bit and rows with all bits are at distance 0 or L, even at the longest width."""
    rows = np.full((3, 1024), fill, dtype=np.uint64)
    other = np.full((9, 1024), 2**64 - 1, dtype=np.uint64)
    distance = 0 if fill else 65_536
    cells = [[0, 3, 0, 8], [0, 3, 8, 9]]
    expected = sorted([i, j, distance] for i in range(3) for j in range(9))
    assert expected == found(rows, other, 65_536, cells)
    assert (expected if fill else []) == found(rows, other, 65_535, cells)


@pytest.mark.parametrize("words", [1, 16, 33, 64, 1024])
def test_the_scratch_holds_the_largest_cell(words):
    """A cell of as many right rows as announced, and left rows beyond one batch, fit in an aligned scratch under 2 MiB."""
    scratch = kernel.scratch_for(words)
    assert 0 == scratch.ctypes.data % 64
    assert scratch.nbytes < 2 << 20
    rows = kernel.tile_rows(words)
    right = np.random.default_rng(0).integers(0, 2**64, (rows, words), dtype=np.uint64)
    left = np.ascontiguousarray(right[:: max(1, rows // 7)])
    hits = found(left, right, 0, [[0, len(left), 0, rows]])
    assert [[i, i * max(1, rows // 7), 0] for i in range(len(left))] == hits


def test_the_vector_instructions_are_those_of_the_processor():
    """Where the processor counts bits in 512-bit registers, the machine code does."""
    if not llvm.get_host_cpu_features().get("avx512vpopcntdq"):
        pytest.skip("this processor has no 512-bit population count")
    compiled = njit(nogil=True)(kernel.scan.py_func)  # what comes from the disk cache carries no assembly
    side, rows = np.zeros((1, 2), np.int64), np.zeros((1, 16), np.uint64)
    compiled(rows, side, rows, side, np.zeros(2049, np.int64), np.zeros((1, 4), np.int64), kernel.scratch_for(16))
    (text,) = compiled.inspect_asm().values()
    counts = [line.split() for line in text.splitlines() if "vpopcntq" in line]
    assert len(counts) >= 16
    assert all("%zmm" in "".join(operands) for _, *operands in counts)
    assert "vpternlogq" in text


def test_a_processor_without_512_bits_counts_the_same(tmp_path):
    """Compiled for a processor with 256-bit vectors and no vector count, the kernel gives the pairs of its numpy twin."""
    if not llvm.get_default_triple().startswith("x86_64") or not llvm.get_host_cpu_features().get("avx2"):
        pytest.skip("this processor could not run it")
    script = (
        "import numpy as np\n"
        "from linkage.match import match, match_numpy\n"
        "left = np.random.default_rng(5).integers(0, 2**64, (130, 3), dtype=np.uint64)\n"
        "one, other = match(left, left[:77], 0.5), match_numpy(left, left[:77], 0.5)\n"
        "assert all((getattr(one, n) == getattr(other, n)).all() for n in ('left', 'right', 'score'))\n"
        "print(len(one) == len(other) and len(one) > 77)\n"
    )
    older = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+avx,+popcnt", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **older},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "True\n" == done.stdout
