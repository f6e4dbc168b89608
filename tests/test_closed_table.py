"""A closed table gives each entry once, with its type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.closed_table import ClosedTable
from service.errors import ServiceError


@pytest.mark.parametrize(("text", "units", "expected"), [("P7D", "DW", 7), ("P2W", "DW", 14), ("P1Y", "MY", 12)])
def test_durations(text: str, units: str, expected: int) -> None:
    """Days and weeks count in days, months and years in months."""
    assert expected == ClosedTable({"d": text}).duration("d", units)


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), max_size=5))
def test_what_is_left_is_refused(entries: dict[str, str]) -> None:
    """Closing refuses exactly when something was not taken."""
    table = ClosedTable({**entries, "titre": "x"})
    assert table.text("titre") == "x"
    left = set(entries) - {"titre"}
    if left:
        with pytest.raises(ServiceError, match="E_CLE_INCONNUE"):
            table.close()
    else:
        table.close()


def test_an_inner_table_says_where_it_is() -> None:
    """A refusal names the table as the file writes it."""
    inner = ClosedTable({"regle": {"fraicheur": {"c2s": {}}}}).table("regle").table("fraicheur").table("c2s")
    with pytest.raises(ServiceError, match=r"\[regle\.fraicheur\.c2s\]"):
        inner.text("age_max")


def test_a_boolean_is_not_a_text() -> None:
    """Types are exact."""
    with pytest.raises(ServiceError, match="E_DEMARCHE"):
        ClosedTable({"titre": True}).text("titre")


def test_one_or_several():
    """A text or a list of texts, a table or a list of tables, a text or nothing."""
    table = ClosedTable({"a": "x", "b": ["x", "y"], "t": {"k": 1}, "u": [{"k": 1}, {"k": 2}], "m": "z", "n": [1, -2]})
    assert ("x",) == table.one_or_more("a")
    assert ("x", "y") == table.one_or_more("b")
    assert () == table.one_or_more("c", [])
    assert [1] == [one.number("k", 0, 9) for one in table.several("t")]
    assert [1, 2] == [one.number("k", 0, 9) for one in table.several("u")]
    assert [] == table.several("v")
    assert ("z", None) == (table.maybe("m"), table.maybe("m"))
    assert (1, -2) == table.whole_numbers("n")
    table.close()


@pytest.mark.parametrize(
    "read",
    [
        lambda table: table.several("liste"),
        lambda table: table.whole_numbers("textes"),
        lambda table: table.one_or_more("nombre"),
        lambda table: table.maybe("vide"),
        lambda table: table.texts_by_name(),
        lambda table: table.numbers(0, 9),
        lambda table: table.flag("nombre", default=False),
    ],
)
def test_other_forms_are_refused(read):
    """Each with the place and what is expected."""
    table = ClosedTable({"liste": ["x"], "textes": ["x"], "nombre": 1, "vide": " "}, "[ici]")
    with pytest.raises(ServiceError, match=r"E_DEMARCHE : \[ici\]"):
        read(table)
