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


@pytest.mark.parametrize("length", range(26))
def test_cells_of_any_number_of_words(length):
    """Cells that differ in their last byte only, or go on where another ends, are distinct; equal ones are one."""
    base = "abcdefghijklmnopqrstuvwxyz"[:length]
    cells = [base, f"{base}0", f"{base}1", base, f"{base}00000000", f"{base}0", base[:-1]] * 3
    column = column_of(cells)
    assert cells == told(column)
    assert list(dict.fromkeys(cells)) == list(column.values)


def test_one_cell_longer_than_all_room():
    """A cell of a megabyte between short ones."""
    cells = ["a", "b" * (1 << 20), "a", "c", "b" * (1 << 20)]
    assert [0, 1, 0, 2, 1] == column_of(cells).codes.tolist()
