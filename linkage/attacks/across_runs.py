"""A9, two runs of the same people: does what the third party kept of one recognise them in the other?

It should have kept nothing. If it did, it holds two sets of filters under different keys and no plaintext. Rows cannot be
compared across runs; but who agrees with whom can, as in `seedless`, with measured agreements on both sides, or from pairs
that some other leak tells (`known`). Plain filters of the same people are recognised nearly all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.likeness import agreement
from linkage.attacks.outcome import Guesses, Outcome, scored
from linkage.attacks.propagation import Evidence
from linkage.attacks.scene import Scene, Side, scenes
from linkage.attacks.seedless import match_tables
from linkage.plan import Plan
from linkage.sheet import Sheet

__all__ = ["TwoRuns", "TwoRunsScene", "across_runs", "two_runs"]

Rows = NDArray[np.int64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class TwoRuns:
    """The same block of two runs: rows of the first are attacked, those of the second are the candidates.

    Attributes:
        filters: (n, L/64) and (n', L/64) uint64.
        weight: 1/variance of the noise of an agreement.
        known: (s, 2) pairs of rows.
    """

    filters: tuple[NDArray[np.uint64], NDArray[np.uint64]]
    weight: float
    known: Rows

    @cached_property
    def measured(self) -> tuple[Matrix, Matrix]:
        """Agreements of the rows of each run."""
        return agreement(self.filters[0]), agreement(self.filters[1])


def across_runs(view: TwoRuns, rng: np.random.Generator) -> Guesses:
    """One guess for each row of the first run that is in no known pair."""
    first, second = view.measured
    return match_tables(Evidence(first, second, view.weight, view.known), rng)


@dataclass(frozen=True, kw_only=True)
class TwoRunsScene:
    """A view of two runs and its truth.

    Attributes:
        view: what the attack takes.
        truth: (n,) the row of the second run that is the same person's, −1 for none.
        people: (n,) the person of each row of the first run.
    """

    view: TwoRuns
    truth: Rows
    people: Rows

    def knowing(self, count: int, rng: np.random.Generator) -> TwoRunsScene:
        """The same rows with so many known pairs."""
        rows = np.sort(rng.permutation(np.flatnonzero(self.truth >= 0))[:count])
        return replace(self, view=replace(self.view, known=np.stack([rows, self.truth[rows]], axis=1)))

    def score(self, guesses: Guesses) -> Outcome:
        """What came of guesses."""
        return scored(guesses, self.truth, self.people, self.view.known[:, 0], len(self.view.filters[1]))


def two_runs(
    first: Side,
    second: Side,
    sheet: Sheet,
    plan: Plan,
    *,
    sizes: tuple[int, int] = (2, 1 << 31),
    most: int | None = None,
) -> Iterator[TwoRunsScene]:
    """The blocks of two runs of about the same people, each under its own keys; labels of blocks are granted.

    Args:
        first: the file of the first run.
        second: the file of the second; it may be the same.
        sheet: what the parties share.
        plan: of both runs.
        sizes: rows of the smallest and the largest block of the first run.
        most: blocks of a pass, at most, the largest.
    """
    blocks = {_label(scene): scene for scene in scenes(first, first, sheet, plan, sizes=sizes, most=most)}
    for other in scenes(second, first, sheet, plan):
        one = blocks.get(_label(other))
        if one is not None:
            rows = np.argsort(other.people, kind="stable")
            place = np.minimum(np.searchsorted(other.people[rows], one.people), len(rows) - 1)
            truth = np.where(other.people[rows][place] == one.people, rows[place], -1)
            filters = one.view.filters, other.view.filters
            view = TwoRuns(filters, one.view.weight, np.empty((0, 2), dtype=np.int64))
            yield TwoRunsScene(view=view, truth=truth.astype(np.int64), people=one.people)


def _label(scene: Scene) -> tuple[str, bytes]:
    """Which block that is, in any run: the pass, and the records of the first file that it holds."""
    return scene.view.plan.name, scene.view.candidates.tobytes()
