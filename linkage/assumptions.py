"""What is assumed about mistakes: how often the two records of one person differ, and what a pass then makes of them.

The rates are ASSUMPTIONS, in parts per 100,000 pairs of records of the same person. No table of the mistakes of French
administrative files has been published; these follow the profile `verifie_agent` of the synthetic population
(`linkage.synthetic.mistakes`) in both files, and 12 % of people born abroad. They serve to choose passes and to say what
to expect of them, never to link. Mistakes of different attributes are taken as independent, but for swapped names.

A mistake destroys parts of the block value and takes a share of the attribute's bits. Of a second form of a name (usage name)
two things are assumed: in some pairs one file has it in the place of the first, in some only one file knows it. A pass that
takes the second form heals the one and suffers from the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import COMPONENTS, Attribute
from linkage.exposure import agreement
from linkage.features import insertions_by_group
from linkage.profiles import Profile
from linkage.sheet import Sheet

__all__ = ["MISTAKES", "UNIT", "Mistake", "Pairs", "imagine_pairs", "linked"]

UNIT = 1_000_000_000  # the probability of a sure thing
_RATE = 100_000
_MOST_ATTRIBUTES = 8  # with mistakes; the lightest others are taken as right
_LETTERS = ("initial", "two", "three")
_DATE = ("year", "decade", "unit", "month", "day", "day_month")
_DAY = ("month", "day", "day_month")

Truths = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One way in which an attribute differs.

    Attributes:
        rate: parts per 100,000 pairs.
        parts: components that differ or are missing.
        loss: share of the attribute's bits that differ, per mille.
        in_form: the same two in a pass that takes the second form of the name.
    """

    rate: int
    parts: tuple[str, ...] = ()
    loss: int = 0
    in_form: tuple[tuple[str, ...], int] | None = None

    def seen(self, *, form: bool) -> tuple[tuple[str, ...], int]:
        """Components destroyed and bits lost in a pass."""
        return self.in_form if form and self.in_form is not None else (self.parts, self.loss)


_SLIPS = (  # of the pen, wherever it falls in the name
    Mistake(rate=300, parts=_LETTERS, loss=300),
    Mistake(rate=300, parts=("two", "three"), loss=350),
    Mistake(rate=300, parts=("three",), loss=350),
    Mistake(rate=1_100, loss=350),
)
_WHOLE = ("value",)
MISTAKES: Mapping[str, tuple[Mistake, ...]] = {
    "name": (*_SLIPS, Mistake(rate=800, parts=_LETTERS, loss=900)),
    "given_names": (
        *_SLIPS,
        Mistake(rate=8_000, loss=250),  # further first names in one file only, composed ones cut or split
        Mistake(rate=500, parts=_LETTERS, loss=900),
    ),
    "date": (
        Mistake(rate=70, parts=("year", "unit"), loss=230),
        Mistake(rate=30, parts=("year", "decade"), loss=260),
        Mistake(rate=70, parts=("month", "day_month"), loss=450),
        Mistake(rate=70, parts=("day", "day_month"), loss=450),
        Mistake(rate=400, parts=_DAY, loss=500),  # day and month swapped
        Mistake(rate=1_300, parts=_DAY, loss=550),  # an unknown day, or 1 January for it
        Mistake(rate=300, parts=_DATE, loss=900),
    ),
    "sex": (Mistake(rate=200, parts=_WHOLE, loss=1000),),
    "country": (Mistake(rate=1_000, parts=_WHOLE, loss=1000),),
    "cog": (Mistake(rate=12_000, parts=_WHOLE), Mistake(rate=2_000, parts=_WHOLE, loss=900)),  # born abroad; wrong
    "code": (Mistake(rate=8_000, parts=_WHOLE, loss=850),),
    "category": (Mistake(rate=5_000, parts=_WHOLE, loss=1000),),
    "text": (Mistake(rate=10_000, parts=_WHOLE, loss=300), Mistake(rate=10_000, parts=_WHOLE, loss=900)),
    "number": (Mistake(rate=5_000, parts=_WHOLE, loss=500),),
}
_DIRTIER, _WHOLLY = 3, 2_000  # of files that are worse than most: times the mistakes; parts per 100,000
_SWAPPED = 200  # parts per 100,000: surname and first names in each other's place; little is lost, all letters differ
_OF_FORMS = (
    Mistake(rate=4_000, parts=_LETTERS, loss=850, in_form=((), 0)),  # the usage name instead of the birth name
    Mistake(rate=6_500, in_form=(_LETTERS, 950)),  # a usage name that one file does not know
)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """All combinations of mistakes that are imagined.

    Attributes:
        weight: (k,) int64, probability of each in units of 1/UNIT.
        mistakes: attribute → (its mistakes, (k,) int64 which one: 0 = none, else the number plus one).
        swapped: (k,) bool, the names in each other's place.
    """

    weight: NDArray[np.int64]
    mistakes: Mapping[str, tuple[tuple[Mistake, ...], NDArray[np.int64]]]
    swapped: Truths
    names: frozenset[str]

    def meeting(self, components: Sequence[str], *, form: bool = False) -> Truths:
        """The combinations in which both records have the same values of these components."""
        meets = np.ones(len(self.weight), dtype=bool)
        for component in components:
            name, _, part = component.partition(".")
            if name in self.names:
                meets &= ~self.swapped
            if name in self.mistakes:
                some, which = self.mistakes[name]
                destroys = np.array([False, *(part in one.seen(form=form)[0] for one in some)])
                meets &= ~destroys[which]
        return meets

    def alike(
        self, attributes: Sequence[Attribute], profile: Profile, left_out: Sequence[str], *, form: bool = False
    ) -> NDArray[np.int64]:
        """How many insertions the two filters have in common, out of all of them but those of second forms."""
        shares = insertions_by_group(attributes, profile.insertions, left_out)
        common = np.full(
            len(self.weight), sum(sum(shares[one.name].values()) for one in attributes if not one.second_form_of)
        )
        for name, (some, which) in self.mistakes.items():
            loss = np.array([0, *(one.seen(form=form)[1] for one in some)])
            common = common - loss[which] * sum(shares[name].values()) // 1000
        result: NDArray[np.int64] = np.maximum(0, common)
        return result

    def share(self, these: Truths) -> int:
        """Their probability, in units of 1/UNIT."""
        return int(self.weight[these].sum()) * UNIT // int(self.weight.sum())


def imagine_pairs(sheet: Sheet, *, doubt: bool = False) -> Pairs:
    """The combinations of mistakes in the attributes of a sheet.

    Args:
        sheet: names the attributes.
        doubt: whether files may be much worse than assumed: three times the mistakes, and each attribute wholly wrong in one
            pair out of fifty.
    """
    forms = {one.second_form_of for one in sheet.compared}
    firsts = sorted((one for one in sheet.compared if not one.second_form_of), key=lambda one: -one.bits)
    tables = {one.name: _mistakes(one, forms, doubt=doubt) for one in firsts[:_MOST_ATTRIBUTES]}
    weight = np.array([UNIT], dtype=np.int64)
    which: dict[str, NDArray[np.int64]] = {}
    for name, some in tables.items():
        rates = [one.rate for one in some]
        chances = np.array([_RATE - sum(rates), *rates], dtype=np.int64)
        which = {key: np.repeat(value, len(chances)) for key, value in which.items()}
        which[name] = np.tile(np.arange(len(chances)), len(weight))
        weight = (weight[:, None] * chances[None, :] // _RATE).ravel()
        likely = weight > 0
        weight, which = weight[likely], {key: value[likely] for key, value in which.items()}
    names = frozenset(one.name for one in firsts if one.kind in ("name", "given_names"))
    return _with_swaps(weight, {name: (tables[name], which[name]) for name in tables}, names)


def _mistakes(attribute: Attribute, forms: set[str | None], *, doubt: bool) -> tuple[Mistake, ...]:
    some = MISTAKES[attribute.kind] + (_OF_FORMS if attribute.name in forms else ())
    if not doubt:
        return some
    total = sum(one.rate for one in some)
    more = min(_DIRTIER * total, _RATE // 2)  # half of the pairs have none, at least
    wholly = Mistake(rate=_WHOLLY, parts=COMPONENTS[attribute.kind], loss=1000)
    return (*(replace(one, rate=one.rate * more // total) for one in some), wholly)


def _with_swaps(
    weight: NDArray[np.int64],
    mistakes: Mapping[str, tuple[tuple[Mistake, ...], NDArray[np.int64]]],
    names: frozenset[str],
) -> Pairs:
    """A few pairs with swapped names beside those without."""
    swaps = weight * (_SWAPPED if len(names) > 1 else 0) // _RATE
    twice = {name: (some, np.concatenate([which, which])) for name, (some, which) in mistakes.items()}
    swapped = np.concatenate([np.zeros(len(weight), dtype=bool), np.ones(len(weight), dtype=bool)])
    return Pairs(weight=np.concatenate([weight - swaps, swaps]), mistakes=twice, swapped=swapped, names=names)


def linked(common: NDArray[np.int64], profile: Profile, insertions: int, degree: int, distance: int) -> Truths:
    """Whether pairs with so many common insertions are expected within a distance."""
    table = agreement(profile.length, insertions)
    least = (profile.length - 2 * distance) << 30
    reaches = np.array([(value**degree >> 30 * (degree - 1)) * profile.length >= least for value in table])
    answer: Truths = reaches[common]
    return answer
