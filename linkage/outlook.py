"""What a rehearsal expects without truth, gathered: sightings under several keys, expectation, proposed thresholds.

The links themselves come from the production path under one run key. Neighbours of small files are looked at again
under other keys, and people in both files are looked for through undiffused filters; all of it stays on this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey, fresh_share
from linkage.candidates import Candidates
from linkage.expectation import Expectation, Forecast
from linkage.holder import encode_passes
from linkage.linker import PassLinks
from linkage.plan import Plan
from linkage.records import Records
from linkage.sheet import Sheet
from linkage.sightings import (
    LOOKS,
    SAMPLE,
    Encoded,
    Sightings,
    explored_plan,
    link_passes,
    plain_plan,
    sightings,
)
from linkage.solve import solve_one_to_one
from linkage.threshold import Proposal, propose, with_floor

__all__ = ["Outlook", "advice", "forecast_to_json", "look", "one_to_one"]

_SAME = 2  # bits of distance: a difference that the next draw of keys makes by itself

Pairs = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is expected.

    Attributes:
        seen: links down to the lowest thresholds, neighbours inside files.
        expectation: figures of that.
        bounds: the plan whose thresholds no proposal goes under.
        proposal: for the next agreement.
    """

    seen: Sightings
    expectation: Expectation
    bounds: Plan
    proposal: Proposal


def look(
    sides: tuple[Records, Records],
    sheet: Sheet,
    bounds: Plan,
    encoded: Encoded,
    linked: Sequence[PassLinks],
    progress: Callable[[str, int, int], None] | None = None,
) -> Outlook:
    """Everything but the links, which were made already.

    Args:
        sides: records of both files.
        sheet: of both.
        bounds: the plan as chance alone has it, without floors of the sheet.
        encoded: the passes of both sides under the run key.
        linked: what `link_passes` found at the thresholds of `explored_plan(bounds, encoded)`.
        progress: told (stage, done, total).

    Raises:
        LinkageError: as the encoder.
    """
    sizes = len(sides[0]), len(sides[1])
    lowest = explored_plan(bounds, encoded)
    looks = [encoded]
    count = min(LOOKS, max(1, SAMPLE // max(1, *sizes)))
    told = progress or (lambda _stage, _done, _total: None)
    for number in range(1, count):
        told("voisins", number, count + 1)
        looks.append(_encoded(sides, sheet, lowest))
    told("voisins", count, count + 1)
    seen = sightings(lowest, looks, linked, sizes)
    if bounds.passes[0].measure == "dice":
        expectation = Expectation(seen)
        bounds = replace(lowest, passes=tuple(replace(one, strict=one.information) for one in lowest.passes))
    else:
        plain = plain_plan(bounds, sizes)
        clear = _encoded(sides, sheet, plain)
        plain = explored_plan(plain, clear)
        people = Expectation(sightings(plain, [clear], link_passes(plain, clear), sizes)).people
        expectation = Expectation(seen, people)
    told("voisins", count + 1, count + 1)
    proposal = propose(bounds, expectation, min(sizes))
    return Outlook(seen=seen, expectation=expectation, bounds=bounds, proposal=proposal)


def _encoded(sides: tuple[Records, Records], sheet: Sheet, plan: Plan) -> Encoded:
    """Both sides under a key of their own."""
    key = RunKey(fresh_share())
    left, right = (list(encode_passes(side, sheet, plan, key)) for side in sides)
    return left, right


def one_to_one(links: Pairs, score: Floats) -> NDArray[np.bool_]:
    """Which links would stay if every record had one over all passes, the best first.

    Nobody can ask for it in a run: the third party joins no passes, and the recipient sees its own rows only.
    """
    order = np.lexsort([links[:, 1], links[:, 0], -score])
    left, right = np.ascontiguousarray(links[order, 0]), np.ascontiguousarray(links[order, 1])
    solved = solve_one_to_one(Candidates(left=left, right=right, score=score[order]))
    width = int(links[:, 1].max(initial=0)) + 1
    return np.isin(links[:, 0] * width + links[:, 1], solved.left * width + solved.right)


def forecast_to_json(forecast: Forecast) -> dict[str, Any]:
    """Plain numbers, each estimate as [low, middle, high]."""
    names = ("wrong", "precision", "recall", "found", "missed")
    return {"links": forecast.links, **{name: getattr(forecast, name).to_json() for name in names}}


def advice(plan: Plan, outlook: Outlook) -> list[str]:
    """What to write where for the next agreement, in sentences for the agent."""
    if plan.passes[0].measure == "dice":
        return ["profil sans convention possible : ces seuils ne servent qu'aux comparaisons"]
    bounds, proposal = outlook.bounds, outlook.proposal
    said = []
    for key, number, own, now in (
        (
            "information",
            proposal.information,
            [one.information for one in bounds.passes],
            [one.information for one in plan.passes],
        ),
        ("strict", proposal.strict, [one.strict for one in bounds.passes], [one.strict for one in plan.passes]),
    ):
        if all(abs(one - other) <= _SAME for one, other in zip(number.numbers, now, strict=True)):
            said.append(f"{key} : rien à changer, le plan fixe déjà ce seuil")
        elif list(number.numbers) == with_floor(bounds, own, 500):
            said.append(f"{key} : retirez la clé « {key} » de la feuille, le plan suffit")
        else:
            said.append(
                f"{key} : écrivez « {key} = {number.per_mille} » en tête de la feuille de la prochaine convention"
            )
    return said
