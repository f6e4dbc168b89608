"""Compiled loops against the same loops in plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clkhash.bit_kernel import (
    BIT_FLIP,
    insertions,
    merge_rows,
    merge_shares,
    number_shares,
    set_rows,
    share_masks,
)

WORDS = st.lists(st.lists(st.integers(0, 4), max_size=5), min_size=1, max_size=5)


def laid_out(words):
    offsets = np.cumsum([0, *map(len, words)]).astype(np.int64)
    return offsets, np.array([token for word in words for token in word], dtype=np.int32)


def counts(word, bits, shared) -> list[int]:
    return [bits // len(word) + (rank < bits % len(word)) if shared else bits for rank in range(len(word))]


@given(WORDS, st.integers(1, 9), st.booleans())
@settings(deadline=None)
def test_needs_are_the_most_insertions_of_a_token(words, bits, shared):
    """Over all words that hold it."""
    needs = np.zeros(5, dtype=np.int32)
    insertions(*laid_out(words), bits, shared, needs)
    expected = [0] * 5
    for word in words:
        for token, number in zip(word, counts(word, bits, shared), strict=True):
            expected[token] = max(expected[token], number)
    assert expected == needs.tolist()


def by_shares(codes, parts, shape):
    """The rows through one mask a token and number of insertions."""
    offsets, tokens, strategy, starts, positions = parts
    needs = np.full(5, 9, dtype=np.int32)
    firsts = np.arange(5, dtype=np.int64) * 10
    numbers, shares = np.full(50, -1, dtype=np.int32), np.zeros(len(tokens), dtype=np.int32)
    pairs = number_shares(offsets, tokens, strategy, firsts, numbers, shares)
    assert sorted(numbers[numbers >= 0].tolist()) == list(range(pairs))
    masks, rows = np.zeros((pairs, shape[1]), dtype=np.uint64), np.zeros(shape, dtype=np.uint64)
    share_masks(firsts, needs, numbers, starts, positions, masks)
    merge_shares(codes, offsets, shares, masks, rows)
    return rows


@given(WORDS, st.integers(1, 9), st.booleans(), st.lists(st.integers(-1, 4), min_size=1, max_size=6))
@settings(deadline=None)
def test_rows_have_the_bits_of_their_word(words, bits, shared, codes):
    """Directly, and through masks; bit 0 is the highest of the first byte."""
    codes = np.array([code if code < len(words) else -1 for code in codes], dtype=np.int32)
    table = np.array([(7 * at * at + 3) % 128 for at in range(45)], dtype=np.uint16)
    starts = np.arange(5, dtype=np.int64) * 9
    parts = (*laid_out(words), (bits, shared), starts, table ^ np.uint16(BIT_FLIP))
    rows, masks, merged = (np.zeros((size, 2), dtype=np.uint64) for size in (len(codes), len(words), len(codes)))
    set_rows(codes, *parts, rows)
    set_rows(np.arange(len(words), dtype=np.int32), *parts, masks)
    merge_rows(codes, masks, merged)
    assert rows.tolist() == merged.tolist()
    assert rows.tolist() == by_shares(codes, parts, rows.shape).tolist()
    expected = np.zeros((len(codes), 128), dtype=np.uint8)
    for row, code in enumerate(codes.tolist()):
        word = words[code] if code >= 0 else []
        for token, number in zip(word, counts(word, bits, shared) if word else [], strict=True):
            expected[row, table[9 * token : 9 * token + number]] = 1
    assert np.packbits(expected, axis=1).tolist() == rows.view(np.uint8).tolist()
