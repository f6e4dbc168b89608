"""Plain names folded many at once: what is not doubtful is exactly what the readers of single cells make of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import Attribute, parse_attribute
from linkage.lexicon import laid_out, strings
from linkage.normalise import normaliser
from linkage.plain_names import PlainNames
from tests.invented import cells_of_kind

QUIET = settings(deadline=None)
KINDS = ("name", "given_names", "text", "category")
word = st.sampled_from(
    [
        "Martin",
        "ÉPOUSE",
        "née",
        "MME",
        "M",
        "Ste",
        "X",
        "xX",
        "SANS",
        "prénom",
        "Jean",
        "Œuvré",
        "1er",
        "-",
        "½",
        "ĳ",
        "",
    ]
)
sign = st.sampled_from([" ", "-", "  ", " - ", "'", "’", ",", "/", "\u00a0", "\u00ad", "\t", "."])
composed = st.lists(st.tuples(word, sign), max_size=6).map(lambda parts: "".join(a + b for a, b in parts))
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def attribute(kind: str, **keys: Any) -> Attribute:
    """An attribute of a kind."""
    return parse_attribute("a", {"kind": kind, "bits": 1, **keys})


def folded(one: Attribute, cells: list[str]) -> tuple[list[str], list[bool]]:
    """Values, and which cells are doubtful."""
    found, doubtful = PlainNames(one).fold(laid_out(cells))
    return strings(found), doubtful.tolist()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@QUIET
def test_plain_cells_are_what_the_reader_of_one_cell_makes_of_them(kind, data):
    """Composed cells, cells as files write them, and any text; cut where the sheet cuts."""
    keys: dict[str, Any] = {"longest": data.draw(st.integers(0, 9))} if kind != "category" else {}
    if kind == "given_names":
        keys["most"] = data.draw(st.integers(0, 3))
    one = attribute(kind, **keys)
    cells = data.draw(st.lists(composed | anything | cells_of_kind.get(kind, anything), max_size=12))
    values, doubtful = folded(one, cells)
    normalise = normaliser(one)
    for cell, value, unsure in zip(cells, values, doubtful, strict=True):
        assert (value == "") if unsure else (value or None) == normalise(cell)


def test_most_names_are_plain():
    """Accents, ligatures, hyphens and several words are; titles, apostrophes of names and placeholders are not."""
    cells = ["Cœur", "de La Tour-d", "Nuñez  García", "Ældo", "", " - ", "NA"]
    assert (["COEUR", "DE LA TOUR D", "NUNEZ GARCIA", "AELDO", "", "", "NA"], [False] * 7) == folded(
        attribute("name"), cells
    )
    cells = ["Jean-Paul, Marie", "--Zoë--", "Anne -Lise"]
    assert (["JEAN-PAUL MARIE", "ZOE", "ANNE LISE"], [False] * 3) == folded(attribute("given_names"), cells)
    doubtful = ["Mme Martin", "M'Baye", "St Ex", "X", "xxx", "sans nom", "A née B", "Nguyễn", "王"]
    assert ([""] * 9, [True] * 9) == folded(attribute("name"), doubtful)


def test_other_kinds_have_no_plain_cells():
    """Dates and codes are read one by one."""
    assert [kind in KINDS for kind in (*KINDS, "date", "sex", "cog", "code", "country", "number")] == [
        PlainNames.know(attribute(kind)) for kind in (*KINDS, "date", "sex", "cog", "code", "country", "number")
    ]


def test_cells_may_lie_anywhere():
    """A part of what is laid out is folded as if it were all."""
    letters, bounds = laid_out(["Un", "Deux", "Trois"])
    found, doubtful = PlainNames(attribute("name")).fold((letters, bounds[1:]))
    assert (["DEUX", "TROIS"], False) == (strings(found), bool(np.any(doubtful)))
