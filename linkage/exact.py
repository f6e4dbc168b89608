"""Exact passes: rows that carry the same keyed token are linked, and nothing else is compared.

A token is a keyed hash of 16 or 32 bytes of a value that names one thing exactly (a student number, a company, a delivery
point, a whole identity). Both sides are sorted by token and read side by side; beside the tokens that takes 40 bytes a row.

Where a token stands once on each side, the rows are one and the same and the link has score 1. Where it stands several times
on a side, nothing tells its rows apart: they are linked first with first in row order, as many as the smaller side has,
and these links are marked as ambiguous, because another choice would have been as good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled, inlined
from linkage.errors import LinkageError
from linkage.plan import Solving
from linkage.solve import Links

__all__ = ["TOKEN_SIZES", "ExactLinks", "link_exact", "pair_blocks"]

TOKEN_SIZES = (16, 32)
"""Bytes of a token."""

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Side = tuple[Words, Ints, Words]  # sorted prefixes of tokens, the row of each, all tokens as words in row order


@dataclass(frozen=True, kw_only=True)
class ExactLinks:
    """What `link_exact` gives.

    Attributes:
        links: one-to-one, by left row, all with score 1.
        ambiguous: (h,) bool, whether several rows of a side carry the link's token.
        repeated: rows of either side whose token stands elsewhere on that side too.
    """

    links: Links
    ambiguous: NDArray[np.bool_]
    repeated: tuple[int, int]


def link_exact(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> ExactLinks:
    """The rows of two sides that carry the same token.

    Args:
        left: (n, 16) or (n, 32) uint8, the token of each row, in any order.
        right: (m, 16) or (m, 32) uint8, of the same size.

    Raises:
        LinkageError: `E_TABLEAU` when a side is no array of tokens, `E_LARGEURS` when sizes differ.
    """
    for side in (left, right):
        if side.ndim != 2 or side.dtype != np.uint8 or side.shape[1] not in TOKEN_SIZES:
            raise LinkageError("E_TABLEAU", "les jetons doivent former un tableau uint8 de 16 ou 32 colonnes")
    if left.shape[1] != right.shape[1]:
        raise LinkageError("E_LARGEURS", "les jetons des deux côtés doivent avoir la même longueur")
    bits = max(1, len(left), len(right)).bit_length()
    (one, our_repeated), (other, their_repeated) = _sorted(left, bits), _sorted(right, bits)
    most = min(len(left), len(right))
    ours, theirs, ambiguous = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64), np.empty(most, dtype=bool)
    count = _join(one, other, ours, theirs, ambiguous)
    order = np.argsort(ours[:count])
    links = Links(left=ours[order], right=theirs[order], score=np.ones(count))
    return ExactLinks(links=links, ambiguous=ambiguous[order], repeated=(our_repeated, their_repeated))


def _sorted(tokens: NDArray[np.uint8], bits: int) -> tuple[Side, int]:
    """One side by token, rows with equal tokens in row order; and how many rows share theirs.

    Keyed hashes nearly always differ in what their first word has beside `bits` bits, which are used to carry the row: those
    words alone are sorted, several times as fast as their places, and what is equal then is sorted again by whole tokens.
    """
    words = np.ascontiguousarray(tokens).view(np.uint64)
    prefix = words[:, 0] >> np.uint64(bits) << np.uint64(bits)
    prefix |= np.arange(len(words), dtype=np.uint64)
    prefix.sort()
    rows = (prefix & np.uint64((1 << bits) - 1)).astype(np.int64)
    prefix >>= np.uint64(bits)
    same = np.zeros(len(rows) + 1, dtype=bool)
    same[1:-1] = prefix[1:] == prefix[:-1]
    shared = np.flatnonzero(same[1:] | same[:-1])
    some = rows[shared]
    rows[shared] = some[np.lexsort((some, *words[some].T[::-1], prefix[shared]))]
    equal = np.zeros(len(shared) + 1, dtype=bool)
    equal[1:-1] = (words[rows[shared[1:]]] == words[rows[shared[:-1]]]).all(axis=1)
    words.flags.writeable = False  # tokens that were received are: the loops are compiled once for all
    return (prefix, rows, words), int((equal[1:] | equal[:-1]).sum())


@inlined
def _order(words: Words, row: int, others: Words, other: int) -> int:
    """Less than, equal to, greater than 0 as the token of a row comes before, with, after that of another."""
    for k in range(words.shape[1]):
        if words[row, k] != others[other, k]:
            return -1 if words[row, k] < others[other, k] else 1
    return 0


@inlined
def _stop(prefix: Words, rows: Ints, words: Words, start: int) -> int:
    """The first place after `start` with another token."""
    stop = start + 1
    while stop < len(rows) and prefix[start] == prefix[stop] and _order(words, rows[start], words, rows[stop]) == 0:
        stop += 1
    return stop


@compiled
def _join(ours: Side, theirs: Side, left: Ints, right: Ints, ambiguous: NDArray[np.bool_]) -> int:
    """Writes the links of two sorted sides into the last three; returns how many. Rows with equal tokens are linked in turn."""
    prefix, rows, words = ours
    other_prefix, other_rows, others = theirs
    i = j = count = 0
    while i < len(rows) and j < len(other_rows):
        order = 0
        if prefix[i] != other_prefix[j]:
            order = -1 if prefix[i] < other_prefix[j] else 1
        else:
            order = _order(words, rows[i], others, other_rows[j])
        if order < 0:
            i += 1
        elif order > 0:
            j += 1
        else:
            stop, other_stop = _stop(prefix, rows, words, i), _stop(other_prefix, other_rows, others, j)
            several = stop > i + 1 or other_stop > j + 1
            for nth in range(min(stop - i, other_stop - j)):
                left[count], right[count], ambiguous[count] = rows[i + nth], other_rows[j + nth], several
                count += 1
            i, j = stop, other_stop
    return count


def pair_blocks(blocks: NDArray[np.int64], solving: Solving = "one-to-one") -> tuple[Ints, Ints]:
    """The links of rows sorted by token: of the rows that share one, first with first, as many as the smaller side has.

    Args:
        blocks: (k, 4) int64 [left start, left stop, right start, right stop), the rows of each token on both sides.
        solving: with `many-to-one`, all left rows of a token are linked, those beyond the right ones with the last of these.

    Returns:
        Left rows, rising, and the right row of each.
    """
    left, right = blocks[:, 1] - blocks[:, 0], blocks[:, 3] - blocks[:, 2]
    counts = left if solving == "many-to-one" else np.minimum(left, right)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    ours = np.repeat(blocks[:, 0], counts) + nth
    theirs = np.repeat(blocks[:, 2], counts) + np.minimum(nth, np.repeat(right, counts) - 1)
    order = np.argsort(ours, kind="stable")
    return ours[order], theirs[order]
