"""Small passes of similar rows, whole or in pieces, for tests of the third party's half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from linkage.plan import PassPlan
from linkage.wire import EncodedPass

PLAN = PassPlan(
    name="jour", blocks=("birth.day",), finer=(), length=128, degree=4, measure="hamming", information=50, strict=30,
    cap=0, floor=20, population=1000, buckets=0, expected_pairs=1000,
)  # fmt: skip
PLAIN = replace(PLAN, name="tout", blocks=(), degree=0, measure="dice", information=700, strict=850)


def encoded(seed: int, rows: int, tags: int, length: int = 128, reserve: int = 40) -> EncodedPass:
    """Rows drawn from a reserve that both sides share, with a few bits changed, spread over the first `tags` tags."""
    rng, shared = np.random.default_rng(seed), np.random.default_rng(length)
    bits = (shared.random((reserve, length)) < 0.5)[rng.integers(0, reserve, rows)]
    bits ^= rng.random((rows, length)) < rng.choice([0.0, 0.1, 0.3], (rows, 1))
    names = np.zeros((rows, 32), dtype=np.uint8)
    names[:, 0] = rng.integers(0, max(1, tags), rows)
    names[:, 16:] = rng.integers(0, 256, (rows, 16))
    order = sorted(range(rows), key=lambda k: names[k].tobytes())
    filters = np.packbits(bits, axis=1, bitorder="little").view(np.uint64).reshape(rows, length // 64)
    return EncodedPass(
        ids=names[order, 16:].copy(), tags=names[order, :16].copy(), filters=np.ascontiguousarray(filters[order])
    )


def cut(one: EncodedPass, bounds: list[int]) -> Iterator[EncodedPass]:
    """The rows in pieces, some of them empty."""
    for start, stop in pairwise([0, *sorted(min(bound, len(one)) for bound in bounds), len(one)]):
        yield EncodedPass(ids=one.ids[start:stop], tags=one.tags[start:stop], filters=one.filters[start:stop])
