"""Links that have a rival within a margin are flagged, however the candidates come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.ambiguity import Rivals
from linkage.candidates import Candidates
from linkage.errors import LinkageError
from linkage.solve import Links, solve_many_to_one, solve_one_to_one
from tests import oracle_matching as oracle

pairs_of = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 12)), st.integers(1, 6).map(lambda score: score / 6), max_size=60
).map(lambda found: sorted(((i, j, score) for (i, j), score in found.items()), key=lambda p: (-p[2], p[0], p[1])))


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compiling is not the time of a test."""
    solve_one_to_one(Rivals().watch(candidates([(0, 0, 1.0)])))


def candidates(pairs: list[oracle.Pair]) -> Candidates:
    columns = list(zip(*pairs, strict=True)) or [(), (), ()]
    return Candidates(
        left=np.array(columns[0], dtype=np.int64),
        right=np.array(columns[1], dtype=np.int64),
        score=np.array(columns[2], dtype=np.float64),
    )


def listed(links: Links) -> list[oracle.Pair]:
    return list(zip(links.left.tolist(), links.right.tolist(), links.score.tolist(), strict=True))


def rivals(links: list[oracle.Pair], pairs: list[oracle.Pair], margin: float, sides: set[int]) -> list[bool]:
    """Whether another pair with one of the link's rows scores nearly as much."""
    return [
        any(
            pair[:2] != link[:2] and pair[2] >= link[2] - margin and any(pair[side] == link[side] for side in sides)
            for pair in pairs
        )
        for link in links
    ]


@given(
    pairs_of,
    st.sampled_from([0.0, 1 / 6, 0.25, 2.0]),
    st.sampled_from([("left", "right"), ("left",), ("right",)]),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_rivals_within_the_margin_are_flagged(pairs, margin, sides, cuts):
    """A link is ambiguous when another candidate of a row of these sides scores at least its score less the margin."""
    noted = Rivals(sides)
    bounds = [0, *sorted(cut % (len(pairs) + 1) for cut in cuts), len(pairs)]
    stream = [candidates(pairs[start:stop]) for start, stop in pairwise(bounds)] if cuts else candidates(pairs)
    links = solve_one_to_one(noted.watch(stream))
    assert oracle.one_to_one(pairs) == listed(links)
    expected = rivals(listed(links), pairs, margin, {("left", "right").index(side) for side in sides})
    assert expected == noted.flag(links, margin).tolist()


def test_rows_that_may_repeat_tell_nothing():
    """Where several left rows share a right row, their links are no rivals of each other to who looks at left rows."""
    pairs = [(0, 0, 0.9), (1, 0, 0.9), (2, 1, 0.8), (2, 0, 0.8 - 1 / 64)]
    noted = Rivals(sides=["left"])
    links = solve_many_to_one(noted.watch(candidates(sorted(pairs, key=lambda p: (-p[2], p[0], p[1])))))
    assert [False, False, True] == noted.flag(links, 1 / 64).tolist()


@given(pairs_of)
def test_rivals_of_the_right_row_depend_on_no_right_row_without_a_link(pairs):
    """Without the right rows that are linked to nothing, flags that look at right rows only are the same."""
    found = []
    linked = {pair[1] for pair in oracle.one_to_one(pairs)}
    for some in (pairs, [pair for pair in pairs if pair[1] in linked]):
        noted = Rivals(sides=["right"])
        links = solve_one_to_one(noted.watch(candidates(some)))
        found.append((listed(links), noted.flag(links, 0.2).tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_is_a_finite_number(margin):
    """A margin that means nothing is refused."""
    noted = Rivals()
    with pytest.raises(LinkageError, match="E_MARGE"):
        noted.flag(solve_one_to_one(noted.watch(candidates([]))), margin)


def test_what_is_no_candidate_is_refused():
    """Watched candidates are checked like others."""
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        list(Rivals().watch(Candidates(left=np.array([-1]), right=np.array([0]), score=np.ones(1))))
