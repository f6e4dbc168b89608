"""Keyed diffusion: the bit-sliced product against a naive one."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crypto.hashing import keystream
from linkage.diffuse import complement_blocks, diffuse, diffuse_blocks
from linkage.diffusion_tables import diffusion_table
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


@pytest.mark.parametrize("length", [512, 1024, 4096])
def test_blocks_together_are_diffused_as_one_by_one(length):
    """Blocks of any size, even none, for slices of every width and more than one; rows are put elsewhere."""
    bounds = np.cumsum([0, 3, 0, 64, 1, 65, 128, 129, 256, 257, 600])
    rows, words = int(bounds[-1]), length // 64
    filters, places = random_filters(rows, length), np.random.default_rng(4).permutation(rows)
    result = np.zeros((rows, words + 2), dtype=np.uint64)
    diffuse_blocks(filters, bounds, [secret(number) for number in range(10)], 4, places, result[:, 2:])
    for number, (start, stop) in enumerate(itertools.pairwise(bounds.tolist())):
        expected = diffuse(filters[start:stop], diffusion_table(secret(number), length, 4))
        assert np.array_equal(expected, result[places[start:stop], 2:])
    assert not result[:, :2].any()


def test_blocks_are_complemented_each_by_its_own_word():
    """The stream of the block's secret, the same in all its rows, so that distances stay; twice, nothing has happened."""
    rows, bounds = random_filters(70, 256), np.array([0, 1, 1, 70])
    secrets = [secret(number) for number in range(3)]
    sent = rows.copy()
    complement_blocks(sent, bounds, secrets)
    words = [np.frombuffer(keystream(one, 32), dtype="<u8") for one in secrets]
    assert np.array_equal(rows[:1] ^ words[0], sent[:1])
    assert np.array_equal(rows[1:] ^ words[2], sent[1:])
    complement_blocks(sent, bounds, secrets)
    assert np.array_equal(rows, sent)


def test_an_empty_filter_weighs_half_of_its_bits():
    """Who has hardly any bit is not told by the weight of a row: fair bits, in 10⁴ of which 400 would be a wonder."""
    sent = np.zeros((10, 16), dtype=np.uint64)
    complement_blocks(sent, np.arange(11), [secret(number) for number in range(10)])
    assert abs(int(np.bitwise_count(sent).sum()) - 5120) < 400
