"""Rules: parsed strictly, and evaluated record by record as the truth tables say."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.rules import GreyPolicy, Hits, Linked, Rule, apply_rule, parse_rule, union

POLICIES: tuple[GreyPolicy, ...] = get_args(GreyPolicy)
STATES = ("none", "grey", "certain")


def linked(states: list[str]) -> Linked:
    """Links of records given as words."""
    return Linked(
        certain=np.array([one == "certain" for one in states]), grey=np.array([one == "grey" for one in states])
    )


def answer(hits: Hits, place: int = 0) -> str:
    """What a record is told as."""
    assert not (hits.certain[place] and hits.information[place])
    return "certain" if hits.certain[place] else "information" if hits.information[place] else "no"


def slow(steps: tuple[tuple[str, str], ...], states: dict[str, str], policy: str) -> str:
    """One record, one operand after the other."""
    best = "certain"
    for sign, operand in steps:
        state = states[operand]
        wanted = "certain" if sign == "&" else "none"
        if state == wanted:
            continue
        if state == "grey" and policy != "ecarter":
            best = "information"
        else:
            return "no"
    return best


@pytest.mark.parametrize(
    ("sign", "state", "policy", "expected"),
    [
        ("&", "certain", "ecarter", "certain"),
        ("&", "grey", "ecarter", "no"),
        ("&", "none", "ecarter", "no"),
        ("-", "certain", "ecarter", "no"),
        ("-", "grey", "ecarter", "no"),
        ("-", "none", "ecarter", "certain"),
        *[
            (sign, state, policy, expected)
            for policy in ("information_seule", "revue_humaine")
            for sign, state, expected in (
                ("&", "certain", "certain"),
                ("&", "grey", "information"),
                ("&", "none", "no"),
                ("-", "certain", "no"),
                ("-", "grey", "information"),  # a doubtful link neither awards nor hides
                ("-", "none", "certain"),
            )
        ],
    ],
)
def test_truth_table_of_one_operand(sign, state, policy, expected):
    """Certain, information or no, for each sign, link and policy."""
    hits = apply_rule(parse_rule(f"a {sign} b"), {"b": linked([state])}, 1, policy)
    assert answer(hits) == expected


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("text", ["a & b - c", "a - b & c", "a - b - c", "a & b & c", "a"])
def test_truth_table_of_two_operands(text, policy):
    """All combinations of links, against one record at a time."""
    rule = parse_rule(text)
    combinations = list(itertools.product(STATES, repeat=2))
    states = {"b": [one for one, _ in combinations], "c": [one for _, one in combinations]}
    hits = apply_rule(rule, {name: linked(column) for name, column in states.items()}, len(combinations), policy)
    for place in range(len(combinations)):
        record = {name: column[place] for name, column in states.items()}
        assert answer(hits, place) == slow(rule.steps, record, policy), record


operands = st.lists(st.sampled_from(["b", "c", "d_2", "msa", "x1"]), unique=True, max_size=5)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_rule_is_the_slow_one(data):
    """Random rules of up to five operands on random records."""
    names = data.draw(operands)
    steps = tuple((data.draw(st.sampled_from("&-")), name) for name in names)
    rule = parse_rule(" ".join(["own", *(f"{sign} {name}" for sign, name in steps)]))
    count = data.draw(st.integers(1, 6))
    states = {name: data.draw(st.lists(st.sampled_from(STATES), min_size=count, max_size=count)) for name in names}
    policy = data.draw(st.sampled_from(POLICIES))
    hits = apply_rule(rule, {name: linked(column) for name, column in states.items()}, count, policy)
    found = [answer(hits, place) for place in range(count)]
    assert found == [slow(steps, {name: states[name][place] for name in names}, policy) for place in range(count)]
    assert policy != "ecarter" or not hits.information.any()


@given(st.data())
@settings(deadline=None)
def test_a_grey_link_never_awards(data):
    """Whatever the rule and the policy, a record with a grey link to any operand is never certain."""
    signs = data.draw(st.lists(st.sampled_from("&-"), min_size=1, max_size=3))
    names = [f"o{place}" for place in range(len(signs))]
    rule = parse_rule("own " + " ".join(f"{sign} {name}" for sign, name in zip(signs, names, strict=True)))
    states = {name: data.draw(st.sampled_from(STATES)) for name in names}
    states[data.draw(st.sampled_from(names))] = "grey"
    hits = apply_rule(
        rule, {name: linked([state]) for name, state in states.items()}, 1, data.draw(st.sampled_from(POLICIES))
    )
    assert not hits.certain.any()


@given(st.data())
@settings(deadline=None)
def test_one_more_link_to_a_subtracted_operand_never_adds_a_hit(data):
    """Adding an objection, or any link, to what is subtracted can only take away."""
    policy = data.draw(st.sampled_from(POLICIES))
    before, after = data.draw(st.lists(st.sampled_from(range(3)), min_size=2, max_size=2).map(sorted))
    other = data.draw(st.sampled_from(STATES))
    rank = {"no": 0, "information": 1, "certain": 2}
    found = [
        rank[answer(apply_rule(parse_rule("a & b - c"), {"b": linked([other]), "c": linked([STATES[one]])}, 1, policy))]
        for one in (before, after)
    ]
    assert found[1] <= found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rsa - c2s", Rule(text="rsa - c2s", own="rsa", steps=(("-", "c2s"),))),
        ("rsa-c2s", Rule(text="rsa - c2s", own="rsa", steps=(("-", "c2s"),))),
        ("  a&b   -\tc\n", Rule(text="a & b - c", own="a", steps=(("&", "b"), ("-", "c")))),
        ("abonnes", Rule(text="abonnes", own="abonnes", steps=())),
        ("a_1 & b2", Rule(text="a_1 & b2", own="a_1", steps=(("&", "b2"),))),
    ],
)
def test_rules_are_parsed(text, expected):
    """Spaces do not count; the first operand is the recipient's."""
    assert parse_rule(text) == expected
    assert parse_rule(expected.text) == expected
    assert expected.operands == (expected.own, *(name for _, name in expected.steps))


@pytest.mark.parametrize(
    "text",
    ["", " ", "&", "-", "a &", "- a", "a b", "a & & b", "a - - b", "a & b c", "a & a", "a & b - b", "A & b", "1a & b", "_a",
     "é & b", "a | b", "(a & b)", "a & (b - c)", "a + b", "dedup(a > b)", "a & b;", "a –b", "a & b\0"],
)  # fmt: skip
def test_other_texts_are_refused(text):
    """One operand after the other, each once, lower case; nothing else is guessed."""
    with pytest.raises(LinkageError) as refusal:
        parse_rule(text)
    assert refusal.value.code == "E_REGLE"


@given(st.text("abc12_&- ()|", max_size=12))
@settings(deadline=None)
def test_any_text_is_a_rule_or_refused(text):
    """Nothing else than a rule that reads back as itself, or E_REGLE."""
    try:
        rule = parse_rule(text)
    except LinkageError:
        return
    assert parse_rule(rule.text) == rule
    assert len(set(rule.operands)) == len(rule.operands)


@given(st.lists(st.lists(st.sampled_from(STATES), min_size=4, max_size=4), min_size=1, max_size=4))
@settings(deadline=None)
def test_a_union_is_the_best_link_of_any_part(parts):
    """Certain anywhere is certain, else grey anywhere is grey; the two never overlap and the order of parts does not count."""
    found = union([linked(part) for part in parts])
    best = [max((part[place] for part in parts), key=STATES.index) for place in range(4)]
    assert found.certain.tolist() == [one == "certain" for one in best]
    assert found.grey.tolist() == [one == "grey" for one in best]
    back = union([linked(part) for part in reversed(parts)])
    assert (back.certain.tolist(), back.grey.tolist()) == (found.certain.tolist(), found.grey.tolist())


def test_a_union_of_nothing_is_refused():
    """No comparison at all is not the same as no link: a subtraction would subtract nobody."""
    with pytest.raises(LinkageError) as refusal:
        union([])
    assert refusal.value.code == "E_REGLE"


def test_an_operand_without_links_is_an_error():
    """A rule is never evaluated as if a missing operand linked nobody."""
    with pytest.raises(KeyError):
        apply_rule(parse_rule("a - b - c"), {"b": linked(["none"])}, 1, "ecarter")
