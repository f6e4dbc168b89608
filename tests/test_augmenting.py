"""Path searches end with dual values that prove the links the best."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.augmenting import Core, augment, bid, search_room

gains_of = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 20), min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)


def core_of(gains: np.ndarray) -> Core:
    left, right = np.nonzero(gains)
    begin = np.searchsorted(left, np.arange(len(gains) + 1)).astype(np.int64)
    values = np.zeros(gains.shape[0], dtype=np.int64), np.zeros(gains.shape[1], dtype=np.int64)
    return (begin, right.astype(np.int64), gains[left, right], np.arange(len(left)), *values)


def solved(gains: np.ndarray, bids: int, effort: int) -> tuple[Core, np.ndarray, np.ndarray, np.ndarray]:
    core, (lefts, rights) = core_of(gains), gains.shape
    mate, edge = np.full(rights, -1, dtype=np.int64), np.full(lefts, -1, dtype=np.int64)
    root, spent = np.zeros(lefts, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for _ in range(bids):
        bid(core, mate, edge, root, spent)
    augment(core, np.flatnonzero(edge < 0), (mate, edge), search_room(rights), root, spent, effort)
    return core, mate, edge, spent


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compiling is not the time of a test."""
    solved(np.ones((2, 1), dtype=np.int64), 1, 100)


@given(gains_of, st.integers(0, 3))
def test_dual_values_prove_the_links(rows, bids):
    """No value is negative, u + v covers every gain and equals that of links, rows without a link have no value."""
    gains = np.array(rows, dtype=np.int64)
    (begin, target, gain, _, ours, theirs), mate, edge, _ = solved(gains, bids, 10**6)
    assert min(ours.min(), theirs.min()) >= 0
    assert (ours[:, None] + theirs >= gains).all()
    for left, place in enumerate(edge.tolist()):
        if place < 0:
            assert 0 == ours[left]
        else:
            assert begin[left] <= place < begin[left + 1]
            assert (left, gain[place]) == (mate[target[place]], ours[left] + theirs[target[place]])
    assert 0 == theirs[mate < 0].sum()
    assert (edge >= 0).sum() == (mate >= 0).sum()


@given(gains_of)
def test_steps_are_counted_and_bounded(rows):
    """Rows are passed over once their component has taken more steps than allowed."""
    gains = np.array(rows, dtype=np.int64)
    *_, spent = solved(gains, 0, 0)
    assert spent[0] <= np.count_nonzero(gains)
