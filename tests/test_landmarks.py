"""Known pairs as landmarks, one shot."""

import numpy as np
import pytest

from linkage.attacks.landmarks import landmarks
from tests.attacked import everybody


def outcome(profile, size, known, **settings):
    """What landmarks find."""
    rng = np.random.default_rng(0)
    scene = everybody(profile, size).knowing(known, rng)
    return scene.score(landmarks(scene.view, rng, **settings))


def test_plain_filters_fall_to_a_few_landmarks():
    """Fifty of 500."""
    found = outcome("reference", 500, 50)
    assert found.tried == 450
    assert found.rate >= 0.8
    assert found.sure >= 0.7


@pytest.mark.soak
def test_control_at_full_size():
    """G3: 100 known among 10,000 give eight in ten at least."""
    assert outcome("reference", 10_000, 100).rate >= 0.8


def test_diffused_filters_do_not():
    """Fifty of 500: under one in ten, which is far over what was ever seen."""
    assert outcome("standard", 500, 50).rate < 0.1


def test_undoing_the_diffusion_first_finds_no_more_of_plain_filters():
    """At degree 0 both ways are the same but for negative deviations."""
    assert outcome("reference", 500, 50, raised=False).rate >= 0.5


def test_the_best_candidate_is_that_of_the_largest_sum():
    """One row by hand, and its confidence."""
    scene = everybody("standard", 500).knowing(30, np.random.default_rng(3))
    view = scene.view
    found = landmarks(view, np.random.default_rng(0))
    apart = ~np.eye(500, dtype=bool)
    a = view.measured[:, view.known[:, 0]] - view.measured[:, view.known[:, 0]][apart[:, view.known[:, 0]]].mean()
    b = view.expected[:, view.known[:, 1]] - view.expected[:, view.known[:, 1]][apart[:, view.known[:, 1]]].mean()
    row = int(found.rows[7])
    scores = [view.length * sum(a[row] * b[k] - b[k] ** 2 / 2) for k in view.free_candidates]
    best = int(np.argmax(scores))
    assert found.candidates[7] == view.free_candidates[best]
    assert found.confidence[7] == pytest.approx(1 / np.exp(np.array(scores) - scores[best]).sum(), rel=1e-2)


def test_who_knows_nobody_guesses():
    """One guess a row, drawn by the generator, without confidence."""
    scene = everybody("reference", 500)
    found = landmarks(scene.view, np.random.default_rng(0))
    assert len(found.rows) == 500
    assert found.confidence.tolist() == [0.0] * 500
    assert scene.score(found).right < 25


def test_nobody_left_to_guess():
    """When all pairs are known there is no guess."""
    assert outcome("reference", 500, 500).tried == 0
