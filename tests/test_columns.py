"""Columns of text: each distinct cell once, whatever the blocks they come in, and nothing lost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import columns
from linkage.columns import ColumnBuilder, RawColumn, Texts, byte_sizes

QUIET = settings(deadline=None)

cell = st.sampled_from(["", "A", "É", " ", "\u3000", "\x1f", "12345678", "123456789", "x" * 17]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)
cells = st.lists(cell, max_size=30)


def built(blocks: list[list[str]]) -> RawColumn:
    """A column from blocks of cells."""
    builder = ColumnBuilder()
    for block in blocks:
        builder.add(pa.array(block, pa.string()))
    return builder.column()


@QUIET
@given(st.lists(cells, max_size=5))
def test_a_column_is_its_cells_whatever_the_blocks(blocks):
    """Cells in order, distinct ones once and as they are first met, from blocks or from a list."""
    whole = [one for block in blocks for one in block]
    for column in (built(blocks), RawColumn.of(whole)):
        assert (whole, list(dict.fromkeys(whole))) == (column.cells(), list(column.values))
        assert (len(whole), np.dtype(np.int32)) == (len(column), column.codes.dtype)
        assert column.repeats() == (len(set(whole)) < len(whole))


@QUIET
@given(cells, st.integers(0, 3))
def test_without_its_last_rows_a_column_forgets_their_cells(whole, count):
    """As if those rows had never been there."""
    count = min(count, len(whole))
    kept = whole[: len(whole) - count]
    column = built([whole]).without_last(count)
    assert (kept, list(dict.fromkeys(kept))) == (column.cells(), list(column.values))


def test_a_column_that_repeats_late_is_still_coded():
    """Hardly any cell repeats in the first block, a cell of it comes again at the end."""
    blocks = [[str(n) for n in range(5000)], ["17", "new"]]
    column = built(blocks)
    assert (5001, 17) == (len(column.values), column.codes[5000])


@QUIET
@given(cells, st.data())
def test_texts_are_a_sequence_of_strings(whole, data):
    """Indexing, slicing, walking, comparing and taking, as with a list."""
    texts = Texts([pa.array(whole[:3], pa.string()), pa.array(whole[3:], pa.string())])
    assert (texts, list(texts), len(texts)) == (whole, whole, len(whole))
    assert texts == Texts.of(whole)
    start, stop = data.draw(st.integers(-5, 35)), data.draw(st.integers(-5, 35))
    assert whole[start:stop] == texts[start:stop]
    assert whole[start:stop:2] == texts[start:stop:2]
    if whole:
        assert whole[-1] == texts[-1]
        places = data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5))
        assert [whole[place] for place in places] == list(texts.take(np.array(places, dtype=np.int64)))
    kept = np.array([len(one) % 2 == 0 for one in whole], dtype=bool)
    assert [one for one in whole if len(one) % 2 == 0] == list(texts.filter(kept))
    assert [not one.strip() for one in whole] == texts.blank().tolist()


@QUIET
@given(cells, st.integers(0, 5))
def test_sizes_are_those_of_the_bytes(whole, start):
    """Of a part of an array too."""
    assert [len(one.encode()) for one in whole[start:]] == byte_sizes(
        pa.array(whole, pa.string()).slice(start)
    ).tolist()


@QUIET
@given(cells)
def test_different_cells_have_different_numbers(whole):
    """Equal numbers exactly where cells are equal; a cell and its beginning differ, wherever its bytes lie."""
    numbers = columns._numbers(pa.array(["pad", *whole], pa.string()).slice(1)).tolist()
    assert [whole.index(one) for one in whole] == [numbers.index(one) for one in numbers]


def test_every_space_is_looked_at():
    """No character of space begins with a byte that is not expected of one."""
    first = {chr(point).encode()[0] for point in range(0xD800) if chr(point).isspace()}
    assert set() == {byte for byte in first if not columns._MAY_BE_SPACE[byte]}
