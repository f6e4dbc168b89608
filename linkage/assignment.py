"""The best one-to-one links as a whole: candidates chosen so that the sum of what their scores exceed a floor by is largest.

Taking the best pair first (`linkage.solve`) may leave two good pairs aside for one that is slightly better. Here a matching
is any set of candidates in which each row stands at most once, and the answer is a matching with the largest sum of
(score - floor), to which no candidate can be added. It need not have the most links: with the floor at the information
threshold, two links replace one only when together they stand further above it. Scores and floor count in whole units of 2^-53
(every float64 from ½ to 1 is one), and sums are compared as integers. Where several matchings are best, which of them is
given depends on the candidates alone.

How. Rows and candidates make a graph that falls into components, mostly tiny. A row with a single candidate is folded into
the row at its other end, which may still be linked better and falls back on it otherwise. That alone solves, in linear time,
every component without a cycle. What is left is solved by shortest augmenting paths under dual values, after two rounds in
which each row bids for its best partner.

Bounded time. Looking at one candidate once, in a bid or a path search, is a step. A component that needs more than `effort`
steps gets the links of the best-pair-first rule instead, and they are marked: a matching, not proved the best. Steps depend on
the candidates alone, so the answer does too.

Memory: about 45 bytes a candidate and 100 a row, beside the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.augmenting import Core, augment, bid, search_room
from linkage.candidates import Candidates
from linkage.compiled import compiled
from linkage.errors import LinkageError
from linkage.solve import Links, ordered_columns

__all__ = ["EFFORT", "Assignment", "solve_optimal"]

EFFORT = 1 << 33
"""Steps allowed in one component: some tens of seconds; 2,000 rows against 2,000, all alike, never need more."""

_UNIT = float(1 << 53)
_ROUNDS = 8  # of folding; what more would fold is solved all the same
_BIDS = 2  # rounds
_AT_ONCE = 1 << 10  # path searches of one compiled call

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
# Row at the left end and at the right end of each candidate, weight; candidates at each row: where they begin, which they are.
Graph = tuple[Ints, Ints, Ints, Ints, Ints]


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What `solve_optimal` gives.

    Attributes:
        links: in the order of the candidates.
        unproved: (h,) bool, links of components that would have taken too long: the best pair first, each row once.
    """

    links: Links
    unproved: NDArray[np.bool_]


def solve_optimal(candidates: Candidates, *, floor: float = 0.0, effort: int = EFFORT) -> Assignment:
    """The one-to-one links with the largest sum of (score - floor).

    Args:
        candidates: in the promised order, scores from `floor` to 1.
        floor: 0 to 1; usually the threshold of the candidates.
        effort: steps allowed in one component.

    Raises:
        LinkageError: `E_SEUIL` for a floor below 0 or above a score, or a score above 1; `E_ORDRE_CANDIDATS` and `E_TABLEAU` as
            `linkage.solve.solve_one_to_one`.
    """
    left, right, score = ordered_columns(candidates)
    if not 0 <= floor <= score.min(initial=1.0) or score.max(initial=0.0) > 1:
        raise LinkageError("E_SEUIL", "le plancher va de 0 à 1, aucun score n'est plus bas que lui ni plus haut que 1")
    graph, lefts = _graph(left, right, np.rint(score * _UNIT).astype(np.int64) - round(floor * _UNIT))
    root = _roots(graph)
    alive, potential, folds = _folded(graph)
    matched, late = _solve_core(graph, lefts, alive, potential, (root, effort))
    _unfold(graph, folds, matched, late, root)
    taken = np.flatnonzero(_complete(graph, matched))
    links = Links(left=left[taken], right=right[taken], score=score[taken])
    return Assignment(links=links, unproved=late[root[graph[0][taken]]] > 0)


def _graph(left: Ints, right: Ints, weight: Ints) -> tuple[Graph, int]:
    """The graph, whose right rows are numbered after its left ones; and the number of left ones."""
    lefts, rights = (int(rows.max(initial=-1)) + 1 for rows in (left, right))
    kind = np.int32 if max(len(left), lefts + rights) < 1 << 31 else np.int64
    ends = left.astype(kind), (right + lefts).astype(kind)
    degree = np.bincount(ends[0], minlength=lefts + rights) + np.bincount(ends[1], minlength=lefts + rights)
    start = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(degree)])
    incident = np.empty(2 * len(left), dtype=kind)
    _write_incidence(*ends, start[:-1].copy(), incident)
    return (*ends, weight, start, incident), lefts  # type: ignore[return-value]


def _folded(graph: Graph) -> tuple[Bytes, Ints, Ints]:
    """Which candidates are left (uint8) and what each row falls back on (int64), and the folded candidates in order."""
    rows = len(graph[3]) - 1
    alive, potential = (graph[2] > 0).astype(np.uint8), np.zeros(rows, dtype=np.int64)
    folds = np.empty(rows, dtype=graph[4].dtype)
    queue = np.empty(rows, dtype=graph[4].dtype)
    count = 0
    for _ in range(_ROUNDS):
        count = _fold(graph, alive, potential, folds, count, queue)
        if not _drop(graph, alive, potential):
            break
    return alive, potential, folds[:count]


def _solve_core(graph: Graph, lefts: int, alive: Bytes, potential: Ints, limit: tuple[Ints, int]) -> tuple[Ints, Bytes]:
    """The candidate at which each row is linked, or -1; and for each root of a component whether it took too long."""
    rows, (root, effort) = len(potential), limit
    core = _core(graph, lefts, alive, potential)
    rights = rows - lefts
    mate, edge = np.full(rights, -1, dtype=np.int64), np.full(lefts, -1, dtype=np.int64)
    spent = np.zeros(rows, dtype=np.int64)
    for _ in range(_BIDS):
        bid(core, mate, edge, root, spent)
    room = search_room(rights)
    waiting = np.flatnonzero(edge < 0)
    for start in range(0, len(waiting), _AT_ONCE):
        augment(core, waiting[start : start + _AT_ONCE], (mate, edge), room, root, spent, effort)
    matched = np.full(rows, -1, dtype=np.int64)
    linked = np.flatnonzero(edge >= 0)
    numbers = core[3][edge[linked]]
    matched[linked] = matched[graph[1][numbers]] = numbers
    return matched, (spent > effort).astype(np.uint8)


@compiled
def _write_incidence(one: Ints, other: Ints, place: Ints, incident: Ints) -> None:
    """The candidates at each row, in their order; `place` is where those of each row begin, and is used up."""
    for k in range(len(one)):
        for row in (one[k], other[k]):
            incident[place[row]] = k
            place[row] += 1


@compiled
def _roots(graph: Graph) -> Ints:
    """For each row one row of its component, the same for all."""
    one, other, _, start, _ = graph
    root = np.arange(len(start) - 1)
    for k in range(len(one)):
        a, b = np.int64(one[k]), np.int64(other[k])
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)
    for row in range(len(root)):  # a root is the least row of its component: it is met first
        root[row] = root[root[row]]
    return root


@compiled
def _fold(graph: Graph, alive: Bytes, potential: Ints, folds: Ints, count: int, queue: Ints) -> int:
    """Takes away rows with one candidate left, writes down those worth falling back on; returns how many there are now."""
    one, other, weight, start, incident = graph
    degree = np.zeros(len(start) - 1, dtype=np.int64)
    for k in range(len(one)):
        degree[one[k]] += alive[k]
        degree[other[k]] += alive[k]
    waiting = 0
    for row in range(len(degree)):
        if degree[row] == 1:
            queue[waiting] = row
            waiting += 1
    while waiting:
        waiting -= 1
        row = queue[waiting]
        if degree[row] != 1:
            continue
        place = start[row]
        while not alive[incident[place]]:
            place += 1
        k = incident[place]
        partner = one[k] + other[k] - row
        alive[k] = 0
        degree[row] = 0
        degree[partner] -= 1
        gain = weight[k] - potential[row] - potential[partner]
        if gain > 0:
            potential[partner] += gain
            folds[count] = k
            count += 1
        if degree[partner] == 1:
            queue[waiting] = partner
            waiting += 1
    return count


@compiled
def _drop(graph: Graph, alive: Bytes, potential: Ints) -> int:
    """Takes away candidates that are worth no more than what their rows fall back on; returns how many."""
    one, other, weight, _, _ = graph
    dropped = 0
    for k in range(len(one)):
        if alive[k] and weight[k] <= potential[one[k]] + potential[other[k]]:
            alive[k] = 0
            dropped += 1
    return dropped


@compiled
def _core(graph: Graph, lefts: int, alive: Bytes, potential: Ints) -> Core:
    """The candidates that are left, by left row, with what they are worth above what their rows fall back on."""
    _, other, weight, start, incident = graph
    size = np.int64(0)
    for k in range(len(alive)):
        size += alive[k]
    begin, target = np.zeros(lefts + 1, dtype=np.int64), np.empty(size, dtype=np.int64)
    gain, number = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    count = 0
    for row in range(lefts):
        for place in range(start[row], start[row + 1]):
            k = incident[place]
            if alive[k]:
                target[count], number[count] = other[k] - lefts, k
                gain[count] = weight[k] - potential[row] - potential[other[k]]
                count += 1
        begin[row + 1] = count
    left_value = np.zeros(lefts, dtype=np.int64)
    right_value = np.zeros(len(potential) - lefts, dtype=np.int64)
    return begin, target, gain, number, left_value, right_value


@compiled
def _unfold(graph: Graph, folds: Ints, matched: Ints, late: Bytes, root: Ints) -> None:
    """Links folded rows whose partner has not been linked better; forgets the links of components that took too long."""
    one, other = graph[0], graph[1]
    for row in range(len(matched)):
        if late[root[row]]:
            matched[row] = -1
    for back in range(len(folds) - 1, -1, -1):
        k = folds[back]
        if matched[one[k]] < 0 and matched[other[k]] < 0 and not late[root[one[k]]]:
            matched[one[k]] = matched[other[k]] = k


@compiled
def _complete(graph: Graph, matched: Ints) -> Bytes:
    """Takes candidates in order while both rows are free: of proved components only those at the floor can be."""
    one, other = graph[0], graph[1]
    taken = np.zeros(len(one), dtype=np.uint8)
    for k in range(len(one)):
        if matched[one[k]] < 0 and matched[other[k]] < 0:
            matched[one[k]] = matched[other[k]] = k
        taken[k] = matched[one[k]] == k
    return taken
