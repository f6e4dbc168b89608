"""What the two kinds of rule do to people of the left file: intersection `a & b` and anti-join `a - b`, as in a démarche.

A wrong link does not cost the same in both. In an intersection it is a useless letter, and a missed link leaves somebody
without; in an anti-join it hides somebody who was to be told, and a missed link is the useless letter. Grey links inform and
award nothing (`information_seule`). People are counted, not links: somebody linked to the wrong record, but who is in the
other file all the same, is told rightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.expectation import Forecast, Interval
from linkage.formula import Linked, formula_of, hits_of
from linkage.rules import parse_rule

__all__ = ["RULES", "Expected", "Outcome", "expected_outcomes", "outcomes"]

RULES = ("a & b", "a - b")

Pairs = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """People of the left file under one rule; `missed` and `useless` are None without a truth."""

    award: int
    information: int
    missed: int | None
    useless: int | None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The same without truth: people who should have been told and are not, people told for nothing."""

    missed: Interval
    useless: Interval
    precision: Interval
    recall: Interval

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, each as [low, middle, high]."""
        return {name: value.to_json() for name, value in vars(self).items()}


def outcomes(links: Pairs, strict: NDArray[np.bool_], count: int, true: Pairs | None) -> dict[str, Outcome]:
    """What each rule does.

    Args:
        links: (k, 2) pairs linked.
        strict: (k,) which of them are strict.
        count: records of the left file.
        true: (t, 2) true pairs, when they are known.
    """
    certain, grey, matched = (np.zeros(count, dtype=bool) for _ in range(3))
    certain[links[strict, 0]] = True
    grey[links[:, 0]] = True
    if true is not None:
        matched[true[:, 0]] = True
    linked = {"b": Linked(certain=certain, grey=grey & ~certain)}
    found = {}
    for text, wanted in zip(RULES, (matched, ~matched), strict=True):
        hits = hits_of(formula_of(parse_rule(text), "a", {"b": ["b"]}), linked, count, "information_seule")
        told = hits.certain | hits.information
        found[text] = Outcome(
            award=int(hits.certain.sum()),
            information=int(hits.information.sum()),
            missed=None if true is None else int((wanted & ~told).sum()),
            useless=None if true is None else int((told & ~wanted).sum()),
        )
    return found


def expected_outcomes(
    told: Mapping[str, Outcome], count: int, people: Interval, information: Forecast, strict: Forecast
) -> dict[str, Expected]:
    """What each rule is expected to do.

    Args:
        told: of `outcomes`.
        count: records of the left file.
        people: who is in both files.
        information: what is expected at that threshold.
        strict: what is expected at that threshold.
    """
    both, apart = (told[rule].award + told[rule].information for rule in RULES)
    useless = _strangers(information, people, count)
    missed = _minus(people, both, useless)
    hidden = _strangers(strict, people, count)
    useless_letters = _minus(people, count - apart, hidden)
    away = Interval(low=count - people.high, middle=count - people.middle, high=count - people.low)
    return {
        RULES[0]: _expected(missed, useless, people, both),
        RULES[1]: _expected(hidden, useless_letters, away, apart),
    }


def _strangers(forecast: Forecast, people: Interval, count: int) -> Interval:
    """People linked who are not in the other file: of wrong links, those of records without a partner."""
    alone = max(0.0, count - people.middle)
    unlinked = max(1.0, count - forecast.found.middle)
    share = min(1.0, alone / unlinked)
    wrong = forecast.wrong
    return Interval(
        low=float(np.floor(share * wrong.low)), middle=share * wrong.middle, high=float(np.ceil(share * wrong.high))
    )


def _minus(people: Interval, told: int, useless: Interval) -> Interval:
    """People not told, out of those in both files, when some are told for nothing."""
    low, middle, high = (
        max(0.0, one - told + other)
        for one, other in ((people.low, useless.low), (people.middle, useless.middle), (people.high, useless.high))
    )
    return Interval(low=low, middle=middle, high=high)


def _expected(missed: Interval, useless: Interval, wanted: Interval, told: int) -> Expected:
    return Expected(
        missed=missed,
        useless=useless,
        precision=Interval(
            low=_one_less(useless.high, told), middle=_one_less(useless.middle, told), high=_one_less(useless.low, told)
        ),
        recall=Interval(
            low=_one_less(missed.high, wanted.low),
            middle=_one_less(missed.middle, wanted.middle),
            high=_one_less(missed.low, wanted.high),
        ),
    )


def _one_less(part: float, whole: float) -> float:
    return max(0.0, 1.0 - part / whole) if whole > 0 else 0.0
