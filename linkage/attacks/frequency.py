"""A2, frequencies: equal filters are equal records, and the most frequent encoding is the most frequent identity.

What the attacker knows: how often each combination of tokens is in his reference file. He groups equal rows and equal records,
ranks both by size, and says that groups of one rank are the same. That decodes filters of one field; records of several are
nearly all alone, and nothing is to be counted. Diffusion changes nothing here, since equal filters stay equal: composite records
and few duplicates are the defence.

`frequency` guesses; `repetition` counts what there is to be ranked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from linkage.attacks.outcome import Guesses
from linkage.attacks.scene import Scene, View

__all__ = ["Repetition", "frequency", "repetition"]

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """Rows that are not alone.

    Attributes:
        rows: in the block.
        repeated: that have an equal one.
        largest: equal rows, at most.
        values: of the rows that were guessed, how many got a record with just the tokens of their own.
        guessed: rows that were.
    """

    rows: int
    repeated: int
    largest: int
    values: int
    guessed: int


def frequency(view: View, rng: np.random.Generator) -> Guesses:
    """Groups of equal rows with groups of equal records, the largest with the largest; rows that are alone are left out."""
    rows, candidates = rng.permutation(view.free_rows), rng.permutation(view.free_candidates)
    ours, theirs = _groups(view.filters[rows]), _groups(_told(csr_array(view.sets.counts[candidates])))
    found: list[tuple[Rows, Rows, float]] = []
    for rank, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if len(mine) < 2:
            break
        following = len(ours[rank + 1]) if rank + 1 < len(ours) else 0
        many = min(len(mine), len(other))
        found.append((rows[mine[:many]], candidates[other[:many]], float(len(mine) - following) / np.sqrt(len(mine))))
    return Guesses(
        rows=np.concatenate([np.empty(0, dtype=np.int64), *(one[0] for one in found)]),
        candidates=np.concatenate([np.empty(0, dtype=np.int64), *(one[1] for one in found)]),
        confidence=np.concatenate([np.empty(0), *(np.full(len(one[0]), one[2]) for one in found)]),
    )


def repetition(scene: Scene, rng: np.random.Generator) -> Repetition:
    """What is repeated in a block, and how often ranking gives a row the right tokens, if not the right person."""
    view = scene.view
    sizes = [len(one) for one in _groups(view.filters)]
    guesses = frequency(view, rng)
    some = scene.truth[guesses.rows] >= 0
    told = _told(view.sets.counts)
    right = (told[scene.truth[guesses.rows[some]]] == told[guesses.candidates[some]]).all(axis=1)
    return Repetition(
        rows=len(view.filters),
        repeated=sum(size for size in sizes if size > 1),
        largest=max(sizes, default=0),
        values=int(right.sum()),
        guessed=int(some.sum()),
    )


def _groups(values: NDArray[np.uint64]) -> list[Rows]:
    """Places of equal lines, the largest group first; in the order of the lines where sizes are equal."""
    if not len(values):
        return []
    _, first, place, count = np.unique(values, axis=0, return_index=True, return_inverse=True, return_counts=True)
    parts = np.split(np.argsort(place.ravel(), kind="stable"), np.cumsum(count)[:-1])
    return [parts[one] for one in np.lexsort((first, -count)).tolist()]


def _told(counts: csr_array) -> NDArray[np.uint64]:
    """Two random sums of each line: equal lines have equal ones."""
    secret = np.random.default_rng(0).integers(1, 1 << 62, (counts.shape[1], 2), dtype=np.uint64)
    return np.asarray(counts.astype(np.uint64) @ secret, dtype=np.uint64)
