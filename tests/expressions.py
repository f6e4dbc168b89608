"""Random expressions and worlds, for Hypothesis. See `tests.oracle_rules` for how they are written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

OPERANDS = ("a", "b", "c", "d", "e")
PEOPLE = 12


@st.composite
def _split(draw: DrawFn, operands: tuple[str, ...]) -> Any:
    """A tree over exactly these operands."""
    if len(operands) == 1:
        return ("one", operands[0])
    kind = draw(st.sampled_from(["and", "minus", "or", "dedup"]))
    most = 2 if kind == "minus" else len(operands)
    parts = draw(st.integers(2, most))
    cuts = sorted(
        draw(st.lists(st.integers(1, len(operands) - 1), min_size=parts - 1, max_size=parts - 1, unique=True))
    )
    bounds = [0, *cuts, len(operands)]
    return (kind, *(draw(_split(operands[one:other])) for one, other in pairwise(bounds)))


@st.composite
def trees(draw: DrawFn) -> Any:
    """An expression of one to five operands, each once."""
    count = draw(st.integers(1, len(OPERANDS)))
    return draw(_split(tuple(draw(st.permutations(OPERANDS)))[:count]))


@st.composite
def worlds(draw: DrawFn, operands: tuple[str, ...]) -> dict[str, dict[str, frozenset[int]]]:
    """Who holds each operand, one or two parties, and whom."""
    people: SearchStrategy[frozenset[int]] = st.frozensets(st.integers(0, PEOPLE - 1))
    return {name: {f"{name}{number}": draw(people) for number in range(draw(st.integers(1, 2)))} for name in operands}
