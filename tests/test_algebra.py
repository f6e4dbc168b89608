"""Linear algebra against diffusion: it undoes long outputs and twice-used keys, and says nothing where L = m."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from linkage.attacks.algebra import light_words, rank, secret_rows
from linkage.diffuse import diffuse
from linkage.diffusion_tables import diffusion_table

LENGTH, DEGREE = 256, 3


def packed(bits):
    """Rows of bits as words."""
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64)


def plain(rows, seed=1):
    """Filters of fair bits."""
    return packed(np.random.default_rng(seed).random((rows, LENGTH)) < 0.5)


def secret_table(number):
    """A table of the product, of a fixed secret."""
    return diffusion_table(hashlib.sha256(b"algebra %d" % number).digest(), LENGTH, DEGREE)


def matrix(*tables):
    """The rows of the secret matrix of tables side by side: where each input bit goes."""
    found = np.zeros((LENGTH, LENGTH * len(tables)), dtype=bool)
    for place, table in enumerate(tables):
        for layer in table:
            found[layer, place * LENGTH + np.arange(LENGTH)] ^= True
    return packed(found)


def naive_rank(rows):
    """Gauss with Python's integers."""
    basis: list[int] = []
    for row in rows:
        number = int.from_bytes(row.tobytes(), "little")
        for one in basis:
            number = min(number, number ^ one)
        if number:
            basis.append(number)
    return len(basis)


@pytest.mark.parametrize(("rows", "words"), [(1, 1), (40, 1), (100, 1), (50, 4), (300, 4)])
def test_rank_is_gauss_s(rows, words):
    """Of random rows, some of them sums of others."""
    some = np.random.default_rng(rows).integers(0, 2**64, (rows, words), dtype=np.uint64)
    some[rows // 2] = some[0] ^ some[-1]
    assert naive_rank(some) == rank(some)


def test_rank_of_nothing():
    """Zeros have none."""
    assert rank(np.zeros((5, 2), dtype=np.uint64)) == 0


def test_light_words_are_words_of_the_space():
    """What is found is light, is in the space, and a light row that was put in is among it."""
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 2**64, (20, 2), dtype=np.uint64)
    rows[7] = [1 << 5, 1 << 60]
    found = light_words(rows, 3, rng)
    assert [1 << 5, 1 << 60] in found.tolist()
    assert naive_rank(rows) == naive_rank(np.concatenate([rows, found]))
    assert np.bitwise_count(found).sum(axis=1).max() <= 3


def test_two_tables_of_the_same_filters_give_up_their_rows():
    """The break: one hashing key, two tables, more records than bits. Nine rows in ten are found, and nothing else light is."""
    filters, tables = plain(600), [secret_table(1), secret_table(2)]
    sent = np.concatenate([diffuse(filters, one) for one in tables], axis=1)
    found = secret_rows(sent, DEGREE, np.random.default_rng(0), tables=2)
    true = {row.tobytes() for row in matrix(*tables)}
    right = sum(row.tobytes() in true for row in found.rows)
    assert found.open
    assert right >= 0.9 * LENGTH
    assert right >= 0.9 * len(found.rows)


def test_a_complement_does_not_help():
    """With a word XORed into all rows the map is affine: its rows are found as well."""
    filters, tables = plain(600, seed=2), [secret_table(1), secret_table(2)]
    sent = np.concatenate([diffuse(filters, one) for one in tables], axis=1)
    sent ^= np.random.default_rng(5).integers(0, 2**64, sent.shape[1], dtype=np.uint64)
    found = secret_rows(sent, DEGREE, np.random.default_rng(0), tables=2)
    true = {row.tobytes() for row in matrix(*tables)}
    assert sum(row.tobytes() in true for row in found.rows) >= 0.9 * LENGTH


def test_outputs_as_long_as_the_filter_say_nothing():
    """L = m: full rank but for what permutations add up to, and no row that is a row of the matrix."""
    table = secret_table(1)
    found = secret_rows(diffuse(plain(600), table), DEGREE, np.random.default_rng(0))
    assert found.rank >= LENGTH - 2
    true = {row.tobytes() for row in matrix(table)}
    assert sum(row.tobytes() in true for row in found.rows) == 0


def test_fewer_records_than_bits_say_nothing():
    """Blocks of fewer than m records are immune to two tables."""
    sent = np.concatenate([diffuse(plain(200), secret_table(one)) for one in (1, 2)], axis=1)
    found = secret_rows(sent, DEGREE, np.random.default_rng(0), tables=2)
    assert not found.open
    assert found.rank == 200
