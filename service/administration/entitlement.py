"""Who receives what: the outputs of a démarche for the parties of an agreement, and what each asks of the links.

An output is told to whoever holds one of its operands, and is for each of them another formula (`linkage.formula`): its own
people stand for its own operand, its comparisons with the other holders for the others. A party has the comparisons that its
formulas need, and no other: several, one, or none.

A comparison is named ``RECIPIENT.SOURCE``. Holders of one operand come in the order of their names. Where an agreement lets a
party send those who object there to the démarche, that is one more comparison with each recipient, which all its outputs exclude.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from linkage.formula import Formula, formula_of, without
from linkage.rules import parse_rule
from service.agreement import Agreement, Output, comparison_name
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["formula_for", "holders_of", "objections_of", "outputs_for"]

Holders = Mapping[str, Sequence[str]]  # operand → parties


def formula_for(expression: str, recipient: str, holders: Holders, objections: Iterable[str] = ()) -> Formula:
    """What an expression means for a party, over its comparisons.

    Args:
        expression: of an output.
        recipient: the party.
        holders: of operands.
        objections: the parties that send those who object there.

    Raises:
        LinkageError: `E_REGLE`.
        ServiceError: `E_RESULTATS_A`, a party whose people the expression cannot hold.
    """
    rule = parse_rule(expression)
    own = next((operand for operand, parties in holders.items() if recipient in parties), "")
    if own not in rule.added:
        sentence = (
            f"« {expression} » ne peut contenir personne de « {own or recipient} » : donnez ses résultats à l'un de : "
            f"{', '.join(sorted(rule.added))}"
        )
        raise ServiceError("E_RESULTATS_A", sentence)
    links = {
        operand: [f"{recipient}.{party}" for party in sorted(parties)]
        for operand, parties in holders.items()
        if operand != own
    }
    before = [f"{recipient}.{party}" for party in sorted(holders[own]) if party < recipient]
    excluded = [comparison_name(recipient, party, "oppositions") for party in sorted(objections) if party != recipient]
    return without(formula_of(rule, own, links, before), excluded)


def outputs_for(demarche: Demarche, holders: Holders, objections: Iterable[str] = ()) -> tuple[Output, ...]:
    """What each party receives; outputs that name an operand which nobody holds are left out.

    Raises:
        LinkageError: `E_REGLE`.
        ServiceError: `E_RESULTATS_A`; `E_SANS_COMPARAISON`, where there is nothing for a third party to compare.
    """
    found = []
    for one in demarche.outputs:
        rule = parse_rule(one.expression)
        if set(rule.operands) - set(holders):
            continue
        for recipient in (party for operand in one.recipients for party in holders[operand]):
            formula = formula_for(rule.text, recipient, holders, objections)
            output = Output(
                name=one.name,
                recipient=recipient,
                expression=rule.text,
                use=one.use,
                grey_policy=one.grey_policy,
                requires=tuple(sorted(formula.requires)),
                excludes=tuple(sorted(formula.excludes)),
            )
            found.append(output)
    if not any(one.comparisons for one in found):
        sentence = "cette démarche ne compare personne : sélectionnez dans votre propre fichier, sans convention"
        raise ServiceError("E_SANS_COMPARAISON", sentence)
    return tuple(sorted(found, key=lambda one: (one.recipient, one.name)))


def holders_of(agreement: Agreement) -> dict[str, tuple[str, ...]]:
    """Operand → parties of an agreement that hold it."""
    found: dict[str, tuple[str, ...]] = {}
    for one in agreement.parties:
        found[one.operand] = (*found.get(one.operand, ()), one.party)
    return found


def objections_of(agreement: Agreement) -> frozenset[str]:
    """The parties of an agreement that send those who object there."""
    return frozenset(one.source for one in agreement.comparisons if one.of_objections)
