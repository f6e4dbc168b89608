"""Filters kept for frequent values: the same bits with room for all, for some or for none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crypto.keys import PassKey
from linkage.encode import PassEncoder
from linkage.feature_table import FeatureTable
from linkage.kept import LEAST_USES, Kept, Part
from linkage.profiles import PROFILES
from tests.invented import P1, people, records_of

KEY = PassKey(hashlib.sha256(b"pass").digest())
WORDS = 16


def setter(told: list[list[int]]) -> Callable[..., None]:
    """Sets bit v for value v, and notes which values were asked for."""

    def set_bits(codes: NDArray[np.int32], places: NDArray[np.int64], plain: NDArray[np.uint64]) -> None:
        told.append(codes.tolist())
        plain[places, codes] |= np.uint64(1)

    return set_bits


@given(st.lists(st.integers(-1, WORDS - 1), max_size=40), st.integers(0, 20), st.lists(st.integers(0, 39), max_size=30))
@settings(max_examples=80, deadline=None)
def test_bits_do_not_depend_on_what_is_kept(codes, most, some):
    """Whatever room there is and whoever comes, each record has the bits of its value, or none."""
    part = Part(codes=np.array(codes, dtype=np.int32), values=WORDS, set_bits=setter([]))
    everybody = np.arange(len(codes), dtype=np.int32)
    kept = Kept([part], WORDS, everybody, 8 * WORDS * most)
    records = np.array([record for record in some if record < len(codes)], dtype=np.int64)
    plain = np.zeros((len(records), WORDS), dtype=np.uint64)
    kept.add(records, np.arange(len(records))[::-1].copy(), plain)
    expected = [[int(place == codes[record]) for place in range(WORDS)] for record in records[::-1].tolist()]
    assert expected == plain.tolist()


def test_the_most_used_values_are_kept():
    """With room for two, those of most records; the others are asked for when they come; rare ones are never kept."""
    codes = np.array([0] * LEAST_USES + [1] * 9 + [2] * 5 + [3] * (LEAST_USES - 1) + [-1], dtype=np.int32)
    everybody = np.arange(len(codes))
    for room, expected in ((2, [[1, 2], [0] * LEAST_USES + [3, 3]]), (9, [[0, 1, 2], [3, 3]])):
        told: list[list[int]] = []
        kept = Kept(
            [Part(codes=codes, values=4, set_bits=setter(told))], WORDS, everybody.astype(np.int32), room * 8 * WORDS
        )
        kept.add(everybody, everybody, np.zeros((len(codes), WORDS), dtype=np.uint64))
        assert expected == told


def test_values_of_one_group_are_kept_once():
    """A group stands for its values: the first of them is asked for."""
    told: list[list[int]] = []
    part = Part(
        codes=np.array([0, 1, 1, 2, 2, 2], dtype=np.int32),
        values=3,
        groups=np.array([0, 1, 0], dtype=np.int32),
        firsts=np.array([0, 1], dtype=np.int32),
        set_bits=setter(told),
    )
    kept = Kept([part], WORDS, np.arange(6, dtype=np.int32), 1 << 20)
    plain = np.zeros((6, WORDS), dtype=np.uint64)
    kept.add(np.arange(6), np.arange(6), plain)
    assert told == [[0], [1, 1]]
    assert plain[:, :3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("left_out", [(), ("prenoms.two", "date_naissance.year"), ("prenoms.value",)])
def test_an_encoder_that_keeps_gives_the_same_filters(left_out):
    """Real attributes, each person several times, some values missing."""
    crowd = [{**one, "prenoms": ""} if place % 7 == 0 else one for place, one in enumerate(people(40))] * 4
    records = records_of(P1, [*crowd, *people(60)])
    encoder = PassEncoder(FeatureTable(records), P1.attributes, PROFILES["standard"], [left_out], KEY)
    rows = np.arange(len(records))
    expected = encoder.plain(rows)
    for room in (10_000, 1 << 24):
        encoder.keep(rows.astype(np.int32), room)
        assert np.array_equal(expected, encoder.plain(rows))
