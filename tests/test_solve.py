"""The solver takes the best pair first and links each row as often as the solving allows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.candidates import Candidates
from linkage.errors import LinkageError
from linkage.solve import (
    Links,
    ordered_columns,
    solve_many_to_one,
    solve_one_to_many,
    solve_one_to_one,
)
from tests import oracle_matching as oracle

pairs_of = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 12)), st.integers(1, 6).map(lambda score: score / 6), max_size=60
).map(lambda found: sorted(((i, j, score) for (i, j), score in found.items()), key=lambda p: (-p[2], p[0], p[1])))


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compiling is not the time of a test."""
    solve_one_to_one(candidates([(0, 0, 1.0)]))


def candidates(pairs: list[oracle.Pair]) -> Candidates:
    columns = list(zip(*pairs, strict=True)) or [(), (), ()]
    return Candidates(
        left=np.array(columns[0], dtype=np.int64),
        right=np.array(columns[1], dtype=np.int64),
        score=np.array(columns[2], dtype=np.float64),
    )


def listed(links: Links) -> list[oracle.Pair]:
    return list(zip(links.left.tolist(), links.right.tolist(), links.score.tolist(), strict=True))


def once(pairs: list[oracle.Pair], sides: set[int]) -> list[oracle.Pair]:
    """Pairs in order whose rows are free, on the sides where a row may be linked once only."""
    links: list[oracle.Pair] = []
    for pair in pairs:
        if all(pair[side] != one[side] for one in links for side in sides):
            links.append(pair)
    return links


def batches(pairs: list[oracle.Pair], cuts: list[int]) -> list[Candidates]:
    bounds = [0, *sorted(cut % (len(pairs) + 1) for cut in cuts), len(pairs)]
    return [candidates(pairs[start:stop]) for start, stop in pairwise(bounds)]


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


@given(pairs_of)
def test_one_side_may_repeat(pairs):
    """Many-to-one gives each left row its best right row, one-to-many each right row its best left row."""
    many, one = solve_many_to_one(candidates(pairs)), solve_one_to_many(candidates(pairs))
    assert (once(pairs, {0}), once(pairs, {1})) == (listed(many), listed(one))
    assert {pair[0] for pair in pairs} == set(many.left.tolist())


@given(pairs_of, st.lists(st.integers(0, 60), max_size=4))
def test_batches_are_as_one_piece(pairs, cuts):
    """However an ordered stream is cut, empty batches included, the links are those of the whole."""
    for solve in (solve_one_to_one, solve_many_to_one, solve_one_to_many):
        assert listed(solve(candidates(pairs))) == listed(solve(batches(pairs, cuts)))


@given(pairs_of, st.integers(0, 100))
def test_a_row_without_a_link_has_changed_nothing(pairs, number):
    """Taking away all candidates of a row that is not linked leaves every link."""
    for solve, side in ((solve_one_to_one, number % 2), (solve_many_to_one, 1), (solve_one_to_many, 0)):
        links = listed(solve(candidates(pairs)))
        alone = sorted({pair[side] for pair in pairs} - {pair[side] for pair in links})
        if alone:
            gone = alone[number % len(alone)]
            rest = [pair for pair in pairs if pair[side] != gone]
            assert links == listed(solve(candidates(rest)))


@pytest.mark.parametrize(
    "pairs",
    [
        [(0, 0, 0.5), (1, 1, 0.6)],
        [(1, 0, 0.5), (0, 1, 0.5)],
        [(0, 1, 0.5), (0, 0, 0.5)],
        [(0, 0, 0.5), (0, 0, 0.5)],
        [(0, 0, float("nan"))],
        [(0, 0, 0.5), (0, 1, float("nan"))],
    ],
)
def test_candidates_in_another_order_are_refused(pairs):
    """Order decides who is linked: it is checked, not assumed, within a batch and from one to the next."""
    for given_ in (candidates(pairs), [candidates([pair]) for pair in pairs]):
        with pytest.raises(LinkageError, match="E_ORDRE_CANDIDATS"):
            solve_one_to_one(given_)


def test_columns_of_different_lengths_and_negative_rows_are_refused():
    """Candidates are three columns of one length, rows counted from 0."""
    three, two = np.arange(3), np.arange(2)
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        solve_one_to_one(Candidates(left=three, right=two, score=np.ones(3)))
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        solve_one_to_one(Candidates(left=two - 1, right=two, score=np.ones(2)))


def test_columns_are_handed_out_as_they_are():
    """Checked columns are the same memory, which their reader cannot write to."""
    some = candidates([(0, 1, 0.5), (7, 0, 0.5)])
    columns = ordered_columns(some)
    assert [True] * 3 == [
        np.shares_memory(*both) for both in zip((some.left, some.right, some.score), columns, strict=True)
    ]
    assert [False] * 3 == [column.flags.writeable for column in columns]


@pytest.mark.parametrize("nothing", [candidates([]), [], [candidates([]), candidates([])]])
def test_nothing_gives_nothing(nothing):
    """No candidate, no link, and the columns keep their types."""
    links = solve_one_to_one(nothing)
    assert 0 == len(links)
    assert ["int64", "int64", "float64"] == [column.dtype.name for column in (links.left, links.right, links.score)]


def test_a_million_candidates_are_solved():
    """Many candidates with many ties give as many links as rows allow."""
    rows = 1000
    left, right = np.divmod(np.arange(rows * rows), rows)
    everything = Candidates(left=left, right=right, score=np.ones(rows * rows))
    links = solve_one_to_one(everything)
    assert [(k, k, 1.0) for k in range(rows)] == listed(links)
