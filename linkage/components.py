"""Links between the files of several parties to groups: the rows that some chain of links connects.

Rows of `parties` files are numbered by (party, row). Links of each pair of parties are edges; a group is a connected component of
two rows or more. A group should hold one row of each party at most: two rows of one party in it say that some link is wrong, or
that the party holds the person twice.

* `connect` takes all links, and marks the groups that hold a party twice (`crowded`).
* `connect_apart` takes links by score from high to low, then by parties, then by rows, and refuses each one that would put
  two rows of one party into a group. A refused link scores no more than any of the links that made the two groups which
  it would have joined: a doubtful link never stands in the way of a better one.

Groups are numbered by their first row, by party then row. Memory: 16 bytes a row of any file, and a few numbers a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled
from linkage.errors import LinkageError
from linkage.solve import Links

__all__ = ["MOST_PARTIES", "Groups", "PartyLinks", "connect", "connect_apart"]

MOST_PARTIES = 64

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PartyLinks:
    """The links of two parties.

    Attributes:
        left: number of the party whose rows stand on the left, from 0.
        right: number of the other party.
        links: in any order; a row may stand in several.
    """

    left: int
    right: int
    links: Links


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Groups, one line for each of their rows: by group, then party, then row.

    Attributes:
        group: (k,) int64, from 0.
        party: (k,) int64.
        row: (k,) int64.
        crowded: (g,) bool, whether a group holds two rows of one party.
        refused: links left out because they would have crowded a group; none with `connect`.
    """

    group: Ints
    party: Ints
    row: Ints
    crowded: NDArray[np.bool_]
    refused: int

    def __len__(self) -> int:
        return len(self.crowded)


def connect(sizes: Sequence[int], links: Sequence[PartyLinks]) -> Groups:
    """The groups that all links make.

    Args:
        sizes: rows of each party's file.
        links: of as many pairs of parties as there are, each pair once or more.

    Raises:
        LinkageError: `E_LIENS` for a party that does not exist, links within one party, rows outside a file, or more
            than `MOST_PARTIES` parties.
    """
    return _groups(sizes, links, apart=False)


def connect_apart(sizes: Sequence[int], links: Sequence[PartyLinks]) -> Groups:
    """The groups that links make which are taken by score and never put two rows of one party together.

    Args:
        sizes: as `connect`.
        links: as `connect`.

    Raises:
        LinkageError: as `connect`.
    """
    return _groups(sizes, links, apart=True)


def _groups(sizes: Sequence[int], links: Sequence[PartyLinks], *, apart: bool) -> Groups:
    _check(sizes, links)
    first = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.array(sizes, dtype=np.int64))])
    empty = np.empty(0, dtype=np.int64)
    left = np.concatenate([empty, *(first[one.left] + one.links.left for one in links)])
    right = np.concatenate([empty, *(first[one.right] + one.links.right for one in links)])
    if apart:  # rows are numbered by party: this is by score, then by parties and rows
        score = np.concatenate([np.empty(0), *(one.links.score for one in links)])
        order = np.lexsort((np.maximum(left, right), np.minimum(left, right), -score))
        left, right = left[order], right[order]
    party = np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes)
    held = np.left_shift(np.uint64(1), party.astype(np.uint64))
    root = np.arange(first[-1])
    refused = _join(left, right, root, held, apart)
    linked = np.zeros(len(root), dtype=bool)
    linked[left] = linked[right] = True
    if apart:  # a row whose links were all refused is alone
        linked &= np.bincount(root, minlength=len(root))[root] > 1
    rows = np.flatnonzero(linked)
    roots, group = np.unique(root[rows], return_inverse=True)
    order = np.argsort(group, kind="stable")
    rows, group = rows[order], group[order].astype(np.int64)
    of_party = party[rows].astype(np.int64)
    crowded = np.zeros(len(roots), dtype=bool)
    crowded[group[1:][(group[1:] == group[:-1]) & (of_party[1:] == of_party[:-1])]] = True
    return Groups(group=group, party=of_party, row=rows - first[of_party], crowded=crowded, refused=refused)


def _check(sizes: Sequence[int], links: Sequence[PartyLinks]) -> None:
    known = range(len(sizes))
    inside = all(
        one.left in known
        and one.right in known
        and one.left != one.right
        and min(one.links.left.min(initial=0), one.links.right.min(initial=0)) >= 0
        and one.links.left.max(initial=-1) < sizes[one.left]
        and one.links.right.max(initial=-1) < sizes[one.right]
        for one in links
    )
    if not inside or len(sizes) > MOST_PARTIES:
        sentence = f"les liens unissent des lignes de deux parties distinctes, parmi {MOST_PARTIES} parties au plus"
        raise LinkageError("E_LIENS", sentence)


@compiled
def _join(left: Ints, right: Ints, root: Ints, held: NDArray[np.uint64], apart: bool) -> int:  # noqa: FBT001
    """Joins the components of each pair of rows; `root` becomes the least row of each row's; returns how many are refused.

    `held` has a bit for each party of which the component of a root holds a row.
    """
    refused = 0
    for k in range(len(left)):
        a, b = left[k], right[k]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        if a == b:
            continue
        if apart and held[a] & held[b]:
            refused += 1
            continue
        a, b = min(a, b), max(a, b)
        root[b] = a
        held[a] |= held[b]
    for row in range(len(root)):
        root[row] = root[root[row]]
    return refused
