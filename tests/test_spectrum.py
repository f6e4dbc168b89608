"""Bias and spectrum of the bits of a block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linkage.attacks.spectrum import edge, eigenvalues, spectrum
from tests.attacked import everybody


def test_noise_stays_under_the_edge():
    """Fair and independent bits, more rows than bits and fewer: none above, but near it."""
    for rows, words in ((1500, 4), (200, 8)):
        filters = np.random.default_rng(7).integers(0, 2**64, (rows, words), dtype=np.uint64)
        values, along = eigenvalues(filters, vectors=3)
        assert 0.85 * edge(rows - 1, 64 * words) < values[0] < edge(rows - 1, 64 * words)
        assert (rows, 3) == along.shape
        assert np.allclose(1, np.linalg.norm(along, axis=0), atol=1e-3)


def test_eigenvalues_are_those_of_the_correlation():
    """As numpy has it, also of more rows than are taken at a time, and whether or not directions are wanted."""
    for rows in (90, 9000):
        filters = np.random.default_rng(2).integers(0, 2**64, (rows, 1), dtype=np.uint64)
        bits = np.unpackbits(filters.view(np.uint8), axis=1, bitorder="little")
        expected = np.sort(np.linalg.eigvalsh(np.corrcoef(bits.T)))[::-1]
        alone, (values, along) = eigenvalues(filters)[0], eigenvalues(filters, vectors=2)
        assert np.allclose(expected, alone, atol=1e-4)
        assert np.allclose(expected, values, atol=1e-4)
        assert (rows, 2) == along.shape


def test_plain_filters_have_directions_and_lean():
    """Tokens that many share; one of them tells who has it."""
    found = spectrum(everybody("reference", 500))
    assert found.above >= 5
    assert found.bias > 2 * found.fair
    assert found.community > 0.5


def test_diffused_filters_have_none():
    """Two or more above an edge that noise passes once in a hundred times would be no noise."""
    found = spectrum(everybody("standard", 500))
    assert found.above <= 1
    assert found.top < 0.02
    assert found.community < 2 * found.by_chance


def test_two_rows_show_nothing():
    """There is no spectrum of a line."""
    scene = everybody("reference", 500)
    view = replace(scene.view, filters=scene.view.filters[:2])
    assert spectrum(replace(scene, view=view, truth=scene.truth[:2], people=scene.people[:2])).above == 0
