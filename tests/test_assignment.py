"""The best matching as a whole: no other choice of candidates has a larger sum, and none can be added to it."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from linkage.assignment import EFFORT, Assignment, solve_optimal
from linkage.candidates import Candidates
from linkage.errors import LinkageError
from linkage.solve import solve_one_to_one

Pair = tuple[int, int, float]

scores_of = st.sampled_from([4, 64, 1000, 2**40]).flatmap(lambda q: st.integers(1, q).map(lambda score: score / q))
pairs_of = st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda size: st.dictionaries(
        st.tuples(st.integers(0, size[0]), st.integers(0, size[1])), scores_of, max_size=30
    ).map(lambda found: [(i, j, score) for (i, j), score in found.items()])
)


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compiling is not the time of a test."""
    solve_optimal(candidates([(0, 0, 1.0), (0, 1, 0.9), (1, 0, 0.9), (1, 1, 0.8)]))


def candidates(pairs: list[Pair]) -> Candidates:
    ordered = sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))
    columns = list(zip(*ordered, strict=True)) or [(), (), ()]
    return Candidates(
        left=np.array(columns[0], dtype=np.int64),
        right=np.array(columns[1], dtype=np.int64),
        score=np.array(columns[2], dtype=np.float64),
    )


def dense(scores: np.ndarray) -> Candidates:
    i, j = np.nonzero(scores)
    order = np.lexsort((j, i, -scores[i, j]))
    return Candidates(left=i[order], right=j[order], score=scores[i, j][order])


def listed(found: Assignment) -> list[Pair]:
    links = found.links
    return list(zip(links.left.tolist(), links.right.tolist(), links.score.tolist(), strict=True))


def units(pairs: list[Pair], floor: float) -> int:
    return sum(round(Fraction(pair[2]) * 2**53) - round(Fraction(floor) * 2**53) for pair in pairs)


def largest_sum(pairs: list[Pair], floor: float) -> int:
    """Of all matchings, by trying for each left row every partner that is still free, and none."""
    rows = sorted({pair[0] for pair in pairs})
    partners = {row: [(pair[1], units([pair], floor)) for pair in pairs if pair[0] == row] for row in rows}

    @cache
    def best(place: int, used: frozenset[int]) -> int:
        if place == len(rows):
            return 0
        free = [(j, worth) for j, worth in partners[rows[place]] if j not in used]
        return max([best(place + 1, used), *(worth + best(place + 1, used | {j}) for j, worth in free)])

    return best(0, frozenset())


@settings(deadline=None)
@given(pairs_of, st.booleans())
def test_no_matching_has_a_larger_sum(pairs, at_threshold):
    """The sum of (score - floor) is the largest of all matchings, in exact integers."""
    floor = min((pair[2] for pair in pairs), default=0.0) if at_threshold else 0.0
    found = solve_optimal(candidates(pairs), floor=floor)
    assert largest_sum(pairs, floor) == units(listed(found), floor)
    assert not found.unproved.any()


@given(pairs_of)
def test_links_are_a_matching_of_candidates_in_order(pairs):
    """Each row stands once, links are candidates in the promised order, and no candidate has two free rows."""
    links = listed(solve_optimal(candidates(pairs), floor=min((pair[2] for pair in pairs), default=0.0)))
    rows = {one[0] for one in links}, {one[1] for one in links}
    assert (len(links), len(links)) == (len(rows[0]), len(rows[1]))
    assert set(links) <= set(pairs)
    assert links == sorted(links, key=lambda pair: (-pair[2], pair[0], pair[1]))
    assert [] == [pair for pair in pairs if pair[0] not in rows[0] and pair[1] not in rows[1]]


@given(pairs_of, pairs_of)
def test_components_are_strangers(some, others):
    """Candidates among other rows change no link."""
    apart = [(i + 100, j + 100, score) for i, j, score in others]
    both = set(listed(solve_optimal(candidates(some + apart))))
    assert set(listed(solve_optimal(candidates(some)))) == {pair for pair in both if pair[0] < 100}


@pytest.mark.parametrize("shape", [(150, 150), (40, 300), (300, 40)])
@pytest.mark.parametrize("kind", ["random", "ties", "sparse", "ranks"])
def test_larger_sides_have_the_sum_of_scipy(shape, kind):
    """On some hundreds of rows, full and sparse, tied and ranked alike on both sides, the sum is that of a dense solver."""
    rng = np.random.default_rng(7)
    scores = rng.integers(1, 1025, shape) / 1024
    if kind == "ties":
        scores = np.ceil(scores * 4) / 4
    elif kind == "sparse":
        scores[rng.random(shape) < 0.97] = 0
    elif kind == "ranks":
        scores = np.outer(np.arange(1, shape[0] + 1) / 512, np.arange(1, shape[1] + 1) / 512)
    rows, columns = linear_sum_assignment(-scores)
    found = solve_optimal(dense(scores))
    assert pytest.approx(scores[rows, columns].sum(), abs=1e-9) == found.links.score.sum()


def test_two_links_are_better_than_one_when_they_exceed_the_floor_by_more():
    """The best pair wins or yields according to the floor."""
    pairs = [(0, 0, 0.95), (0, 1, 0.85), (1, 0, 0.85)]
    assert [(0, 1, 0.85), (1, 0, 0.85)] == listed(solve_optimal(candidates(pairs)))
    assert [(0, 0, 0.95)] == listed(solve_optimal(candidates(pairs), floor=0.8))


@pytest.mark.parametrize("closed", [False, True])
def test_long_chains_are_solved_in_no_time(closed):
    """A hundred thousand rows in one chain, or in one ring, whose links all hang together."""
    rows = 100_000
    edge = np.arange(2 * rows)
    left, right, score = (edge + 1) // 2, edge // 2, (1 - 1e-6 * edge).astype(np.float64)
    if closed:
        left[-1] = 0
    found = solve_optimal(Candidates(left=left, right=right, score=score))
    assert not found.unproved.any()
    assert rows == len(found.links)


def test_a_component_that_takes_too_long_gets_the_best_pairs_first():
    """Beyond the effort allowed, its links are those of the other rule and marked; other components are still proved."""
    rng = np.random.default_rng(3)
    scores = np.zeros((52, 52))
    scores[:50, :50] = rng.random((50, 50))
    scores[50:, 50:] = [[0.95, 0.9], [0.9, 0.1]]
    everything, greedy = dense(scores), solve_one_to_one(dense(scores))
    found = solve_optimal(everything, effort=1000)
    late = found.links.left < 50
    assert late.tolist() == found.unproved.tolist()
    assert greedy.right[greedy.left < 50].tolist() == found.links.right[late].tolist()
    assert [(50, 51), (51, 50)] == [pair[:2] for pair in listed(found) if pair[0] >= 50]
    assert not solve_optimal(everything, effort=EFFORT).unproved.any()


@pytest.mark.parametrize(("score", "floor"), [(0.5, 0.6), (0.5, -0.1), (1.5, 0.0), (0.5, float("nan"))])
def test_floors_and_scores_have_their_bounds(score, floor):
    """A floor above a score, or a score above one, means that something was mistaken for something else."""
    with pytest.raises(LinkageError, match="E_SEUIL"):
        solve_optimal(candidates([(0, 0, score)]), floor=floor)


def test_candidates_in_another_order_are_refused():
    """The order is checked as by the other solvers."""
    some = Candidates(left=np.array([0, 1]), right=np.array([0, 1]), score=np.array([0.5, 0.6]))
    with pytest.raises(LinkageError, match="E_ORDRE_CANDIDATS"):
        solve_optimal(some)


def test_nothing_gives_nothing():
    """No candidate, no link."""
    found = solve_optimal(candidates([]))
    assert (0, 0) == (len(found.links), len(found.unproved))
