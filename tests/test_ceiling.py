"""The ceiling, κ and the curve."""

import numpy as np
import pytest
from scipy.stats import norm

from linkage.attacks.ceiling import ceiling, kappa, kappas, predicted
from linkage.attacks.landmarks import landmarks
from tests.attacked import everybody


def test_plain_filters_have_none():
    """Whoever knows all others finds everybody."""
    found = ceiling(everybody("reference", 500))
    assert found.tried == 500
    assert found.rate >= 0.99


def test_diffused_filters_have_one():
    """All others known among 500: under one in four."""
    assert ceiling(everybody("standard", 500)).rate < 0.25


def test_nobody_is_their_own_landmark():
    """The score of one row by hand: agreements with all others, each against the candidate's, no self."""
    scene = everybody("standard", 300, 200)
    view, rows = scene.view, np.flatnonzero(scene.truth >= 0)
    pairs = ~np.eye(300, dtype=bool)
    a, b = view.measured - view.measured[pairs].mean(), view.expected - view.expected[pairs].mean()
    right = 0
    for i in rows[:60]:
        others = rows[rows != i]
        scores = []
        for k in range(len(view.candidates)):
            theirs = np.where(scene.truth[others] == k, 0.0, b[k, scene.truth[others]])
            scores.append(float(a[i, others] @ theirs - np.square(theirs).sum() / 2))
        right += int(np.argmax(scores)) == scene.truth[i]
    found = ceiling(scene)
    assert int(found.found[np.isin(found.people, scene.people[rows[:60]])].sum()) == right


def test_kappa_is_the_spread_of_expected_agreements():
    """√L times the deviation over pairs of different candidates."""
    view = everybody("standard", 500).view
    apart = view.expected[np.triu_indices(500, 1)].astype(np.float64)
    assert kappa(view) == pytest.approx(np.sqrt(view.length) * apart.std(), rel=1e-4)
    assert np.sqrt((kappas(view) ** 2).mean()) == pytest.approx(kappa(view))


def test_the_prediction_is_the_integral():
    """Against E[Φ(z + x)^(n−1)] by a fine sum; 1/n when nobody is known; more with more."""
    z = np.linspace(-8, 8, 20_001)
    for x, rivals in ((1.3, 1000), (4.0, 50), (0.0, 20)):
        exact = float((norm.cdf(z + x) ** (rivals - 1) * norm.pdf(z)).sum() * (z[1] - z[0]))
        assert predicted(np.array([x]), 1, rivals) == pytest.approx(exact, abs=2e-3)
    some = np.array([0.02, 0.05, 0.3])
    assert predicted(some, 0, 100) == pytest.approx(0.01, abs=1e-3)
    assert predicted(some, 10, 100) < predicted(some, 100, 100) < predicted(some, 1000, 100)
    assert predicted(np.empty(0), 10, 100) == 0.0


def test_the_prediction_agrees_with_the_attack():
    """Half of 500 known, in plain text and diffused: within a tenth of the people."""
    rng = np.random.default_rng(0)
    scene = everybody("standard", 500).knowing(250, rng)
    expected = predicted(kappas(scene.view), 250, 500)
    assert abs(scene.score(landmarks(scene.view, rng)).rate - expected) < 0.1


def test_too_few_to_tell():
    """A block of one person has neither ceiling nor spread."""
    scene = everybody("standard", 2)
    alone = scene.view.knowing(np.array([[0, scene.truth[0]]]))
    assert kappas(alone).shape == (2,)
    assert ceiling(everybody("standard", 300, 1)).right == 0
