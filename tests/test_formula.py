"""What an expression means for a party: the set of the oracle on plain identities, and no more than it needs."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.formula import (
    Formula,
    GreyPolicy,
    Hits,
    Linked,
    counted,
    formula_of,
    hits_of,
    said,
    sensitive,
    union,
)
from linkage.rules import parse_rule
from tests.expressions import PEOPLE, trees, worlds
from tests.oracle_rules import best, hit, names, written

POLICIES: tuple[GreyPolicy, ...] = get_args(GreyPolicy)
STATES = ("none", "grey", "certain")
RANK = {"no": 0, "information": 1, "certain": 2}


def linked(states: list[str]) -> Linked:
    """Links of records given as words."""
    return Linked(
        certain=np.array([one == "certain" for one in states], dtype=bool),
        grey=np.array([one == "grey" for one in states], dtype=bool),
    )


def united(passes: list[tuple[str, str]], links: list[Linked], *, alike: bool | None = None) -> Linked:
    """What the passes of a comparison say together."""
    return union(said(passes, links, alike=alike))


def answer(hits: Hits, place: int = 0) -> str:
    """What a record is told as."""
    assert not (hits.certain[place] and hits.information[place])
    return "certain" if hits.certain[place] else "information" if hits.information[place] else "no"


def one_each(text: str, own: str = "a") -> Formula:
    """The formula of a party when every operand has one holder, named like it."""
    rule = parse_rule(text)
    return formula_of(rule, own, {name: [name] for name in rule.operands if name != own})


def told(text: str, states: dict[str, str], policy: GreyPolicy, own: str = "a") -> str:
    """What a record with these links is told as."""
    return answer(hits_of(one_each(text, own), {name: linked([one]) for name, one in states.items()}, 1, policy))


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
    assert expected == told(f"a {sign} b", {"b": state}, policy)


CATALOGUE = [
    ("a & b - c", "a", {"b"}, {"c"}),
    ("(a | b) & c", "c", {"a", "b"}, set()),
    ("(a | b) & c", "a", {"c"}, set()),
    ("(a & b) - c", "b", {"a"}, {"c"}),
    ("a & (b | c | d)", "a", {"b", "c", "d"}, set()),
    ("dedup(a > b > c)", "a", set(), set()),
    ("dedup(a > b > c)", "b", set(), {"a"}),
    ("dedup(a > b > c)", "c", set(), {"a", "b"}),
    ("dedup(a > b > c) - d", "a", set(), {"d"}),
    ("dedup(a > b > c) - d", "c", set(), {"a", "b", "d"}),
    ("d & dedup(a > b)", "d", {"a", "b"}, set()),
    ("d - dedup(a > b)", "d", set(), {"a", "b"}),
    ("a | b", "a", set(), set()),
    ("dedup((a & b) > c)", "c", set(), {"a", "b"}),
]


@pytest.mark.parametrize(("text", "own", "requires", "excludes"), CATALOGUE)
def test_a_party_needs_these_comparisons_and_no_other(text, own, requires, excludes):
    """For each of the parties that receive; none at all for the first of a cascade."""
    formula = one_each(text, own)
    assert (requires, excludes) == (formula.requires, formula.excludes)
    assert requires | excludes == formula.comparisons
    assert not formula.never


def test_a_set_that_cannot_hold_the_party_s_people_is_never():
    """`a - b` for b: nobody, whatever the links."""
    assert one_each("a - b", "b").never
    assert not hits_of(one_each("a - b", "b"), {}, 3, "ecarter").certain.any()


def test_holders_of_one_operand_are_any_of_them_and_come_in_order_in_a_dedup():
    """`before` is what other holders of the party's own operand take first, in a dedup only."""
    rule = parse_rule("dedup(a > b) - c")
    formula = formula_of(rule, "b", {"a": ["a1", "a2"], "c": ["c1"]}, ["b1"])
    assert not formula.requires
    assert {"a1", "a2", "b1", "c1"} == formula.excludes
    assert formula_of(parse_rule("b - c"), "b", {"c": ["c1"]}, ["b1"]).excludes == {"c1"}


@given(tree=trees(), data=st.data())
@settings(deadline=None, max_examples=150)
def test_every_party_has_the_hits_of_the_oracle(tree, data):
    """On plain identities: random expressions, worlds and holders; each party's formula over its links is the set itself."""
    operands = tuple(names(tree))
    world = data.draw(worlds(operands))
    rule = parse_rule(written(tree))
    for own in sorted(rule.added):
        for party, people in world[own].items():
            links = {name: sorted(world[name]) for name in operands if name != own}
            before = [other for other in sorted(world[own]) if other < party]
            formula = formula_of(rule, own, links, before)
            mine, no = sorted(people), np.zeros(len(people), dtype=bool)
            found = {
                other: Linked(certain=np.array([who in theirs for who in mine], dtype=bool), grey=no)
                for held in world.values()
                for other, theirs in held.items()
            }
            hits = hits_of(formula, found, len(mine), "information_seule")
            expected = [who for who in mine if hit(tree, who, (own, party), world)]
            assert expected == [mine[place] for place in np.flatnonzero(hits.certain)]
            assert not hits.information.any()


@given(operands=st.lists(st.sampled_from("abcde"), min_size=2, max_size=5, unique=True), data=st.data())
@settings(deadline=None)
def test_a_dedup_at_the_top_gives_each_person_once(operands, data):
    """Over all parties, everybody who is in one of its operands, and nobody twice."""
    tree = ("dedup", *(("one", name) for name in operands))
    world = data.draw(worlds(tuple(names(tree))))
    told_of = [
        who
        for operand, held in world.items()
        for party in held
        for who in range(PEOPLE)
        if hit(tree, who, (operand, party), world)
    ]
    everybody = {who for held in world.values() for people in held.values() for who in people}
    assert sorted(everybody) == sorted(told_of)


@given(tree=trees(), data=st.data())
@settings(deadline=None, max_examples=150)
def test_doubtful_links_say_what_can_be_said_and_no_more(tree, data):
    """Certain is what holds whatever the grey links are, information what may hold: the oracle tries out every truth."""
    rule = parse_rule(written(tree))
    own = data.draw(st.sampled_from(sorted(rule.added)))
    states = {name: data.draw(st.sampled_from(STATES)) for name in rule.operands if name != own}
    policy = data.draw(st.sampled_from(POLICIES))
    assert best(tree, states, policy, own) == told(rule.text, states, policy, own)


@given(tree=trees(), data=st.data())
@settings(deadline=None, max_examples=100)
def test_adding_an_objection_never_adds_a_hit(tree, data):
    """Whoever objects goes out of what is asked for and stays in what is excluded: no party gains a hit, with any policy."""
    rule = parse_rule(written(tree))
    own = data.draw(st.sampled_from(sorted(rule.added)))
    formula, policy = one_each(rule.text, own), data.draw(st.sampled_from(POLICIES))
    states = {name: data.draw(st.sampled_from(STATES)) for name in rule.operands if name != own}
    objects = data.draw(st.sampled_from(sorted(states))) if states else None
    after = dict(states)
    if objects in formula.requires:
        after[objects] = "none"
    before_rank, after_rank = (RANK[told(rule.text, one, policy, own)] for one in (states, after))
    assert after_rank <= before_rank


@given(tree=trees(), data=st.data())
@settings(deadline=None, max_examples=150)
def test_whoever_cannot_be_judged_is_paid_by_nobody_and_hides_nobody_in_vain(tree, data):
    """Sent where a comparison excludes, left out where it asks: a hit is what holds however the doubt turns out, and no less."""
    rule = parse_rule(written(tree))
    own = data.draw(st.sampled_from(sorted(rule.added)))
    formula = one_each(rule.text, own)
    others = {name: data.draw(st.sampled_from(("yes", "no", "maybe"))) for name in rule.operands if name != own}
    sent = {name for name, one in others.items() if one == "yes" or (one == "maybe" and name in formula.excludes)}
    states = {name: "certain" if name in sent else "none" for name in others}
    doubts = [name for name, one in others.items() if one == "maybe"]
    truths = []
    for some in itertools.product((True, False), repeat=len(doubts)):
        there = {name for name, one in others.items() if one == "yes"} | set(itertools.compress(doubts, some))
        world = {name: {name: frozenset({0} if name in there else ())} for name in others}
        truths.append(hit(tree, 0, (own, own), {**world, own: {own: frozenset({0})}}))
    assert ("certain" if all(truths) else "no") == told(rule.text, states, "ecarter", own)


@given(tree=trees(), data=st.data())
@settings(deadline=None, max_examples=100)
def test_links_push_one_way(tree, data):
    """One step more of a link never takes away where it is asked for, and never adds where it is excluded."""
    rule = parse_rule(written(tree))
    own = data.draw(st.sampled_from(sorted(rule.added)))
    formula, policy = one_each(rule.text, own), data.draw(st.sampled_from(POLICIES))
    states = {name: data.draw(st.sampled_from(STATES)) for name in rule.operands if name != own}
    assume(states)
    name = data.draw(st.sampled_from(sorted(states)))
    ranks = [RANK[told(rule.text, {**states, name: one}, policy, own)] for one in STATES]
    if name in formula.requires and policy != "ecarter":
        assert ranks == sorted(ranks)
    if name in formula.excludes:
        assert ranks == sorted(ranks, reverse=True)
    if name not in formula.comparisons:
        assert 1 == len(set(ranks))


@given(tree=trees(), turn=st.integers(0, 5), data=st.data())
@settings(deadline=None, max_examples=100)
def test_sensitive_links_change_the_answer(tree, turn, data):
    """Linked in exactly these, a record changes sides when it loses the link of the one that was asked about."""
    rule = parse_rule(written(tree))
    own = data.draw(st.sampled_from(sorted(rule.added)))
    formula = one_each(rule.text, own)
    assume(formula.comparisons)
    aim = data.draw(st.sampled_from(sorted(formula.comparisons)))
    group = sensitive(formula, aim, turn)
    assert aim in group
    answers = {
        told(
            rule.text,
            {name: "certain" if name in some else "none" for name in rule.operands if name != own},
            "ecarter",
            own,
        )
        for some in (group, group - {aim})
    }
    assert {"certain", "no"} == answers


@given(st.lists(st.lists(st.sampled_from(STATES), min_size=4, max_size=4), min_size=1, max_size=4))
@settings(deadline=None)
def test_a_union_is_the_best_link_of_any_part(parts):
    """Certain anywhere is certain, else grey anywhere is grey; the two never overlap and the order of parts does not count."""
    found = union([linked(part) for part in parts])
    top = [max((part[place] for part in parts), key=STATES.index) for place in range(4)]
    assert found.certain.tolist() == [one == "certain" for one in top]
    assert found.grey.tolist() == [one == "grey" for one in top]
    back = union([linked(part) for part in reversed(parts)])
    assert (back.certain.tolist(), back.grey.tolist()) == (found.certain.tolist(), found.grey.tolist())


def test_nothing_compared_is_refused():
    """No comparison, no pass and no holder are not the same as no link: a subtraction would subtract nobody."""
    with pytest.raises(LinkageError, match="E_REGLE"):
        union([])
    with pytest.raises(LinkageError, match="E_REGLE"):
        formula_of(parse_rule("a - b"), "a", {"b": []})
    with pytest.raises(KeyError):
        hits_of(one_each("a - b - c"), {"b": linked(["none"])}, 1, "ecarter")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_chain_is_what_it_was_from_left_to_right(policy):
    """All combinations of links of `a & b - c`, against the plain table of the two signs."""
    table: dict[str, dict[str, Any]] = {
        "&": {"certain": 2, "grey": 1, "none": 0},
        "-": {"none": 2, "grey": 1, "certain": 0},
    }
    for b, c in itertools.product(STATES, repeat=2):
        worst = min(table["&"][b], table["-"][c])
        expected = {2: "certain", 1: "no" if policy == "ecarter" else "information", 0: "no"}[worst]
        assert expected == told("a & b - c", {"b": b, "c": c}, policy)


@pytest.mark.parametrize(
    ("link", "twin", "differing", "alike"),
    [
        ("certain", "none", "certain", "no"),
        ("certain", "grey", "grey", "grey"),
        ("certain", "certain", "no", "certain"),
        ("grey", "none", "grey", "no"),
        ("grey", "grey", "grey", "grey"),
        ("grey", "certain", "no", "grey"),
        ("none", "certain", "no", "no"),
    ],
)
def test_a_twin_tells_whether_the_attribute_differs(link, twin, differing, alike):
    """Linked in the pass and not in its twin: it differs. Linked in both: it is the same. Doubt in one is doubt."""
    links = [linked([link]), linked([twin])]
    for wanted, expected in ((False, differing), (True, alike), (None, "no" if link == "none" else link)):
        found = united([("jour", ""), ("jour-jumelle", "jour")], links, alike=wanted)
        assert (expected == "certain", expected == "grey") == (bool(found.certain[0]), bool(found.grey[0]))


@pytest.mark.parametrize("alike", [None, False, True])
@given(states=st.lists(st.tuples(*[st.sampled_from(STATES)] * 4), max_size=8))
def test_links_count_where_their_pass_says_what_the_comparison_says(alike, states):
    """Pass by pass against every truth of the table above: nothing of a twin, grey links only where no pass is certain."""
    passes = [("jour", ""), ("noms", ""), ("jour-jumelle", "jour"), ("noms-jumelle", "noms")]
    columns = [linked([row[place] for row in states]) for place in range(4)]
    parts, whole = said(passes, columns, alike=alike), united(passes, columns, alike=alike)
    assert [True, True, False, False] == [one is not None for one in parts]
    told = [
        united([("jour", ""), ("jour-jumelle", "jour")], [columns[k], columns[k + 2]], alike=alike) for k in range(2)
    ]
    for one, alone, counts in zip(parts, told, counted(parts, whole), strict=False):
        assert one is not None
        assert counts is not None
        assert (one.certain.tolist(), one.grey.tolist()) == (alone.certain.tolist(), alone.grey.tolist())
        for record in range(len(states)):
            best = "certain" if whole.certain[record] else "grey" if whole.grey[record] else "none"
            mine = "certain" if alone.certain[record] else "grey" if alone.grey[record] else "none"
            assert (best == mine != "none") == bool(counts[record])


def test_one_pass_that_tells_them_apart_is_enough():
    """Twins hash the attribute: by chance it may look the same in one pass, not in all."""
    passes = [("jour", ""), ("noms", ""), ("jour-jumelle", "jour"), ("noms-jumelle", "noms"), ("ine", "")]
    by_chance = [linked([one]) for one in ("certain", "certain", "certain", "none", "none")]
    assert united(passes, by_chance, alike=False).certain[0]
    # A pass without a twin says nothing of the attribute.
    exact_only = [linked([one]) for one in ("none", "none", "none", "none", "certain")]
    assert not united(passes, exact_only, alike=False).certain[0]
    assert united(passes, exact_only).certain[0]
