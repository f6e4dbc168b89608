"""A field holds distinct cells and what each becomes, for one column or several."""

from __future__ import annotations

from typing import Any

from linkage.attribute import parse_attribute
from linkage.field import Field, read_field
from linkage.tables import RawTable


def field(columns: dict[str, list[str]], **keys: Any) -> Field | None:
    return read_field(RawTable.of("x.csv", columns), parse_attribute("a", {"bits": 1, **keys}))


def values(one: Field | None) -> list[str | None]:
    """One canonical value a row."""
    assert one is not None
    return [one.values[code] for code in one.codes.tolist()]


def test_cells_are_judged_once_and_counted():
    """Distinct cells, their rows, and the rows where a judgement holds."""
    one = field({"a": ["Martin", "X", "Martin", ""]}, kind="name")
    assert one is not None
    assert ["Martin", "X", ""] == one.raws
    assert [2, 1, 1] == one.counts.tolist()
    assert ["MARTIN", None, "MARTIN", None] == values(one)
    assert [True, False, True, False] == one.filled.tolist()
    assert [False, True, False, False] == one.rows_where(lambda raw, _: raw == "X").tolist()


def test_a_cell_that_cannot_be_right_is_a_fault():
    """Its code and rule are kept, never the cell."""
    one = field({"a": ["1980-02-30", "1980-02-28"]}, kind="date")
    assert one is not None
    assert {0: ("E_DATE_IMPOSSIBLE", "cette date n'existe pas au calendrier")} == one.faults
    assert [None, "19800228"] == values(one)


def test_several_columns_are_joined_as_records_join_them():
    """First names with a space, the three columns of a date as year, month, day."""
    names = field({"p": ["Jean", "Anne", "Jean"], "q": ["Paul", "", "Paul"]}, kind="given_names", column=["p", "q"])
    assert ["JEAN PAUL", "ANNE", "JEAN PAUL"] == values(names)
    parts = {"y": ["1980", "1980"], "m": ["2.0", ""], "d": ["9", ""]}
    assert ["19800209", "19800000"] == values(field(parts, kind="date", column=["y", "m", "d"]))


def test_cells_that_the_file_calls_missing():
    """They are no value, even where they could be read as one."""
    assert [None, "DUPONT"] == values(field({"a": [" 0 ", "DUPONT"]}, kind="name", missing=["0"]))


def test_an_attribute_whose_columns_are_not_there():
    """Some are not enough."""
    assert field({"p": ["Jean"]}, kind="given_names", column=["p", "q"]) is None
