"""Oracles of the rules of démarches, in plain Python on plain identities. Nothing here is imported from the product.

A world is sets of people. An expression is a nested tuple: ("one", operand), ("and", e, …), ("minus", e, e), ("or", e, …),
("dedup", e, …); `written` is its text. It is answered by sets of people, never by links.
"""

from __future__ import annotations

from typing import Any

Tree = Any
World = dict[str, dict[str, frozenset[int]]]  # operand → who holds it → people


def written(tree: Tree, *, inner: bool = False) -> str:
    """The text of an expression, with parentheses wherever they can stand."""
    kind, *parts = tree
    if kind == "one":
        return str(parts[0])
    if kind == "dedup":
        return f"dedup({' > '.join(written(one, inner=True) for one in parts)})"
    sign = {"and": " & ", "minus": " - ", "or": " | "}[kind]
    text = sign.join(written(one, inner=True) for one in parts)
    return f"({text})" if inner else text


def names(tree: Tree) -> list[str]:
    """The operands."""
    return [tree[1]] if tree[0] == "one" else [name for one in tree[1:] for name in names(one)]


def hit(tree: Tree, who: int, holder: tuple[str, str], world: World) -> bool:
    """Whether a person is a hit of whoever holds an operand: in its file, and in the set as it is for that holder."""
    operand, party = holder
    return who in world[operand][party] and who in seen_by(tree, holder, world)


def seen_by(tree: Tree, holder: tuple[str, str], world: World) -> frozenset[int]:
    """The people of an expression for one holder: of a dedup in which it stands, those that nobody before it has."""
    kind, *parts = tree
    operand, party = holder
    if kind == "one":
        return frozenset().union(*world[parts[0]].values())
    people = [seen_by(one, holder, world) for one in parts]
    if kind == "and":
        return frozenset.intersection(*people)
    if kind == "minus":
        return people[0] - people[1]
    place = next((number for number, one in enumerate(parts) if operand in names(one)), None)
    if kind == "or" or place is None:
        return frozenset().union(*people)
    mine = people[place].difference(*people[:place])
    if _stands_in_a_dedup(parts[place], operand):
        return mine
    return mine.difference(*(theirs for other, theirs in world[operand].items() if other < party))


def _stands_in_a_dedup(tree: Tree, operand: str) -> bool:
    kind, *parts = tree
    if kind == "one" or operand not in names(tree):
        return False
    return kind == "dedup" or any(_stands_in_a_dedup(one, operand) for one in parts)


def best(tree: Tree, links: dict[str, str], policy: str, own: str) -> str:
    """What one record is told as, one operand per other party: `certain`, `information` or `no`, by trying out every truth.

    A grey link is a person or is not; what holds however that turns out is certain, what may hold is for information.
    """
    doubtful = [name for name, state in links.items() if state == "grey"]
    outcomes = set()
    for number in range(2 ** len(doubtful)):
        truth = {name: state == "certain" for name, state in links.items()}
        truth |= {name: bool(number >> place & 1) for place, name in enumerate(doubtful)}
        world = {name: {name: frozenset({0} if there else ())} for name, there in truth.items()}
        world[own] = {own: frozenset({0})}
        outcomes.add(hit(tree, 0, (own, own), world))
    if outcomes == {True}:
        return "certain"
    return "information" if True in outcomes and policy != "ecarter" else "no"
