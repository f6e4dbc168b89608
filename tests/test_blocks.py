"""Blocks are the runs of equal tags, and shared blocks the tags that both sides hold."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage.blocks import block_sizes, check_block_sizes, shared_blocks
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
def test_sizes_count_the_rows_of_each_tag(tags):
    """Sizes come by tag and add up to the rows."""
    assert [len(list(run)) for _, run in groupby(tags)] == block_sizes(table(tags)).tolist()


@given(st.lists(st.sampled_from(TAGS), min_size=2, max_size=9))
def test_unsorted_tags_are_refused(tags):
    """Blocks are read from runs, so rows must be sorted by tag."""
    if tags == sorted(tags):
        assert len(tags) == block_sizes(table(tags)).sum()
    else:
        with pytest.raises(LinkageError, match="E_ORDRE_LIGNES"):
            block_sizes(table(tags))
        with pytest.raises(LinkageError, match="E_ORDRE_LIGNES"):
            shared_blocks(table(sorted(tags)), table(tags))


@pytest.mark.parametrize(("rows", "cap", "refused"), [(15, 10, False), (16, 10, True), (4, 3, False), (5, 3, True)])
def test_the_cap_gives_half_as_much_again(rows, cap, refused):
    """A block of 1.5 times the cap passes, one row more does not."""
    tags = table([TAGS[0], *[TAGS[1]] * rows, TAGS[2]])
    if refused:
        with pytest.raises(LinkageError, match="E_BLOC_TROP_GRAND"):
            check_block_sizes(tags, cap)
    else:
        check_block_sizes(tags, cap)


def test_no_cap_refuses_nothing():
    """A cap of 0 means none, and no row means no block."""
    check_block_sizes(table([TAGS[0]] * 1000), 0)
    check_block_sizes(table([]), 1)
    assert (0, 4) == shared_blocks(table([]), table([TAGS[0]])).shape


@pytest.mark.parametrize("tags", [np.zeros((2, 15), np.uint8), np.zeros(16, np.uint8), np.zeros((2, 16), np.int8)])
def test_other_tables_are_refused(tags):
    """A tag is sixteen bytes."""
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        block_sizes(tags)
