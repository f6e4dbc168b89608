"""The rule of a démarche, evaluated over the recipient's own records: `a & b`, `a - b`, left to right.

The first operand is the recipient's file; each other operand is the predicate "this record of mine is linked to one of
theirs". An operand held by several administrations is several comparisons: its predicate is their union.

Two answers are kept for each record, because the costs of errors differ (design §3):

* `certain`: usable for an automatic award. `&` asks for a link at the strict threshold; `-` asks for no link at all, not
  even a grey one.
* `information`: worth a message. `&` takes grey links too where the policy says so; `-` subtracts on strict links only, so
  that a doubtful link never hides an eligible person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError

__all__ = ["GreyPolicy", "Hits", "Linked", "Rule", "apply_rule", "parse_rule", "union"]

GreyPolicy = Literal["ecarter", "information_seule", "revue_humaine"]

_OPERAND = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A parsed rule.

    Attributes:
        text: as the démarche writes it, spaces evened out.
        own: the recipient's operand.
        steps: (operator, operand) from left to right.
    """

    text: str
    own: str
    steps: tuple[tuple[Literal["&", "-"], str], ...]

    @property
    def operands(self) -> tuple[str, ...]:
        """All operands, the recipient's first."""
        return (self.own, *(operand for _, operand in self.steps))


@dataclass(frozen=True, kw_only=True)
class Linked:
    """Which of the recipient's records are linked to one operand.

    Attributes:
        certain: (n,) bool, at or above the strict threshold.
        grey: (n,) bool, between the information threshold and the strict one.
    """

    certain: NDArray[np.bool_]
    grey: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Hits:
    """Which of the recipient's records satisfy the rule.

    Attributes:
        certain: (n,) bool, usable for an automatic award.
        information: (n,) bool, for a message only; disjoint from `certain`.
    """

    certain: NDArray[np.bool_]
    information: NDArray[np.bool_]


def parse_rule(text: str) -> Rule:
    """Parses `a & b - c`.

    Raises:
        LinkageError: `E_REGLE` with the form that is expected.
    """
    words = text.replace("&", " & ").replace("-", " - ").split()
    operands, operators = words[::2], words[1::2]
    well_formed = (
        len(words) % 2 == 1
        and all(_OPERAND.fullmatch(operand) for operand in operands)
        and all(operator in ("&", "-") for operator in operators)
        and len(set(operands)) == len(operands)
    )
    if not well_formed:
        raise LinkageError("E_REGLE", "la règle s'écrit « a & b » ou « a - b », chaque opérande une seule fois")
    steps = tuple(("&" if sign == "&" else "-", name) for sign, name in zip(operators, operands[1:], strict=True))
    return Rule(text=" ".join(words), own=operands[0], steps=steps)  # type: ignore[arg-type]


def union(parts: list[Linked]) -> Linked:
    """The union over passes, or over the administrations that hold one operand: certain anywhere, else grey anywhere.

    Raises:
        LinkageError: `E_REGLE` for no part at all, which is not the same as no link: a subtraction would subtract nobody.
    """
    if not parts:
        raise LinkageError("E_REGLE", "aucun rapprochement n'a été fait pour cet opérande")
    certain = np.logical_or.reduce([part.certain for part in parts])
    grey = np.logical_or.reduce([part.grey for part in parts]) & ~certain
    return Linked(certain=certain, grey=grey)


def apply_rule(rule: Rule, linked: Mapping[str, Linked], count: int, grey_policy: GreyPolicy) -> Hits:
    """The recipient's hits.

    Args:
        rule: parsed.
        linked: for each operand but the recipient's own.
        count: records of the recipient.
        grey_policy: `ecarter` gives grey links no effect on `&` and keeps grey records of `-` out of all hits;
            the others keep grey records as information.
    """
    certain = np.ones(count, dtype=bool)
    possible = np.ones(count, dtype=bool)
    kept_grey = grey_policy != "ecarter"
    for sign, operand in rule.steps:
        links = linked[operand]
        if sign == "&":
            certain &= links.certain
            possible &= (links.certain | links.grey) if kept_grey else links.certain
        else:
            certain &= ~(links.certain | links.grey)
            possible &= ~links.certain if kept_grey else ~(links.certain | links.grey)
    return Hits(certain=certain, information=possible & ~certain)
