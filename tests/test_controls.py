"""Positive controls: the same people on both sides, some with a mistake, and what must become of their jetons."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.keys import RunKey
from linkage.formula import formula_of
from linkage.normalise import normaliser
from linkage.rules import parse_rule
from service.administration.controls import Expectation, Recall, controls, expectations
from tests.invented import FEBRL4, P1

KEY = RunKey(bytes(range(32)))
COUNT = 12


def values_of(records: object, place: int) -> dict[str, str]:
    return {
        name: column.values[column.codes[place]]
        for name, column in records.columns.items()  # type: ignore[attr-defined]
        if column.codes[place] >= 0
    }


@pytest.mark.parametrize("sheet", [P1, FEBRL4], ids=["P1", "FEBRL4"])
def test_both_sides_add_the_same_people_but_for_planned_mistakes(sheet):
    """Even ones are identical; odd ones differ in the first names of the source alone."""
    here, there = (controls(sheet, KEY, COUNT, source=source) for source in (False, True))
    assert COUNT == len(here) == len(there)
    kinds = {one.name: one.kind for one in sheet.attributes}
    for place in range(COUNT):
        one, other = values_of(here, place), values_of(there, place)
        assert one.keys() == other.keys()
        different = {kinds[name] for name in one if one[name] != other[name]}
        assert different <= ({"given_names"} if place % 2 else set())
    assert COUNT == len({tuple(values_of(here, place).items()) for place in range(COUNT)})


def test_another_key_gives_other_people():
    """The third party, which holds no key, cannot know them; nor does another comparison."""
    here, there = (controls(P1, key, COUNT, source=False) for key in (KEY, RunKey(bytes(32))))
    assert [values_of(here, place) for place in range(COUNT)] != [values_of(there, place) for place in range(COUNT)]


@pytest.mark.parametrize("sheet", [P1, FEBRL4], ids=["P1", "FEBRL4"])
def test_their_values_are_canonical(sheet):
    """What the normaliser makes of them is what they are: they are encoded like anybody."""
    people = controls(sheet, KEY, COUNT, source=True)
    for one in sheet.attributes:
        read = normaliser(one)
        for value in people.columns[one.name].values:
            raw = f"{value[:4]}-{value[4:6]}-{value[6:]}" if one.kind == "date" else value
            assert value == (read(raw) if one.kind != "date" else value)
            assert one.kind != "date" or (8 == len(value) and value.isdigit())


def test_none_are_added_when_the_agreement_has_none():
    """An agreement without controls adds nobody."""
    assert 0 == len(controls(P1, KEY, 0, source=True))


RULES = {
    "a & (b | c)": {"b": ["a.b"], "c": ["a.c1", "a.c2"]},
    "a - (b & c) & (d | e)": {"b": ["a.b"], "c": ["a.c1", "a.c2"], "d": ["a.d"], "e": ["a.e"]},
    "dedup(b > a) - c": {"b": ["a.b1", "a.b2"], "c": ["a.c"]},
    "a & b": {"b": ["a.b"]},
    "a - b": {"b": ["a.b"]},
    "a & b - c": {"b": ["a.b"], "c": ["a.c"]},
    "a & b & c - d": {"b": ["a.b1", "a.b2"], "c": ["a.c"], "d": ["a.d1", "a.d2"]},
    "a - b - c": {"b": ["a.b"], "c": ["a.c1", "a.c2", "a.c3"]},
}


def made(text: str, count: int = COUNT) -> list[Expectation]:
    """What is expected of the controls of a rule."""
    formula = formula_of(parse_rule(text), "a", RULES[text])
    return expectations({"r": formula}, sorted(formula.comparisons), count)


@pytest.mark.parametrize("text", RULES)
@given(count=st.integers(0, 12))
def test_each_control_of_each_comparison_stands_in_one_jeton(text, count):
    """The joiner refuses links of rows that the table does not name, or names twice."""
    names = [name for held in RULES[text].values() for name in held]
    found = made(text, count)
    placed = [(one.number, name) for one in found for name in one.comparisons]
    assert sorted(itertools.product(range(count), names)) == sorted(placed)


@pytest.mark.parametrize("text", RULES)
def test_losing_the_links_of_any_comparison_is_seen(text):
    """For every comparison some jeton changes sides when its links are dropped, so that recall falls."""
    found = made(text)
    telling = {name for one in found if one.telling for name in one.comparisons}
    assert {name for held in RULES[text].values() for name in held} == telling


def test_what_is_expected_of_a_rule():
    """In b: a hit, unless it is in c as well; in c alone: none, and that tells nothing."""
    found = {
        (one.number % 2, tuple(sorted(one.comparisons))): (bool(one.hits), one.telling) for one in made("a & b - c", 4)
    }
    expected = {(0, ("a.b",)): (True, True), (0, ("a.c",)): (False, False), (1, ("a.b", "a.c")): (False, True)}
    assert expected == found


def test_an_output_that_asks_and_one_that_excludes_share_their_controls():
    """`a & b` and `a - b` over one comparison: each control is a hit of the first, and its loss would show in both."""
    held = {"b": ["a.b"]}
    formulas = {text: formula_of(parse_rule(text), "a", held) for text in ("a & b", "a - b")}
    found = expectations(formulas, ["a.b"], 6)
    assert [(number, {"a.b"}, {"a & b"}, True) for number in range(6)] == [
        (one.number, set(one.comparisons), set(one.hits), one.telling) for one in found
    ]


@pytest.mark.parametrize(("found", "expected", "enough"), [(0, 0, True), (8, 10, True), (7, 10, False), (50, 50, True)])
def test_a_floor(found, expected, enough):
    """Four of five, or something is wrong."""
    assert enough == Recall(found=found, expected=expected).enough
