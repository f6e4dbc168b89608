"""Rows vote for the secret word of their block: it is found where rows lean, and not where they are sent."""

from __future__ import annotations

import numpy as np

from linkage.attacks.likeness import agreement
from linkage.attacks.unmasking import unmasked, unmasked_leak, voted
from linkage.attacks.weight import weights_of
from tests.attacked import everybody

RNG = np.random.default_rng(7)
BITS = 4096


def leaning(leans):
    """Rows that lean towards 0, each by its own share, under a secret word; and the word."""
    ones = RNG.random((len(leans), BITS)) < (1 - np.asarray(leans)[:, None]) / 2
    word = RNG.random(BITS) < 0.5
    return np.packbits(ones ^ word, axis=1, bitorder="little").view(np.uint64), word


def test_the_word_of_rows_that_lean_is_voted():
    """A lean of .1 in 600 rows: 2.4 deviations a bit, 99 % of the word."""
    filters, word = leaning([0.1] * 600)
    assert (voted(filters) == word).mean() > 0.97


def test_who_leans_further_is_seen_under_it():
    """Forty rows at .15 among rows at .05: told apart, which their weights do not."""
    leans = np.array([0.15] * 40 + [0.05] * 560)
    filters, _ = leaning(leans)
    seen, weights = unmasked(filters), weights_of(filters)
    assert seen[:40].min() > np.median(seen[40:])
    assert abs(float(np.corrcoef(weights, leans)[0, 1])) < 0.2


def test_the_word_of_rows_as_they_are_sent_is_not():
    """The mean lean of sent rows is some 10⁻⁴: half of the word is right, give or take five deviations."""
    filters, word = leaning([3e-4] * 600)
    assert abs((voted(filters) == word).mean() - 0.5) < 5 * 0.5 / np.sqrt(BITS)


def test_it_is_the_mean_agreement_with_all_others():
    """Pair by pair."""
    filters, _ = leaning([0.1] * 9)
    table = agreement(filters).astype(np.float64)
    expected = (table.sum(axis=1) - 1) / 8
    assert np.abs(expected - unmasked(filters)).max() < 1e-6


def test_sent_rows_tell_nothing_more():
    """One table of 500 people, `standard`: who lacks a usage name is not seen; chance passes .65 less than once in 10⁶."""
    leak = unmasked_leak(everybody("standard", 500))
    assert 0.35 < leak.lacking["nom_usage"][0] < 0.65
    assert leak.people == 500
