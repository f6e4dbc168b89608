"""What a curious third party could recover of a file, and whether that is too much: the arithmetic of a risk report.

Trials (`linkage.risk_trials`) are what attacks found in some blocks of each pass. A person is in all passes, so shares of the
passes add up: the bound of the sum is Σp + √Σ(u − p)², u being Wilson's upper bound of each pass. Of the attacks that need no
more than the known pairs in question, the worst counts.

A trial is a sample: it says little of blocks that are larger than those of the file at hand. So at the declared size the pairs
known in the largest expected block, s, are put into the law that governs them, through κ√s (`linkage.attacks.ceiling`), and
the worse of both counts. What blind guesses would find is taken off: it depends on the size of blocks alone, which the plan sets.

The verdict looks at the known pairs that the profile claims to withstand, and at none at all. It is favourable only if the bound
and the projection, over all passes, stay under `LIMIT`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.ceiling import predicted
from linkage.attacks.outcome import Outcome, together
from linkage.plan import PassPlan

__all__ = ["CLAIMS", "LIMIT", "Findings", "PassFindings", "Reason", "Trial", "Value", "bound", "claim_of", "excess"]

Numbers = NDArray[np.float64]
Reason = str  # out of `REASONS`

LIMIT = 0.05  # of the people, over all passes of a run
CLAIMS: Mapping[str, float] = {"reference": 0.01, "standard": 0.05, "renforce": 0.1}  # known share under which it holds
REASONS = ("profil", "attaques", "sans_paire", "projection", "echantillon")
CEILING = "A12"  # no attack that anybody could run alone: shown, never judged
_LEAST_TRIED = 100  # people tried in a pass, under which its trials say nothing
_LEAST_BLOCK = 20  # people of a block in which guesses are worth something


@dataclass(frozen=True, kw_only=True)
class Value:
    """How often the values of one attribute were right in guesses, those of the block value included.

    Attributes:
        tried: people.
        right: whose guessed record has their value.
        by_chance: expected of blind guesses.
    """

    tried: int = 0
    right: int = 0
    by_chance: float = 0.0

    def __add__(self, other: Value) -> Value:
        return Value(
            tried=self.tried + other.tried, right=self.right + other.right, by_chance=self.by_chance + other.by_chance
        )


@dataclass(kw_only=True)
class Trial:
    """What one attack did in the blocks of one pass, as they come.

    Attributes:
        attack: its name.
        pass_name: of which pass.
        known: share of the people known beforehand.
        outcomes: one a block.
        seconds: spent.
        values: attribute → how often it was right.
    """

    attack: str
    pass_name: str
    known: float
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    values: dict[str, Value] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """Of all blocks."""
        return together(self.outcomes)


@dataclass(frozen=True, kw_only=True)
class PassFindings:
    """One pass.

    Attributes:
        plan: of the pass.
        largest: people of the declared file expected in its largest block.
        tested: people of the largest block that was attacked.
        kappas: κ of people of the attacked blocks.
    """

    plan: PassPlan
    largest: int
    tested: int
    kappas: Numbers

    @property
    def kappa(self) -> float:
        """κ of the pass: the root mean square."""
        return float(np.sqrt(np.mean(self.kappas**2))) if len(self.kappas) else 0.0

    def projected(self, known: float) -> float:
        """The share found beyond chance at the declared size when that share of the people is known."""
        if self.largest < 2:
            return 0.0
        blind = 1.0 / self.largest
        return max(0.0, predicted(self.kappas, known * self.largest, self.largest) - blind) if known else 0.0


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that was found.

    Attributes:
        profile: its name.
        people: declared.
        passes: in the order of the plan.
        trials: of all attacks, passes and numbers of known pairs.
        known: shares of the people known beforehand, ascending, the claim of the profile among them.
    """

    profile: str
    people: int
    passes: Sequence[PassFindings]
    trials: Sequence[Trial]
    known: Sequence[float]

    @property
    def claim(self) -> float:
        """The share of known pairs that the verdict is about."""
        return claim_of(self.profile)

    def measured(self, known: float) -> float:
        """Upper bound of the share found beyond chance by the worst attack that needs no more known pairs."""
        return max((most for most, _ in self._bounds(known)), default=0.0)

    def found(self, known: float) -> float:
        """The same share without its interval: what was found, not what may be."""
        return max((excess(self._of(attack, share)) for attack, share in self._kinds(known)), default=0.0)

    def worst(self, known: float) -> str | None:
        """The attack with that bound."""
        return max(self._bounds(known), default=(0.0, None))[1]

    def projected(self, known: float) -> float:
        """The share found beyond chance at the declared size, over all passes."""
        return min(1.0, sum(one.projected(known) for one in self.passes))

    def risk(self, known: float) -> float:
        """The worse of both."""
        return max(self.measured(known), self.projected(known))

    def at_risk(self, known: float) -> int:
        """People of the declared file whom that is."""
        return round(self.people * self.risk(known))

    def reasons(self) -> tuple[Reason, ...]:
        """Why the verdict is unfavourable; empty when it is not."""
        thin = any(
            sum(one.outcome.tried for one in self._of(attack, known)) < _LEAST_TRIED * len(self.passes)
            for attack, known in self._kinds(self.claim)
        )
        untried = any(one.largest >= _LEAST_BLOCK and not one.tested for one in self.passes)
        checks = (
            ("profil", self.profile == "reference"),
            ("attaques", self.found(self.claim) > LIMIT),
            ("sans_paire", self.found(0.0) > LIMIT),
            ("projection", self.projected(self.claim) > LIMIT),
            (
                "echantillon",
                thin or untried or (bool(self.passes) and not self.trials) or self.measured(self.claim) > LIMIT,
            ),
        )
        return tuple(name for name, holds in checks if holds)

    @property
    def favourable(self) -> bool:
        """Whether the file may be sent."""
        return not self.reasons()

    def _bounds(self, known: float) -> list[tuple[float, str]]:
        return [(bound(self._of(attack, share)), attack) for attack, share in self._kinds(known)]

    def _kinds(self, known: float) -> list[tuple[str, float]]:
        """Attacks and shares of known pairs that count where so many are known."""
        kinds = {(one.attack, one.known) for one in self.trials if one.known <= known and one.attack != CEILING}
        return sorted(kinds)

    def _of(self, attack: str, known: float) -> list[Trial]:
        return [one for one in self.trials if (one.attack, one.known) == (attack, known)]


def claim_of(profile: str) -> float:
    """The share of known pairs that a profile claims to withstand."""
    return CLAIMS.get(profile, 0.01)


def excess(trials: Iterable[Trial]) -> float:
    """The share found beyond chance over all passes, of one attack."""
    outcomes = [one.outcome for one in trials]
    return min(1.0, max(0.0, sum(one.rate - one.chance for one in outcomes)))


def bound(trials: Iterable[Trial]) -> float:
    """Upper 95 % bound of the share found beyond chance over all passes, of one attack."""
    outcomes = [one.outcome for one in trials]
    rate, chance = sum(one.rate for one in outcomes), sum(one.chance for one in outcomes)
    spread = sqrt(sum((one.interval[1] - one.rate) ** 2 for one in outcomes))
    return min(1.0, max(0.0, rate + spread - chance))
