"""A1, the weight leak: how many bits of a row are set tells how much its person's record inserted.

What the attacker knows: the sheet and the profile, hence how many insertions each of his records makes and how heavy its filter
is on average; with enough known pairs of plain filters, also which positions tokens share (`linkage.attacks.positions_learned`).
On plain filters that is most of the weight. On diffused ones output bits lean towards 0 by (1 − 2f)^t, f being the record's own
fill, and no further where blocks are complemented (docs/decisions/0040-complemented-blocks.md).

`by_weight` guesses: rows and candidates in the order of their weights, first with first. `weight_leak` measures, with the truth:
R² of the weights on what was expected, and for each attribute how well the weight tells who lacks it (AUC, ½ = not at all).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from linkage.attacks.outcome import Guesses
from linkage.attacks.positions_learned import learned
from linkage.attacks.scene import Scene, View
from linkage.records import MISSING

__all__ = ["WeightLeak", "by_weight", "expected_weights", "weight_leak", "weights_of"]

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ENOUGH = 2000  # known pairs from which learned positions foresee weights better than arithmetic
_FEW = 20  # people in a group, from which its AUC says something


@dataclass(frozen=True, kw_only=True)
class WeightLeak:
    """What weights tell of the people of a block whom the attacker does not know.

    Attributes:
        people: how many were looked at.
        r_squared: share of the variance of weights that the attacker foresees, at least 0.
        lacking: attribute → (AUC, people who lack it), of attributes that some lack and some have.
        fill: mean, standard deviation, least and largest share of bits set.
    """

    people: int
    r_squared: float
    lacking: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    fill: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def weights_of(filters: NDArray[np.uint64]) -> Numbers:
    """Bits set in each row."""
    counted: Numbers = np.bitwise_count(filters).sum(axis=1).astype(np.float64)
    return counted


def expected_weights(view: View) -> Numbers:
    """What the attacker expects the filter of each candidate to weigh, (n',)."""
    inserted = np.asarray(view.sets.counts.sum(axis=1), dtype=np.float64).ravel()
    lean = (2 * np.exp(inserted * np.log1p(-1 / view.length)) - 1) ** max(1, view.degree)  # 1 − 2f, to the power t
    expected: Numbers = view.length * (1 - lean) / 2
    if view.degree or len(view.known) < _ENOUGH:
        return expected
    rows, places = view.known.T
    of = learned(view.filters[rows], csr_array(view.sets.counts[places]))
    found: Numbers = of.filters(view.sets).sum(axis=1, dtype=np.float64)
    return found


def by_weight(view: View, rng: np.random.Generator) -> Guesses:
    """Rows and candidates in the order of their weights, those of known pairs left out; equal weights in random order."""
    rows, places = rng.permutation(view.free_rows), rng.permutation(view.free_candidates)
    seen, expected = weights_of(view.filters[rows]), expected_weights(view)[places]
    rows, places = rows[np.argsort(seen, kind="stable")], places[np.argsort(expected, kind="stable")]
    if not len(places):
        rows = rows[:0]
    at = np.minimum(np.arange(len(rows)) * len(places) // max(1, len(rows)), len(places) - 1)
    far = np.abs(np.arange(len(rows)) - (len(rows) - 1) / 2)  # the ends of the order are the surest
    return Guesses(rows=rows, candidates=places[at], confidence=far)


def weight_leak(scene: Scene, *, seen: Numbers | None = None) -> WeightLeak:
    """What weights tell, measured with the truth, over the rows of no known pair.

    Args:
        scene: of one block.
        seen: (n,) what the attacker takes for the rows' weights; by default the bits set, of which `fill` is the share.
    """
    view = scene.view
    rows = view.free_rows[scene.truth[view.free_rows] >= 0]
    weights = weights_of(view.filters[rows])
    told, places = weights if seen is None else seen[rows], scene.truth[rows]
    if len(rows) < _FEW:
        return WeightLeak(people=len(rows), r_squared=0.0)
    lacking = {}
    for one in view.sheet.attributes:
        absent = view.records.columns[one.name].codes[view.candidates[places]] == MISSING
        if min(absent.sum(), (~absent).sum()) >= _FEW:
            lacking[one.name] = (_auc(told, ~absent), int(absent.sum()))
    share = weights / view.length
    return WeightLeak(
        people=len(rows),
        r_squared=_foreseen(expected_weights(view)[places], told),
        lacking=lacking,
        fill=(float(share.mean()), float(share.std()), float(share.min()), float(share.max())),
    )


def _foreseen(expected: Numbers, seen: Numbers) -> float:
    """The square of their correlation, 0 when there is none or it is negative."""
    if not expected.std() or not seen.std():
        return 0.0
    return float(max(0.0, np.corrcoef(expected, seen)[0, 1]) ** 2)


def _auc(values: Numbers, members: Flags) -> float:
    """The chance that a member's value is above another's, equal ones counting half."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    ours, others = int(members.sum()), int((~members).sum())
    return float((ranks[members].sum() - ours * (ours + 1) / 2) / (ours * others))
