"""Streams of rows: whole blocks in order, the same rows on any number of threads and with any memory, counted beforehand."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.keys import RunKey
from linkage import stream as module
from linkage.errors import LinkageError
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.stream import LEAST_INSERTED, stream_passes
from linkage.wire import row_bytes
from tests import oracle
from tests.invented import P1, P1_TABLE, people, records_of

KEY = RunKey(hashlib.sha256(b"run").digest())
PLAN = plan_passes(P1, "standard", (24_000, 24_000))


def rows_of(crowd: Any, plan: Plan = PLAN, **options: Any) -> list[dict[int, bytes]]:
    """Of each pass, record → tag and filter."""
    found = []
    for one in stream_passes(records_of(P1, crowd), P1, plan, KEY, **options):
        rows: dict[int, bytes] = {}
        for piece in one.pieces:
            assert piece.rows.shape == (len(piece.records), row_bytes(one.plan.length))
            rows |= {record: row[16:].tobytes() for record, row in zip(piece.records.tolist(), piece.rows, strict=True)}
        assert (one.count, len(crowd) - one.count) == (len(rows), one.left_aside)
        found.append(rows)
    return found


@pytest.mark.parametrize("options", [{"threads": 1}, {"threads": 3}, {"memory": 0}, {"memory": 0, "threads": 2}])
def test_rows_do_not_depend_on_threads_nor_memory(monkeypatch, options):
    """One thread or several, values kept cut or not, small runs or large: the same tags and filters."""
    crowd = [*people(300), {}, {"sexe": "F"}]
    expected = rows_of(crowd)
    monkeypatch.setattr(module, "_RUN_BYTES", 5000)
    assert expected == rows_of(crowd, **options)


def test_pieces_are_whole_blocks_in_the_order_of_tags_and_ids(monkeypatch):
    """From the first piece to the last, (tag, id) never goes back, and no block is in two pieces."""
    monkeypatch.setattr(module, "_RUN_BYTES", 5000)
    for one in stream_passes(records_of(P1, people(400)), P1, PLAN, KEY, threads=2):
        names: list[bytes] = []
        tags: set[bytes] = set()
        for piece in one.pieces:
            names += [row[16:32].tobytes() + row[:16].tobytes() for row in piece.rows]
            here = {row[16:32].tobytes() for row in piece.rows}
            assert not here & tags
            tags |= here
        assert sorted(names) == names
        assert len(set(names)) == one.count


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 511, 512, 513, 1400])
def test_blocks_of_any_size_are_the_oracle_s(size):
    """Everybody in one block: the first and the last person, and one in between, have the oracle's rows."""
    one = replace(PLAN.passes[0], cap=1000)
    crowd = [{**cells, "date_naissance": "1981-07-14", "sexe": "F"} for cells in people(size)]
    (found,) = rows_of(crowd, replace(PLAN, passes=(one,)))
    assert size == len(found)
    for record in {0, size // 2, size - 1}:
        expected = oracle.encoded(P1_TABLE, vars(one), crowd[record], bytes(KEY))
        assert expected is not None
        assert b"".join(expected) == found[record]


def test_who_says_too_little_is_counted_out_before_any_row():
    """A date alone is a known share of the insertions: left aside where that is too little, whatever the key."""
    assert LEAST_INSERTED == 320
    stream = next(stream_passes(records_of(P1, [{"date_naissance": "1980-07-14"}, *people(1)]), P1, PLAN, KEY))
    assert (1, 1) == (stream.count, stream.left_aside)


def test_a_block_over_the_cap_is_refused_before_its_pass():
    """The refusal comes with the stream, not with its rows."""
    crowd = [{**one, "date_naissance": "1981-07-14", "sexe": "F"} for one in people(1600)]
    with pytest.raises(LinkageError) as refusal:
        next(stream_passes(records_of(P1, crowd), P1, PLAN, KEY))
    assert refusal.value.code == "E_BLOC_TROP_GRAND"


def test_a_stream_that_is_dropped_stops():
    """Closed after its first piece, a stream leaves no thread behind."""
    streams = stream_passes(records_of(P1, people(300)), P1, PLAN, KEY, threads=2)
    next(next(streams).pieces)
    streams.close()
    with pytest.raises(StopIteration):
        next(streams)


def test_ids_are_sorted_as_bytes_even_when_their_halves_are_equal():
    """Equal first halves are told apart by the second."""
    ids = np.array([[5, 9], [5, 3], [1, 1], [5, 3 << 56]], dtype=np.uint64)
    rows, places = np.zeros((4, 5), dtype=np.uint64), np.zeros(4, dtype=np.int64)
    records = np.arange(4, dtype=np.int32), np.zeros(4, dtype=np.int64)
    module._name(ids, np.zeros((1, 2), dtype=np.uint64), np.array([0, 4]), rows, places, records)
    names = [row[:2].tobytes() for row in rows]
    assert sorted(names) == names
    assert ids.tolist() == rows[places, :2].tolist()
    assert records[1][places].tolist() == records[0].tolist()


@given(st.integers(0, 300), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_ids_are_sorted_whatever_they_are(count, seed):
    """Even ids that are not spread: a few values, or the smallest and the largest."""
    draw = np.random.default_rng(seed)
    kinds = draw.integers(0, 1 << 64, 3, dtype=np.uint64), np.array([0, 1, (1 << 64) - 1], dtype=np.uint64)
    ids = draw.choice(kinds[seed % 2], size=(count, 2))
    keys, order = np.empty(count, dtype=np.uint64), np.empty(count, dtype=np.int64)
    module._by_id(ids, keys, order)
    assert sorted(one.tobytes() for one in ids) == [ids[place].tobytes() for place in order]
    assert list(range(count)) == sorted(order.tolist())
