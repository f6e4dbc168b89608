"""Self-training from known pairs."""

import numpy as np
import pytest

from linkage.attacks.landmarks import landmarks
from linkage.attacks.self_training import expectation, message_passing
from tests.attacked import everybody

ATTACKS = [expectation, message_passing]


@pytest.mark.parametrize("attack", ATTACKS)
def test_plain_filters_fall_from_a_handful_of_pairs(attack):
    """Eight of 500: landmarks find few, self-training nearly all."""
    rng = np.random.default_rng(0)
    scene = everybody("reference", 500).knowing(8, rng)
    once = scene.score(landmarks(scene.view, rng)).rate
    found = scene.score(attack(scene.view, rng))
    assert found.tried == 492
    assert found.rate >= max(0.9, once)


@pytest.mark.parametrize("attack", ATTACKS)
def test_diffused_filters_do_not(attack):
    """A tenth of 500 known: under one in eight of the others."""
    rng = np.random.default_rng(0)
    scene = everybody("standard", 500).knowing(50, rng)
    assert scene.score(attack(scene.view, rng)).rate < 0.125


@pytest.mark.parametrize("attack", ATTACKS)
def test_nobody_left_to_guess(attack):
    """When all pairs are known there is no guess."""
    scene = everybody("reference", 500).knowing(500, np.random.default_rng(0))
    assert len(attack(scene.view, np.random.default_rng(0)).rows) == 0
