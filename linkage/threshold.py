"""The thresholds that a rehearsal proposes for the next agreement, without truth. A run's are fixed by its plan.

* `information`: the estimated Dice with the best F1 expected (`linkage.expectation`), in every pass no lower than the
  plan's own threshold, which holds random links to 1 % of the smaller file whatever the rehearsal found.
* `strict`: the lowest one, at or above both, at which at most one wrong link is expected for a thousand people of the
  smaller file, of relatives and namesakes as well as of chance.

Both are floors of a sheet (`information`, `strict`, per-mille estimated Dice): the plan turns them into distances.
Plain filters have no threshold of a plan: the lowest is where the rehearsal looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linkage.expectation import Expectation, Forecast
from linkage.plan import STRICT_PER_THOUSAND, Plan, distance_of_dice
from linkage.sightings import dice_floors

__all__ = ["Proposal", "Proposed", "propose", "with_floor"]


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """One threshold.

    Attributes:
        per_mille: estimated Dice; the sheet's floor.
        numbers: by pass, as a plan writes it: the largest distance, or the per-mille Dice of plain filters.
        forecast: what is expected there.
    """

    per_mille: int
    numbers: tuple[int, ...]
    forecast: Forecast


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Both thresholds."""

    information: Proposed
    strict: Proposed


def propose(lowest: Plan, expectation: Expectation, smaller: int) -> Proposal:
    """The thresholds to propose.

    Args:
        lowest: a plan whose information thresholds no proposal goes under.
        expectation: of the rehearsal.
        smaller: records of the smaller file.
    """
    bounds = [one.information for one in lowest.passes]
    floors = dice_floors(lowest, bounds)
    grid = np.arange(int(1000 * floors.min()), 1000)
    place = expectation.best(floors, grid / 1000)
    information = int(grid[place])
    allowed = STRICT_PER_THOUSAND * smaller / 1000
    strict_floors = dice_floors(lowest, [one.strict for one in lowest.passes])
    few = expectation.wrong_above(strict_floors, grid[place:] / 1000) <= allowed
    strict = int(grid[place:][np.argmax(few)]) if few.any() else int(grid[-1])
    strict_bounds = [one.strict for one in lowest.passes]
    return Proposal(
        information=_proposed(lowest, bounds, information, expectation),
        strict=_proposed(lowest, strict_bounds, strict, expectation),
    )


def with_floor(plan: Plan, bounds: Sequence[int], per_mille: int) -> list[int]:
    """Thresholds of the passes at an estimated Dice, none looser than its bound."""
    return [
        max(bound, per_mille)
        if one.measure == "dice"
        else min(bound, distance_of_dice(per_mille, one.length, one.degree))
        for one, bound in zip(plan.passes, bounds, strict=True)
    ]


def _proposed(plan: Plan, bounds: Sequence[int], per_mille: int, expectation: Expectation) -> Proposed:
    numbers = with_floor(plan, bounds, per_mille)
    floors = dice_floors(plan, numbers)
    lowest = max(per_mille, int(1000 * floors.min()))
    return Proposed(per_mille=lowest, numbers=tuple(numbers), forecast=expectation.forecast(floors))
