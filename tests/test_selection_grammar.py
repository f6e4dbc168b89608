"""The grammar of selections: precedence, places of faults, bounds."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.selection import parse_selection
from linkage.selection_grammar import LONGEST, Node, parse


def shape(node: Node) -> str:
    """The tree on a line."""
    inner = " ".join(shape(part) for part in node.parts)
    head = f"{node.kind}:{node.value}" if node.value else node.kind
    return f"({head} {inner})" if inner else head


TREES = {
    "a ou b et non c": "(or name:a (and name:b (not name:c)))",
    "(a or b) and c": "(and (or name:a name:b) name:c)",
    "a + 2 * b < 3": "(compare:< (sum:+ name:a (sum:* number:2 name:b)) number:3)",
    "a - b - c = 0": "(compare:= (sum:- (sum:- name:a name:b) name:c) number:0)",
    "-a <= -1": "(compare:<= (minus name:a) (minus number:1))",
    "x dans 16..18": "(in name:x (range number:16 number:18))",
    "x pas dans ['F', \"G\"]": "(not (in name:x (list text:F text:G)))",
    "d in J - 30 .. J+6m": "(in name:d (range day:-30 day:+6m))",
    "d < J": "(compare:< name:d day)",
    "d >= 31/01/2026": "(compare:>= name:d date:2026-01-31)",
    "`N° dossier` = f(a, 2026-02-28)": "(compare:= column:N° dossier (call:f name:a date:2026-02-28))",
    "JOUR = Jx": "(compare:= name:JOUR name:Jx)",
}


@pytest.mark.parametrize(("text", "expected"), TREES.items())
def test_a_text_becomes_its_tree(text, expected):
    """Precedence, ranges, lists, relative days, quoted names."""
    assert expected == shape(parse(text))


FAULTS = {
    "": 1,
    "rfr <": 6,
    "a b": 3,
    "x $ 2": 3,
    "motif = 'vente": 9,
    "a = b = c": 7,
    "a pas b": 7,
    "(a ou b": 8,
    "f(a, )": 6,
    "a dans [1, ]": 12,
    "31/02/2026 < J": 1,
    "0bis = a": 1,
    "a.b": 2,
    "__import__('os')": 1,
    "a et 3": 6,
    "age(d, 3) > 2": 8,
    "age() > 2": 1,
    "age(d, J, J) > 2": 1,
    "J+3 + J > J": 5,
    "3 + J > J": 3,
    "d in 3": 6,
    "'a' < 'b'": 5,
    "(a ou b) = 'x'": 10,
    "[1, 2]": 1,
    "une_ligne_par(a) et b": 1,
    "b et une_ligne_par()": 6,
    "b et une_ligne_par('x')": 20,
    "si(a, 1) > 2": 1,
    "si(3, 1, 2) > 2": 4,
}


@pytest.mark.parametrize(("text", "place"), FAULTS.items())
def test_a_fault_is_refused_with_its_place(text, place):
    """Every refusal says where, from 1, and nothing is read beyond the language."""
    with pytest.raises(LinkageError) as refused:
        parse_selection(text)
    assert "E_SELECTION" == refused.value.code
    assert f", caractère {place} : " in refused.value.message


def test_length_and_depth_are_bounded():
    """A text too long or too deep is refused, quickly, and a deep one that is allowed costs little."""
    started = time.perf_counter()
    for text in ("a " * LONGEST, "(" * 41 + "a" + ")" * 41, "non " * 41 + "a"):
        with pytest.raises(LinkageError, match="E_SELECTION"):
            parse_selection(text)
    parse_selection("a+(" * 39 + "1" + ")" * 39 + " > 2")
    parse_selection("si(a,1," * 39 + "1" + ")" * 39 + " > 2")
    assert 2 > time.perf_counter() - started


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab J+-*/<>=!()[],.'`1234et oudansnif", max_size=30))
def test_any_text_is_read_or_refused_by_its_code(text):
    """No other exception ever leaves the reader."""
    code = "E_SELECTION"
    try:
        parse_selection(text)
    except LinkageError as refused:
        code = refused.code
    assert "E_SELECTION" == code
