"""Exact passes from records to links: equal values meet, whatever else, and nothing but equality is told."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from crypto.framing import Label
from crypto.hashing import position_words
from crypto.keys import PassKey, RunKey, derive
from linkage.errors import LinkageError
from linkage.exact_rows import exact_rows, tokens_of
from linkage.holder import encode_passes
from linkage.linker import check_pass, link_pass
from linkage.planner import plan_passes
from linkage.records import Records, records_from_table
from linkage.sheet import Sheet
from linkage.tables import RawTable
from linkage.wire import row_bytes

SHEET = Sheet.from_table(
    {
        "version": "linkage/v1",
        "name": "entreprises",
        "attributes": {"siren": {"kind": "code", "bits": 0}},
        "passes": [{"name": "siren", "exact": "siren"}],
    }
)
PLAN = plan_passes(SHEET, "standard", (2_000, 2_000))
RUN = RunKey(hashlib.sha256(b"exact").digest())
KEY = PassKey(hashlib.sha256(b"a pass").digest())


def records(codes: list[str]) -> Records:
    identifiers, attributes = SHEET.for_side("")
    table = RawTable.of("", {"id": [str(k) for k in range(len(codes))], "siren": codes})
    return records_from_table(table, identifiers, attributes)


def encoded(codes: list[str]):
    (one,) = encode_passes(records(codes), SHEET, PLAN, RUN)
    return one


def test_the_plan_has_one_pass_without_filter():
    """Rows of an id and a token."""
    (one,) = PLAN.passes
    assert ("exact", 0, 0, ("siren.value",)) == (one.measure, one.length, one.degree, one.blocks)
    assert 32 == row_bytes(one.length)


def test_a_token_is_the_keyed_hash_of_its_value():
    """As `crypto.hashing` defines the hash of a token, its first 16 bytes."""
    values = ["732829320", "552081317", "x" * 90]
    expected = [position_words(derive(KEY, Label.EXACT), value.encode(), 8) for value in values]
    assert expected == [bytes(token) for token in tokens_of(values, KEY)]
    assert expected[0] != position_words(derive(KEY, Label.TOKENS), values[0].encode(), 8)


def test_equal_values_meet_and_no_others():
    """Rows whose value the other side has; those without a value have no row."""
    left, right = encoded(["732829320", "", "552081317", "404833048"]), encoded(["404833048", "732829320", "1"])
    check_pass(left.encoded, PLAN.passes[0])
    assert (3, 1) == (len(left.encoded), left.left_aside)
    found = link_pass(left.encoded, right.encoded, PLAN.passes[0])
    pairs = set(zip(left.records[found.left_rows].tolist(), right.records[found.right_rows].tolist(), strict=True))
    assert {(0, 1), (3, 0)} == pairs
    assert [1.0, 1.0] == found.score.tolist()
    assert found.strict.all()


def test_a_value_that_stands_several_times_is_linked_as_often_as_both_sides_have_it():
    """One-to-one, or every left row when the left file holds several rows of a person."""
    left, right = encoded(["7", "7", "7", "8"]), encoded(["7", "7"])
    plan = PLAN.passes[0]
    assert 2 == len(link_pass(left.encoded, right.encoded, plan).left_rows)
    assert 3 == len(link_pass(left.encoded, right.encoded, replace(plan, solving="many-to-one")).left_rows)


def test_rows_are_sorted_and_named_afresh():
    """By token then id; no id comes twice, nor in another encoding of the same file."""
    codes = [str(1 + k % 700) for k in range(1_000)]
    first, again = encoded(codes), encoded(codes)
    for one in (first, again):
        check_pass(one.encoded, PLAN.passes[0])
    assert 2_000 == len({bytes(name) for one in (first, again) for name in one.encoded.ids})
    assert np.array_equal(first.encoded.tags, again.encoded.tags)
    assert sorted(first.records.tolist()) == list(range(1_000))


def test_a_value_that_names_nobody_is_refused():
    """More rows than a block may hold: a placeholder, not a number of anybody."""
    with pytest.raises(LinkageError) as refusal:
        exact_rows(records(["99"] * 1_600), PLAN.passes[0], KEY)
    assert "E_BLOC_TROP_GRAND" == refusal.value.code


def test_values_go_out_in_pieces_of_whole_values(monkeypatch):
    """However few rows a piece should have."""
    monkeypatch.setattr("linkage.exact_rows.AT_ONCE", 4)
    rows = exact_rows(records(["a1", "b2", "a1", "c3", "a1", "b2", "a1", "a1", "d4"]), PLAN.passes[0], KEY)
    pieces = list(rows.pieces())
    assert len(pieces) > 1
    assert 9 == sum(len(piece) for piece, _ in pieces) == rows.count
    tokens = [{bytes(row[16:]) for row in piece} for piece, _ in pieces]
    assert len(set().union(*tokens)) == sum(len(some) for some in tokens)


def test_no_record_and_no_value():
    """An empty file, and a file where nobody has the value, are passes without rows."""
    for codes in ([], ["", ""]):
        one = encoded(codes)
        assert 0 == len(one.encoded)
        assert 0 == len(link_pass(one.encoded, encoded(["7"]).encoded, PLAN.passes[0]).left_rows)
