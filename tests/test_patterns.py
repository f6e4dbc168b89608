"""Pattern mining: plain filters show their tokens to whoever counts, diffused ones show nothing."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.attacks.patterns import mined, pattern_mining, patterns
from tests.attacked import everybody


def test_plain_filters_are_mined():
    """Without a key and a known pair: patterns whose rows have all their columns, some of them named rightly."""
    scene = everybody("reference", 500)
    found = patterns(scene.view)
    assert len(found.columns) >= 4
    assert len(found.token) == len(found.columns) == found.present.shape[1] == found.shown.shape[1]
    bits = np.unpackbits(scene.view.filters.view(np.uint8), axis=1, bitorder="little")
    for place, columns in enumerate(found.columns):
        assert len(columns) >= 6
        assert np.array_equal(bits[:, columns].all(axis=1), found.present[:, place])


def test_candidates_are_ranked():
    """Every row is guessed where patterns were named, and some of what is said of rows is true."""
    scene = everybody("reference", 500)
    guesses = pattern_mining(scene.view, np.random.default_rng(0))
    assert 500 == len(guesses.rows) == scene.score(guesses).tried
    true = mined(scene)
    assert true.tokens >= 1
    assert 0 < true.values <= true.said


def test_diffused_filters_are_not_mined():
    """No pattern, nobody guessed."""
    scene = everybody("standard", 500)
    assert 0 == len(patterns(scene.view).columns)
    assert 0 == len(pattern_mining(scene.view, np.random.default_rng(0)).rows)
    assert (0, 0, 0, 0) == tuple(vars(mined(scene)).values())


@pytest.mark.soak
def test_control_at_full_size():
    """G7: values of 3,000 people are read without a key, and one in fifty is recognised."""
    scene = everybody("reference", 3000)
    assert mined(scene).tokens >= 5
    assert scene.score(pattern_mining(scene.view, np.random.default_rng(0))).rate > 0.02
