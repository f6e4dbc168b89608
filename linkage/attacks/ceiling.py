"""A12, the ceiling: how often somebody is found when all other pairs are known; and κ, which governs how fast one gets there.

κ = √L · sd of the expected agreements over pairs of different candidates. Whoever knows s pairs of a block sees a signal of
x = κ·√s standard deviations. `kappas` are the same person by person, √L times the root mean square of one's own
deviations: those with common names and dates have a large one, and are found first. `predicted` turns them into a rate without
any attack: the own candidate's score is x² above the others' on average, all with a deviation of x, so it is the best of n
with the probability E[Φ(z + x)^(n−1)], z normal. It leaves out that people resemble each other in groups.

The ceiling is no attack that anybody could run: it is what self-training converges to at best, and what a third party can do
together with the owner of the other file. Other candidates are not struck off, although their rows are known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from linkage.attacks.outcome import Guesses, Outcome
from linkage.attacks.propagation import centred
from linkage.attacks.scene import Scene, View

__all__ = ["ceiling", "kappa", "kappas", "predicted"]

Numbers = NDArray[np.float64]

_AT_ONCE = 1024  # rows
_NODES = 101  # of the integral over z
_WIDTH = 6.0  # standard deviations on either side
_CLASSES = 200  # of people with about the same κ


def ceiling(scene: Scene) -> Outcome:
    """What is found of each person when the pairs of all others are known, in view of nothing else."""
    view = scene.view
    everybody = scene.knowing(0, np.random.default_rng(0))
    rows = np.flatnonzero(scene.truth >= 0)
    if len(rows) < 2:
        return everybody.score(Guesses(rows=rows[:0], candidates=rows[:0], confidence=np.empty(0)))
    ours = centred(view.measured)[np.ix_(rows, rows)]
    theirs = centred(view.expected)[scene.truth[rows]]
    squares = 0.5 * np.square(theirs)
    best, confidence = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    total = squares.sum(axis=0)
    for start in range(0, len(rows), _AT_ONCE):
        some = slice(start, min(start + _AT_ONCE, len(rows)))
        likely = ours[some] @ theirs
        likely -= total
        likely += squares[some]  # nobody is their own landmark
        likely *= np.float32(view.weight)
        best[some] = likely.argmax(axis=1)
        likely -= likely.max(axis=1, keepdims=True)
        confidence[some] = 1.0 / np.exp(likely, out=likely).sum(axis=1)
    return everybody.score(Guesses(rows=rows, candidates=best, confidence=confidence))


def kappas(view: View) -> Numbers:
    """(n',) κ of each candidate."""
    if len(view.candidates) < 2:
        return np.zeros(len(view.candidates))
    deviations = centred(view.expected)
    mean: Numbers = np.square(deviations).sum(axis=1, dtype=np.float64) / (len(deviations) - 1)
    return np.sqrt(view.length * mean)


def kappa(view: View) -> float:
    """κ of the block: the root mean square of its candidates'."""
    each = kappas(view)
    return float(np.sqrt(np.mean(each**2))) if len(each) else 0.0


def predicted(each: Numbers, known: float, rivals: int) -> float:
    """The share of people expected to be found at once from known pairs.

    Args:
        each: (n',) κ of each person (`kappas`).
        known: s, pairs known in the block; not necessarily whole.
        rivals: candidates of the block.
    """
    if not len(each):
        return 0.0
    ordered = np.sort(each)
    classes = np.array([part.mean() for part in np.array_split(ordered, min(_CLASSES, len(ordered)))])
    nodes = np.linspace(-_WIDTH, _WIDTH, _NODES)
    weights = np.exp(-0.5 * nodes**2)
    weights /= weights.sum()
    chances = ndtr(nodes[None, :] + classes[:, None] * np.sqrt(known)) ** max(0, rivals - 1)
    return float((chances @ weights).mean())
