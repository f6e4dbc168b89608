"""The solver takes the best pair first and each row once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.match import Candidates
from linkage.solve import Links, solve_one_to_one
from tests import oracle_matching as oracle

pairs_of = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 12)), st.integers(1, 6).map(lambda score: score / 6), max_size=60
).map(lambda found: sorted(((i, j, score) for (i, j), score in found.items()), key=lambda p: (-p[2], p[0], p[1])))


def candidates(pairs: list[oracle.Pair]) -> Candidates:
    columns = list(zip(*pairs, strict=True)) or [(), (), ()]
    return Candidates(
        left=np.array(columns[0], dtype=np.int64),
        right=np.array(columns[1], dtype=np.int64),
        score=np.array(columns[2], dtype=np.float64),
    )


def listed(links: Links) -> list[oracle.Pair]:
    return list(zip(links.left.tolist(), links.right.tolist(), links.score.tolist(), strict=True))


@given(pairs_of)
def test_links_are_those_of_the_oracle(pairs):
    """Taking pairs in order while both rows are free gives the same links in the same order."""
    assert oracle.one_to_one(pairs) == listed(solve_one_to_one(candidates(pairs)))


@given(pairs_of)
def test_no_row_is_linked_twice(pairs):
    """Each left row and each right row stands in at most one link, and every link was a candidate."""
    links = listed(solve_one_to_one(candidates(pairs)))
    assert len({one[0] for one in links}) == len({one[1] for one in links}) == len(links)
    assert set(links) <= set(pairs)


@given(pairs_of)
def test_a_candidate_is_left_aside_only_for_a_better_or_earlier_link(pairs):
    """Every candidate that is no link has a row whose link stands before it in the promised order."""
    links = listed(solve_one_to_one(candidates(pairs)))
    for pair in set(pairs) - set(links):
        rivals = [one for one in links if one[0] == pair[0] or one[1] == pair[1]]
        assert min(pairs.index(one) for one in rivals) < pairs.index(pair)
        assert max(one[2] for one in rivals) >= pair[2]


@given(pairs_of, st.integers(1, 6).map(lambda score: score / 6))
def test_a_higher_threshold_only_cuts_the_end(pairs, threshold):
    """Solving the candidates above a threshold gives the links above it: thresholds and solving commute."""
    links = listed(solve_one_to_one(candidates(pairs)))
    above = [pair for pair in pairs if pair[2] >= threshold]
    assert [one for one in links if one[2] >= threshold] == listed(solve_one_to_one(candidates(above)))


@pytest.mark.parametrize("pairs", [[(0, 0, 0.5), (1, 1, 0.6)], [(1, 0, 0.5), (0, 1, 0.5)], [(0, 1, 0.5), (0, 0, 0.5)]])
def test_candidates_in_another_order_are_refused(pairs):
    """Order decides who is linked: it is checked, not assumed."""
    with pytest.raises(LinkageError, match="E_ORDRE_CANDIDATS"):
        solve_one_to_one(candidates(pairs))


def test_nothing_gives_nothing():
    """No candidate, no link, and the columns keep their types."""
    links = solve_one_to_one(candidates([]))
    assert 0 == len(links)
    assert ["int64", "int64", "float64"] == [column.dtype.name for column in (links.left, links.right, links.score)]


def test_a_million_candidates_are_solved():
    """Many candidates with many ties give as many links as rows allow."""
    rows = 1000
    left, right = np.divmod(np.arange(rows * rows), rows)
    everything = Candidates(left=left, right=right, score=np.ones(rows * rows))
    links = solve_one_to_one(everything)
    assert [(k, k, 1.0) for k in range(rows)] == listed(links)
