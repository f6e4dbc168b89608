"""What known and guessed pairs say of the others, against loops."""

import numpy as np
import pytest

from linkage.attacks.propagation import Evidence, centred


def symmetric(size, seed):
    """A table of agreements with ones on its diagonal."""
    some = np.random.default_rng(seed).normal(0, 0.1, (size, size)).astype(np.float32)
    some = ((some + some.T) / 2).astype(np.float32)
    np.fill_diagonal(some, 1.0)
    return some


def without_mean(table):
    """The same without the mean of what is not on the diagonal, which becomes 0; in plain Python."""
    n = len(table)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    mean = sum(float(table[i][j]) for i, j in pairs) / len(pairs)
    return [[float(table[i][j]) - mean if i != j else 0.0 for j in range(n)] for i in range(n)]


def test_centring_ignores_the_diagonal():
    """Means are of pairs of different records."""
    assert centred(symmetric(5, 1)) == pytest.approx(np.array(without_mean(symmetric(5, 1))), abs=1e-6)


def test_log_likelihoods_are_those_of_the_sum():
    """W·Σ (A_ij P_jl B_lk − ½ p_l B_lk²), plus the same of known pairs, one pair at a time."""
    first, second, weight = symmetric(6, 2), symmetric(7, 3), 50.0
    known = np.array([[1, 4], [5, 0]])
    evidence = Evidence(first, second, weight, known)
    assert evidence.rows.tolist() == [0, 2, 3, 4]
    assert evidence.candidates.tolist() == [1, 2, 3, 5, 6]
    chances = (np.random.default_rng(4).random((4, 5)) / 5).astype(np.float32)
    a, b = without_mean(first), without_mean(second)
    expected = np.zeros((4, 5))
    for row, i in enumerate(evidence.rows):
        for column, k in enumerate(evidence.candidates):
            total = sum(a[i][j] * b[k][other] - b[k][other] ** 2 / 2 for j, other in known)
            for place, j in enumerate(evidence.rows):
                for spot, other in enumerate(evidence.candidates):
                    total += chances[place, spot] * (a[i][j] * b[other][k] - b[other][k] ** 2 / 2)
            expected[row, column] = weight * total
    assert evidence.logits(chances) == pytest.approx(expected, abs=1e-4)


def test_the_echo_is_what_the_derivative_says():
    """The correction is W·P_before·(Σ_j B (diag p_j − p_j p_jᵀ) B)."""
    evidence = Evidence(symmetric(4, 5), symmetric(5, 6), 20.0, np.empty((0, 2), dtype=np.int64))
    rng = np.random.default_rng(7)
    chances, before = ((rng.random((4, 5)) / 5).astype(np.float32) for _ in range(2))
    spread = sum(np.diag(row) - np.outer(row, row) for row in chances)
    expected = 20.0 * before @ (evidence.expected @ spread @ evidence.expected)
    assert evidence.onsager(before, chances) == pytest.approx(expected, abs=1e-4)


def test_a_start_from_nothing_is_uniform():
    """Without a known pair nobody is likelier than anybody."""
    evidence = Evidence(symmetric(4, 8), symmetric(4, 9), 20.0, np.empty((0, 2), dtype=np.int64))
    assert evidence.start() == pytest.approx(np.full((4, 4), 0.25))


def test_guessed_pairs_may_speak_through_the_inverse():
    """Minus the inverse of the expected agreements, known pairs as before; a diagonal table says nothing new."""
    first, second = symmetric(6, 10), symmetric(6, 11)
    known = np.array([[2, 3]])
    plain = Evidence(first, second, 30.0, known)
    precise = Evidence(first, second, 30.0, known, precise=True)
    assert precise.known.tolist() == plain.known.tolist()
    inverse = np.linalg.inv(second.astype(np.float64) + 0.01 * np.eye(6))
    expected = np.array(without_mean((-inverse).tolist()))
    free = np.ix_(precise.candidates, precise.candidates)
    assert precise.table == pytest.approx(expected[free], abs=1e-5)
    chances = np.full((5, 5), 0.2, dtype=np.float32)
    scores = 30.0 * (plain.measured @ chances @ expected[free] - 0.5 * np.square(expected[free]).sum(axis=1))
    assert precise.logits(chances) == pytest.approx(scores + plain.known, abs=1e-3)
