"""Seedless graph matching: competent on plain filters, at a loss before diffused ones."""

import numpy as np
import pytest

from linkage.attacks.propagation import Evidence
from linkage.attacks.seedless import match_tables, seedless
from tests.attacked import everybody

NOBODY = np.empty((0, 2), dtype=np.int64)


def rates(scene, **settings):
    """The outcome under a frozen generator."""
    return scene.score(seedless(scene.view, np.random.default_rng(0), **settings))


def test_plain_filters_are_matched_without_any_key_or_pair():
    """G1's control at 500 people: nine in ten at least."""
    assert rates(everybody("reference", 500)).rate >= 0.9


def test_mistakes_do_not_protect_plain_filters():
    """The attacker's copy is one that people filled in themselves."""
    assert rates(everybody("reference", 500, errors="declaratif")).rate >= 0.9


@pytest.mark.soak
def test_half_an_overlap_does_not_protect_plain_filters():
    """Of 1,500 people on each side only half are on both."""
    assert rates(everybody("reference", 1500, 750)).rate >= 0.9


@pytest.mark.soak
def test_control_at_full_size():
    """G1: 2,000 people, nine in ten at least, with the sure ones nine in ten right."""
    found = rates(everybody("reference", 2000))
    assert found.rate >= 0.9
    assert found.sure >= 0.9


def test_diffused_filters_are_not_matched():
    """A rate that chance reaches: 25 of 500 would be fifty times the one that is expected."""
    scene = everybody("standard", 500)
    for settings in ({}, {"edges": 0.02}, {"inverted": True}):
        assert rates(scene, rounds=8, **settings).right < 25


def test_two_tables_of_the_same_numbers_are_matched():
    """Noise of a quarter of the signal, a hidden order: everybody is found."""
    rng = np.random.default_rng(1)
    some = rng.normal(0, 1, (120, 12))
    table = (some @ some.T / 12).astype(np.float32)
    noise = rng.normal(0, 0.07, (120, 120)).astype(np.float32)
    order = rng.permutation(120)
    measured = (table[np.ix_(order, order)] + (noise + noise.T) / 2).astype(np.float32)
    found = match_tables(Evidence(measured, table, 100.0, NOBODY), rng)
    assert (found.candidates == order[found.rows]).mean() > 0.95


def test_nobody_to_match():
    """One row or none gives no guess."""
    one = np.ones((1, 1), dtype=np.float32)
    assert len(match_tables(Evidence(one, one, 1.0, NOBODY), np.random.default_rng(0)).rows) == 0
