"""Links of several parties become groups, with at most one row of a party in each where that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.components import MOST_PARTIES, Groups, PartyLinks, connect, connect_apart
from linkage.errors import LinkageError
from linkage.solve import Links

Row = tuple[int, int]
Link = tuple[Row, Row, float]

SIZES = (5, 4, 6, 3)

rows_of = st.sampled_from([(party, row) for party, size in enumerate(SIZES) for row in range(size)])
links_of = st.lists(
    st.tuples(rows_of, rows_of, st.integers(1, 4).map(lambda score: score / 4)).filter(
        lambda one: one[0][0] != one[1][0]
    ),
    max_size=25,
)


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compiling is not the time of a test."""
    connect_apart((1, 1), [])


def given_links(links: list[Link]) -> list[PartyLinks]:
    """One batch a link, which leaves their order to be found."""
    return [
        PartyLinks(
            left=one[0],
            right=other[0],
            links=Links(left=np.array([one[1]]), right=np.array([other[1]]), score=np.array([score])),
        )
        for one, other, score in links
    ]


def oracle(links: list[Link], *, apart: bool) -> tuple[list[list[Row]], int]:
    """Sets of rows, joined link by link."""
    if apart:
        links = sorted(links, key=lambda link: (-link[2], min(link[:2]), max(link[:2])))
    group: dict[Row, set[Row]] = {}
    refused = 0
    for one, other, _ in links:
        ours, theirs = group.setdefault(one, {one}), group.setdefault(other, {other})
        if ours is theirs:
            continue
        if apart and {party for party, _ in ours} & {party for party, _ in theirs}:
            refused += 1
            continue
        ours |= theirs
        for row in theirs:
            group[row] = ours
    distinct = {id(rows): sorted(rows) for rows in group.values() if len(rows) > 1}
    return sorted(distinct.values()), refused


def listed(groups: Groups) -> list[list[Row]]:
    found: list[list[Row]] = [[] for _ in range(len(groups))]
    for group, party, row in zip(groups.group.tolist(), groups.party.tolist(), groups.row.tolist(), strict=True):
        found[group].append((party, row))
    return found


@given(links_of)
def test_groups_are_what_links_connect(links):
    """Groups, their order and the order of their rows are those of joining sets, and none is refused."""
    groups = connect(SIZES, given_links(links))
    assert oracle(links, apart=False) == (listed(groups), groups.refused)


@given(links_of)
def test_groups_that_hold_a_party_twice_are_marked(links):
    """A group is crowded when one of its parties has two rows in it."""
    groups = connect(SIZES, given_links(links))
    parties = [[party for party, _ in rows] for rows in listed(groups)]
    assert [len(set(some)) < len(some) for some in parties] == groups.crowded.tolist()


@given(links_of)
def test_guarded_groups_hold_a_party_once(links):
    """Links are taken by score, and refused when two rows of one party would meet."""
    groups = connect_apart(SIZES, given_links(links))
    assert oracle(links, apart=True) == (listed(groups), groups.refused)
    assert not groups.crowded.any()


@given(links_of, st.randoms())
def test_order_and_direction_of_links_change_nothing(links, random):
    """Groups depend on the links, not on how they are handed over."""
    other = [(b, a, score) if random.random() < 0.5 else (a, b, score) for a, b, score in links]
    random.shuffle(other)
    for make in (connect, connect_apart):
        one, two = make(SIZES, given_links(links)), make(SIZES, given_links(other))
        assert (listed(one), one.refused) == (listed(two), two.refused)


def test_a_better_link_is_never_refused_for_a_worse_one():
    """Of two rows of a party that want into one group, the better linked gets in."""
    links: list[Link] = [((0, 0), (1, 0), 0.8), ((0, 1), (1, 0), 0.9), ((0, 0), (2, 0), 0.7)]
    groups = connect_apart(SIZES, given_links(links))
    assert ([[(0, 0), (2, 0)], [(0, 1), (1, 0)]], 1) == (listed(groups), groups.refused)
    assert [[(0, 0), (0, 1), (1, 0), (2, 0)]] == listed(connect(SIZES, given_links(links)))


@pytest.mark.parametrize(
    ("sizes", "link"),
    [
        ((2, 2), ((0, 0), (0, 1), 1.0)),
        ((2, 2), ((0, 0), (2, 0), 1.0)),
        ((2, 2), ((0, 2), (1, 0), 1.0)),
        ((2, 2), ((0, -1), (1, 0), 1.0)),
        ((1,) * (MOST_PARTIES + 1), ((0, 0), (1, 0), 1.0)),
    ],
)
def test_links_of_rows_that_do_not_exist_are_refused(sizes, link):
    """A party, or a row of its file, that is not there; two rows of one party; too many parties."""
    for make in (connect, connect_apart):
        with pytest.raises(LinkageError, match="E_LIENS"):
            make(sizes, given_links([link]))


def test_the_last_party_counts():
    """As many parties as are allowed, all in one group."""
    sizes = (1,) * MOST_PARTIES
    links: list[Link] = [((party, 0), (party + 1, 0), 1.0) for party in range(MOST_PARTIES - 1)]
    assert [[(party, 0) for party in range(MOST_PARTIES)]] == listed(connect_apart(sizes, given_links(links)))


def test_no_link_no_group():
    """Rows without links are in no group."""
    for make in (connect, connect_apart):
        assert 0 == len(make(SIZES, []))
        assert 0 == len(make((), []))
