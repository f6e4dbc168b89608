"""Sketches find all and only the pairs at the threshold, and are chosen where they pay."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import sketch
from linkage.strategy import choose, search
from tests import oracle_matching as oracle

pytestmark = pytest.mark.skipif(not sketch.COMPILED, reason="sketches need the compiler")
KINDS = sketch.kinds()
WAYS = st.sampled_from(["sketch", "clusters"])
THRESHOLDS = [0.3, 0.6, 2 / 3, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0]


def rows_of(seed, count, words, density=0.4):
    """Rows of which many are near copies, supersets or subsets of others, some empty."""
    rng = np.random.default_rng(seed)
    bits = rng.random((count, 64 * words)) < density
    for k in range(1, count):
        kind = rng.integers(8)
        if kind == 0:
            bits[k] = False
        elif kind <= 4:
            bits[k] = bits[rng.integers(k)]
            change = rng.random(64 * words) < rng.choice([0.01, 0.05, 0.2])
            bits[k] = bits[k] ^ change if kind == 1 else bits[k] | change if kind == 2 else bits[k] & ~change
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64).reshape(count, words)


def people(seed, count, words=16):
    """Rows made of common patterns, as names are: heavy-tailed, so that directions exist."""
    rng = np.random.default_rng(seed)
    patterns = np.packbits(np.random.default_rng(0).random((300, 64 * words)) < 0.03, axis=1).view(np.uint64)
    chosen = np.minimum(rng.zipf(1.3, (count, 16)) - 1, 299)
    return np.bitwise_or.reduce(patterns[chosen], axis=1)


def expected(left, right, threshold, measure, *, same=False):
    score = oracle.dice if measure == "dice" else oracle.hamming(64 * left.shape[1])
    found = oracle.candidates(oracle.integers(left), oracle.integers(right), threshold, score)
    return sorted((i, j) for i, j, _ in found if not same or i < j)


def found_by(left, right, threshold, measure="dice", *, wanted="sketch", **options):
    choice = choose(left, right, threshold, measure, wanted=wanted)
    assert wanted == choice.name
    hits = search(left, right, threshold, choice, **options)
    distance = np.bitwise_count(left[hits[:, 0]] ^ right[hits[:, 1]]).sum(axis=1, dtype=np.int64)
    assert distance.tolist() == hits[:, 2].tolist()
    return sorted(map(tuple, hits[:, :2].tolist()))


@settings(max_examples=35, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    words=st.integers(1, 17),
    threshold=st.one_of(st.sampled_from(THRESHOLDS), st.floats(0.05, 1.0)),
    measure=st.sampled_from(["dice", "hamming"]),
    threads=st.integers(1, 3),
    kind=st.sampled_from(KINDS),
    wanted=WAYS,
)
def test_all_and_only_the_pairs_of_the_oracle(  # noqa: PLR0917
    seed, sizes, words, threshold, measure, threads, kind, wanted
):
    """Whatever the width, the threshold, the threads, the way and the instructions, the pairs are the oracle's."""
    rows = rows_of(seed, sum(sizes), words)
    left, right = np.ascontiguousarray(rows[: sizes[0]]), np.ascontiguousarray(rows[sizes[0] :])
    pairs = found_by(left, right, threshold, measure, threads=threads, kind=kind, wanted=wanted)
    assert expected(left, right, threshold, measure) == pairs


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), words=st.integers(1, 9), wanted=WAYS, data=st.data())
def test_a_threshold_that_a_pair_reaches_exactly_keeps_it(seed, words, wanted, data):
    """With the score of one pair as threshold that pair is kept, and is lost at the next number above."""
    rows = rows_of(seed, 40, words)
    left, right = rows[:20].copy(), rows[20:].copy()
    scores = [one[2] for one in oracle.candidates(oracle.integers(left), oracle.integers(right), 0.01, oracle.dice)]
    score = data.draw(st.sampled_from(scores or [1.0]))
    for threshold in (score, float(np.nextafter(score, 2.0))):
        if threshold <= 1:
            assert expected(left, right, threshold, "dice") == found_by(left, right, threshold, wanted=wanted)


@pytest.mark.parametrize("measure", ["dice", "hamming"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.full((70, 4), 5, np.uint64), np.full((90, 4), 5, np.uint64)),
        (np.zeros((70, 4), np.uint64), np.zeros((90, 4), np.uint64)),
        (np.full((70, 4), 2**64 - 1, np.uint64), np.full((90, 4), 2**64 - 1, np.uint64)),
        (np.full((1, 4), 9, np.uint64), np.full((1, 4), 9, np.uint64)),
        (np.eye(64, dtype=np.uint64), np.eye(64, dtype=np.uint64)),
    ],
    ids=["equal rows", "empty rows", "full rows", "one row", "one bit each"],
)
def test_degenerate_sets_are_compared_rightly(left, right, measure):
    """Rows that teach nothing lose nothing."""
    for threshold in (0.5, 0.9, 1.0):
        for wanted in ("sketch", "clusters"):
            assert expected(left, right, threshold, measure) == found_by(left, right, threshold, measure, wanted=wanted)


def test_the_pairs_do_not_depend_on_threads_nor_instructions():
    """One, two or five threads and every kind of instructions give the same pairs."""
    left, right = people(1, 1300), people(2, 1500)
    results = [
        found_by(left, right, 0.8, threads=threads, kind=kind, wanted=wanted)
        for threads in (1, 2, 5)
        for kind in KINDS
        for wanted in ("sketch", "clusters")
    ]
    assert all(results[0] == other for other in results[1:])
    assert len(results[0]) > 20


def test_pairs_within_one_set_come_once():
    """In one set compared with itself, of each two rows the first comes first, and no row meets itself."""
    rows = rows_of(8, 200, 4)
    for wanted in ("sketch", "clusters"):
        assert expected(rows, rows, 0.7, "dice", same=True) == found_by(rows, rows, 0.7, same=True, wanted=wanted)


def test_a_sink_takes_what_the_result_would_hold():
    """Hits given to a sink are those of the result, which is then empty."""
    left, right = people(3, 3000), people(4, 2000)
    choice = choose(left, right, 0.8, wanted="sketch")
    taken = []
    assert (0, 3) == search(left, right, 0.8, choice, sink=lambda hits: taken.append(hits.copy()), threads=2).shape
    whole = search(left, right, 0.8, choice)
    assert sorted(map(tuple, whole.tolist())) == sorted(map(tuple, np.concatenate(taken).tolist()))


def test_what_the_progress_or_the_sink_raises_stops_the_work():
    """An exception of either comes out, and no thread is left."""
    left, right = people(5, 6000), people(6, 6000)
    choice = choose(left, right, 0.8, wanted="sketch")
    before = threading.active_count()

    def refuse(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(left, right, 0.8, choice, progress=refuse)
    with pytest.raises(KeyboardInterrupt):
        search(left, right, 0.8, choice, sink=refuse)
    assert before == threading.active_count()


def test_progress_ends_with_all_pairs():
    """The last report says that everything is done."""
    left, right = people(5, 1000), people(6, 1500)
    seen = []
    search(left, right, 0.9, choose(left, right, 0.9, wanted="sketch"), progress=lambda *pair: seen.append(pair))
    assert (1_500_000, 1_500_000) == seen[-1]


def test_small_tasks_and_independent_bits_are_compared_in_full():
    """A plan is not made for few pairs, and sketches that exclude nothing are not taken."""
    rows = people(7, 500)
    assert "full" == choose(rows, rows, 0.9).name
    noise = np.random.default_rng(1).integers(0, 2**64, (30_000, 16), dtype=np.uint64)
    choice = choose(noise, noise, 0.6)
    assert "full" == choice.name
    assert "toutes les paires" in choice.why


def test_large_sets_of_alike_people_are_sketched():
    """Where directions exist and the threshold is high, codes are chosen, and the numbers say why."""
    left, right = people(8, 30_000), people(9, 30_000)
    choice = choose(left, right, 0.9)
    assert "sketch" == choice.name
    assert "coordonnées" in choice.why
