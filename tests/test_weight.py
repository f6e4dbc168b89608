"""The weight leak: plain filters tell what is known of a person, sent rows do not."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.attacks.weight import _auc, by_weight, expected_weights, weight_leak, weights_of
from tests.attacked import everybody


def test_weights_are_bits_counted():
    """Over all words of a row."""
    assert [0.0, 65.0] == weights_of(np.array([[0, 0], [1, 2**64 - 1]], dtype=np.uint64)).tolist()


def test_plain_weights_are_foreseen():
    """Most of the variance, and who lacks a usage name."""
    leak = weight_leak(everybody("reference", 500))
    assert leak.people == 500
    assert leak.r_squared > 0.5
    assert leak.lacking["nom_usage"][0] > 0.65
    assert 0.4 < leak.fill[0] < 0.55


def test_sent_weights_are_not():
    """Half of the bits, whatever was inserted: chance passes .05 once in a million worlds."""
    leak = weight_leak(everybody("standard", 500))
    assert leak.r_squared < 0.05
    assert abs(leak.fill[0] - 0.5) < 0.004
    assert 0.35 < leak.lacking["nom_usage"][0] < 0.65


def test_expected_weights_are_those_seen_on_average():
    """To some bits in a thousand."""
    scene = everybody("reference", 500)
    seen, expected = weights_of(scene.view.filters), expected_weights(scene.view)[scene.truth]
    assert abs(float((seen - expected).mean())) < 8


def test_guesses_are_one_to_one_and_no_known_row_is_guessed():
    """Ranks with ranks."""
    scene = everybody("reference", 500).knowing(100, np.random.default_rng(1))
    guesses = by_weight(scene.view, np.random.default_rng(2))
    assert 400 == len(guesses.rows) == len(set(guesses.candidates.tolist()))
    assert set(guesses.rows.tolist()) & set(scene.view.known[:, 0].tolist()) == set()
    assert 400 == scene.score(guesses).tried


def test_the_area_under_the_curve():
    """Pairs of a member and another, ties counting half."""
    values, members = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, True, False, True])
    assert (1 + 0.5 + 1 + 1) / 4 == _auc(values, members)


@pytest.mark.soak
def test_control_at_full_size():
    """G5: nine tenths of the variance with 10,000 known pairs."""
    scene = everybody("reference", 12_000).knowing(10_000, np.random.default_rng(1))
    assert weight_leak(scene).r_squared >= 0.9
