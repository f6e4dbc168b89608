"""The label-free threshold of rehearsals: sensible on mixtures whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage.match import match
from linkage.solve import solve_one_to_one
from linkage.threshold import SAMPLE, best_neighbours, choose_plain_threshold

Filters = NDArray[np.uint64]
LENGTH = 512


def pack(bits: NDArray[np.bool_]) -> Filters:
    """Bits as rows of words."""
    return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def mixture(shared: int, alone: int, noise: float, seed: int = 3) -> tuple[Filters, Filters]:
    """Two files: `shared` people of both, each bit flipped with probability `noise` in the second, and `alone` of one only."""
    rng = np.random.default_rng(seed)
    left = rng.random((shared + alone, LENGTH)) < 0.5
    right = rng.random((shared + alone, LENGTH)) < 0.5
    right[:shared] = left[:shared] ^ (rng.random((shared, LENGTH)) < noise)
    return pack(left), pack(right)


def slow_best(queries: Filters, pool: Filters, rows: range, *, same: bool) -> list[float]:
    """The best Dice of each row by sets."""
    sets = [
        [{j for j in range(LENGTH) if int(row[j // 64]) >> (j % 64) & 1} for row in side] for side in (queries, pool)
    ]
    found = []
    for place in rows:
        scores = [
            2 * len(sets[0][place] & other) / max(1, len(sets[0][place]) + len(other))
            for number, other in enumerate(sets[1])
            if not (same and number == place)
        ]
        found.append(max(scores, default=0.0))
    return found


def f1(left: Filters, right: Filters, shared: int, threshold: int) -> float:
    """F1 of one-to-one links at a threshold, person k being row k of both."""
    links = solve_one_to_one(match(left, right, threshold / 1000, "dice"))
    good = sum(a == b and a < shared for a, b in zip(links.left.tolist(), links.right.tolist(), strict=True))
    return float(2 * good / (len(links.left) + shared))


@pytest.mark.parametrize("same", [True, False])
def test_best_neighbours_are_those_of_a_slow_search(same):
    """The highest Dice in the pool, the row itself not counted in its own file; an empty row is like nothing."""
    left, right = mixture(6, 6, 0.1)
    left[3] = 0
    pool = left if same else right
    rows = np.array([0, 3, 5, 11], dtype=np.intp)
    found = best_neighbours(left, pool, rows, same=same)
    slow = slow_best(left, pool, range(12), same=same)
    assert found.tolist() == pytest.approx([slow[place] for place in rows.tolist()])


@pytest.mark.parametrize(("shared", "alone"), [(300, 0), (300, 300), (60, 500), (500, 60)])
@pytest.mark.parametrize("noise", [0.02, 0.08, 0.15])
def test_the_threshold_is_nearly_the_best_there_is(shared, alone, noise):
    """With much or little overlap, few or many errors, F1 at the chosen threshold is within .02 of the best."""
    left, right = mixture(shared, alone, noise)
    chosen = choose_plain_threshold(left, right)
    best = max(f1(left, right, shared, threshold) for threshold in range(550, 1000, 25))
    assert f1(left, right, shared, chosen) >= best - 0.02


def test_the_threshold_lies_between_strangers_and_pairs():
    """Clean pairs of random filters: above what strangers reach, below what pairs have."""
    left, right = mixture(200, 200, 0.05)
    strangers = best_neighbours(left, left, np.arange(400, dtype=np.intp), same=True)
    assert np.median(strangers) * 1000 < choose_plain_threshold(left, right) < 960


def test_the_choice_is_the_same_each_time_and_whichever_file_comes_first():
    """No chance in it, and the two sides play the same part."""
    left, right = mixture(150, 100, 0.1)
    assert (
        choose_plain_threshold(left, right)
        == choose_plain_threshold(left, right)
        == choose_plain_threshold(right, left)
    )


@pytest.mark.parametrize(("rows", "other"), [(0, 0), (0, 5), (1, 0), (1, 1), (2, 3)])
def test_tiny_files_give_some_threshold(rows, other):
    """No row, or one: a number of the grid, never an error."""
    left, right = (pack(np.random.default_rng(n).random((n, LENGTH)) < 0.5) for n in (rows, other))
    assert 500 <= choose_plain_threshold(left.reshape(-1, 8), right.reshape(-1, 8)) < 1000


def test_a_file_of_equal_rows_gives_some_threshold():
    """Where strangers are all alike, nothing can be told apart, and nothing breaks."""
    left, _ = mixture(1, 0, 0.0)
    same = np.repeat(left, 30, axis=0)
    assert 500 <= choose_plain_threshold(same, same) < 1000


def test_a_large_file_is_sampled():
    """More rows than the sample: only so many neighbours are looked at, spread over the file."""
    rows = SAMPLE + 500
    bits = np.random.default_rng(1).random((rows, 64)) < 0.5
    left = pack(bits)
    flipped = pack(bits ^ (np.random.default_rng(2).random((rows, 64)) < 0.01))
    assert 500 <= choose_plain_threshold(left, flipped) < 1000
