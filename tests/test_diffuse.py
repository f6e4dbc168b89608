"""Keyed diffusion: the table's promises, and the bit-sliced product against a naive one."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage import diffuse as module
from linkage.diffuse import LARGEST_DEGREE, diffuse, diffuse_blocks, diffusion_table
from linkage.errors import LinkageError
from tests import oracle

Filters = NDArray[np.uint64]


def secret(number: int) -> bytes:
    """A block's secret."""
    return hashlib.sha256(b"block %d" % number).digest()


def random_filters(rows: int, length: int, seed: int = 1) -> Filters:
    """Filters of independent fair bits."""
    return np.random.default_rng(seed).integers(0, 2**64, size=(rows, length // 64), dtype=np.uint64)


def bits_of(filters: Filters) -> NDArray[np.uint8]:
    """(n, m) zeros and ones, bit j of a filter in column j."""
    return np.unpackbits(filters.astype("<u8").view(np.uint8), axis=1, bitorder="little")


@pytest.mark.parametrize(
    ("length", "degree"), [(64, 3), (64, 16), (256, 4), (1024, 3), (2048, 5), (4096, 7), (65536, 4)]
)
def test_every_position_serves_t_times_and_never_twice_in_a_place(length, degree):
    """Each of the t rows of the table is a permutation; the t positions of an output bit are distinct."""
    table = diffusion_table(secret(1), length, degree)
    assert (table.shape, table.dtype) == ((degree, length), np.dtype(np.uint16))
    assert all(np.array_equal(np.sort(row), np.arange(length)) for row in table)
    ordered = np.sort(table, axis=0)
    assert bool((ordered[1:] != ordered[:-1]).all())


@settings(max_examples=12, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.sampled_from([64, 128, 256]), st.integers(3, 8))
def test_the_table_is_that_of_the_oracle(key, length, degree):
    """The same draws, exchanges and undone exchanges, from the written format."""
    assert diffusion_table(key, length, degree).tolist() == oracle.table(key, length, degree)


@pytest.mark.parametrize(("length", "degree"), [(64, 16), (2048, 4), (4096, 7)])
def test_the_table_of_a_profile_is_that_of_the_oracle(length, degree):
    """Full length, and a table so dense that repairs are many and the stream must be made longer."""
    assert diffusion_table(secret(2), length, degree).tolist() == oracle.table(secret(2), length, degree)


def test_a_word_that_would_bias_an_index_is_skipped():
    """For this secret a word of the stream stands beyond the last multiple of its bound: it is drawn again, by both."""
    assert diffusion_table(secret(80), 16384, 3).tolist() == oracle.table(secret(80), 16384, 3)


def test_the_table_depends_on_the_secret_only():
    """The same secret gives the same table; any other secret an unrelated one, row by row and between rows."""
    one, again, other = (diffusion_table(secret(number), 2048, 4) for number in (1, 1, 2))
    assert np.array_equal(one, again)
    for row in one:
        assert all(int((row == strange).sum()) < 12 for strange in other)  # one fixed place is expected
    flipped = bytes([secret(1)[0] ^ 1]) + secret(1)[1:]
    assert int((diffusion_table(flipped, 2048, 4) == one).sum()) < 30


def test_positions_are_drawn_evenly():
    """Over many secrets each position stands in each place equally often (chi-squared within five deviations)."""
    counts = np.zeros((64, 64))
    for number in range(2000):
        for row in diffusion_table(secret(number), 64, 3):
            counts[np.arange(64), row] += 1
    expected = 2000 * 3 / 64
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = 63 * 63
    assert abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize(
    ("length", "degree"),
    [(2048, 2), (2048, 0), (2048, -1), (2048, LARGEST_DEGREE + 1), (1000, 4), (32, 4), (1 << 17, 4), (0, 4)],
)
def test_weak_or_odd_parameters_are_refused(length, degree):
    """t under 3 is broken; lengths are powers of two that 16-bit positions can reach."""
    with pytest.raises(LinkageError) as refusal:
        diffusion_table(secret(1), length, degree)
    assert refusal.value.code == "E_DIFFUSION"


def test_a_table_of_another_length_is_refused():
    """Filters and table must fit, before anything is read beyond its end."""
    with pytest.raises(LinkageError) as refusal:
        diffuse(random_filters(3, 128), diffusion_table(secret(1), 256, 3))
    assert refusal.value.code == "E_DIFFUSION"


@pytest.mark.parametrize("rows", [*range(1, 131), 191, 192, 193, 200])
def test_the_product_is_the_naive_one_for_ragged_row_counts(rows):
    """Rows by 64 or not, each output bit is the XOR of its positions."""
    table = diffusion_table(secret(rows), 256, 4)
    filters = random_filters(rows, 256, seed=rows)
    expected = np.bitwise_xor.reduce(bits_of(filters)[:, table.astype(np.int64)], axis=1)
    assert np.array_equal(bits_of(diffuse(filters, table)), expected)


def test_no_row_gives_no_row():
    """An empty block is diffused to an empty one."""
    assert diffuse(random_filters(0, 256), diffusion_table(secret(1), 256, 3)).shape == (0, 4)


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 255)), st.integers(3, 6), st.integers(0, 1000))
def test_one_filter_is_diffused_like_the_oracle(bits, degree, number):
    """A set of positions through the table, bit by bit."""
    table = diffusion_table(secret(number), 256, degree)
    raw = oracle.filter_bytes(bits, 256)
    filters = np.frombuffer(raw, dtype="<u8").astype(np.uint64).reshape(1, 4)
    found = diffuse(filters, table).astype("<u8").tobytes()
    assert found == oracle.filter_bytes(oracle.diffused(bits, table.tolist()), 256)


def test_rows_do_not_depend_on_their_neighbours():
    """A row gives the same output alone and among others, and the input is left as it was."""
    table = diffusion_table(secret(5), 2048, 5)
    filters = random_filters(150, 2048)
    before = filters.copy()
    together = diffuse(filters, table)
    assert np.array_equal(filters, before)
    for row in (0, 63, 64, 149):
        assert np.array_equal(diffuse(filters[row : row + 1], table)[0], together[row])


def test_diffusion_is_linear():
    """The XOR of two filters goes to the XOR of their outputs, and nothing goes to nothing."""
    table = diffusion_table(secret(6), 1024, 4)
    left, right = random_filters(70, 1024, seed=2), random_filters(70, 1024, seed=3)
    assert np.array_equal(diffuse(left ^ right, table), diffuse(left, table) ^ diffuse(right, table))
    assert not diffuse(np.zeros_like(left), table).any()


def rank(filters: Filters) -> int:
    """Rank over GF(2), rows as long integers."""
    pivots: dict[int, int] = {}
    for row in filters.astype("<u8"):
        value = int.from_bytes(row.tobytes(), "little")
        while value and value.bit_length() in pivots:
            value ^= pivots[value.bit_length()]
        if value:
            pivots[value.bit_length()] = value
    return len(pivots)


@pytest.mark.parametrize("degree", [3, 4, 5, 6, 7])
def test_nothing_is_lost(degree):
    """More than L random filters keep a rank of at least L - 2: outputs are as many independent equations as inputs."""
    for number in range(3):
        output = diffuse(random_filters(300, 256, seed=number), diffusion_table(secret(number), 256, degree))
        assert rank(output) >= 256 - 2


@pytest.mark.parametrize("fill", [0.4, 0.5, 0.6])
def test_output_is_half_full_whatever_the_fill(fill):
    """A mean fill within .47 and .53, for plain filters that are somewhat too empty or too full."""
    rng = np.random.default_rng(9)
    bits = (rng.random((500, 2048)) < fill).astype(np.uint8)
    filters = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    output = bits_of(diffuse(filters, diffusion_table(secret(1), 2048, 4)))
    assert 0.47 <= output.mean() <= 0.53
    assert 0.4 <= output.mean(axis=0).min() <= output.mean(axis=0).max() <= 0.6


@pytest.mark.parametrize("spare", [64, 0])
def test_blocks_together_are_diffused_as_one_by_one(monkeypatch, spare):
    """Blocks of any size, even none, rows put elsewhere; a stream too short for its table is made longer for that block."""
    monkeypatch.setattr(module, "_SPARE", spare)
    bounds = np.array([0, 3, 3, 70, 71])
    filters, places = random_filters(71, 512), np.random.default_rng(4).permutation(71)
    result = np.zeros((71, 10), dtype=np.uint64)
    diffuse_blocks(filters, bounds, [secret(number) for number in range(4)], 4, places, result[:, 2:])
    for number, (start, stop) in enumerate(itertools.pairwise(bounds.tolist())):
        expected = diffuse(filters[start:stop], diffusion_table(secret(number), 512, 4))
        assert np.array_equal(expected, result[places[start:stop], 2:])
    assert not result[:, :2].any()
