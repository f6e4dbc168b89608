"""Compiled loops against plain Python: masks, positions left over, listed tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.bits import FIELDS, STEP, fill_masks, set_bits


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_listed_tokens_set_their_first_positions(data):
    """Any tokens, with or without masks, any counts: the union of the first positions of each, in the rows asked for."""
    words = data.draw(st.sampled_from([16, 32, 64]))
    most = data.draw(st.lists(st.integers(0, 60), min_size=1, max_size=6))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    starts = np.concatenate([[0], np.cumsum(most)]).astype(np.int64)
    places = rng.integers(0, 64 * words, starts[-1] + STEP).astype(np.uint16)
    masked = [data.draw(st.booleans()) for _ in most]
    needed = np.array([count // STEP if yes else 0 for count, yes in zip(most, masked, strict=True)])
    first = np.where(masked, np.cumsum(needed) - needed, -1).astype(np.int64)
    masks = np.zeros((int(needed.sum()) + 1, words), dtype=np.uint64)
    fill_masks(starts, places, first, masks)
    entries = data.draw(st.lists(st.integers(0, len(most) - 1), max_size=5))
    counts = [data.draw(st.integers(0, most[token])) for token in entries]
    line = {
        "listed": 1,
        "starts": np.array([0, len(entries)], dtype=np.int64),
        "tokens": np.array(entries, dtype=np.int32),
        "counts": np.array(counts, dtype=np.int32),
        "drawn": starts,
        "places": places,
        "first": first,
        "masks": masks,
        "most": len(entries),
    }
    lines = np.zeros((1, len(FIELDS)), dtype=np.int64)
    for name, value in line.items():
        lines[0, FIELDS.index(name)] = value.ctypes.data if isinstance(value, np.ndarray) else value
    plain = np.full((3, words), 5, dtype=np.uint64)
    rows, bounds = np.array([[-1], [-1], [0]], dtype=np.int32), np.array([0, 1, 3])
    set_bits(lines, np.array([0, 1]), rows, bounds, np.array([0, 0]), plain)
    expected = set()
    for token, count in zip(entries, counts, strict=True):
        expected |= set(places[starts[token] : starts[token] + count].tolist())
    bits = np.unpackbits(plain.view(np.uint8), axis=1, bitorder="little")
    assert [[], [], sorted(expected)] == [np.flatnonzero(row).tolist() for row in bits]


@pytest.mark.parametrize("count", [0, STEP - 1, STEP, STEP + 1, 3 * STEP])
def test_masks_hold_whole_steps(count):
    """A token has one mask for each whole step of its positions."""
    places = np.arange(count + STEP, dtype=np.uint16) * 7
    masks = np.zeros((count // STEP, 8), dtype=np.uint64)
    fill_masks(np.array([0, count]), places, np.array([0]), masks)
    assert [STEP * (row + 1) for row in range(len(masks))] == np.bitwise_count(masks).sum(axis=1).tolist()
