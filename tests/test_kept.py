"""Filters kept for frequent values: the same bits with room for all, for some or for none, values held cut or not."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crypto.keys import PassKey
from linkage.bits import STEP
from linkage.encode import PassEncoder
from linkage.feature_table import FeatureTable
from linkage.kept import LEAST_USES, Codes, Kept, Line, Part
from linkage.profiles import PROFILES
from tests.invented import P1, people, records_of

KEY = PassKey(hashlib.sha256(b"pass").digest())
WORDS = 16
VALUES = 40


class Cutter:
    """Lists for each value one token of one position, the value's number, and notes which values were asked for."""

    def __init__(self) -> None:
        self.told: list[list[int]] = []
        self._drawn: Line = {
            "drawn": np.arange(VALUES + 1, dtype=np.int64),
            "places": np.arange(VALUES + STEP, dtype=np.uint16),
            "first": np.full(VALUES, -1, dtype=np.int64),
            "masks": np.zeros((0, WORDS), dtype=np.uint64),
        }

    def __call__(self, codes: Codes) -> tuple[Codes, Line]:
        self.told.append(codes.tolist())
        starts, counts = np.arange(len(codes) + 1, dtype=np.int64), np.ones(len(codes), dtype=np.int32)
        where: Line = {"listed": 1, "starts": starts, "tokens": codes, "counts": counts, "most": 1}
        return np.arange(len(codes), dtype=np.int32), {**self._drawn, **where}


def filled(kept: Kept, codes: list[int]) -> list[list[int]]:
    """The bits of records with these values, all in one block."""
    rows = np.array(codes, dtype=np.int32).reshape(-1, 1)
    plain: NDArray[np.uint64] = np.full((len(rows), WORDS), 7, dtype=np.uint64)
    kept.fill(rows, np.array([0, len(rows)]), np.array([0]), plain)
    return [np.flatnonzero(row).tolist() for row in np.unpackbits(plain.view(np.uint8), axis=1, bitorder="little")]


@given(st.lists(st.integers(-1, VALUES - 1), max_size=60), st.integers(0, 20), st.lists(st.integers(-1, VALUES - 1)))
@settings(max_examples=80, deadline=None)
def test_bits_do_not_depend_on_what_is_kept(seen, most, codes):
    """Whatever room there is and whoever comes, each record has the bit of its value, or none."""
    kept = Kept([[Part(column=0, values=VALUES, cut=Cutter())]], WORDS)
    kept.choose(np.array(seen, dtype=np.int32).reshape(-1, 1), 1, 0, 8 * WORDS * most)
    assert [[code] if code >= 0 else [] for code in codes] == filled(kept, codes)


def test_the_most_used_values_are_kept():
    """With room for two, those of most records; the others are asked for when they come; rare ones are never kept."""
    seen = [0] * LEAST_USES + [1] * 9 + [2] * 5 + [3] * (LEAST_USES - 1) + [-1]
    for room, expected in ((2, [[1, 2], [0] * LEAST_USES + [3, 3]]), (9, [[0, 1, 2], [3, 3]])):
        cutter = Cutter()
        kept = Kept([[Part(column=0, values=4, cut=cutter)]], WORDS)
        kept.choose(np.array(seen, dtype=np.int32).reshape(-1, 1), 1, 0, room * 8 * WORDS)
        filled(kept, seen)
        assert expected == [told for told in cutter.told if told]


def test_a_sample_stands_for_more():
    """A value seen once among one record in three is had by three."""
    cutter = Cutter()
    kept = Kept([[Part(column=0, values=4, cut=cutter)]], WORDS)
    kept.choose(np.array([[2]], dtype=np.int32), LEAST_USES, 0, 1 << 20)
    assert cutter.told == [[2]]


def test_values_of_one_group_are_kept_once():
    """A group stands for its values: the first of them is asked for."""
    cutter = Cutter()
    groups, firsts = np.array([0, 1, 0], dtype=np.int32), np.array([0, 1], dtype=np.int32)
    kept = Kept([[Part(column=0, values=3, groups=groups, firsts=firsts, cut=cutter)]], WORDS)
    kept.choose(np.array([[0], [1], [1], [2], [2], [2]], dtype=np.int32), 1, 0, 1 << 20)
    assert filled(kept, [0, 1, 1, 2, 2, 2]) == [[0], [1], [1], [0], [0], [0]]
    assert cutter.told == [[0], [1, 1]]


def test_blocks_of_each_depth_have_their_own_parts():
    """A block takes the parts of its depth, and what is kept for them."""
    first, second = Cutter(), Cutter()
    parts = [
        [Part(column=0, values=4, cut=first)],
        [Part(column=1, values=4, cut=second), Part(column=0, values=4, cut=second)],
    ]
    kept = Kept(parts, WORDS)
    kept.choose(np.array([[0, 1]] * LEAST_USES, dtype=np.int32), 1, 1, 1 << 20)
    rows = np.array([[0, 1], [2, 3], [0, 1]], dtype=np.int32)
    plain = np.zeros((3, WORDS), dtype=np.uint64)
    kept.fill(rows, np.array([0, 1, 3]), np.array([0, 1]), plain)
    assert plain[:, 0].tolist() == [1 << 0, 1 << 2 | 1 << 3, 1 << 0 | 1 << 1]


@pytest.mark.parametrize("cut", [0, 1 << 20])
@pytest.mark.parametrize("left_out", [(), ("prenoms.two", "date_naissance.year"), ("prenoms.value",)])
def test_an_encoder_that_keeps_gives_the_same_filters(left_out, cut):
    """Real attributes, each person several times, some values missing, values held cut or not."""
    crowd = [{**one, "prenoms": ""} if place % 7 == 0 else one for place, one in enumerate(people(40))] * 4
    records = records_of(P1, [*crowd, *people(60)])
    encoder = PassEncoder(FeatureTable(records, room=cut), P1.attributes, PROFILES["standard"], [left_out], KEY)
    rows = np.stack([records.columns[name].codes for name in encoder.columns], axis=1)
    expected = encoder.plain(rows)
    for room in (10_000, 1 << 24):
        encoder.keep(rows, 1, 0, room)
        assert np.array_equal(expected, encoder.plain(rows))
