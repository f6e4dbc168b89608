"""What an attack guessed and what came of it: people re-identified, an interval, the chance level, and how sure one can be.

A person counts as tried when their row is in the attacked block, the attacker holds a record of theirs there, and does not know
the pair beforehand. The rate is people found among people tried. Intervals are Wilson's at 95 %: a verdict looks at the upper
bound.

Somebody who sells identities does not sell all guesses, but the confident ones. `sure` is the share of the people tried that
he finds if he keeps the most confident guesses, as many as stay right nine times in ten; the cut is chosen with the truth at
hand, so no attacker does better with these confidences.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Guesses", "Outcome", "scored", "together", "union", "wilson"]

Rows = NDArray[np.int64]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

_Z = 1.959963984540054  # of a two-sided interval at 95 %
_SURE = 0.9  # of the guesses kept, at least so many right


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """What an attack says, at most one guess a row.

    Attributes:
        rows: (g,) rows of the attacked filters, distinct.
        candidates: (g,) rows of the attacker's records.
        confidence: (g,) the higher, the surer; comparable within one attack, also between blocks.
    """

    rows: Rows
    candidates: Rows
    confidence: Numbers


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of guesses.

    Attributes:
        people: (tried,) who could be found, as numbers that mean nothing outside the experiment.
        found: (tried,) who was.
        by_chance: people whom blind guesses would find on average.
        confidence: (g,) of all guesses, those about rows without a partner included.
        correct: (g,) which of them are right.
    """

    people: Rows
    found: Flags
    by_chance: float
    confidence: Numbers
    correct: Flags

    @property
    def tried(self) -> int:
        """People who could be found."""
        return len(self.people)

    @property
    def right(self) -> int:
        """People found."""
        return int(self.found.sum())

    @property
    def rate(self) -> float:
        """Share found; 0 when nobody was tried."""
        return self.right / self.tried if self.tried else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate."""
        return wilson(self.right, self.tried)

    @property
    def chance(self) -> float:
        """The rate of blind guesses."""
        return self.by_chance / self.tried if self.tried else 0.0

    @property
    def sure(self) -> float:
        """Share of the people tried that the most confident guesses find while nine in ten of them are right."""
        if not self.tried or not len(self.correct):
            return 0.0
        order = np.argsort(-self.confidence, kind="stable")
        right = np.cumsum(self.correct[order])
        kept = np.flatnonzero(right >= _SURE * np.arange(1, len(order) + 1))
        return float(right[kept[-1]]) / self.tried if len(kept) else 0.0

    def precision(self, share: float) -> float:
        """How many of the most confident guesses are right, that share of all guesses being kept (one at least)."""
        if not len(self.correct):
            return 0.0
        kept = max(1, round(share * len(self.correct)))
        return float(self.correct[np.argsort(-self.confidence, kind="stable")[:kept]].mean())

    def of(self, members: Rows) -> Outcome:
        """The same for some people only; confidences are of everybody's guesses no more, so there are none."""
        chosen = np.isin(self.people, members)
        share = float(chosen.mean()) if self.tried else 0.0
        nothing: tuple[Numbers, Flags] = np.empty(0), np.empty(0, dtype=bool)
        return Outcome(
            people=self.people[chosen],
            found=self.found[chosen],
            by_chance=self.by_chance * share,
            confidence=nothing[0],
            correct=nothing[1],
        )

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        low, high = self.interval
        return {
            "tried": self.tried,
            "right": self.right,
            "rate": self.rate,
            "low": low,
            "high": high,
            "chance": self.chance,
            "sure": self.sure,
        }


def scored(guesses: Guesses, truth: Rows, people: Rows, known: Rows, candidates: int) -> Outcome:
    """What came of guesses about one block.

    Args:
        guesses: those about known rows do not count.
        truth: (n,) the candidate of each row's person, −1 for none.
        people: (n,) the person of each row.
        known: rows whose candidate the attacker knows.
        candidates: how many he has, known ones included.
    """
    free = np.ones(len(truth), dtype=bool)
    free[known] = False
    counted = free[guesses.rows]
    rows = guesses.rows[counted]
    correct = truth[rows] == guesses.candidates[counted]
    hit = np.zeros(len(truth), dtype=bool)
    hit[rows[correct]] = True
    tried = free & (truth >= 0)
    return Outcome(
        people=people[tried],
        found=hit[tried],
        by_chance=float(tried.sum()) / max(1, candidates - len(known)),
        confidence=np.asarray(guesses.confidence[counted], dtype=np.float64),
        correct=correct,
    )


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Outcomes of blocks that have no people in common, as one."""
    return _joined(list(outcomes))


def union(outcomes: Sequence[Outcome]) -> Outcome:
    """Outcomes of several passes over the same people: who is found in any of them is found, chances add up."""
    every = _joined(outcomes)
    people, place = np.unique(every.people, return_inverse=True)
    found = np.zeros(len(people), dtype=bool)
    found[place[every.found]] = True
    return Outcome(
        people=people,
        found=found,
        by_chance=min(every.by_chance, float(len(people))),
        confidence=every.confidence,
        correct=every.correct,
    )


def wilson(right: int, tried: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) when nothing was tried."""
    if not tried:
        return 0.0, 1.0
    share, squared = right / tried, _Z * _Z
    middle = (share + squared / (2 * tried)) / (1 + squared / tried)
    half = _Z * sqrt(share * (1 - share) / tried + squared / (4 * tried * tried)) / (1 + squared / tried)
    return (0.0 if not right else middle - half), (1.0 if right == tried else middle + half)


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        people=np.concatenate([np.empty(0, dtype=np.int64), *(one.people for one in outcomes)]),
        found=np.concatenate([np.empty(0, dtype=bool), *(one.found for one in outcomes)]),
        by_chance=sum(one.by_chance for one in outcomes),
        confidence=np.concatenate([np.empty(0), *(one.confidence for one in outcomes)]),
        correct=np.concatenate([np.empty(0, dtype=bool), *(one.correct for one in outcomes)]),
    )
