"""Outputs of a démarche for the parties that hold its operands: who receives what, over which comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from linkage.errors import LinkageError
from service.administration.entitlement import formula_for, holders_of, objections_of, outputs_for
from service.clauses import Output
from service.demarche import load_demarche
from service.errors import ServiceError
from tests.test_agreement import AGREEMENT

HOLDERS = {"a": ("caf",), "b": ("cnous", "msa"), "c": ("dgfip",)}
DEMARCHE = load_demarche("c2s-rsa")


def output(name: str, expression: str, *recipients: str) -> Output:
    return Output(
        name=name, expression=expression, recipients=recipients, use="information", threshold="information",
        grey_policy="information_seule", label=name,
    )  # fmt: skip


def told(*outputs: Output, holders: Any = HOLDERS, objections: Any = ()) -> dict[tuple[str, str], tuple[Any, Any]]:
    """(recipient, output) → what it asks for and excludes."""
    found = outputs_for(replace(DEMARCHE, outputs=outputs), holders, objections)
    assert sorted(found, key=lambda one: (one.recipient, one.name)) == list(found)
    return {(one.recipient, one.name): (one.requires, one.excludes) for one in found}


def test_each_holder_of_a_recipient_operand_has_a_formula_of_its_own():
    """`a & b` to both: a asks for a link with any holder of b, each of them for one with a, and never with each other."""
    assert {
        ("caf", "r"): (("caf.cnous", "caf.msa"), ()),
        ("cnous", "r"): (("cnous.caf",), ()),
        ("msa", "r"): (("msa.caf",), ()),
    } == told(output("r", "a & b", "a", "b"))


def test_holders_of_one_operand_take_from_each_other_in_a_cascade():
    """In the order of their names, whoever comes first keeps the person."""
    assert {
        ("caf", "r"): ((), ("caf.dgfip",)),
        ("cnous", "r"): ((), ("cnous.caf", "cnous.dgfip")),
        ("msa", "r"): ((), ("msa.caf", "msa.cnous", "msa.dgfip")),
    } == told(output("r", "dedup(a > b) - c", "a", "b"))


def test_objections_are_excluded_by_everybody_but_those_who_send_them():
    """One more comparison for each recipient, by whatever source, for every output."""
    assert {
        ("caf", "r"): (("caf.dgfip",), ("caf.dgfip.oppositions", "caf.msa.oppositions")),
        ("dgfip", "s"): ((), ("dgfip.caf", "dgfip.msa.oppositions")),
    } == told(output("r", "a & c", "a"), output("s", "c - a", "c"), objections=("msa", "dgfip"))


def test_outputs_of_operands_that_nobody_holds_are_left_out():
    """An optional operand is one that an agreement may do without."""
    outputs = (output("r", "a & b", "a"), output("s", "a - c", "a"))
    assert {("caf", "s")} == set(told(*outputs, holders={"a": ("caf",), "c": ("dgfip",)}))


@pytest.mark.parametrize(("expression", "recipient"), [("a - c", "dgfip"), ("a & c", "msa"), ("a - (b - c)", "cnous")])
def test_nobody_receives_a_set_that_cannot_hold_its_people(expression, recipient):
    """Of what is subtracted, or not named, there is nothing to tell."""
    with pytest.raises(ServiceError, match="E_RESULTATS_A"):
        formula_for(expression, recipient, HOLDERS)


def test_a_rule_without_any_comparison_has_no_agreement():
    """Whoever selects in one's own file needs nobody."""
    with pytest.raises(ServiceError, match="E_SANS_COMPARAISON"):
        told(output("r", "a", "a"))
    with pytest.raises(ServiceError, match="E_SANS_COMPARAISON"):
        told(output("r", "a | b", "a", "b"))
    with pytest.raises(LinkageError, match="E_REGLE"):
        told(output("r", "a &", "a"))


def test_an_agreement_says_who_holds_what_and_who_sends_objections():
    """As its parties and comparisons stand."""
    assert {"caf": ("caf",), "cnous": ("cnous",)} == holders_of(AGREEMENT)
    assert frozenset() == objections_of(AGREEMENT)
    (comparison,) = AGREEMENT.comparisons
    objecting = replace(comparison, id="caf.cnous.oppositions", subject="oppositions")
    assert {"cnous"} == objections_of(replace(AGREEMENT, comparisons=(comparison, objecting)))
