"""Shortest augmenting paths in a sparse graph of left and right rows: the compiled loops of `linkage.assignment`.

Each left row has a dual value u and each right row a dual value v, none negative, such that u + v is at least the gain of every
candidate and equals it for those that are links; a right row without a link has v = 0. Once u = 0 for each left row without a
link too, no other choice has a larger sum of gains. All numbers are integers.

A left row without a link looks for the shortest path, by u + v - gain, through links that it would move: to a right row
without a link, or to a left row that had better give its own up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = ["Core", "augment", "bid", "search_room"]

_FAR = np.int64(1) << np.int64(62)

Ints = NDArray[np.int64]
Core = tuple[Ints, Ints, Ints, Ints, Ints, Ints]
"""Of each left row: where its candidates begin; of these: right row, gain, number; dual values of left and of right rows."""

# Of each right row: length of the path to it, its last candidate; a heap of rows, where each row stands in it; rows touched.
Search = tuple[Ints, Ints, Ints, Ints, Ints]


def search_room(rights: int) -> Search:
    """What path searches work in, for so many right rows."""
    near = np.full(rights, _FAR)
    return near, near.copy(), near.copy(), np.full(rights, -1, dtype=np.int64), near.copy()


@compiled
def bid(core: Core, mate: Ints, edge: Ints, root: Ints, spent: Ints) -> None:
    """Each left row without a link takes its best partner, from whoever has it, at the price by which it is better than the next.

    Args:
        core: dual values are changed.
        mate: the left row linked to each right row, or -1.
        edge: the place in `core` of the candidate that links each left row, or -1.
        root: of the component of each left row.
        spent: steps by root; each candidate looked at adds one.
    """
    begin, target, gain, _, left_value, right_value = core
    for row in range(len(edge)):
        if edge[row] >= 0:
            continue
        first, second, best, next_best = 0, 0, -1, -1
        for place in range(begin[row], begin[row + 1]):
            worth = gain[place] - right_value[target[place]]
            if worth > first:
                first, second, best, next_best = worth, first, place, best
            elif worth > second:
                second, next_best = worth, place
        spent[root[row]] += begin[row + 1] - begin[row]
        left_value[row] = second
        if best < 0:
            continue
        if mate[target[best]] >= 0 and first == second and mate[target[next_best]] < 0:
            best = next_best
        right = target[best]
        right_value[right] += first - second
        if mate[right] >= 0:
            edge[mate[right]] = -1
        mate[right], edge[row] = row, best


@compiled
def augment(
    core: Core, waiting: Ints, links: tuple[Ints, Ints], search: Search, root: Ints, spent: Ints, effort: int
) -> None:
    """Links moved along the shortest path from each left row in `waiting`, none of which has a link.

    Args:
        core: as `bid`.
        waiting: left rows.
        links: mate and edge, as `bid`.
        search: from `search_room`.
        root: as `bid`.
        spent: as `bid`.
        effort: rows of a component with more steps than that are passed over.
    """
    begin, target, gain, _, left_value, right_value = core
    mate, edge = links
    for row in waiting:
        if spent[root[row]] > effort:
            continue
        least = 0
        for place in range(begin[row], begin[row + 1]):
            least = max(least, gain[place] - right_value[target[place]])
        left_value[row] = least
        end, distance, touched, steps = _search(core, row, mate, search)
        spent[root[row]] += steps
        _revalue(core, row, mate, search, touched, distance)
        _move(core, end, (mate, edge), search)


@compiled
def _search(core: Core, row: int, mate: Ints, search: Search) -> tuple[int, int, int, int]:
    """Looks for the nearest end of a path from a left row.

    Returns:
        The right row at which the path ends, or -1 when `row` itself had better be left alone; its length; how many right
        rows were touched; how many candidates were looked at. A path that ends at a right row with a link takes that link.
    """
    begin, target, gain, _, left_value, right_value = core
    near, parent, heap, place_of, touched = search
    end, best, left, base = -1, left_value[row], row, 0
    count = size = steps = 0
    while True:
        steps += begin[left + 1] - begin[left]
        for place in range(begin[left], begin[left + 1]):
            right = target[place]
            length = base + left_value[left] + right_value[right] - gain[place]
            if length >= best or length >= near[right]:
                continue
            if near[right] == _FAR:
                touched[count] = right
                count += 1
            near[right], parent[right] = length, place
            if mate[right] < 0:
                best, end = length, right
            else:
                size = _lift(heap, place_of, near, right, size)
        if not size or near[heap[0]] >= best:
            return end, best, count, steps
        right = heap[0]
        size = _pop(heap, place_of, near, size)
        left, base = mate[right], near[right]
        if base + left_value[left] < best:
            best, end = base + left_value[left], right


@compiled
def _lift(heap: Ints, place_of: Ints, near: Ints, right: int, size: int) -> int:
    """Puts a row into the heap, or higher in it, now that its path is shorter; returns the size of the heap."""
    at = place_of[right]
    if at < 0:
        at, size = size, size + 1
    while at and near[heap[(at - 1) >> 1]] > near[right]:
        above = heap[(at - 1) >> 1]
        heap[at], place_of[above] = above, at
        at = (at - 1) >> 1
    heap[at], place_of[right] = right, at
    return size


@compiled
def _pop(heap: Ints, place_of: Ints, near: Ints, size: int) -> int:
    """Takes the first row out of the heap; returns the size of the heap."""
    place_of[heap[0]] = -1
    size -= 1
    last, at = heap[size], 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size and near[heap[below + 1]] < near[heap[below]]:
            below += 1
        if near[heap[below]] >= near[last]:
            break
        heap[at], place_of[heap[below]] = heap[below], at
        at = below
    if size:
        heap[at], place_of[last] = last, at
    return size


@compiled
def _revalue(core: Core, row: int, mate: Ints, search: Search, count: int, distance: int) -> None:
    """New dual values along all paths shorter than the one taken, and a clean slate for the next search."""
    left_value, right_value = core[4], core[5]
    near, _, _, place_of, touched = search
    left_value[row] -= distance
    for k in range(count):
        right = touched[k]
        if near[right] < distance:
            right_value[right] += distance - near[right]
            left_value[mate[right]] -= distance - near[right]
        near[right], place_of[right] = _FAR, -1


@compiled
def _move(core: Core, end: int, links: tuple[Ints, Ints], search: Search) -> None:
    """Links the rows along the path to a right row."""
    begin, target = core[0], core[1]
    mate, edge = links
    if end >= 0 and mate[end] >= 0:
        edge[mate[end]] = -1
    right = end
    while right >= 0:
        place = search[1][right]
        left = np.searchsorted(begin, place, side="right") - 1
        before = edge[left]
        mate[right], edge[left] = left, place
        right = target[before] if before >= 0 else -1
