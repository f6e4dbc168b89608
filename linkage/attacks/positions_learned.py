"""Which positions each token sets in plain filters, learned from known pairs: what A7 and, with enough pairs, A1 stand on.

In a plain filter a token's bits are set wherever the token is. A position that is 0 in a known row is none of the first k of
any token that the row inserts k times; one that is 1 in all the rows that insert it more often than that is probably one of
them, unless chance (the fill) or another token says so: after n such rows, with odds of k/m against fill^n. How often a record
inserts a token is the encoder's arithmetic and needs no key.

Mistakes weaken it: a token that the attacker's copy of a record has and the sent record has not rules out half of its positions.

Nothing of this works on diffused filters, where a token's presence moves an output bit by (1 − 2f)^(t−1), nothing at half fill.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from linkage.attacks.likeness import Insertions
from linkage.compiled import compiled

__all__ = ["Learned", "bits_of", "learned"]

Matrix = NDArray[np.float32]
Levels = NDArray[np.int32]

_CERTAIN = 0.995  # belief that is never exceeded: files err
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of a token's insertions, as hypotheses
_TWICE = 1.5  # rows that agree by chance do so more often than bits toss: tokens come together


@dataclass(frozen=True, kw_only=True)
class Learned:
    """Positions of tokens.

    Attributes:
        level: (tokens, m) the most insertions of the token with which the position was seen at 0; −1 for never seen.
        belief: (tokens, m) the chance that it is one of the token's, if it is inserted more often than that.
        fill: (m,) share of rows with that bit.
    """

    level: Levels
    belief: Matrix
    fill: Matrix

    def filters(self, sets: Insertions) -> Matrix:
        """The chance of each bit of each record, (n, m): its tokens, and what they leave unexplained at random."""
        counts = _sorted(sets.counts)
        found = np.empty((len(sets), self.level.shape[1]), dtype=np.float32)
        _expect(
            (counts.indptr.astype(np.int64), counts.indices.astype(np.int64), counts.data),
            self.level,
            self.belief,
            found,
        )
        return found

    def evidence(self, bits: Matrix, counts: csr_array) -> list[Matrix]:
        """What rows of bits say for each token, (n, tokens) log likelihood ratios, for each of some numbers of insertions.

        Args:
            bits: (n, m) 0 or 1.
            counts: of the known records, for how often tokens are inserted: few times in long values, more in short ones.
        """
        found, fill = [], np.clip(self.fill, 0.02, 0.98)
        for times in _typical(counts).T:
            belief = np.where(self.level < times[:, None], self.belief, 0).astype(np.float32)
            one = np.log((belief + (1 - belief) * fill) / fill).astype(np.float32)
            zero = np.log1p(-belief).astype(np.float32)
            found.append(np.asarray(bits @ (one - zero).T + zero.sum(axis=1), dtype=np.float32))
        return found


def bits_of(filters: NDArray[np.uint64]) -> Matrix:
    """Rows of bits, (n, m) 0 or 1."""
    words = np.ascontiguousarray(filters).view(np.uint8)
    return np.unpackbits(words, axis=1, bitorder="little").astype(np.float32)


def learned(filters: NDArray[np.uint64], counts: csr_array) -> Learned:
    """Learns from known pairs.

    Args:
        filters: (s, m/64) uint64, known rows.
        counts: (s, tokens) insertions of the record of each.
    """
    bits = bits_of(filters)
    sorted_counts = _sorted(counts)
    level = np.full((counts.shape[1], bits.shape[1]), -1, dtype=np.int32)
    rows = sorted_counts.indptr.astype(np.int64), sorted_counts.indices.astype(np.int64), sorted_counts.data
    _highest_zero(rows, bits == 0, level)
    above = _above(sorted_counts, level)
    fill = np.clip(bits.mean(axis=0), 0.02, 0.98).astype(np.float32)
    prior = np.clip(_typical(sorted_counts).mean(axis=1) / bits.shape[1], 1e-4, 0.5)[:, None].astype(np.float32)
    by_chance = np.exp(np.log(fill)[None, :] * above / np.float32(_TWICE))
    belief = np.where(above > 0, prior / (prior + (1 - prior) * by_chance), 0)
    return Learned(level=level, belief=np.minimum(belief, _CERTAIN).astype(np.float32), fill=fill)


def _typical(counts: csr_array) -> NDArray[np.float64]:
    """(tokens, hypotheses) how often each token is inserted, 1 at least: quantiles over the records that have it."""
    by_token = counts.tocsc()
    typical = np.ones((counts.shape[1], len(_QUANTILES)))
    for token in np.flatnonzero(np.diff(by_token.indptr)).tolist():
        mine = by_token.data[by_token.indptr[token] : by_token.indptr[token + 1]]
        typical[token] = np.maximum(1, np.quantile(mine, _QUANTILES))
    return typical


def _sorted(counts: csr_array) -> csr_array:
    found: csr_array = counts.astype(np.int32)
    found.sort_indices()
    return found


def _above(counts: csr_array, level: Levels) -> Levels:
    """(tokens, m) known records that insert the token more often than its level there."""
    by_token = counts.tocsc()
    found = np.zeros_like(level)
    for token in range(counts.shape[1]):
        mine = np.sort(by_token.data[by_token.indptr[token] : by_token.indptr[token + 1]])
        if len(mine):
            found[token] = len(mine) - np.searchsorted(mine, level[token], side="right")
    return found


@compiled
def _highest_zero(
    rows: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]], unset: NDArray[np.bool_], level: Levels
) -> None:  # pragma: no cover - compiled
    """Raises each token's level to the insertions of every row that lacks the bit."""
    starts, tokens, counts = rows
    for row in range(len(starts) - 1):
        for entry in range(starts[row], starts[row + 1]):
            mine, count = level[tokens[entry]], counts[entry]
            for bit in range(len(mine)):
                if unset[row, bit] and mine[bit] < count:
                    mine[bit] = count


@compiled
def _expect(
    rows: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]], level: Levels, belief: Matrix, found: Matrix
) -> None:  # pragma: no cover - compiled
    """1 − the chance that no token of the record sets the bit, what is not explained being spread over all bits."""
    starts, tokens, counts = rows
    length = found.shape[1]
    for row in range(len(starts) - 1):
        mine, unexplained = found[row], 0.0
        for bit in range(length):
            mine[bit] = 1.0
        for entry in range(starts[row], starts[row + 1]):
            of_level, of_belief, count, known = level[tokens[entry]], belief[tokens[entry]], counts[entry], 0.0
            for bit in range(length):
                if of_level[bit] < count:
                    mine[bit] *= np.float32(1.0) - of_belief[bit]
                    known += of_belief[bit]
            unexplained += max(0.0, count - known)
        spread = np.float32(np.exp(-unexplained / length))
        for bit in range(length):
            mine[bit] = np.float32(1.0) - mine[bit] * spread
