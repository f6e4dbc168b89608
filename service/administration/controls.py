"""Positive controls: invented people that both sides of a comparison add, to show the recipient whether links come back.

Both tools derive the same few people from the run key of the comparison, which the third party does not hold: it cannot tell
their rows from the others, and whoever drops links drops those of controls as well. In the source's file every second one has
a letter changed in its first names, as mistakes do: a third party that kept only the identical filters would be seen too.
Nothing of them is anybody's; their rows go through the encoder like all others, and never reach a file of hits.

A value is canonical as `linkage.normalise` writes it. Which controls stand together in one jeton, for a rule of several
comparisons, and what must become of it, is `expectations`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crypto.framing import Label
from crypto.keys import RunKey, derive
from linkage.attribute import Attribute
from linkage.records import Records
from linkage.rules import GreyPolicy, Linked, Rule, apply_rule, union
from linkage.sheet import Sheet
from service.administration.extra_people import records_of

__all__ = ["LEAST_PERCENT", "Expectation", "Recall", "controls", "expectations"]

LEAST_PERCENT = 80  # of the controls; under it, results are not to be relied on

_CONSONANTS, _VOWELS = "BCDFGLMNPRST", "AEIOU"
_TOWNS = ("75056", "13055", "69123", "31555", "06088", "44109", "34172", "67482", "33063", "59350", "35238", "51454")
_FIRST_YEAR, _YEARS = 1930, 75
_LATE = 5  # letter of the first names that a mistake changes: after those that make a block


@dataclass(frozen=True, kw_only=True)
class Recall:
    """How many controls came back as they should, of those that say something."""

    found: int
    expected: int

    @property
    def enough(self) -> bool:
        """Whether nothing is wrong."""
        return 100 * self.found >= LEAST_PERCENT * self.expected


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One jeton of controls.

    Attributes:
        number: of the control, in each of its comparisons.
        comparisons: in which it has rows; a control of one comparison is another person than that of the next.
        hit: whether the jeton must come back.
        telling: whether losing the links of one comparison would change that.
    """

    number: int
    comparisons: frozenset[str]
    hit: bool
    telling: bool


def controls(sheet: Sheet, key: RunKey, count: int, *, source: bool) -> Records:
    """The controls of a comparison, as one side adds them.

    Args:
        sheet: what the parties share.
        key: of the comparison.
        count: of the agreement.
        source: whether it is the source's side, whose file has mistakes.
    """
    attributes = [one for one in sheet.attributes if not one.second_form_of]
    people = [
        {one.name: _value(one, key, number, mistaken=source and number % 2 == 1) for one in attributes}
        for number in range(count)
    ]
    return records_of(people, [one.name for one in sheet.attributes])


def expectations(
    rule: Rule, holders: Mapping[str, Sequence[str]], count: int, grey_policy: GreyPolicy
) -> list[Expectation]:
    """The jetons of controls, so that each control of each comparison stands in exactly one.

    Args:
        rule: of the recipient.
        holders: operand → comparisons of the recipient with those who hold it.
        count: controls of each comparison.
        grey_policy: of the agreement.
    """
    signs = {name: operand for operand, names in holders.items() for name in names}
    found: list[Expectation] = []
    for number in range(count):
        together = {names[number % len(names)] for sign, one in rule.steps if sign == "&" for names in (holders[one],)}
        away = [name for sign, one in rule.steps if sign == "-" for name in holders[one]]
        if together and number % 2 == 1 and away:
            together.add(away[number // 2 % len(away)])
        groups = [frozenset(together)] if together else []
        groups += [frozenset({name}) for name in sorted(signs) if name not in together]
        for group in groups:
            hit = _is_hit(rule, holders, group, grey_policy)
            telling = any(hit != _is_hit(rule, holders, group - {name}, grey_policy) for name in group)
            found.append(Expectation(number=number, comparisons=group, hit=hit, telling=telling))
    return found


def _is_hit(rule: Rule, holders: Mapping[str, Sequence[str]], linked: frozenset[str], grey_policy: GreyPolicy) -> bool:
    """Whether a record with certain links in these comparisons satisfies the rule."""
    no = np.zeros(1, dtype=bool)
    unions = {
        operand: union([Linked(certain=np.array([name in linked]), grey=no) for name in names])
        for operand, names in holders.items()
    }
    return bool(apply_rule(rule, unions, 1, grey_policy).certain[0])


class _Draws:
    """Numbers that follow from a key."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._number = seed, 0

    def below(self, limit: int) -> int:
        """The next one, less than `limit` (far below 2^64)."""
        self._number += 1
        drawn = hashlib.sha256(self._seed + self._number.to_bytes(8, "big")).digest()
        return int.from_bytes(drawn[:16], "big") % limit


def _value(attribute: Attribute, key: RunKey, number: int, *, mistaken: bool) -> str:
    draws = _Draws(derive(key, Label.CONTROLS, attribute.name, number.to_bytes(8, "big")))
    kind = attribute.kind
    if kind == "date":
        return f"{_FIRST_YEAR + draws.below(_YEARS)}{1 + draws.below(12):02}{1 + draws.below(28):02}"
    if kind in ("code", "number"):
        return "".join(str(1 + draws.below(9)) for _ in range(attribute.pad or 8))
    if kind == "sex":
        return "MF"[draws.below(2)]
    if kind == "cog":
        return _TOWNS[draws.below(len(_TOWNS))]
    if kind == "country":
        return "99100"
    word = "".join(_CONSONANTS[draws.below(12)] + _VOWELS[draws.below(5)] for _ in range(3 + draws.below(2)))
    if kind == "given_names" and mistaken:
        word = word[:_LATE] + _VOWELS[(_VOWELS.index(word[_LATE]) + 1) % 5] + word[_LATE + 1 :]
    return word[: attribute.longest] if attribute.longest else word
