"""The ways of choosing links that the benchmark compares, on passes small enough to follow."""

from __future__ import annotations

import numpy as np

from benchmarks import across_passes as ways
from linkage.candidates import Candidates
from linkage.plan import PassPlan
from linkage.solve import Links, solve_one_to_one

PLAN = PassPlan(
    name="jour", blocks=("birth.day",), finer=(), length=1024, degree=4, measure="hamming", information=400, strict=300,
    cap=0, floor=20, population=1000, buckets=1, expected_pairs=1000,
)  # fmt: skip


def of(distances: dict[tuple[int, int], int]) -> ways.Pass:
    """A pass whose rows are the records, from the distance of each candidate."""
    ordered = sorted((distance, *pair) for pair, distance in distances.items())
    left, right = (np.array([one[place] for one in ordered], dtype=np.int64) for place in (1, 2))
    score = np.array([1 - one[0] / PLAN.length for one in ordered])
    rows = np.arange(10)
    return ways.Pass(plan=PLAN, candidates=Candidates(left=left, right=right, score=score), records=(rows, rows))


def greedy(one: ways.Pass) -> Links:
    return solve_one_to_one(one.candidates)


def listed(links: Links) -> list[tuple[int, int]]:
    return list(zip(links.left.tolist(), links.right.tolist(), strict=True))


def pairs(taken: ways.Taken) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in taken.pairs]


def test_mutual_links_are_best_for_both_rows():
    """What a row gets only because its best one was taken is left out."""
    one = of({(0, 0): 100, (1, 0): 200, (1, 1): 300, (2, 2): 350})
    assert [(0, 0), (1, 1), (2, 2)] == listed(greedy(one))
    assert [(0, 0), (2, 2)] == listed(ways._mutual(one))


def test_links_with_a_rival_are_left_out_by_side():
    """A rival within the margin, of either row or of the source row alone."""
    one = of({(0, 0): 100, (0, 1): 110, (2, 2): 100, (3, 2): 110, (4, 4): 100, (5, 4): 120})
    assert [(4, 4)] == listed(ways._apart(one, ("left", "right")))
    assert [(0, 0), (4, 4)] == listed(ways._apart(one, ("right",)))


def test_across_passes_the_best_pair_wins():
    """A source row that served two rows of the recipient serves the nearer one, in all passes where it does."""
    union = ways._taken([of({(0, 0): 100, (1, 1): 100}), of({(1, 0): 200, (0, 0): 390})], greedy)
    assert [(0, 0), (1, 1), (1, 0)] == pairs(union)
    assert [(0, 0), (1, 1)] == pairs(ways._across(union))
    assert [True, True, True] == union.strict.tolist()


def test_grey_links_count_with_a_second_pass():
    """A link under the strict threshold counts only for a row that another pass links too."""
    union = ways._taken([of({(0, 0): 350, (1, 1): 350, (2, 2): 100}), of({(0, 3): 350})], greedy)
    assert [(0, 0), (2, 2), (0, 3)] == sorted(pairs(ways._twice(union, union.strict)), key=lambda pair: pair[1])


def test_figures_count_pairs_rows_and_certain_rows():
    """Precision, recall and F1 of each."""
    union = ways._taken([of({(0, 0): 100, (1, 2): 350})], greedy)
    true = np.array([[0, 0], [1, 1]])
    assert ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0), (1.0, 0.5, 2 / 3)) == ways._scores(union, true)
