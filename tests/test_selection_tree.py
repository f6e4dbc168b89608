"""Trees of the selection language: kinds, parameters, arithmetic over intervals."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.columns import RawColumn
from linkage.errors import LinkageError
from linkage.selection_grammar import parse
from linkage.selection_tree import Steps, build
from linkage.selection_values import Cells, Quantity, Sight

PARAMETERS: dict[str, Any] = {
    "seuil": 10.0,
    "mot": "F",
    "vrai": True,
    "fin": date(2026, 12, 31),
    "liste": ("a", "b"),
    "nombres": (1.0, 2.0),
    "table": Steps(bounds=(1.0, 2.0), values=("A", "B", "C")),
    "montants": Steps(bounds=(1.0,), values=(5.0, 6.0)),
}
KINDS = {
    "a": "cell",
    "seuil": "number",
    "mot": "text",
    "vrai": "truth",
    "fin": "day",
    "table(a)": "text",
    "tranche(a, montants)": "number",
    "a = 'x'": "truth",
    "fin + 3": "day",
    "fin - J": "number",
    "a * 2": "number",
    "si(vrai, fin, a)": "day",
    "si(vrai, a, a)": "text",
    "-a": "number",
}


@pytest.mark.parametrize(("text", "kind"), KINDS.items())
def test_each_tree_has_a_kind(text, kind):
    """Known before any file is opened."""
    assert kind == build(text, parse(text), PARAMETERS).kind


@pytest.mark.parametrize(
    "text",
    ["liste", "table", "a dans table", "a dans vrai", "mot < 3", "fin = 3", "fin * 2", "2 - fin", "vrai + 1", "table(mot)",
     "tranche(a, liste)", "tranche(a)", "mot = seuil", "une_ligne_par(a) = 'x'", "si(seuil, a, a)", "non seuil"],
)  # fmt: skip
def test_kinds_that_do_not_go_together_are_refused(text):
    """With the place of the fault."""
    with pytest.raises(LinkageError, match=r"E_SELECTION : .* caractère \d+"):
        build(text, parse(text), PARAMETERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a dans liste", "110"),
        ("a pas dans liste", "001"),
        ("a dans mot", "000"),
        ("a = mot", "000"),
        ("a != 'A'", "011"),
    ],
)
def test_parameters_stand_for_their_values(text, expected):
    """Lists after `dans`, words in comparisons."""
    raw = RawColumn.of(["a", "b", "c"])
    tree = build(text, parse(text), PARAMETERS, "truth")
    assert tree.run is not None
    truth = tree.run(Sight({"a": Cells(values=raw.values, codes=raw.codes)}, date(2026, 1, 1), 3))
    assert [sign == "1" for sign in expected] == truth.yes.tolist()


ends = st.tuples(st.integers(-4, 4), st.integers(0, 3))


@given(st.sampled_from("+-*/"), ends, ends)
def test_arithmetic_holds_every_pair_of_points(sign, one, other):
    """The result is the narrowest interval of the results of all pairs, and nothing where one of them divides by zero."""
    (a, wide), (b, wider) = one, other
    sight = Sight({}, date(2026, 1, 1), 1)

    class Given:
        """Two columns that are intervals."""

        rows, today, columns = 1, sight.today, sight.columns

        @staticmethod
        def quantity(name, *, days):
            low, width = (a, wide) if name == "a" else (b, wider)
            return Quantity(low=np.array([float(low)]), high=np.array([float(low + width)]))

    text = f"a {sign} b"
    tree = build(text, parse(text), {})
    assert tree.run is not None
    found = tree.run(Given())  # type: ignore[arg-type]
    operation: Any = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y,
    }
    if sign == "/" and b <= 0 <= b + wider:
        assert np.isnan(found.low[0])
        return
    corners = [operation[sign](x, y) for x in (a, a + wide) for y in (b, b + wider)]
    assert (min(corners), max(corners)) == (float(found.low[0]), float(found.high[0]))
