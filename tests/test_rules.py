"""Expressions: parsed strictly, written back evenly, and every operand on one side."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.rules import Chain, Dedup, Either, Operand, Rule, parse_rule
from tests.expressions import trees
from tests.oracle_rules import names, written

A, B, C = map(Operand, "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("rsa - c2s", Chain(Operand("rsa"), (("-", Operand("c2s")),))),
        ("  a&b   -\tc\n", Chain(A, (("&", B), ("-", C)))),
        ("a_1 & b2", Chain(Operand("a_1"), (("&", Operand("b2")),))),
        ("abonnes", Operand("abonnes")),
        ("((a))", A),
        ("(a | b) & c", Chain(Either((A, B)), (("&", C),))),
        ("a - (b | c)", Chain(A, (("-", Either((B, C))),))),
        ("a|b|c", Either((A, B, C))),
        ("dedup(a>b>c)", Dedup((A, B, C))),
        ("dedup ( a > b ) - c", Chain(Dedup((A, B)), (("-", C),))),
        ("dedup((a & b) > c)", Dedup((Chain(A, (("&", B),)), C))),
        ("dedup(a & b > c)", Dedup((Chain(A, (("&", B),)), C))),
    ],
)
def test_expressions_are_parsed(text, tree):
    """Spaces do not count, chains go from left to right."""
    rule = parse_rule(text)
    assert Rule(tree) == rule
    assert rule == parse_rule(rule.text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a&b-c", "a & b - c"),
        ("((a|b))&c", "(a | b) & c"),
        ("dedup(a&b>c)-d", "dedup((a & b) > c) - d"),
        ("a-(b)", "a - b"),
        ("(a-b)-c", "(a - b) - c"),
    ],
)
def test_the_text_is_evened_out(text, expected):
    """What an agreement shows is one spelling, with the parentheses that say something."""
    assert expected == parse_rule(text).text


@pytest.mark.parametrize(
    "text",
    ["", " ", "&", "-", "a &", "- a", "a b", "a & & b", "a - - b", "a & b c", "a & a", "a & b - b", "A & b", "1a & b", "_a",
     "é & b", "a | b & c", "a & b | c", "a - b | c", "(a & b", "a & b)", "()", "a & ()", "a + b", "dedup", "dedup(a)",
     "dedup(a > )", "dedup(> a)", "dedup(a, b)", "dedup(a > a)", "dedup a > b", "dedup & b", "a > b", "a & b > c", "a & b;",
     "a –b", "a & b\0", "a\x0b& b", "dedup(a | b > a)", "(" * 30 + "a" + ")" * 30],
)  # fmt: skip
def test_other_texts_are_refused(text):
    """Nothing is guessed: no mixed signs without parentheses, no operand twice."""
    with pytest.raises(LinkageError) as refusal:
        parse_rule(text)
    assert "E_REGLE" == refusal.value.code


def test_refusals_say_what_to_write():
    """The two mistakes that people make."""
    with pytest.raises(LinkageError, match=r"parenthèses : \(a \| b\) & c"):
        parse_rule("etat | region & comptes")
    with pytest.raises(LinkageError, match="une sortie de plus"):
        parse_rule("(a & b) | (c - b)")


@given(st.text("abc12_&- ()|>dup", max_size=14))
@settings(deadline=None)
def test_any_text_is_a_rule_or_refused(text):
    """Nothing else than a rule that reads back as itself, or E_REGLE."""
    try:
        rule = parse_rule(text)
    except LinkageError:
        return
    assert parse_rule(rule.text) == rule
    assert len(set(rule.operands)) == len(rule.operands)


@given(trees())
@settings(deadline=None)
def test_what_is_written_is_read(tree):
    """The operands in their order, each on one side; the printed form reads back as the same tree."""
    rule = parse_rule(written(tree))
    assert tuple(names(tree)) == rule.operands
    assert rule == parse_rule(rule.text)
    assert rule.added | rule.subtracted == set(rule.operands)
    assert not rule.added & rule.subtracted


@pytest.mark.parametrize(
    ("text", "added", "subtracted", "deduped"),
    [
        ("a & b - c", "ab", "c", ""),
        ("a - (b - c)", "ac", "b", ""),
        ("dedup(a > b > c) - d", "abc", "d", "abc"),
        ("a - dedup(b > c)", "a", "bc", "bc"),
        ("(a | b) & c", "abc", "", ""),
    ],
)
def test_every_operand_is_added_or_subtracted(text, added, subtracted, deduped):
    """Two minus signs are none; members of a dedup are added, though they take from each other."""
    rule = parse_rule(text)
    assert (frozenset(added), frozenset(subtracted), frozenset(deduped)) == (rule.added, rule.subtracted, rule.deduped)
