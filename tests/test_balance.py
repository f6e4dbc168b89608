"""Sinkhorn's balancing."""

import numpy as np
import pytest

from linkage.attacks.balance import balance, confident


def plain(logits, rounds):
    """The same, entry by entry."""
    n, k = len(logits), len(logits[0])
    chances = [[float(np.exp(logits[i][j])) for j in range(k)] for i in range(n)]
    for _ in range(rounds):
        for j in range(k):
            total = sum(chances[i][j] for i in range(n))
            if k <= n or total > 1:
                for i in range(n):
                    chances[i][j] /= total
        for i in range(n):
            total = sum(chances[i])
            if n <= k or total > 1:
                for j in range(k):
                    chances[i][j] /= total
    return chances


@pytest.mark.parametrize("shape", [(5, 5), (4, 7), (7, 4), (1, 3)])
def test_the_smaller_side_is_matched_whole(shape):
    """Its sums are 1, those of the larger side at most 1, whatever scale the log-likelihoods have."""
    logits = np.random.default_rng(3).normal(0, 3, shape).astype(np.float32)
    found = balance(logits.copy(), rounds=1000)
    smaller = 1 if shape[0] <= shape[1] else 0
    assert found.sum(axis=smaller) == pytest.approx(np.ones(min(shape)), abs=1e-2)
    assert float(found.sum(axis=1 - smaller).max()) <= 1.01


def test_a_square_table_is_balanced_as_by_hand():
    """After many rounds both ways come to the one balanced table."""
    logits = np.random.default_rng(4).normal(0, 1, (6, 6)).astype(np.float32)
    assert balance(logits.copy(), rounds=300) == pytest.approx(np.array(plain(logits.tolist(), 300)), abs=1e-4)


def test_enormous_log_likelihoods_stay_numbers():
    """Neither overflow nor emptiness: the likelier permutation wins."""
    logits = np.array([[1e6, -1e6, 0.0], [-1e6, 1e6, 0.0], [-1e6, -1e6, -1e6]], dtype=np.float32)
    found = balance(logits)
    assert np.isfinite(found).all()
    assert found.argmax(axis=1).tolist() == [0, 1, 2]


def test_nothing_is_left_alone():
    """Empty tables come back empty."""
    assert balance(np.zeros((0, 4), dtype=np.float32)).shape == (0, 4)
    assert balance(np.zeros((4, 0), dtype=np.float32)).shape == (4, 0)


def test_the_likeliest_column_and_its_probability():
    """One of each row."""
    best, chance = confident(np.array([[0.2, 0.7], [0.6, 0.1]], dtype=np.float32))
    assert best.tolist() == [1, 0]
    assert chance.tolist() == pytest.approx([0.7, 0.6])
