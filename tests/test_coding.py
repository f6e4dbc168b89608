"""Cells to distinct cells and codes: the same as a dictionary, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clkhash.coding import column_of, columns_of

CELLS = st.one_of(st.text("ab\0", max_size=3), st.text(max_size=4), st.sampled_from(["", "x", "é", "\ud800"]))


def told(column) -> list[str]:
    return [column.values[code] for code in column.codes.tolist()]


@given(st.lists(CELLS, max_size=30))
@settings(deadline=None)
def test_a_column_is_what_it_was(cells):
    """Codes lead back to the cells, values are distinct and in order of appearance."""
    column = column_of(cells)
    assert cells == told(column)
    assert list(dict.fromkeys(cells)) == list(column.values)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=20))
@settings(deadline=None)
def test_wanted_columns_of_rows_are_what_they_were(rows):
    """Columns that nobody wants are passed over."""
    first, last = columns_of(rows, 3, [0, 2])
    assert [row[0] for row in rows] == told(first)
    assert [row[2] for row in rows] == told(last)


@pytest.mark.parametrize("distinct", [1, 2047, 2048, 2049, 30_000])
def test_tables_grow(distinct):
    """Any number of distinct cells."""
    cells = [str(number % distinct) for number in range(2 * distinct + 5)]
    column = column_of(cells)
    assert (cells, distinct) == (told(column), len(column.values))
