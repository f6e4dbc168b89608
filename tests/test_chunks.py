"""Rows to chunks: whole rows, none lost, the last one known as such; and their mean fill."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.administration.chunks import Fill, chunks_of

ROW = 40


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 200))
def test_chunks_hold_all_rows_in_order(sizes, chunk_bytes):
    """Pieces of any size give full chunks but the last, at least one, numbered, one marked last."""
    rows = np.random.default_rng(1).integers(0, 256, (sum(sizes), ROW), dtype=np.uint8)
    pieces = np.split(rows, np.cumsum(sizes)[:-1]) if sizes else []
    found = list(chunks_of(pieces, len(rows), ROW, chunk_bytes))
    most = max(1, chunk_bytes // ROW) * ROW
    assert rows.tobytes() == b"".join(chunk for _, _, chunk in found)
    assert list(range(len(found))) == [number for number, _, _ in found]
    assert [False] * (len(found) - 1) + [True] == [last for _, last, _ in found]
    assert all(len(chunk) == most for _, _, chunk in found[:-1])
    assert len(found) == max(1, -(-len(rows) * ROW // most))


def test_the_fill_is_that_of_filters():
    """Ids and tags do not count; no row is no fill."""
    rows = np.zeros((4, ROW), dtype=np.uint8)
    rows[:, :32] = 0xFF
    fill = Fill(64)
    assert 0 == fill.permille
    fill.count(rows)
    assert 0 == fill.permille
    rows[:2, 32:] = 0x0F
    fill.count(rows[:2])
    assert round(1000 * 64 / (6 * 64)) == fill.permille
