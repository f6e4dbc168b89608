"""Eigenvectors as a second opinion."""

import numpy as np
import pytest

from linkage.attacks.spectral import spectral, votes
from tests.attacked import everybody


def test_votes_are_those_of_the_double_sum():
    """Pair of eigenvectors by pair of eigenvectors."""
    rng = np.random.default_rng(2)
    first, second = ((some + some.T) / 2 for some in rng.normal(0, 1, (2, 5, 5)).astype(np.float32))
    values, vectors = np.linalg.eigh(first)
    others, basis = np.linalg.eigh(second)
    total = np.zeros((5, 5))
    for k in range(5):
        for j in range(5):
            apart = values[k] / values.std() - others[j] / others.std()
            total += vectors[:, k].sum() * basis[:, j].sum() / (apart**2 + 0.04) * np.outer(vectors[:, k], basis[:, j])
    assert votes(first, second) == pytest.approx((total - total.mean()) / total.std(), abs=1e-3)


def test_plain_filters_fall_to_it_once_refined():
    """At 400 people the votes are a start that leads to nearly all of them."""
    scene = everybody("reference", 400)
    assert scene.score(spectral(scene.view, np.random.default_rng(0))).rate >= 0.9


def test_diffused_filters_do_not():
    """A rate that chance reaches."""
    scene = everybody("standard", 400)
    assert scene.score(spectral(scene.view, np.random.default_rng(0))).right < 25


def test_nobody_to_match():
    """When all pairs are known nothing is guessed."""
    scene = everybody("reference", 400)
    told = scene.knowing(400, np.random.default_rng(0))
    assert len(spectral(told.view, np.random.default_rng(0)).rows) == 0
