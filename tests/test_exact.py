"""Rows with the same token are linked, whatever else, and what repeats is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.exact import TOKEN_SIZES, ExactLinks, link_exact, pair_blocks

Found = tuple[list[tuple[int, int, bool]], tuple[int, int]]

sides_of = st.sampled_from(TOKEN_SIZES).flatmap(
    lambda size: st.tuples(
        *[
            st.lists(
                st.tuples(st.integers(0, 3), st.integers(0, 3)).map(
                    lambda ends: bytes([ends[0]]) + bytes(size - 2) + bytes([ends[1]])
                ),
                max_size=20,
            )
        ]
        * 2
    ).map(lambda sides: (*sides, size))
)


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    """Compiling is not the time of a test."""
    link_exact(tokens([], 16), tokens([], 16))


def tokens(values: list[bytes], size: int) -> np.ndarray:
    return np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, size)


def oracle(left: list[bytes], right: list[bytes]) -> Found:
    """Each row takes the first free row with its token."""
    free = {value: [j for j, other in enumerate(right) if other == value] for value in set(left)}
    several = {value for side in (left, right) for value in side if side.count(value) > 1}
    links = [(i, free[value].pop(0), value in several) for i, value in enumerate(left) if free[value]]
    return links, (sum(left.count(value) > 1 for value in left), sum(right.count(value) > 1 for value in right))


def listed(found: ExactLinks) -> Found:
    links = found.links
    assert [1.0] * len(links) == links.score.tolist()
    rows = zip(links.left.tolist(), links.right.tolist(), found.ambiguous.tolist(), strict=True)
    return list(rows), found.repeated


@given(sides_of)
def test_links_are_those_of_the_oracle(sides):
    """Tokens that share their first bytes, or all but their last, and tokens that stand several times included."""
    left, right, size = sides
    assert oracle(left, right) == listed(link_exact(tokens(left, size), tokens(right, size)))


@pytest.mark.parametrize("size", TOKEN_SIZES)
def test_a_hundred_thousand_hashes(size):
    """Uniform tokens, half of them on both sides, in any order: all pairs are found and none is ambiguous."""
    rng = np.random.default_rng(size)
    rows = 100_000
    left = rng.integers(0, 256, (rows, size), dtype=np.uint8)
    right = rng.integers(0, 256, (rows, size), dtype=np.uint8)
    places = rng.permutation(rows)[: rows // 2]
    right[places] = left[: rows // 2]
    found = link_exact(left, right)
    assert np.arange(rows // 2).tolist() == found.links.left.tolist()
    assert places.tolist() == found.links.right.tolist()
    assert (0, (0, 0)) == (found.ambiguous.sum(), found.repeated)


def test_tokens_that_share_their_first_word():
    """Rows that somebody made to look alike cost a sort, not all pairs."""
    rows = 50_000
    left = np.zeros((rows, 16), dtype=np.uint8)
    left[:, 8:] = np.arange(rows, dtype=np.uint64)[:, None].view(np.uint8)
    found = link_exact(left, left[::-1])
    assert np.arange(rows).tolist() == found.links.left.tolist()
    assert np.arange(rows)[::-1].tolist() == found.links.right.tolist()


@pytest.mark.parametrize(
    ("left", "right", "code"),
    [
        (np.zeros((2, 16), dtype=np.uint8), np.zeros((2, 32), dtype=np.uint8), "E_LARGEURS"),
        (np.zeros((2, 8), dtype=np.uint8), np.zeros((2, 8), dtype=np.uint8), "E_TABLEAU"),
        (np.zeros(16, dtype=np.uint8), np.zeros((2, 16), dtype=np.uint8), "E_TABLEAU"),
        (np.zeros((2, 16), dtype=np.int8), np.zeros((2, 16), dtype=np.uint8), "E_TABLEAU"),
    ],
)
def test_what_is_no_array_of_tokens_is_refused(left, right, code):
    """Tokens of two sizes, of another size, or of another kind."""
    with pytest.raises(LinkageError, match=code):
        link_exact(left, right)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=5))
def test_rows_of_one_token_are_paired_in_turn(sizes):
    """First with first; every left row of a token when a right row may serve several."""
    blocks, left, right = [], 0, 0
    pairs: list[tuple[int, int]] = []
    several: list[tuple[int, int]] = []
    for ours, theirs in sizes:
        blocks.append([left, left + ours, right, right + theirs])
        pairs += [(left + k, right + k) for k in range(min(ours, theirs))]
        several += [(left + k, right + min(k, theirs - 1)) for k in range(ours)]
        left, right = left + ours, right + theirs
    array = np.array(blocks, dtype=np.int64).reshape(-1, 4)
    assert pairs == list(zip(*(side.tolist() for side in pair_blocks(array)), strict=True))
    assert several == list(zip(*(side.tolist() for side in pair_blocks(array, "many-to-one")), strict=True))
