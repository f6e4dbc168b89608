"""A11, linear algebra over GF(2): the rows of the secret diffusion matrix, where the outputs are longer than the filter.

Diffusion is linear: every ciphertext is a sum of rows of the secret m × L matrix, and a row of it, L·t/m ones, is far lighter
than any sum of several. With more than m independent-looking columns the ciphertexts span a space smaller than all words, whose
lightest words are those rows: they appear in reduced echelon forms taken over random orders of the columns. Then diffusion is
undone and the plain filter is back, without a key and without a plaintext.

What the attacker knows: filters of one table, or of two tables side by side of the same filters (the same records encoded twice
under one hashing key). He needs m ciphertexts or more. With L = m and a full rank every word is in the space, and the light ones
are nobody's: that is the defence, and what `E_DIFFUSION` and fresh keys in each pass keep up (design §5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = ["Algebra", "light_words", "rank", "secret_rows"]

Words = NDArray[np.uint64]

_ORDERS = 40  # echelon forms; each shows a row of weight w with chance (free columns avoid it)^…, most are seen in ten
_SPARE = 1  # ones more than the rows are said to have


@dataclass(frozen=True, kw_only=True)
class Algebra:
    """What linear algebra found.

    Attributes:
        rank: of the ciphertexts.
        length: their bits.
        rows: (k, words) uint64, light words of their space: guesses at rows of the secret matrix.
    """

    rank: int
    length: int
    rows: Words

    @property
    def open(self) -> bool:
        """Whether the space says anything: there are more columns, and more ciphertexts, than dimensions."""
        return self.rank < self.length and len(self.rows) > 0


def secret_rows(
    filters: Words, degree: int, rng: np.random.Generator, *, tables: int = 1, orders: int = _ORDERS
) -> Algebra:
    """Looks for the rows of the secret matrix.

    Args:
        filters: (n, L/64) uint64, ciphertexts of one table, or of several side by side.
        degree: t, as the profile says; a row of the matrix has about `tables`·L·t/m ones, m the rank.
        rng: for the orders of the columns.
        tables: how many tables stand side by side.
        orders: echelon forms taken.

    Returns:
        No row at all where the ciphertexts are fewer than their columns' space needs (rank = n: every word could be there by
        chance) or fill it (rank = L).
    """
    length, dimension = filters.shape[1] * 64, rank(filters)
    nothing = np.empty((0, filters.shape[1]), dtype=np.uint64)
    if dimension in (length, len(filters)) or not dimension:
        return Algebra(rank=dimension, length=length, rows=nothing)
    heaviest = -(-length * degree // dimension) + _SPARE
    if tables > 1:
        heaviest = max(heaviest, tables * degree + _SPARE)
    return Algebra(rank=dimension, length=length, rows=light_words(filters, heaviest, rng, orders=orders))


def rank(filters: Words) -> int:
    """The rank over GF(2) of rows of bits, (n, words) uint64."""
    reduced = np.array(filters, dtype=np.uint64, order="C")
    return int(_reduce(reduced, np.arange(filters.shape[1] * 64)))


def light_words(filters: Words, heaviest: int, rng: np.random.Generator, *, orders: int = _ORDERS) -> Words:
    """Words of at most `heaviest` ones of the space of some rows, those that random echelon forms show; sorted, distinct."""
    basis = np.array(filters, dtype=np.uint64, order="C")
    columns = basis.shape[1] * 64
    basis = np.ascontiguousarray(basis[: _reduce(basis, np.arange(columns))])
    found = [np.empty((0, basis.shape[1]), dtype=np.uint64)]
    for _ in range(orders):
        _reduce(basis, rng.permutation(columns))
        found.append(basis[np.bitwise_count(basis).sum(axis=1) <= heaviest])
    return np.unique(np.concatenate(found), axis=0)


@compiled
def _reduce(rows: Words, order: NDArray[np.int64]) -> int:  # pragma: no cover - compiled
    """Reduced echelon form in place, pivots sought in that order of the columns; returns the rank, pivot rows first."""
    done = 0
    for place in range(len(order)):
        word, bit = order[place] >> 6, np.uint64(1) << np.uint64(order[place] & 63)
        pivot = done
        while pivot < len(rows) and not rows[pivot, word] & bit:
            pivot += 1
        if pivot == len(rows):
            continue
        for k in range(rows.shape[1]):
            rows[pivot, k], rows[done, k] = rows[done, k], rows[pivot, k]
        for row in range(len(rows)):
            if row != done and rows[row, word] & bit:
                for k in range(rows.shape[1]):
                    rows[row, k] ^= rows[done, k]
        done += 1
        if done == len(rows):
            break
    return done
