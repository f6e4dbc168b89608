"""People added to a file: read as all others, at the end, nothing of the file moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.records import MISSING, Column, Records
from service.administration.extra_people import extended, records_of

VALUES = st.sampled_from(["dupont", "martin", "petit", "leroy", "élise"])
PEOPLE = st.lists(st.fixed_dictionaries({}, optional={"nom": VALUES, "ville": VALUES}), max_size=8)


def told(records: Records) -> list[dict[str, str]]:
    """Every record as its values."""
    found: list[dict[str, str]] = [{} for _ in range(len(records))]
    for name, column in records.columns.items():
        for row, code in enumerate(column.part(0, len(records)).tolist()):
            if code != MISSING:
                found[row][name] = column.values[code]
    return found


@given(PEOPLE, PEOPLE)
def test_both_are_there_in_their_order(first, then):
    """Those of the file, then the others; each value once."""
    own, added = (records_of(people, ["nom", "ville"]) for people in (first, then))
    both = extended(own, added)
    assert first + then == told(both)
    assert len(first) + len(then) == len(both.ids) == len(list(both.ids))
    for column in both.columns.values():
        assert len(set(column.values)) == len(column.values)


@given(PEOPLE, PEOPLE, st.integers(0, 20), st.integers(0, 20))
def test_any_part_can_be_read(first, then, start, length):
    """As the encoder reads a column: some rows at a time, across the seam or not."""
    both = extended(records_of(first, ["nom", "ville"]), records_of(then, ["nom", "ville"]))
    stop = min(len(both), start + length)
    start = min(start, stop)
    column = both.columns["nom"]
    assert column.codes[start:stop].tolist() == column.part(start, stop).tolist()
    assert list(both.ids)[start:stop] == list(both.ids[start:stop])


def test_nothing_of_the_file_is_copied():
    """A column that says nothing new keeps its own values; its codes are read where they are."""
    codes = np.arange(3, dtype=np.int32)
    own = Records(ids=["a", "b", "c"], columns={"nom": Column(values=["x", "y", "z"], codes=codes)})
    both = extended(own, records_of([{"nom": "y"}], ["nom"]))
    assert own.columns["nom"].values is both.columns["nom"].values
    assert np.shares_memory(codes, both.columns["nom"].part(0, 3))
    assert [0, 1, 2, 1] == both.columns["nom"].codes.tolist()


def test_identifiers_behave_as_a_sequence():
    """From the end, in steps, and never beyond."""
    both = extended(records_of([{}] * 2, [], ["a", "b"]), records_of([{}] * 2, [], ["c", "d"]))
    assert ["d", "b"] == [both.ids[-1], both.ids[1]]
    assert ["a", "c"] == both.ids[::2]
    with pytest.raises(IndexError):
        both.ids[4]
