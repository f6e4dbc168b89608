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


def sides_of(left: NDArray[np.uint64], right: NDArray[np.uint64], limit: int) -> kernel.Sides:
    """Both sides with one limit for all pairs."""
    length = 64 * left.shape[1]
    weighed = []
    for rows, bias in ((left, 0), (right, -limit - 1)):
        seen, side = rows.view(), np.empty((len(rows), 2), dtype=np.int64)
        seen.flags.writeable = False
        kernel.weigh(seen, np.full(length + 1, bias, dtype=np.int64), side)
        weighed += [seen, side]
    return (*weighed, np.full(2 * length + 1, limit, dtype=np.int64))  # type: ignore[return-value]


def found(
    left: NDArray[np.uint64], right: NDArray[np.uint64], limit: int, cells: list[list[int]], room: int = 80
) -> list[list[int]]:
    """What the kernel keeps at one limit for all pairs, in order."""
    sides, scratch, where = sides_of(left, right, limit), kernel.scratch_for(left.shape[1]), kernel.beginning()
    hits, all_hits = np.empty((room, 3), dtype=np.int32), []
    table = np.array(cells, np.int64).reshape(-1, 4)
    while where[0] < len(cells):
        all_hits += hits[: kernel.scan(sides, table, scratch, hits, where)].tolist()
    return sorted(all_hits)


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
    room=st.sampled_from([80, 81, 200, 5000]),
)
def test_distances_are_exact_in_any_cell(seed, words, share, cells, room):
    """Every pair of a cell within the limit comes out once with its distance, whatever the ends, the width and the room."""
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(0, 2**64, (30, words), dtype=np.uint64) for _ in range(2))
    right[:5] = left[:5]
    ranges = [sorted(cell[:2]) + sorted(cell[2:]) for cell in cells]
    limit = int(share * 64 * words)
    assert slow(left, right, limit, ranges) == found(left, right, limit, ranges, room)


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
    assert 0 == scratch[0].ctypes.data % 64
    assert sum(part.nbytes for part in scratch) < 2 << 20
    rows = kernel.tile_rows(words)
    right = np.random.default_rng(0).integers(0, 2**64, (rows, words), dtype=np.uint64)
    left = np.ascontiguousarray(right[:: max(1, rows // 7)])
    hits = found(left, right, 0, [[0, len(left), 0, rows]])
    assert [[i, i * max(1, rows // 7), 0] for i in range(len(left))] == hits


def test_the_vector_instructions_are_those_of_the_processor():
    """Where the processor counts bits in 512-bit registers, the machine code does."""
    if not llvm.get_host_cpu_features().get("avx512vpopcntdq"):
        pytest.skip("this processor has no 512-bit population count")
    compiled = njit(nogil=True)(kernel._next.py_func)  # what comes from the disk cache carries no assembly
    rows = np.zeros((10, 16), np.uint64)
    compiled((rows, np.zeros((10, 2), np.int64)), 0, 10, np.zeros(136, np.uint64), 0, np.zeros(80, np.int64))
    (text,) = compiled.inspect_asm().values()
    loop = max(text.split(".LBB"), key=lambda block: block.count("vpternlogq"))
    lines = [line.split() for line in loop.splitlines() if line.strip().startswith("v")]
    assert 10 == sum("vpopcntq" == line[0] for line in lines)  # one for two words of each of ten left rows
    assert 30 == sum("vpternlogq" == line[0] for line in lines)
    assert all("%zmm" in "".join(line[1:]) for line in lines)
    assert "rsp" not in loop  # all registers hold


@pytest.mark.parametrize("words", [1, 2, 16, 17])
def test_rows_are_weighed(words):
    """Popcounts, and the bias that stands for each."""
    rows = np.random.default_rng(words).integers(0, 2**64, (50, words), dtype=np.uint64)
    rows[3] = 0
    rows.flags.writeable = False
    biases, side = np.arange(64 * words + 1, dtype=np.int64)[::-1].copy(), np.empty((50, 2), dtype=np.int64)
    kernel.weigh(rows, biases, side)
    bits = [int.from_bytes(row.tobytes(), "little").bit_count() for row in rows]
    assert [[int(biases[one]), one] for one in bits] == side.tolist()


OLDER = {
    "haswell": "+avx2,+avx,+popcnt,+bmi,+bmi2,+sse4.2,+ssse3",
    "generic": "",
}


@pytest.mark.parametrize("name", OLDER)
def test_a_lesser_processor_counts_the_same(tmp_path, name):
    """Compiled for shorter vectors or none, without a vector count, the kernel gives the pairs of its numpy twin."""
    if not llvm.get_default_triple().startswith("x86_64") or not llvm.get_host_cpu_features().get("avx2"):
        pytest.skip("this processor could not run it")
    script = (
        "import numpy as np\n"
        "from linkage.match import match\n"
        "from tests.numpy_match import match_numpy\n"
        "left = np.random.default_rng(5).integers(0, 2**64, (130, 3), dtype=np.uint64)\n"
        "one, other = match(left, left[:77], 0.5), match_numpy(left, left[:77], 0.5)\n"
        "assert all((getattr(one, n) == getattr(other, n)).all() for n in ('left', 'right', 'score'))\n"
        "print(len(one) == len(other) and len(one) > 77)\n"
    )
    lesser = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": OLDER[name], "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **lesser},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "True\n" == done.stdout
