"""Blocks are the runs of equal tags, and shared blocks the tags that both sides hold."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage.blocks import check_largest_block, runs, shared_blocks, skew_of
from linkage.errors import LinkageError

# Tags that differ in their first, middle or last byte only, some ending in zeros, some with high bytes.
TAGS = [
    bytes(16), bytes(15) + b"\1", b"\1" + bytes(15), b"\1" * 8 + bytes(8), b"\1" * 8 + bytes(7) + b"\2",
    b"\x7f" * 16, b"\x80" + bytes(15), b"\xff" * 15 + b"\0", b"\xff" * 16,
]  # fmt: skip
sorted_tags = st.lists(st.sampled_from(TAGS), max_size=40).map(sorted)


def table(tags: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(tags), dtype=np.uint8).reshape(-1, 16)


@given(sorted_tags, sorted_tags)
def test_shared_blocks_hold_the_pairs_of_equal_tags(left, right):
    """Two rows stand in one shared block if and only if their tags are equal."""
    blocks = shared_blocks(table(left), table(right))
    pairs = [(i, j) for a, b, c, d in blocks.tolist() for i in range(a, b) for j in range(c, d)]
    assert sorted(pairs) == [(i, j) for i, one in enumerate(left) for j, other in enumerate(right) if one == other]
    assert [left[a] for a, *_ in blocks.tolist()] == sorted(set(left) & set(right))
    assert "int64" == blocks.dtype.name


@given(sorted_tags)
def test_runs_are_the_rows_of_each_tag(tags):
    """Tags come once each, in order, with the bounds of their rows."""
    values, bounds = runs(table(tags))
    groups = [(tag, len(list(run))) for tag, run in groupby(tags)]
    assert groups == [
        (bytes(value).ljust(16, b"\0"), size) for value, size in zip(values, np.diff(bounds), strict=True)
    ]
    assert (0, len(tags)) == (bounds[0], bounds[-1])


@given(st.lists(st.sampled_from(TAGS), min_size=2, max_size=9))
def test_unsorted_tags_are_refused(tags):
    """Blocks are read from runs, so rows must be sorted by tag."""
    if tags == sorted(tags):
        assert len(tags) == runs(table(tags))[1][-1]
    else:
        with pytest.raises(LinkageError, match="E_ORDRE_LIGNES"):
            runs(table(tags))
        with pytest.raises(LinkageError, match="E_ORDRE_LIGNES"):
            shared_blocks(table(sorted(tags)), table(tags))


@pytest.mark.parametrize(("rows", "cap", "refused"), [(15, 10, False), (16, 10, True), (4, 3, False), (5, 3, True)])
def test_the_cap_gives_half_as_much_again(rows, cap, refused):
    """A block of 1.5 times the cap passes, one row more does not."""
    if refused:
        with pytest.raises(LinkageError, match="E_BLOC_TROP_GRAND"):
            check_largest_block(rows, cap)
    else:
        check_largest_block(rows, cap)


def test_no_cap_refuses_nothing():
    """A cap of 0 means none, and no row means no block."""
    check_largest_block(1000, 0)
    check_largest_block(0, 1)
    assert (0, 4) == shared_blocks(table([]), table([TAGS[0]])).shape


@pytest.mark.parametrize("tags", [np.zeros((2, 15), np.uint8), np.zeros(16, np.uint8), np.zeros((2, 16), np.int8)])
def test_other_tables_are_refused(tags):
    """A tag is sixteen bytes."""
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        runs(tags)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), max_size=250), st.integers(0, 99))
def test_skew_is_that_of_the_sizes_counted_one_by_one(sizes, largest):
    """Quantiles are sizes that occur, with at least that share of the blocks at or under them; shares are of pairs."""
    skew = skew_of(np.array(sizes, dtype=np.int64).reshape(-1, 2), largest)
    pairs, rows = sorted((a * b for a, b in sizes), reverse=True), sorted(a + b for a, b in sizes)
    assert (len(sizes), sum(pairs), largest) == (skew.blocks, skew.pairs, skew.largest)
    assert max(pairs, default=0) == skew.largest_pairs
    heaviest = sum(pairs[: -(-len(pairs) // 100)])
    assert heaviest == pytest.approx(skew.heaviest_share * sum(pairs))
    for part, value in ((50, skew.median), (90, skew.ninth_decile), (99, skew.last_percentile)):
        assert value == (rows[(len(rows) - 1) * part // 100] if rows else 0)
