"""Columns of text: each distinct cell once, whatever the blocks they come in, and nothing lost."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import columns
from linkage.columns import (
    ColumnBuilder,
    RawColumn,
    Texts,
    cells_of,
    joined,
    letters_of,
    may_be_space,
    points_of,
)
from linkage.lexicon import laid_out, strings

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
        assert whole == list(column.rows())
    plain = RawColumn.plain(pa.array(whole, pa.string()))
    assert (whole, whole) == (plain.cells(), list(plain.rows()))
    assert (whole, list(dict.fromkeys(whole))) == (plain.coded().cells(), list(plain.coded().values))


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
    assert whole == strings(texts.cells) == list(Texts.over(texts.cells))
    assert [not one.strip() for one in whole] == texts.blank().tolist()


@QUIET
@given(cells, st.integers(0, 5))
def test_cells_of_an_array_lie_where_they_are(whole, start):
    """Of a part of an array too."""
    assert whole[start:] == strings(cells_of(pa.array(whole, pa.string()).slice(start)))


@QUIET
@given(cells)
def test_what_has_a_space_at_an_end_is_doubtful(whole):
    """Whatever the space; other cells may be doubtful too, plain letters are not."""
    doubtful = may_be_space(laid_out(whole)).tolist()
    assert [True for one in whole if one != one.strip()] == [
        found for one, found in zip(whole, doubtful, strict=True) if one != one.strip()
    ]
    assert [False, False] == may_be_space(laid_out(["", "MARTIN"])).tolist()


@QUIET
@given(st.lists(st.tuples(cell, cell, cell), max_size=20))
def test_columns_side_by_side(rows):
    """With a space between what is not empty, each different row once; dates as year, month and day."""
    columns_of = [RawColumn.of([row[place] for row in rows]) for place in range(3)]
    whole = [" ".join(part for part in row if part) for row in rows]
    assert whole == joined(columns_of).cells()
    parts = [RawColumn.of(texts) for texts in (["80", "1980.0", "NR"], ["2", "", "NR"], ["3", " 4 ", "NR"])]
    assert ["0080-02-03", "1980-00-04", "0000-00-00"] == joined(parts, "date", ["NR"]).cells()
    assert parts[0] is joined(parts[:1])


def test_every_space_is_looked_at():
    """No character of space begins with a byte that is not expected of one."""
    first = {chr(point).encode()[0] for point in range(0xD800) if chr(point).isspace()}
    assert set() == {byte for byte in first if not columns._MAY_BE_SPACE[byte]}


@QUIET
@given(cells, st.integers(0, 3))
def test_characters_as_numbers(whole, start):
    """Those of a list, and of texts in Arrow's memory, of one byte each or not, from wherever they begin."""
    plain = [text for text in whole if text.isascii()]
    for texts in (whole, plain):
        expected = [ord(char) for text in texts[start:] for char in text]
        held = Texts([pa.array(texts, pa.string()).slice(start)])
        for some in (texts[start:], held, Texts.of(texts[start:])):
            assert expected == [point for points in points_of(some) for point in points.tolist()]
            assert [len(text) for text in texts[start:]] == letters_of(some).tolist()
