"""An id used twice is found whatever the pieces and however little memory there is, and no other is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.row_ids import RowIds

# Ids that differ in one place only, in either half, some of them zero or ending in zeros.
IDS = [
    bytes(16),
    b"\1" + bytes(15),
    bytes(8) + b"\1" + bytes(7),
    bytes(15) + b"\1",
    b"\xff" * 16,
    b"\xff" * 8 + bytes(8),
]
some_ids = st.one_of(st.sampled_from(IDS), st.binary(min_size=16, max_size=16))


def table(ids: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 16)


@settings(deadline=None)
@given(pieces=st.lists(st.lists(some_ids, max_size=12), max_size=6), memory=st.sampled_from([0, 64, 1 << 20]))
def test_repetitions_are_found(pieces, memory):
    """As by a set of all ids."""
    ids = [one for piece in pieces for one in piece]
    with RowIds(memory) as seen:
        for piece in pieces:
            seen.take(table(piece))
        assert (len(set(ids)) < len(ids)) == seen.repeated()


@pytest.mark.parametrize("twice", [False, True])
def test_many_ids_are_spilled_and_still_told_apart(twice):
    """A hundred thousand ids with memory for ten thousand; two that share a half are not the same."""
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 256, (100_000, 16), dtype=np.uint8)
    ids[70_000, :8] = ids[3, :8]
    if twice:
        ids[99_000] = ids[5]
    with RowIds(160_000) as seen:
        for start in range(0, len(ids), 7_000):
            seen.take(ids[start : start + 7_000])
            assert sum(len(one) for one in seen._held) <= 10_000
        assert twice == seen.repeated()
        assert seen._spill.size > 1_000_000


def test_equal_mixings_of_different_ids_are_no_repetition():
    """Where two mixings meet by chance, ids are compared in full."""
    with RowIds() as seen:
        seen._factors = [np.uint64(1), np.uint64(1)]
        ids = np.array([[1, 2], [2, 1], [3, 0]], dtype=np.uint64).view(np.uint8).reshape(3, 16)
        seen.take(ids)
        assert not seen.repeated()
        seen.take(ids[:1])
        assert seen.repeated()
