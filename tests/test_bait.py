"""Canaries at the third party: left out of what is matched, compared on their own."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.wire import EncodedPass
from service.third_party.bait import caught, only, without
from tests.simulator import pass_plan, rows_for

PLAN = pass_plan("jour")
RECIPIENT, SOURCE = (side.encoded for side in rows_for(4))


def part(rows: EncodedPass, places: slice | list[int]) -> EncodedPass:
    return EncodedPass(ids=rows.ids[places], tags=rows.tags[places], filters=rows.filters[places])


def cut(rows: EncodedPass, size: int) -> Generator[EncodedPass]:
    """The rows, so many at a time."""
    for start in range(0, len(rows), size):
        yield part(rows, slice(start, start + size))


def names(pieces: list[EncodedPass]) -> list[bytes]:
    return [one.tobytes() for piece in pieces for one in piece.ids]


@given(st.sets(st.integers(0, len(SOURCE) - 1), max_size=20), st.integers(1, 200))
def test_rows_are_listed_or_not(places, size):
    """Both halves together are the upload, each in its order, filters with their ids."""
    hidden = frozenset(SOURCE.ids[place].tobytes() for place in places)
    kept, listed = list(without(cut(SOURCE, size), hidden)), only(cut(SOURCE, size), hidden)
    every = names([SOURCE])
    assert [one for one in every if one not in hidden] == names(kept)
    assert [one for one in every if one in hidden] == names(listed)
    together = {
        one.tobytes(): row.tobytes()
        for piece in (*kept, *listed)
        for one, row in zip(piece.ids, piece.filters, strict=True)
    }
    assert together == {one.tobytes(): row.tobytes() for one, row in zip(SOURCE.ids, SOURCE.filters, strict=True)}


def test_an_id_with_the_same_beginning_is_not_listed():
    """All sixteen bytes count."""
    near = bytearray(SOURCE.ids[3].tobytes())
    near[-1] ^= 1
    assert [] == only(cut(SOURCE, 50), frozenset({bytes(near)}))
    assert len(SOURCE) == len(names(list(without(cut(SOURCE, 50), frozenset({bytes(near)})))))


def test_an_upload_without_canaries_is_read_as_it_is():
    """The same pieces, not copies."""
    pieces = list(cut(SOURCE, 50))
    read = without((piece for piece in pieces), frozenset())
    assert all(one is other for one, other in zip(pieces, read, strict=True))


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_caught_canaries_are_counted_each_once(taken):
    """Those that the recipient has sent strictly the same, whatever lies in the grey zone."""
    rng = np.random.default_rng(8)
    places = list(range(0, 40, 4))
    filters = rng.integers(0, 2**64, (len(places), PLAN.length // 64), dtype=np.uint64)
    filters[:taken] = RECIPIENT.filters[places[:taken]]
    if taken < len(places):
        filters[taken] = RECIPIENT.filters[places[taken]]
        filters[taken, 0] ^= np.uint64((1 << 32) - 1)  # linked for information only
    ids = np.sort(rng.integers(0, 256, (len(places), 16), dtype=np.uint8), axis=0)
    tags = RECIPIENT.tags[places]
    order = sorted(range(len(places)), key=lambda row: (tags[row].tobytes(), ids[row].tobytes()))
    baits = EncodedPass(ids=ids[order], tags=tags[order], filters=np.ascontiguousarray(filters[order]))
    assert taken == caught(cut(RECIPIENT, 50), [baits], PLAN, lambda: None)


def test_nobody_is_caught_where_nothing_is_hidden():
    """No canary, nothing to compare."""
    assert 0 == caught(cut(RECIPIENT, 50), [], PLAN, lambda: None)
