"""A screened comparison loses only what its columns tell to lose, rarely at the threshold, and says what it did."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage import scanning, sieve
from linkage.batch import Batch, compare_batch, match_batch, ordered
from linkage.candidates import Candidates
from linkage.errors import LinkageError
from linkage.linker import link_pass, link_pieces
from linkage.match import match, match_blocks, match_stream
from linkage.screen import Look, Screen, bound_of, columns_of, together
from linkage.sieve import settled
from tests import oracle_matching, oracle_screen
from tests.small_passes import PLAIN, PLAN, cut, encoded

ROOT = Path(__file__).parent.parent
Rows = NDArray[np.uint64]
DRAW = bytes(range(32))


def rows_of(seed: int, count: int, words: int) -> Rows:
    """Rows near a few centres, some of them empty or nearly so."""
    rng = np.random.default_rng(seed)
    bits = (rng.random((3, 64 * words)) < 0.5)[rng.integers(0, 3, count)]
    bits ^= rng.random((count, 64 * words)) < rng.choice([0.02, 0.2, 0.4], (count, 1))
    bits[rng.random(count) < 0.1] = False
    bits[rng.random(count) < 0.1, 5:] = False
    return np.packbits(bits, axis=1, bitorder="little").view(np.uint64).reshape(count, words)


def pairs(found: Candidates) -> list[oracle_matching.Pair]:
    return list(zip(found.left.tolist(), found.right.tolist(), found.score.tolist(), strict=True))


def expected(left: Rows, right: Rows, threshold: float, screen: Screen) -> list[oracle_matching.Pair]:
    """The pairs at the threshold that differ in few enough of the columns, by the slow way."""
    length, words = 64 * left.shape[1], screen.words or 0
    ours, theirs = oracle_matching.integers(left), oracle_matching.integers(right)
    whole = oracle_matching.candidates(ours, theirs, threshold, oracle_matching.hamming(length))
    if not 0 < words < left.shape[1]:
        return whole
    limit = max(h for h in range(length + 1) if 1.0 - h / length >= threshold)
    bound = bound_of(length, limit, 64 * words, screen.missed)[0]
    columns = oracle_screen.drawn(screen.draw, length, 64 * words)
    return [one for one in whole if oracle_screen.differ(ours[one[0]], theirs[one[1]], columns) <= bound]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 11)),
    threshold=st.sampled_from([0.2, 0.55, 0.6, 0.7, 0.8, 1.0]),
    wanted=st.tuples(st.integers(0, 11), st.sampled_from([1e-4, 1e-9]), st.binary(min_size=32, max_size=32)),
    threads=st.integers(1, 3),
    symmetric=st.booleans(),
)
def test_what_is_kept_is_what_the_columns_keep(seed, shape, threshold, wanted, threads, symmetric):
    """All and only the pairs at the threshold within the bound on the columns, in the promised order, on any threads."""
    left, right = rows_of(seed, shape[0], shape[2]), rows_of(seed + 1, shape[1], shape[2])
    right = left if symmetric else right
    screen = Screen(awards=False, words=wanted[0], missed=wanted[1], draw=wanted[2])
    found = match(left, right, threshold, "hamming", threads=threads, screen=screen, symmetric=symmetric)
    slow = expected(left, right, threshold, screen)
    assert [one for one in slow if not symmetric or one[0] < one[1]] == pairs(found)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), words=st.integers(1, 21), drawn=st.integers(1, 21), count=st.integers(0, 20))
def test_columns_are_gathered_bit_by_bit(seed, words, drawn, count):
    """Whatever the width, by the compiler or without it."""
    rows = np.random.default_rng(seed).integers(0, 2**64, (count, words), dtype=np.uint64)
    drawn = min(drawn, words)
    task = scanning.prepare(rows, rows.copy(), 0.5, "hamming")
    look = Look(length=64 * words, words=drawn, bound=3, missed=0.0, why="", draw=DRAW)
    columns = columns_of(look).tolist()
    slow = [oracle_screen.gathered(row, columns) for row in oracle_matching.integers(rows)]
    for runs in (scanning.kernel_runs(), False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sieve, "kernel_runs", lambda runs=runs: runs)
            made = sieve.Sieve(task, look, 2).task
        assert slow == oracle_matching.integers(made.left) == oracle_matching.integers(made.right)
        assert [one.bit_count() for one in slow] == made.left_side[:, 1].tolist()


def test_a_pair_made_to_be_missed_is_not():
    """Whoever makes two rows differ in the first columns only gains nothing: the draw comes after."""
    length, limit, words, draws = 512, 200, 2, 3000
    bound, chance = bound_of(length, limit, 64 * words, 0.05)
    differing = set(range(limit))
    missed = 0
    for number in range(draws):
        look = Look(length=length, words=words, bound=bound, missed=chance, why="", draw=number.to_bytes(32, "big"))
        missed += len(differing.intersection(columns_of(look).tolist())) > bound
    assert abs(missed / draws - chance) < 5 * np.sqrt(chance / draws)


def strangers(rows: int, words: int = 32) -> tuple[Rows, Rows]:
    """Diffused-like rows, every twentieth of which has a partner on the other side at a tenth of the bits."""
    rng = np.random.default_rng(words)
    left, right = (rng.integers(0, 2**64, (rows, words), dtype=np.uint64) for _ in range(2))
    right[::20] = left[::20]
    right[::20, : words // 8] = rng.integers(0, 2**64, right[::20, : words // 8].shape, dtype=np.uint64)
    return left, right


def test_the_report_says_what_was_done():
    """How many columns, the chance at the threshold, how many pairs were looked at and how many survived."""
    left, right = strangers(6000)
    with match_stream(left, right, 1 - 760 / 2048, "hamming", screen=Screen(awards=False), threads=2) as stream:
        done = stream.screened
        found = stream.whole()
    assert done is not None
    assert done == found.screened
    assert 0 < done.columns < 1280
    assert (36_000_000, len(found)) == (done.pairs, 300)
    assert 300 <= done.survived < 0.01 * done.pairs
    assert (done.bound, done.missed) == bound_of(2048, 760, done.columns, 1e-4)
    assert 0 < done.missed <= 1e-4


def test_no_screen_where_it_does_not_pay():
    """The report says so, and nothing is missed."""
    left, right = strangers(1000)
    found = match(left, right, 0.52, "hamming", screen=Screen(awards=False))
    assert found.screened is not None
    assert (0, -1, 0.0, 10**6, 10**6) == (
        found.screened.columns,
        found.screened.bound,
        found.screened.missed,
        found.screened.pairs,
        found.screened.survived,
    )
    assert "crible" in found.screened.why
    assert match(left, right, 0.52, "hamming").screened is None


def test_blocks_and_batches_are_screened_alike():
    """Blocks, the batch that holds them and its tiles give the same pairs and the same report."""
    left, right = strangers(4000)
    screen, threshold = Screen(awards=False, draw=DRAW, words=12), 1 - 760 / 2048
    blocks = np.array([[0, 2500, 0, 2500], [2500, 4000, 2500, 4000]], dtype=np.int64)
    found = match_blocks(left, right, blocks, threshold, "hamming", screen=screen)
    batch = Batch(left=left, right=right, blocks=blocks, threshold=threshold, measure="hamming", screen=screen)
    parts = [
        match(left[a:b].copy(), right[c:d].copy(), threshold, "hamming", screen=screen)
        for a, b, c, d in blocks.tolist()
    ]
    shifted = [
        replace(one, left=one.left + start, right=one.right + start)
        for one, start in zip(parts, (0, 2500), strict=True)
    ]
    assert pairs(found) == pairs(match_batch(batch)) == pairs(ordered(shifted))
    assert found.screened == ordered(shifted).screened == compare_batch(batch).screened
    assert found.screened == together(one.screened for one in parts)
    assert 200 == len(found)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "awards": ({"screen": Screen(awards=True)}, "E_CRIBLE"),
    "sketch": ({"screen": Screen(awards=False), "strategy": "sketch"}, "E_OPTION"),
    "clusters": ({"screen": Screen(awards=False), "strategy": "clusters"}, "E_OPTION"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_screens_are_refused_by_the_matcher(name):
    """For awards, and beside another way of leaving pairs out."""
    rows, (options, code) = np.ones((2, 2), np.uint64), OPTIONS[name]
    with pytest.raises(LinkageError, match=code):
        match(rows, rows, 0.5, "hamming", **options)
    with pytest.raises(LinkageError, match="E_CRIBLE"):
        match(rows, rows, 0.5, "dice", screen=Screen(awards=False))


def test_memory_counts_the_columns():
    """What is granted must hold the gathered columns too."""
    rows, screen = strangers(2000)[0], Screen(awards=False, words=16)
    least = 16 * 4000 + (3 << 20) + (8 << 20)
    match(rows, rows, 0.7, "hamming", memory=least, threads=1)
    with pytest.raises(LinkageError, match="E_MEMOIRE"):
        match(rows, rows, 0.7, "hamming", memory=least, threads=1, screen=screen)
    match(rows, rows, 0.7, "hamming", memory=least + (16 + 8 * 16) * 4000, threads=1, screen=screen)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    cuts=st.tuples(*[st.lists(st.integers(0, 120), max_size=5)] * 2),
    memory=st.sampled_from([0, 1 << 29]),
)
def test_a_pass_is_screened_alike_in_any_pieces(seed, cuts, memory):
    """One draw serves a pass: its links do not depend on pieces nor on memory."""
    left, right = encoded(seed, 120, 4), encoded(seed + 1, 120, 4)
    screen = Screen(awards=False, draw=DRAW, words=1)
    whole = link_pass(left, right, PLAN, screen=screen)
    links = link_pieces(cut(left, cuts[0]), cut(right, cuts[1]), PLAN, memory=memory, screen=screen)
    for name in ("left_rows", "right_rows", "score"):
        assert getattr(whole, name).tobytes() == getattr(links, name).tobytes()
    assert whole.screened == links.screened
    assert whole.screened is not None
    assert (64, whole.compared) == (whole.screened.columns, whole.screened.pairs)


def test_a_pass_settles_its_words_once():
    """From the plan alone; where they would not pay there are none; plain passes and awards have no screen."""
    plan = replace(PLAN, length=2048, information=760, population=10**6, expected_pairs=10**9)
    screen = settled(Screen(awards=False), plan)
    assert 0 < (screen.words or 0) < 20
    assert screen == settled(screen, replace(plan, information=900))
    assert settled(Screen(awards=False), replace(plan, information=1000)).words == 0
    rows = encoded(1, 30, 2)
    links = link_pass(rows, rows, PLAN, screen=Screen(awards=False))
    assert links.screened is not None
    assert links.screened.columns == 0
    for wrong, awards in ((PLAIN, False), (PLAN, True)):
        with pytest.raises(LinkageError, match="E_CRIBLE"):
            link_pass(rows, rows, wrong, screen=Screen(awards=awards))


SCRIPT = """
import hashlib
import numpy as np
{before}
from linkage.match import match
from linkage.screen import Screen
rng = np.random.default_rng(5)
left = rng.integers(0, 2**64, (60, 4), dtype=np.uint64)
right = np.concatenate([left[:30] ^ np.uint64(3), rng.integers(0, 2**64, (41, 4), dtype=np.uint64)])
found = match(left, right, 0.5, "hamming", threads=2, screen=Screen(awards=False, draw=bytes(32), words=2))
print(hashlib.sha256(found.left.tobytes() + found.right.tobytes() + found.score.tobytes()).hexdigest(), found.screened)
"""


def test_the_result_is_the_same_without_a_compiler():
    """With the JIT switched off, or numba not installed, the same draw gives the same bytes and the same report."""
    lines = set()
    for before, environment in (
        ("", {}),
        ("", {"NUMBA_DISABLE_JIT": "1"}),
        ("import sys; sys.modules['numba'] = None", {}),
    ):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT.format(before=before)],
            cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        lines.add(done.stdout)
    assert len(lines) == 1
    assert "columns=128" in lines.pop()
