"""Whom a rule ought to give: the rule over who people are, evaluated one entity after the other; none of the linkage is in it.

Who takes part is the local selection over right values, not over what a file says of somebody.
"""

from __future__ import annotations

from collections.abc import Mapping

from linkage.rules import Chain, Dedup, Either, Expression, Operand, parse_rule
from service.demonstration.town_files import Part
from service.rule_sheet import Demarche

__all__ = ["eligible"]


def eligible(demarche: Demarche, parts: Mapping[str, Part], output: str, recipient: str) -> tuple[set[int], set[int]]:
    """The entities that an output ought to give a recipient, and all of the recipient's that take part."""
    expression = next(one.expression for one in demarche.outputs if one.name == output)
    tree = parse_rule(expression).tree
    there = {
        name: {one for one, taken in zip(part.entity, part.taken.tolist(), strict=True) if taken}
        for name, part in parts.items()
    }
    blind = demarche.blind
    found = set()
    for one in there[recipient]:
        meets = {name: one in held for name, held in there.items()}
        if not _holds(tree, recipient, meets):
            continue
        if blind is not None and blind.left in parts and blind.right in parts:
            same = parts[blind.left].blind.get(one) == parts[blind.right].blind.get(one)
            if same != blind.equal:
                continue
        found.add(one)
    return found, there[recipient]


def _holds(tree: Expression, own: str, meets: Mapping[str, bool]) -> bool:
    """Whether an entity of `own` satisfies an expression."""
    if isinstance(tree, Operand):
        return tree.name == own or meets[tree.name]
    if isinstance(tree, Either):
        return any(_holds(part, own, meets) for part in tree.parts)
    if isinstance(tree, Chain):
        held = _holds(tree.first, own, meets)
        for sign, part in tree.rest:
            held = held and (_holds(part, own, meets) == (sign == "&"))
        return held
    return _deduped(tree, own, meets)


def _deduped(tree: Dedup, own: str, meets: Mapping[str, bool]) -> bool:
    mine = [number for number, part in enumerate(tree.parts) if own in parse_rule(str(part)).operands]
    if not mine:
        return any(_holds(part, own, meets) for part in tree.parts)
    first = mine[0]
    return _holds(tree.parts[first], own, meets) and not any(_holds(one, own, meets) for one in tree.parts[:first])
