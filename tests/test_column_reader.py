"""A column read piece by piece is the column read cell by cell, whatever is remembered in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import Attribute, parse_attribute
from linkage.cells import BadValue
from linkage.column_reader import MISSING, ColumnReader
from linkage.columns import RawColumn
from linkage.errors import LinkageError
from linkage.normalise import normaliser
from tests.invented import cells_of_kind

ROOMS = pytest.mark.parametrize("room", [0, 1 << 20], ids=["forgetful", "remembering"])


def attribute(kind: str, **keys: Any) -> Attribute:
    """An attribute of a kind."""
    return parse_attribute("a", {"kind": kind, "bits": 1, **keys})


def read(reader: ColumnReader, blocks: list[list[str]]) -> list[str | None]:
    """The canonical value of each row; rows stand from line 2 on."""
    codes, line = [np.empty(0, dtype=np.int32)], 2
    for block in blocks:
        codes.append(reader.add(RawColumn.of(block), np.arange(line, line + len(block))).codes)
        line += len(block)
    values = reader.values.strings(0, len(reader.values))
    assert len(values) == len(set(values))
    return [None if code == MISSING else values[code] for code in np.concatenate(codes).tolist()]


@ROOMS
@pytest.mark.parametrize("kind", ["name", "given_names", "date", "sex", "cog", "country", "text"])
@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_rows_are_normalised_and_faults_told(room, kind, data):
    """Each row as the function for one cell has it; a cell that cannot be right is missing, and its line is told."""
    one = attribute(kind, missing=["NR", "Zoë "])
    strange = st.sampled_from(["NR", " NR\u00a0", "Zoë", "Zoë ", "", "29280", "31/02/1980", "O'Neil"])
    blocks = data.draw(st.lists(st.lists(cells_of_kind.get(kind, strange) | strange, max_size=8), max_size=4))
    expected: list[str | None] = []
    faults: dict[str, list[int]] = {}
    for line, cell in enumerate((cell for block in blocks for cell in block), start=2):
        try:
            expected.append(None if cell.strip() in one.missing else normaliser(one)(cell))
        except BadValue as fault:
            expected.append(None)
            faults.setdefault(fault.code, []).append(line)
    reader = ColumnReader(one, room)
    assert expected == read(reader, blocks)
    told: dict[str, list[int]] = {}
    for code, column, _, lines in reader.problems:
        assert column == "a"
        told.setdefault(code, []).extend(lines.tolist())
    assert faults == {code: sorted(lines) for code, lines in told.items()}


@ROOMS
def test_names_of_usage_are_found_in_cells_of_the_first_form(room):
    """Numbered among the values of the second form, whether or not its own column has them."""
    first, second = (ColumnReader(attribute("name"), room) for _ in range(2))
    first.find_usage(second)
    lines = np.arange(3)
    assert {} == first.add(RawColumn.of(["DUPONT", "M'BAYE", ""]), lines).usage
    coded = first.add(RawColumn.of(["DUPONT EPOUSE MARTIN", "DUPONT", "DURAND NEE DUPONT"]), lines)
    usage = coded.usage["a"].tolist()
    assert ["MARTIN", "DURAND"] == [second.values.strings(code, code + 1)[0] for code in usage if code != MISSING]
    assert MISSING == usage[1]
    assert ["DUPONT"] * 3 == [first.values.strings(code, code + 1)[0] for code in coded.codes.tolist()]


def test_the_column_is_judged_as_a_whole():
    """Oddities are counted over all pieces; a column that holds another one is refused."""
    reader = ColumnReader(attribute("date", format="JJ/MM/AAAA"), 0)
    read(reader, [["01/02/1980", "29280"], ["29280", ""]])
    assert [("I_FORMATS_DATES", 3, 2), ("I_DATES_EXCEL", 2, 3)] == [
        (one.code, one.count, one.first_row) for one in reader.findings()
    ]
    reader.refuse_moved("f.csv")
    read(reader, [["Martin"] * 30] * 2)
    with pytest.raises(LinkageError, match="E_COLONNES_DECALEES"):
        reader.refuse_moved("f.csv")
