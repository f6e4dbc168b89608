"""Batches are compared and solved alike by whoever does it; threads can be stopped and used again."""

from __future__ import annotations

from concurrent.futures import wait

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import batch as module
from linkage.batch import (
    Batch,
    Found,
    Stopped,
    Threads,
    compare_batch,
    is_heavy,
    match_batch,
    ordered,
    solved,
)
from linkage.candidates import Candidates
from linkage.scanning import processors
from tests import oracle_matching as oracle


def some(seed: int, sizes: list[tuple[int, int]]) -> Batch:
    """Blocks of those sizes, of few different rows."""
    rng = np.random.default_rng(seed)
    left, right = (rng.integers(0, 4, (sum(size[side] for size in sizes), 2), dtype=np.uint64) for side in (0, 1))
    ends = np.cumsum(np.array(sizes, dtype=np.int64).reshape(-1, 2), axis=0)
    starts = ends - np.array(sizes, dtype=np.int64).reshape(-1, 2)
    blocks = np.stack([starts[:, 0], ends[:, 0], starts[:, 1], ends[:, 1]], axis=1)
    return Batch(left=left, right=right, blocks=blocks, threshold=0.6, measure="dice")


def expected(batch: Batch) -> tuple[list[oracle.Pair], int]:
    """Links and candidates, by the slow way."""
    sides = oracle.integers(batch.left), oracle.integers(batch.right)
    inside = [(a, b, c, d) for a, b, c, d in batch.blocks.tolist()]
    pairs = [
        pair
        for pair in oracle.candidates(*sides, batch.threshold, oracle.dice)
        if any(a <= pair[0] < b and c <= pair[1] < d for a, b, c, d in inside)
    ]
    return oracle.one_to_one(pairs), len(pairs)


def listed(found: Found) -> tuple[list[oracle.Pair], int]:
    columns = found.left.tolist(), found.right.tolist(), found.score.tolist()
    return list(zip(*columns, strict=True)), found.candidates


sizes_of_blocks = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=sizes_of_blocks, threads=st.integers(1, 3))
def test_links_are_those_of_the_oracle(seed, sizes, threads):
    """In this thread, in the executor, and by all its threads when the batch is heavy."""
    batch = some(seed, sizes)
    assert sum(a * b for a, b in sizes) == batch.pairs
    assert (len(sizes) == 1) == batch.is_one_block
    assert expected(batch) == listed(compare_batch(batch))
    with Threads(threads) as executor, pytest.MonkeyPatch.context() as patch:
        assert threads == executor.lanes
        assert expected(batch) == listed(executor.submit(batch, lambda _: None).result())
        patch.setattr(module, "_HEAVY", 1)
        assert is_heavy(batch)
        assert expected(batch) == listed(executor.submit(batch, lambda _: None).result())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=sizes_of_blocks)
def test_candidates_of_parts_make_those_of_the_whole(seed, sizes):
    """Put in order, the candidates of each block are those of the batch, to the byte."""
    batch = some(seed, sizes)
    whole = match_batch(batch)
    parts = [
        match_batch(
            Batch(left=batch.left, right=batch.right, blocks=batch.blocks[k : k + 1], threshold=0.6, measure="dice")
        )
        for k in reversed(range(len(sizes)))
    ]
    joined = ordered(parts)
    for name in ("left", "right", "score"):
        assert getattr(whole, name).tobytes() == getattr(joined, name).tobytes()
    assert listed(compare_batch(batch)) == listed(solved(joined))


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 7), st.integers(0, 3)), st.sampled_from([0.6, 0.8, 1.0]), min_size=1, max_size=20
    )
)
def test_rows_around_one_row_are_counted(pairs):
    """Strict ones that share a right row with another left row; the most that gather around one, beside the first."""
    order = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    columns = np.array(order, dtype=np.int64)
    found = solved(
        Candidates(left=columns[:, 0], right=columns[:, 1], score=np.array([pairs[pair] for pair in order])),
        strict=0.8,
    )
    strict = [pair for pair in pairs if pairs[pair] >= 0.8]
    shared = {left for left, right in strict if any(right == other and left != one for one, other in strict)}
    around = [sum(right == other for _, other in pairs) for right in range(4)]
    assert (len(shared), max(around) - 1) == (found.shared, found.crowd)


def test_no_candidate_is_no_link():
    """Solving nothing gives nothing."""
    empty = np.empty(0, dtype=np.int64)
    assert ([], 0) == listed(solved(Candidates(left=empty, right=empty, score=np.empty(0))))


def test_what_is_abandoned_stops_and_the_threads_go_on():
    """Batches that run end at their next step, those that wait never begin, later ones are compared."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 2**64, (40_000, 32), dtype=np.uint64)
    long = Batch(left=rows, right=rows, blocks=np.array([[0, 20_000, 0, 20_000], [20_000, 40_000, 20_000, 40_000]]),
                 threshold=0.9, measure="hamming")  # fmt: skip
    with Threads(1) as executor:
        told: list[int] = []
        pending = [executor.submit(long, told.append) for _ in range(3)]
        while not told:
            wait(pending, timeout=0.01)
        executor.abandon(pending)
        with pytest.raises(Stopped):
            pending[0].result()
        assert all(one.cancelled() for one in pending[1:])
        assert expected(some(1, [(3, 4)])) == listed(executor.submit(some(1, [(3, 4)]), told.append).result())


def test_the_processors_are_those_of_the_process():
    """At least one; the executor's threads when none are asked for."""
    with Threads() as executor:
        assert processors() == executor.lanes >= 1
