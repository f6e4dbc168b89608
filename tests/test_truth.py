"""Whom a rule ought to give: held against sets of people, put together by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.clauses import BlindCondition
from service.demarche import load_demarche
from service.demonstration.town_files import Part
from service.demonstration.truth import eligible

DEMARCHE = load_demarche("indemnite-inflation")


def part(name: str, people: str, *, out: str = "", blind: str = "") -> Part:
    """One row a letter; those in `out` take no part; `blind` is what is compared blindly of each."""
    return Part(
        operand=name,
        party=name,
        path=Path(name),
        ids=tuple(people),
        entity=tuple(map(ord, people)),
        taken=np.array([one not in out for one in people]),
        selected=np.ones(len(people), dtype=bool),
        blind={ord(one): value for one, value in zip(people, blind, strict=False)},
        profile="certifie",
        contacts={},
        identity={},
    )


def found(expression: str, recipient: str, **files: str) -> str:
    demarche = replace(DEMARCHE, outputs=(replace(DEMARCHE.outputs[0], expression=expression),), blind=None)
    parts = {name: part(name, people) for name, people in files.items()}
    people, _ = eligible(demarche, parts, demarche.outputs[0].name, recipient)
    return "".join(sorted(map(chr, people)))


@pytest.mark.parametrize(
    ("expression", "recipient", "expected"),
    [
        ("a & b", "a", "bc"), ("a - b", "a", "ad"), ("a & (b | c)", "a", "bcd"), ("(a & b) - c", "a", "b"),
        ("(b | c) & a", "a", "bcd"), ("dedup(a > b > c)", "a", "abcd"), ("dedup(a > b > c)", "b", "e"),
        ("dedup(a > b > c)", "c", "f"), ("dedup(a > b) - c", "b", ""), ("(a & b) - c", "b", "b"),
    ],
)  # fmt: skip
def test_a_rule_over_three_files(expression, recipient, expected):
    """a holds abcd, b holds bce, c holds cdef."""
    assert expected == found(expression, recipient, a="abcd", b="bce", c="cdef")


def test_who_takes_no_part_is_in_no_file():
    """Neither to be found nor to be taken away."""
    demarche = replace(DEMARCHE, outputs=(replace(DEMARCHE.outputs[0], expression="a - b"),), blind=None)
    parts = {"a": part("a", "abc", out="a"), "b": part("b", "bc", out="c")}
    assert ({ord("c")}, {ord("b"), ord("c")}) == eligible(demarche, parts, demarche.outputs[0].name, "a")


@pytest.mark.parametrize(("equal", "expected"), [(True, "a"), (False, "b")])
def test_what_is_compared_blindly_counts(equal, expected):
    """Of two who are in both files, one has the same value in both."""
    blind = BlindCondition(left="a", left_column="x", right="b", right_column="y", equal=equal)
    demarche = replace(DEMARCHE, outputs=(replace(DEMARCHE.outputs[0], expression="a & b"),), blind=blind)
    parts = {"a": part("a", "ab", blind="11"), "b": part("b", "ab", blind="12")}
    assert {ord(expected)} == eligible(demarche, parts, demarche.outputs[0].name, "a")[0]
