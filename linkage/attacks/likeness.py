"""What an attacker expects filters to look like: the insertions of his own records, and from them the agreement of any two.

He knows the sheet, the profile, the plan, the length and the degree, everything but the keys. Of a record he can tell which
tokens it inserts and how often, hence how many insertions two records have in common, hence the expected share of bits in which
their filters differ, δ = q^Ka + q^Kb − 2·q^(Ka + Kb − C) with q = 1 − 1/m. After diffusion of degree t filters agree like
(1 − 2δ)^t, plus noise of 1/√L: nothing else is to be learnt from a pair of rows without a key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from linkage.attribute import Attribute
from linkage.features import groups, insertions_by_group, parts_of, token_class, tokens
from linkage.records import MISSING, Records

__all__ = ["Insertions", "agreement", "expected_agreement", "inserted", "powers"]

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]

_AT_ONCE = 512  # rows of a product


@dataclass(frozen=True, kw_only=True)
class Insertions:
    """What some records insert into their filters.

    Attributes:
        names: tokens, each with its class and a tabulator before it.
        counts: (n, len(names)) int32 sparse, how many positions a record's token sets.
        budget: (n,) int64, insertions of the groups in which a record has a token.
    """

    names: list[str]
    counts: csr_array
    budget: Rows

    def __len__(self) -> int:
        return len(self.budget)

    def some(self, rows: Rows) -> Insertions:
        """Those of some records."""
        return Insertions(names=self.names, counts=csr_array(self.counts[rows]), budget=self.budget[rows])


def inserted(
    records: Records, rows: Rows, attributes: Sequence[Attribute], insertions: int, left_out: Sequence[str]
) -> Insertions:
    """What records insert in a pass: the encoder's arithmetic, without its keys.

    Args:
        records: the attacker's.
        rows: which of them, (n,).
        attributes: of the sheet, with the bits that the pass gives them.
        insertions: of a whole filter (`Profile.insertions`).
        left_out: components (`attribute.part`) that the filters of the block lack.
    """
    shares = insertions_by_group(attributes, insertions, left_out)
    index: dict[str, int] = {}
    entries: list[dict[int, int]] = [{} for _ in range(len(rows))]
    budget = np.zeros(len(rows), dtype=np.int64)
    for one in attributes:
        column = records.columns[one.name]
        codes = column.codes[rows].tolist()
        parts = parts_of(one, left_out)
        known: dict[int, tuple[int, dict[int, int]]] = {}
        for code in set(codes) - {MISSING}:
            known[code] = _of_value(one, column.values[code], (shares[one.name], parts), index)
        for place, code in enumerate(codes):
            if code == MISSING:
                continue
            total, found = known[code]
            budget[place] += total
            mine = entries[place]
            for token, count in found.items():
                mine[token] = max(count, mine.get(token, 0))
    return Insertions(names=list(index), counts=_sparse(entries, len(index)), budget=budget)


def _of_value(
    attribute: Attribute, value: str, how: tuple[Mapping[str, int], Sequence[str]], index: dict[str, int]
) -> tuple[int, dict[int, int]]:
    """The budget of the groups that a value has, and the positions that each of its tokens sets."""
    shares, parts = how
    total = 0
    found: dict[int, int] = {}
    named = token_class(attribute)
    cut = tokens(attribute, value, parts)
    for group in groups(attribute):
        share, some = shares.get(group, 0), cut.get(group, [])
        total += share if some else 0
        for place, token in enumerate(some):
            count = share // len(some) + (place < share % len(some))
            number = index.setdefault(f"{named}\t{token}", len(index))
            if count:
                found[number] = max(count, found.get(number, 0))
    return total, found


def _sparse(entries: Sequence[Mapping[int, int]], width: int) -> csr_array:
    starts = np.concatenate([[0], np.cumsum([len(one) for one in entries])]).astype(np.int64)
    places = np.fromiter((token for one in entries for token in one), dtype=np.int64, count=int(starts[-1]))
    counts = np.fromiter((count for one in entries for count in one.values()), dtype=np.int32, count=int(starts[-1]))
    found = csr_array((counts, places, starts), shape=(len(entries), max(1, width)))
    found.sort_indices()
    return found


def expected_agreement(left: Insertions, right: Insertions, length: int) -> Matrix:
    """1 − 2δ of plain filters, expected, (len(left), len(right)).

    Args:
        left: of some records.
        right: of others, of the same call of `inserted`.
        length: m, bits of a filter.
    """
    steps = _steps(left, right)
    levels = _levels(left, steps), _levels(right, steps).T.tocsr()
    own, other = (np.asarray(one.counts.sum(axis=1), dtype=np.float64).ravel() for one in (left, right))
    keep = np.log1p(-1.0 / length)
    unset, others = np.exp(own * keep), np.exp(other * keep)
    found = np.empty((len(left), len(right)), dtype=np.float32)
    for start in range(0, len(left), _AT_ONCE):
        some = slice(start, min(start + _AT_ONCE, len(left)))
        common = (levels[0][some] @ levels[1]).toarray().astype(np.float64)
        both = np.exp(-common * keep) * unset[some, None] * others
        found[some] = 1.0 - 2.0 * (unset[some, None] + others - 2.0 * both)
    return found


def _steps(left: Insertions, right: Insertions) -> NDArray[np.int64]:
    """All pairs of token and number of positions that occur, as one number each, sorted."""
    pairs = [one.counts.indices.astype(np.int64) << 16 | one.counts.data.astype(np.int64) for one in (left, right)]
    return np.unique(np.concatenate(pairs))


def _levels(of: Insertions, steps: NDArray[np.int64]) -> csr_array:
    """Each count as the levels that it reaches, of the square root of their heights: products of rows are sums of minima."""
    token, height = steps >> 16, steps & 0xFFFF
    first = np.concatenate([[True], token[1:] != token[:-1]]) if len(steps) else np.empty(0, dtype=bool)
    rise = np.sqrt(np.where(first, height, np.diff(height, prepend=0))).astype(np.float32)
    begin = np.searchsorted(token, of.counts.indices.astype(np.int64))
    end = np.searchsorted(steps, of.counts.indices.astype(np.int64) << 16 | of.counts.data.astype(np.int64)) + 1
    sizes = end - begin
    ends = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(int(ends[-1])) - np.repeat(ends[:-1] - begin, sizes)
    return csr_array((rise[places], places, ends[of.counts.indptr]), shape=(len(of), max(1, len(steps))))


def powers(plain: Matrix, degree: int) -> Matrix:
    """The agreement after diffusion, (1 − 2δ)^t; t = 0 changes nothing."""
    return plain if degree < 2 else np.power(plain, np.float32(degree))


def agreement(filters: NDArray[np.uint64], others: NDArray[np.uint64] | None = None) -> Matrix:
    """1 − 2H/L of all pairs of rows, (n, k): bits as ±1, one product of matrices."""
    left = _signs(filters)
    right = left if others is None else _signs(others)
    product: Matrix = left @ right.T
    product /= np.float32(left.shape[1])
    return product


def _signs(filters: NDArray[np.uint64]) -> Matrix:
    bits = np.unpackbits(np.ascontiguousarray(filters).view(np.uint8), axis=1, bitorder="little")
    signs = bits.astype(np.float32)
    signs *= 2.0
    signs -= 1.0
    return signs
