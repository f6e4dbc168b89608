"""However pairs come and however little memory there is, they are given back in one order."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import candidates as module
from linkage.candidates import Candidates, Gathering
from tests import oracle_matching as oracle


def columns(batches: list[Candidates]) -> list[oracle.Pair]:
    return [
        pair
        for one in batches
        for pair in zip(one.left.tolist(), one.right.tolist(), one.score.tolist(), strict=True)
    ]  # fmt: skip


def given_pairs(seed: int, count: int, rows: int) -> list[oracle.Pair]:
    """Distinct pairs of few rows and few scores, so that ties abound; row numbers up to the largest."""
    rng = np.random.default_rng(seed)
    places = rng.choice(rows * rows, min(count, rows * rows), replace=False)
    top = 2**31 - rows
    return [(top + int(p) // rows, top + int(p) % rows, float(rng.integers(1, 9)) / 8) for p in places]


def fill(gathering: Gathering, pairs: list[oracle.Pair], size: int) -> None:
    for start in range(0, len(pairs), size):
        left, right, score = zip(*pairs[start : start + size], strict=True)
        gathering.add(np.array(left, np.int32), np.array(right, np.int32), np.array(score))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 3000),
    rows=st.integers(1, 60),
    size=st.sampled_from([100, 1000, 3000]),
    share=st.sampled_from([0, 1 << 16, 1 << 30]),
    top=st.sampled_from([None, 1, 3]),
)
def test_pairs_come_back_in_order(seed, count, rows, size, share, top):
    """With memory for all, for some or for none, in large or small parts."""
    pairs = given_pairs(seed, count, rows)
    gathering = Gathering(share)
    fill(gathering, pairs, size)
    ordered = sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))
    with gathering.ordered() as stream:
        assert (len(pairs) > share // 32) == (stream.spilled > 0)  # 16 bytes a pair, half of the share
        assert len(pairs) == stream.most
        assert ordered == columns(list(stream))
    small = [(left % 64, right, score) for left, right, score in pairs]
    best = Gathering(share, top)
    fill(best, small, size)
    expected = sorted(small, key=lambda pair: (-pair[2], pair[0], pair[1]))
    with best.ordered() as stream:
        assert (oracle.best_of_left(expected, top) if top else expected) == columns([stream.whole()])


def test_many_runs_are_merged_in_turns(monkeypatch):
    """More runs than can be open at once still give one order."""
    monkeypatch.setattr(module, "_OPEN", 4)
    pairs = given_pairs(1, 20_000, 200)
    gathering = Gathering(0)
    fill(gathering, pairs, 1 << 10)
    assert len(gathering._runs) > 16
    with gathering.ordered() as stream:
        assert sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])) == columns(list(stream))


def test_batches_are_small():
    """No batch is larger than a run, however many pairs there are."""
    gathering = Gathering(1 << 19)
    fill(gathering, given_pairs(2, 20_000, 150), 500)
    with gathering.ordered() as stream:
        assert max(len(batch) for batch in stream) <= (1 << 19) // 256


def test_threads_may_add_at_once():
    """Nothing is lost between them."""
    pairs = given_pairs(3, 8000, 100)
    gathering = Gathering(1 << 16)
    threads = [threading.Thread(target=fill, args=(gathering, pairs[k::4], 50)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with gathering.ordered() as stream:
        assert sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])) == columns(list(stream))


def test_a_stream_that_is_left_early_is_closed():
    """What was spilled cannot be read any more."""
    gathering = Gathering(0)
    fill(gathering, given_pairs(4, 2000, 50), 100)
    with gathering.ordered() as stream:
        next(iter(stream))
    with pytest.raises(ValueError, match="closed"):
        gathering._spill.read(0)
    gathering.close()


def test_equal_pairs_all_come():
    """A pair found in two blocks comes twice, next to itself."""
    gathering = Gathering(0)
    fill(gathering, [(1, 2, 0.5), (1, 1, 0.5)] * 300, 7)
    with gathering.ordered() as stream:
        assert [(1, 1, 0.5)] * 300 + [(1, 2, 0.5)] * 300 == columns([stream.whole()])
