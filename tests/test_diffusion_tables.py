"""The tables of diffusion: their promises, and every draw, exchange and skipped word as the written format says."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import diffusion_tables as module
from linkage.diffusion_tables import LARGEST_DEGREE, diffusion_table, draw_tables
from linkage.errors import LinkageError
from tests import oracle


def secret(number: int) -> bytes:
    """A block's secret."""
    return hashlib.sha256(b"block %d" % number).digest()


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


@pytest.mark.parametrize("spare", [64, 0])
def test_tables_of_blocks_are_those_of_their_secrets(monkeypatch, spare):
    """Drawn together, with positions called by other names, some of them from a stream that proves too short."""
    monkeypatch.setattr(module, "_SPARE", spare)
    names = np.random.default_rng(3).permuted(np.tile(np.arange(512, dtype=np.uint16), (2, 1)), axis=1)
    tables = draw_tables([secret(number) for number in range(5)], 4, names, np.array([0, 1, 0, 1, 1]))
    for number, (table, kind) in enumerate(zip(tables, (0, 1, 0, 1, 1), strict=True)):
        assert np.array_equal(names[kind][diffusion_table(secret(number), 512, 4)], table)
