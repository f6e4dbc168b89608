"""The matcher gives all and only the pairs at the threshold, in one order, on any number of threads."""

from __future__ import annotations

import _thread
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage import match as module
from linkage.candidates import Candidates
from linkage.errors import LinkageError
from linkage.match import match, match_blocks, match_stream
from tests import oracle_matching as oracle
from tests.numpy_match import match_numpy

ROOT = Path(__file__).parent.parent
Rows = NDArray[np.uint64]
THRESHOLDS = [0.1, 0.5, 0.6, 2 / 3, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0]


def rows_of(seed: int, count: int, words: int, density: float = 0.5) -> Rows:
    """Random rows, some empty and some copied with a few bits changed, so that ties and borders are frequent."""
    rng = np.random.default_rng(seed)
    bits = rng.random((count, 64 * words)) < density
    for k in range(count):
        kind = rng.integers(6)
        if kind == 0:
            bits[k] = False
        elif kind <= 3 and k:
            bits[k] = bits[rng.integers(k)]
            bits[k, rng.integers(0, 64 * words, rng.integers(0, 20))] ^= True
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64).reshape(count, words)


def sides(seed: int, left: int, right: int, words: int, density: float = 0.5) -> tuple[Rows, Rows]:
    rows = rows_of(seed, left + right, words, density)
    order = np.random.default_rng(seed).permutation(left + right)
    return np.ascontiguousarray(rows[order[:left]]), np.ascontiguousarray(rows[order[left:]])


def pairs(found: Candidates) -> list[oracle.Pair]:
    return list(zip(found.left.tolist(), found.right.tolist(), found.score.tolist(), strict=True))


def expected(left: Rows, right: Rows, threshold: float, measure: str) -> list[oracle.Pair]:
    score = oracle.dice if measure == "dice" else oracle.hamming(64 * left.shape[1])
    return oracle.candidates(oracle.integers(left), oracle.integers(right), threshold, score)


def same_bytes(one: Candidates, other: Candidates) -> bool:
    return all(
        getattr(one, name).dtype == getattr(other, name).dtype
        and getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in ("left", "right", "score")
    )


cases = st.tuples(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 40), st.integers(1, 9))
measures = st.sampled_from(["dice", "hamming"])


@settings(max_examples=80, deadline=None)
@given(
    case=cases,
    density=st.sampled_from([0.05, 0.3, 0.5, 0.9]),
    threshold=st.one_of(st.sampled_from(THRESHOLDS), st.floats(0.01, 1.0)),
    measure=measures,
    threads=st.integers(1, 3),
    chunk=st.sampled_from([1, 7, 50, 333, 1 << 20]),
)
def test_all_and_only_the_pairs_of_the_oracle(case, density, threshold, measure, threads, chunk):
    """Whatever the width, the threshold, the cut and the threads, the pairs and their order are the oracle's."""
    seed, left_rows, right_rows, words = case
    left, right = sides(seed, left_rows, right_rows, words, density)
    found = match(left, right, threshold, measure, threads=threads, chunk=chunk)
    assert expected(left, right, threshold, measure) == pairs(found)
    assert same_bytes(match_numpy(left, right, threshold, measure, chunk=chunk, threads=threads), found)


@settings(max_examples=40, deadline=None)
@given(
    case=cases,
    threshold=st.sampled_from(THRESHOLDS),
    measure=measures,
    top=st.integers(1, 5),
    threads=st.integers(1, 3),
    chunk=st.sampled_from([7, 50, 1 << 20]),
)
def test_top_keeps_the_best_of_each_left_row(case, threshold, measure, top, threads, chunk):
    """Of each left row the first pairs in the promised order, in that order."""
    left, right = sides(*case)
    found = match(left, right, threshold, measure, top=top, threads=threads, chunk=chunk)
    assert oracle.best_of_left(expected(left, right, threshold, measure), top) == pairs(found)


@settings(max_examples=40, deadline=None)
@given(
    case=cases,
    threshold=st.sampled_from(THRESHOLDS),
    measure=measures,
    top=st.sampled_from([None, 1, 3]),
    threads=st.integers(1, 3),
    chunk=st.sampled_from([7, 50, 1 << 20]),
)
def test_one_file_against_itself_gives_each_pair_once(case, threshold, measure, top, threads, chunk):
    """Only pairs whose left row comes before the right one, never a row with itself."""
    rows = rows_of(case[0], case[1] + case[2], case[3])
    found = match(rows, rows, threshold, measure, symmetric=True, top=top, threads=threads, chunk=chunk)
    all_pairs = [pair for pair in expected(rows, rows, threshold, measure) if pair[0] < pair[1]]
    assert (oracle.best_of_left(all_pairs, top) if top else all_pairs) == pairs(found)


@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_one_large_file_against_itself(measure):
    """Beyond one block of the triangle, at a size that fills none exactly."""
    rows = rows_of(3, 1203, 3)
    found, both = match(rows, rows, 0.6, measure, symmetric=True, threads=2), match(rows, rows, 0.6, measure)
    before = both.left < both.right
    assert len(found) > 1000
    for name in ("left", "right", "score"):
        assert getattr(both, name)[before].tolist() == getattr(found, name).tolist()


@pytest.mark.parametrize("measure", ["dice", "hamming"])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("strategy", ["sketch", "clusters"])
def test_leaving_out_changes_no_byte(measure, symmetric, strategy):
    """A strategy that leaves pairs out gives what comparing all of them gives."""
    left, right = sides(5, 900, 800, 4)
    right = left if symmetric else right
    full, some = (match(left, right, 0.6, measure, symmetric=symmetric, strategy=one) for one in ("full", strategy))
    assert len(full) > 500
    assert same_bytes(full, some)


def test_two_files_are_not_one():
    """The mode for one file refuses two arrays, even equal ones."""
    rows = np.ones((3, 1), np.uint64)
    with pytest.raises(LinkageError, match="E_OPTION"):
        match(rows, rows.copy(), 0.5, symmetric=True)


@pytest.mark.parametrize(("measure", "top"), [("dice", None), ("hamming", None), ("dice", 4)])
def test_little_memory_changes_no_byte(measure, top):
    """When pairs have to go to disk they come back in the same order, at once or batch by batch."""
    left, right = sides(11, 1500, 1400, 2)
    expected_pairs = match(left, right, 0.5, measure, top=top)
    least = 16 * 2900 + 2 * (3 << 20) + (8 << 20)
    with match_stream(left, right, 0.5, measure, memory=least, threads=2, top=top) as stream:
        batches = list(stream)
        assert (stream.spilled > 0) == (top is None)  # of each left row four pairs stay, few enough for memory
    assert len(expected_pairs) > 2000
    assert same_bytes(expected_pairs, match(left, right, 0.5, measure, memory=least, threads=2, top=top))
    joined = {name: np.concatenate([getattr(one, name) for one in batches]) for name in ("left", "right", "score")}
    assert same_bytes(expected_pairs, Candidates(left=joined["left"], right=joined["right"], score=joined["score"]))
    with pytest.raises(LinkageError, match="E_MEMOIRE"):
        match(left, right, 0.5, measure, memory=least - 1, threads=2)


def test_a_full_disk_is_told(monkeypatch):
    """Pairs that fit neither in memory nor on disk end the work with its code."""
    left, right = sides(11, 1500, 1400, 2)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(LinkageError, match="E_DISQUE_PLEIN"):
        match(left, right, 0.5, memory=16 * 2900 + (3 << 20) + (8 << 20), threads=1)


@pytest.mark.parametrize(
    "options",
    [{"threads": 0}, {"top": 0}, {"strategy": "other"}, {"top": -1}, {"chunk": -1}, {"threads": 1.5}, {"tops": 1}],
    ids=str,
)
def test_options_out_of_their_range_are_refused(options):
    """With one code, whatever the option."""
    with pytest.raises(LinkageError, match="E_OPTION"):
        match(np.ones((1, 1), np.uint64), np.ones((1, 1), np.uint64), 0.5, **options)


def test_blocks_are_not_compared_with_themselves_in_silence():
    """An option of `match` alone is refused by the others, which would give each pair twice."""
    rows, options = np.ones((2, 1), np.uint64), dict[str, Any](symmetric=True)
    with pytest.raises(LinkageError, match="E_OPTION"):
        match_blocks(rows, rows, np.array([[0, 2, 0, 2]]), 0.5, **options)


def test_too_many_rows_are_refused():
    """A row number has 31 bits."""
    module._check_rows(1 << 31)
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        module._check_rows((1 << 31) + 1)


@settings(max_examples=40, deadline=None)
@given(case=cases, measure=measures, data=st.data())
def test_a_threshold_that_a_pair_reaches_exactly_keeps_it(case, measure, data):
    """With the score of one pair as threshold that pair is kept, and is lost at the next number above."""
    left, right = sides(*case)
    score = data.draw(st.sampled_from([one[2] for one in expected(left, right, 0.01, measure)] or [1.0]))
    found = match(left, right, score, measure)
    assert expected(left, right, score, measure) == pairs(found)
    above = np.nextafter(score, 2.0)
    if above <= 1:
        assert expected(left, right, above, measure) == pairs(match(left, right, float(above), measure))


@settings(max_examples=40, deadline=None)
@given(case=cases, measure=measures, threshold=st.sampled_from(THRESHOLDS), cuts=st.lists(st.floats(0, 1), max_size=6))
def test_blocks_keep_the_pairs_inside_them(case, measure, threshold, cuts):
    """Comparing blocks gives what comparing everything gives, less the pairs across blocks."""
    left, right = sides(*case)
    marks = [0.0, *sorted(cuts), 1.0]
    bounds = [[round(mark * len(side)) for mark in marks] for side in (left, right)]
    blocks = np.array([[*bounds[0][k : k + 2], *bounds[1][k : k + 2]] for k in range(len(marks) - 1)], dtype=np.int64)
    found = match_blocks(left, right, blocks, threshold, measure, threads=2)
    assert oracle.in_blocks(expected(left, right, threshold, measure), blocks.tolist()) == pairs(found)


@pytest.mark.parametrize("words", [1, 15, 16, 17, 32, 64])
@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_ragged_ends_of_real_widths(words, measure):
    """Sizes that fill no tile, no group and no cell exactly lose and invent no pair, at the widths in use."""
    left, right = sides(words, 517, 1051, words)
    found = match(left, right, 0.6, measure, threads=2, chunk=100_003)
    assert same_bytes(match_numpy(left, right, 0.6, measure), found)
    assert len(found) > 0


def test_the_bytes_do_not_depend_on_threads_nor_on_steps():
    """One, two or seven threads and small or large steps give the same bytes."""
    left, right = sides(7, 900, 700, 4)
    results = [
        match(left, right, 0.55, threads=threads, chunk=chunk)
        for threads in (1, 2, 7)
        for chunk in (1_000, 50_000, 1 << 24)
    ]
    assert all(same_bytes(results[0], other) for other in results[1:])
    assert len(results[0]) > 1000


@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_all_pairs_can_be_hits(measure):
    """Equal rows on both sides: every pair is found, ordered by left then right, though hits outgrow their first room."""
    left, right = np.full((201, 2), 5, dtype=np.uint64), np.full((203, 2), 5, dtype=np.uint64)
    found = match(left, right, 1.0, measure, threads=2)
    assert [(i, j, 1.0) for i in range(201) for j in range(203)] == pairs(found)


@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_an_empty_row_is_similar_to_nothing(measure):
    """Two empty rows are equal and yet no pair, under both measures."""
    left, right = np.zeros((9, 3), dtype=np.uint64), np.zeros((11, 3), dtype=np.uint64)
    left[4], right[6] = 1, 1
    assert [(4, 6, 1.0)] == pairs(match(left, right, 0.01, measure))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_an_empty_side_gives_no_pair(shape):
    """Without rows there is nothing to find, and the columns keep their types."""
    found = match(np.ones((shape[0], 2), np.uint64), np.ones((shape[1], 2), np.uint64), 0.5)
    assert [] == pairs(found)
    assert ["int64", "int64", "float64"] == [column.dtype.name for column in (found.left, found.right, found.score)]


def test_a_superset_exactly_at_the_threshold_is_found():
    """A 300-bit row inside a 500-bit row has Dice 0.75 exactly, and is a pair at 0.75."""
    bits = np.zeros((2, 1024), dtype=bool)
    bits[0, :300] = bits[1, :500] = True
    rows = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
    left, right = np.ascontiguousarray(rows[:1]), np.ascontiguousarray(rows[1:])
    assert [(0, 0, 0.75)] == pairs(match(left, right, 0.75))
    assert [] == pairs(match(left, right, float(np.nextafter(0.75, 1))))


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.0000001, float("nan"), float("inf")])
def test_thresholds_outside_their_range_are_refused(threshold):
    """A threshold is above 0 and at most 1."""
    with pytest.raises(LinkageError, match="E_SEUIL"):
        match(np.ones((1, 1), np.uint64), np.ones((1, 1), np.uint64), threshold)


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "widths differ": (np.ones((2, 2), np.uint64), np.ones((2, 3), np.uint64), "E_LARGEURS"),
    "no width": (np.ones((2, 0), np.uint64), np.ones((2, 0), np.uint64), "E_LARGEURS"),
    "signed": (np.ones((2, 2), np.int64), np.ones((2, 2), np.uint64), "E_TABLEAU"),
    "one dimension": (np.ones(2, np.uint64), np.ones((2, 2), np.uint64), "E_TABLEAU"),
    "columns first": (np.ones((2, 2), np.uint64), np.asfortranarray(np.ones((2, 2), np.uint64)), "E_TABLEAU"),
    "every second row": (np.ones((4, 2), np.uint64)[::2], np.ones((2, 2), np.uint64), "E_TABLEAU"),
    "other byte order": (np.ones((2, 2), np.dtype(np.uint64).newbyteorder()), np.ones((2, 2), np.uint64), "E_TABLEAU"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_arrays_are_refused(name):
    """Anything but two C-order uint64 tables of one width is refused with its code."""
    left, right, code = REFUSED[name]
    with pytest.raises(LinkageError, match=code):
        match(left, right, 0.8)


def test_another_measure_is_refused():
    """There are two measures."""
    with pytest.raises(LinkageError, match="E_MESURE"):
        match(np.ones((1, 1), np.uint64), np.ones((1, 1), np.uint64), 0.5, "jaccard")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "blocks",
    [[[0, 3, 0, 2]], [[-1, 1, 0, 1]], [[1, 0, 0, 1]], [[0, 1, 0, 9]], [[0, 1, 2, 1]], [0, 1, 0, 1], [[0, 1, 0]]],
    ids=str,
)
def test_blocks_outside_the_rows_are_refused(blocks):
    """Ranges never reach memory that is not theirs."""
    side = np.ones((2, 1), np.uint64)
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        match_blocks(side, side, np.array(blocks, dtype=np.int64), 0.5)


def test_blocks_of_another_type_are_refused():
    """Block ranges are int64."""
    side = np.ones((2, 1), np.uint64)
    with pytest.raises(LinkageError, match="E_TABLEAU"):
        match_blocks(side, side, np.zeros((1, 4), dtype=np.int32), 0.5)


def test_rows_that_cannot_be_written_are_read():
    """Arrays over received bytes or mapped files are read-only, and match like others."""
    left, right = sides(3, 40, 50, 2)
    expected_pairs = pairs(match(left, right, 0.6))
    left.flags.writeable = right.flags.writeable = False
    assert expected_pairs == pairs(match(left, right, 0.6))


def test_progress_grows_to_the_total():
    """Reports never go back, never pass the total and end on it."""
    left, right = sides(1, 3000, 3000, 8)
    seen: list[tuple[int, int]] = []
    match(left, right, 0.9, progress=lambda done, total: seen.append((done, total)), threads=2, chunk=10_000)
    assert (9_000_000, 9_000_000) == seen[-1]
    assert sorted(seen) == seen
    assert {9_000_000} == {total for _, total in seen}


def test_what_progress_raises_stops_every_thread():
    """An exception in the callback comes out of the call, with no thread left behind."""
    left = np.random.default_rng(0).integers(0, 2**64, (60_000, 16), dtype=np.uint64)
    before = threading.active_count()

    def give_up(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        match(left, left, 0.9, progress=give_up, threads=3)
    assert before == threading.active_count()


@pytest.fixture
def interrupt_key():
    """The interrupt key as Python handles it by default, even where whoever started us ignores it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


def test_an_interrupt_stops_every_thread(interrupt_key):
    """The interrupt key during the work ends it within a moment, with no partial result and no thread left behind."""
    left = np.random.default_rng(0).integers(0, 2**64, (200_000, 16), dtype=np.uint64)
    match(left[:10], left[:10], 0.9)
    before = threading.active_count()
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        match(left, left, 0.9, threads=2)
    timer.join()
    assert before == threading.active_count()


SCRIPT = """
import hashlib, sys
import numpy as np
{before}
from linkage.match import match
rng = np.random.default_rng(5)
left = rng.integers(0, 2**64, (60, 4), dtype=np.uint64)
right = np.concatenate([left[:30], rng.integers(0, 2**64, (41, 4), dtype=np.uint64)])
for measure in ("dice", "hamming"):
    found = match(left, right, 0.5, measure, threads=2)
    print(hashlib.sha256(found.left.tobytes() + found.right.tobytes() + found.score.tobytes()).hexdigest(), len(found))
"""


def printed_by(before: str = "", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(before=before)],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_the_result_is_the_same_without_a_compiler():
    """With the JIT switched off, or numba not installed, a fresh interpreter gives the same bytes."""
    rng = np.random.default_rng(5)
    left = rng.integers(0, 2**64, (60, 4), dtype=np.uint64)
    right = np.concatenate([left[:30], rng.integers(0, 2**64, (41, 4), dtype=np.uint64)])
    lines = []
    for measure in ("dice", "hamming"):
        found = match_numpy(left, right, 0.5, measure)
        digest = hashlib.sha256(found.left.tobytes() + found.right.tobytes() + found.score.tobytes()).hexdigest()
        lines.append(f"{digest} {len(found)}\n")
    assert "".join(lines) == printed_by(NUMBA_DISABLE_JIT="1")
    assert "".join(lines) == printed_by("sys.modules['numba'] = None")


# VmHWM: what `getrusage` says of a process starts from the size of the one that started it, under which nothing would show.
MEMORY = """
from pathlib import Path
import numpy as np
from linkage.match import match
def peak(): return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
left = np.random.default_rng(0).integers(0, 2**64, (28_000, 32), dtype=np.uint64)
match(left[:100], left[:100], 0.9, threads=2)
before = peak()
match(left[:20_000], left[:20_000], 0.9, threads=2, strategy="full")
print(peak() - before)
match(left[:14_000], left[:14_000], 0.9, threads=2)
before = peak()  # what planning takes once, for any number of pairs, is there
match(left, left, 0.9, threads=2)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read where Linux writes it")
def test_memory_does_not_grow_with_the_pairs_compared():
    """Four hundred million pairs need a few megabytes beyond their rows, and so do four times as many as were planned before."""
    done = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert max(map(int, done.stdout.split())) < 40_000
