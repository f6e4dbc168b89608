"""Positive controls: invented people that both sides of a comparison add, to show the recipient whether links come back.

Both tools derive the same few people from the run key of the comparison, which the third party does not hold: it cannot tell
their rows from the others, and whoever drops links drops those of controls as well. In the source's file every second one has
a letter changed in its first names, as mistakes do: a third party that kept only the identical filters would be seen too.
Nothing of them is anybody's; their rows go through the encoder like all others, and never reach a file of hits.

A value is canonical as `linkage.normalise` writes it. Which controls stand together in one jeton, for rules of several
comparisons, and of which outputs it must be a hit, is `expectations`: each is made so that the loss of one comparison's links
shows.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crypto.framing import Label
from crypto.keys import RunKey, derive
from linkage.attribute import Attribute
from linkage.formula import Formula, Linked, hits_of, sensitive
from linkage.sheet import Sheet
from service.administration.extra_people import records_of

if TYPE_CHECKING:
    from linkage.records import Records

__all__ = ["LEAST_PERCENT", "MISTAKEN", "Expectation", "Recall", "controls", "expectations"]

LEAST_PERCENT = 80  # of the controls; under it, results are not to be relied on
MISTAKEN = 2  # of so many controls one has a mistake in the source's file, the second; the first is the same in both

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
        hits: the outputs of which the jeton must be a hit.
        telling: whether losing the links of one comparison would change that.
    """

    number: int
    comparisons: frozenset[str]
    hits: frozenset[str]
    telling: bool


def controls(sheet: Sheet, key: RunKey, count: int, *, source: bool, apart: str = "") -> Records:
    """The controls of a comparison, as one side adds them.

    Args:
        sheet: what the parties share.
        key: of the comparison.
        count: of the agreement.
        source: whether it is the source's side, whose file has mistakes.
        apart: an attribute in which both sides must differ for a link to count.
    """
    attributes = [one for one in sheet.attributes if not one.second_form_of]
    people = [
        {one.name: _value(one, key, number, mistaken=source and number % MISTAKEN == 1) for one in attributes}
        for number in range(count)
    ]
    if source and apart:
        for person in people:
            person[apart] += "X"
    return records_of(people, [one.name for one in sheet.attributes])


def expectations(formulas: Mapping[str, Formula], comparisons: Sequence[str], count: int) -> list[Expectation]:
    """The jetons of controls, so that each control of each comparison stands in exactly one.

    Args:
        formulas: of the recipient, by output.
        comparisons: of the recipient, all of them.
        count: controls of each comparison.
    """
    aims = [(name, one) for name, formula in sorted(formulas.items()) for one in sorted(formula.comparisons)]
    found: list[Expectation] = []
    for number in range(count):
        left = set(comparisons)
        # Another output and another of its comparisons for each control; what remains of it stands by itself.
        turn = number % len(aims) if aims else 0
        for name, aim in itertools.islice(itertools.cycle(aims), turn, turn + len(aims)):
            group = sensitive(formulas[name], aim, number // len(aims))
            if group <= left:
                left -= group
                found.append(_expected(formulas, number, group))
        found += [_expected(formulas, number, frozenset({one})) for one in sorted(left)]
    return found


def _expected(formulas: Mapping[str, Formula], number: int, group: frozenset[str]) -> Expectation:
    hits = _hits(formulas, group)
    telling = any(hits != _hits(formulas, group - {name}) for name in group)
    return Expectation(number=number, comparisons=group, hits=hits, telling=telling)


def _hits(formulas: Mapping[str, Formula], linked: frozenset[str]) -> frozenset[str]:
    """The outputs that a record with certain links in these comparisons is a hit of."""
    no = np.zeros(1, dtype=bool)
    everywhere = frozenset[str]().union(*(formula.comparisons for formula in formulas.values()))
    links = {name: Linked(certain=np.array([name in linked]), grey=no) for name in everywhere}
    return frozenset(name for name, one in formulas.items() if hits_of(one, links, 1, "ecarter").certain[0])


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
