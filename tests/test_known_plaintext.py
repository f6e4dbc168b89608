"""Known plaintext: plain filters are read, diffused ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.attacks.known_plaintext import known_plaintext, recovered, recovery, walsh_bits
from linkage.attacks.positions_learned import bits_of
from tests.attacked import everybody


def scene_of(profile, known=250, size=500):
    """A scene with known pairs, and the generator that drew them."""
    rng = np.random.default_rng(3)
    return everybody(profile, size).knowing(known, rng), rng


def test_plain_rows_are_read_and_recognised():
    """250 known pairs of 500: nearly all others found, and names read half right."""
    scene, rng = scene_of("reference")
    assert scene.score(known_plaintext(scene.view, rng)).rate > 0.9
    read = recovery(scene, rng)
    assert read.rows == 250
    assert read.dice > read.baseline + 0.1


def test_diffused_rows_are_not():
    """Half of the people known, names are read no better than by whoever says the most frequent tokens."""
    scene, rng = scene_of("standard")
    read = recovery(scene, rng)
    assert read.exact == 0
    assert read.dice < read.baseline + 0.05
    assert scene.score(known_plaintext(scene.view, rng)).rate < 0.15


def test_output_bits_are_hardly_foreseen():
    """The best prediction of the bits of others, from half of the people: a little over one half right."""
    scene, _ = scene_of("standard")
    rows = scene.view.free_rows
    told = walsh_bits(scene.view, scene.truth[rows]) > 0
    right = np.mean(told == (bits_of(scene.view.filters[rows]) > 0))
    assert 0.49 < right < 0.53


def test_tokens_of_known_rows_are_read_back():
    """What was learned is remembered: a known row's own tokens score above the others."""
    scene, _ = scene_of("reference")
    rows, places = scene.view.known[:60].T
    read, true = recovered(scene.view, rows), (scene.view.sets.counts[places] > 0).toarray()
    assert 2 * (read & true).sum() / (read.sum() + true.sum()) > 0.5


@pytest.mark.parametrize("known", [0, 1])
def test_without_two_pairs_nobody_is_guessed(known):
    """Nothing is learned from one."""
    for profile in ("reference", "standard"):
        scene, rng = scene_of(profile, known)
        assert len(known_plaintext(scene.view, rng).rows) == 0
        assert recovery(scene, rng).rows == 0


@pytest.mark.soak
def test_control_at_full_size():
    """G4: 10,000 known pairs give nine tenths of the bigrams of other people's names."""
    scene, rng = scene_of("reference", 10_000, 12_000)
    assert recovery(scene, rng).dice >= 0.9
    assert scene.score(known_plaintext(scene.view, rng)).rate >= 0.99
