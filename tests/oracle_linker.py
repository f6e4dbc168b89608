"""Linking two whole passes at once, as plainly as the matcher allows: the slow twin of the linker that reads pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.plan import PassPlan
from linkage.wire import EncodedPass
from tests import oracle_matching
from tests.numpy_match import match_numpy


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What a pass gives: columns of its links, pairs compared and candidates."""

    left_rows: NDArray[np.int64]
    right_rows: NDArray[np.int64]
    score: NDArray[np.float64]
    compared: int
    candidates: int


def link_whole(left: EncodedPass, right: EncodedPass, plan: PassPlan) -> Whole:
    """All pairs of the two passes are compared; those of different tags are left out; the rest is solved as one."""
    found = match_numpy(left.filters, right.filters, plan.information_score, plan.measure)
    same = (left.tags[found.left] == right.tags[found.right]).all(axis=1)
    columns = found.left[same].tolist(), found.right[same].tolist(), found.score[same].tolist()
    links = oracle_matching.one_to_one(list(zip(*columns, strict=True)))
    ours, theirs = ([tag.tobytes() for tag in side.tags] for side in (left, right))
    return Whole(
        left_rows=np.array([one[0] for one in links], dtype=np.int64),
        right_rows=np.array([one[1] for one in links], dtype=np.int64),
        score=np.array([one[2] for one in links], dtype=np.float64),
        compared=sum(ours.count(tag) * theirs.count(tag) for tag in set(ours)),
        candidates=int(same.sum()),
    )
