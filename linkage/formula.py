"""What an expression means for one party: which links of its records it asks for, which it excludes, and who is a hit then.

The party's own operand is true of its own records; each other operand is "this record of mine is linked to one of theirs", with
any of those who hold it. What remains are the party's comparisons, each asked for or excluded, never both. A formula may need
several of them, one, or none: the first of a `dedup` has all its people.

Two answers are kept for each record, because the costs of errors differ (design §3):

* `certain`: usable for an automatic award. What is asked for must be a link at the strict threshold; what is excluded must be
  no link at all, not even a grey one.
* `information`: worth a message. Where the policy keeps grey links, they count for what is asked for, and exclude nobody: a
  doubtful link neither opens a right nor hides who has one. Where it does not (`ecarter`), this is nobody beyond `certain`.

Both are the same formula with every link at its worst or at its best; as every comparison is on one side, that is all that can
be said of it. One more link to what is excluded, or one less to what is asked for, never adds a hit.

Within a `dedup`, those who hold the same operand come in the order of their names, so that a person is still nobody's twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.rules import Dedup, Either, Expression, Operand, Rule

__all__ = [
    "Formula",
    "GreyPolicy",
    "Hits",
    "Linked",
    "counted",
    "formula_of",
    "hits_of",
    "said",
    "sensitive",
    "union",
    "without",
]

GreyPolicy = Literal["ecarter", "information_seule", "revue_humaine"]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Linked:
    """Which of a party's records are linked in one comparison.

    Attributes:
        certain: (n,) bool, at or above the strict threshold.
        grey: (n,) bool, between the information threshold and the strict one.
    """

    certain: Flags
    grey: Flags


@dataclass(frozen=True, kw_only=True)
class Hits:
    """Which of a party's records satisfy a formula.

    Attributes:
        certain: (n,) bool, usable for an automatic award.
        information: (n,) bool, for a message only; disjoint from `certain`.
    """

    certain: Flags
    information: Flags


@dataclass(frozen=True, kw_only=True)
class Formula:
    """All or any of some parts; or, without parts, one comparison that is asked for or excluded.

    `Formula()` is true of every record; `Formula(every=False)` of none.

    Attributes:
        comparison: its name, of a leaf.
        asked: whether a link is asked for, of a leaf.
        every: whether all parts must hold, or any.
        parts: formulas.
    """

    comparison: str | None = None
    asked: bool = True
    every: bool = True
    parts: tuple[Formula, ...] = ()

    @property
    def requires(self) -> frozenset[str]:
        """The comparisons in which a link is asked for."""
        return frozenset(one.comparison for one in _leaves(self) if one.asked and one.comparison)

    @property
    def excludes(self) -> frozenset[str]:
        """The comparisons in which a link is excluded."""
        return frozenset(one.comparison for one in _leaves(self) if not one.asked and one.comparison)

    @property
    def comparisons(self) -> frozenset[str]:
        """All comparisons that it needs."""
        return self.requires | self.excludes

    @property
    def never(self) -> bool:
        """Whether no record can satisfy it."""
        return self == _NEVER


_ALWAYS, _NEVER = Formula(), Formula(every=False)


def formula_of(rule: Rule, own: str, links: Mapping[str, Sequence[str]], before: Sequence[str] = ()) -> Formula:
    """What an expression means for a party.

    Args:
        rule: the expression.
        own: the operand that the party holds.
        links: each other operand → the party's comparisons with those who hold it.
        before: its comparisons with those who hold the same operand and come before it in a `dedup`.

    Raises:
        LinkageError: `E_REGLE`, an operand that nobody holds, which is not the same as one that links nobody.
    """
    if missing := [one for one in rule.operands if one != own and not links.get(one)]:
        raise LinkageError("E_REGLE", f"aucune partie ne détient l'opérande « {missing[0]} »")
    return _of(rule.tree, _Party(own, links, before))


def without(formula: Formula, comparisons: Iterable[str]) -> Formula:
    """The formula without whoever is linked in some more comparisons."""
    return _all([formula, *(Formula(comparison=one, asked=False) for one in comparisons)])


def hits_of(formula: Formula, linked: Mapping[str, Linked], count: int, grey_policy: GreyPolicy) -> Hits:
    """The records that satisfy a formula.

    Args:
        formula: of the party.
        linked: for each comparison that it needs; a missing one is an error, not nobody.
        count: records of the party.
        grey_policy: `ecarter` gives grey links no effect where a link is asked for, and lets them exclude; the others keep what
            they leave open as information.
    """

    def worst(leaf: Formula) -> Flags:
        links = linked[leaf.comparison or ""]
        return links.certain if leaf.asked else ~(links.certain | links.grey)

    def best(leaf: Formula) -> Flags:
        links = linked[leaf.comparison or ""]
        return links.certain | links.grey if leaf.asked else ~links.certain

    certain = _evaluated(formula, worst, count)
    possible = certain if grey_policy == "ecarter" else _evaluated(formula, best, count)
    return Hits(certain=certain, information=possible & ~certain)


def union(parts: Sequence[Linked | None]) -> Linked:
    """The union over the passes of a comparison that say something: certain anywhere, else grey anywhere.

    Raises:
        LinkageError: `E_REGLE` for no part at all, which is not the same as no link: a subtraction would subtract nobody.
    """
    heard = [part for part in parts if part is not None]
    if not heard:
        raise LinkageError("E_REGLE", "aucune passe n'a été faite pour cette comparaison")
    certain = np.logical_or.reduce([part.certain for part in heard])
    grey = np.logical_or.reduce([part.grey for part in heard]) & ~certain
    return Linked(certain=certain, grey=grey)


def said(
    passes: Sequence[tuple[str, str]], links: Sequence[Linked], *, alike: bool | None = None
) -> list[Linked | None]:
    """What each pass of a comparison says by itself, its twin heard; None of one that says nothing, as every twin.

    Args:
        passes: (name, the pass whose twin it is, or nothing) of each.
        links: of each pass.
        alike: None, whatever the attribute that twins divide by; else whether it must be the same in both records. Who is linked
            in a pass and in its twin has the same, or nearly always: twins hash it into a few parts. Who is linked in the pass
            alone has another. Passes without a twin then say nothing.
    """
    twins = {twin: one for (_, twin), one in zip(passes, links, strict=True) if twin}
    found: list[Linked | None] = []
    for (name, twin), one in zip(passes, links, strict=True):
        if twin or (alike is not None and name not in twins):
            found.append(None)
        else:
            found.append(one if alike is None else _apart(one, twins[name], alike=alike))
    return found


def counted(parts: Sequence[Linked | None], whole: Linked) -> list[Flags | None]:
    """Of which records the links of each pass are what the comparison says of them: certain ones, or grey where none is certain.

    Args:
        parts: as `said` gives them.
        whole: their union.
    """
    return [None if one is None else one.certain | (one.grey & whole.grey) for one in parts]


def _apart(links: Linked, twin: Linked, *, alike: bool) -> Linked:
    """The links of a pass that its twin has as well, or has not; certain where both are."""
    linked, met = links.certain | links.grey, twin.certain | twin.grey
    certain = links.certain & (twin.certain if alike else ~met)
    possible = linked & (met if alike else ~twin.certain)
    return Linked(certain=certain, grey=possible & ~certain)


def sensitive(formula: Formula, comparison: str, turn: int = 0) -> frozenset[str]:
    """Comparisons such that a record linked in exactly these changes sides when it loses its link in one of them.

    Args:
        formula: of the party.
        comparison: the one that it must be sensitive to, one of the formula's; it is among those that are returned.
        turn: which of several ways, where a part may hold by any of its parts.
    """
    if formula.comparison is not None:
        return frozenset({comparison})
    found: frozenset[str] = frozenset()
    for part in formula.parts:
        if comparison in part.comparisons:
            found |= sensitive(part, comparison, turn)
        else:
            found |= _made(part, holds=formula.every, turn=turn)
    return found


def _made(formula: Formula, *, holds: bool, turn: int) -> frozenset[str]:
    """Comparisons whose links make a formula hold, or not."""
    if formula.comparison is not None:
        return frozenset({formula.comparison} if formula.asked == holds else ())
    if formula.every == holds:  # all of it, or any of it that must not be
        return frozenset[str]().union(*(_made(part, holds=holds, turn=turn) for part in formula.parts))
    ways = sorted(
        (_made(part, holds=holds, turn=turn) for part in formula.parts), key=lambda one: (len(one), sorted(one))
    )
    return ways[turn % len(ways)] if ways else frozenset()


class _Party(NamedTuple):
    """Arguments of `formula_of`."""

    own: str
    links: Mapping[str, Sequence[str]]
    before: Sequence[str]


def _of(tree: Expression, party: _Party) -> Formula:
    if isinstance(tree, Operand):
        return _ALWAYS if tree.name == party.own else _any(Formula(comparison=one) for one in party.links[tree.name])
    if isinstance(tree, Either):
        return _any(_of(one, party) for one in tree.parts)
    if isinstance(tree, Dedup):
        return _dedup(tree, party)
    rest = [(sign, _of(one, party)) for sign, one in tree.rest]
    return _all([_of(tree.first, party), *(one if sign == "&" else _not(one) for sign, one in rest)])


def _dedup(tree: Dedup, party: _Party) -> Formula:
    """The part that holds the party's operand, without what those before it hold; their union for anybody else."""
    for place, one in enumerate(tree.parts):
        if party.own in Rule(one).operands:
            taken = [_of(before, party) for before in tree.parts[:place]]
            if party.own not in Rule(one).deduped:  # else they are taken away within
                taken += [Formula(comparison=name) for name in party.before]
            return _all([_of(one, party), *map(_not, taken)])
    return _any(_of(one, party) for one in tree.parts)


def _leaves(formula: Formula) -> list[Formula]:
    if formula.comparison is not None:
        return [formula]
    return [leaf for part in formula.parts for leaf in _leaves(part)]


def _not(formula: Formula) -> Formula:
    if formula.comparison is not None:
        return Formula(comparison=formula.comparison, asked=not formula.asked)
    return Formula(every=not formula.every, parts=tuple(_not(one) for one in formula.parts))


def _all(parts: Iterable[Formula]) -> Formula:
    return _together(parts, every=True)


def _any(parts: Iterable[Formula]) -> Formula:
    return _together(parts, every=False)


def _together(parts: Iterable[Formula], *, every: bool) -> Formula:
    """All or any of them, without the parts that change nothing."""
    flat: list[Formula] = []
    for one in parts:
        inner = one.comparison is None and one.every == every
        flat += one.parts if inner else [one]
    nothing = _NEVER if every else _ALWAYS
    if nothing in flat:
        return nothing
    return flat[0] if len(flat) == 1 else Formula(every=every, parts=tuple(flat))


def _evaluated(formula: Formula, leaf: Callable[[Formula], Flags], count: int) -> Flags:
    if formula.comparison is not None:
        return leaf(formula)
    found = np.full(count, formula.every, dtype=bool)
    for part in formula.parts:
        one = _evaluated(part, leaf, count)
        found = found & one if formula.every else found | one
    return found
