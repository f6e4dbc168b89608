"""Positions of tokens in plain filters, learned from rows whose tokens are known."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from linkage.attacks.likeness import Insertions
from linkage.attacks.positions_learned import bits_of, learned
from tests.attacked import everybody

TOKENS, LENGTH, MOST = 30, 256, 12


def invented(rows, seed=0):
    """Positions of each token in their order, and rows that have some tokens, each set so many times as its record says."""
    rng = np.random.default_rng(seed)
    positions = np.array([rng.choice(LENGTH, MOST, replace=False) for _ in range(TOKENS)])
    counts = np.where(rng.random((rows, TOKENS)) < 0.4, rng.integers(4, MOST + 1, (rows, TOKENS)), 0)
    bits = np.zeros((rows, LENGTH), dtype=bool)
    for row, mine in enumerate(counts):
        for token in np.flatnonzero(mine):
            bits[row, positions[token, : mine[token]]] = True
    return positions, np.packbits(bits, axis=1, bitorder="little").view(np.uint64), csr_array(counts.astype(np.int32))


def test_positions_are_found():
    """Of 600 known rows: a token's first positions are believed, those of no token are not."""
    positions, filters, counts = invented(600)
    of = learned(filters, counts)
    own = np.zeros((TOKENS, LENGTH), dtype=bool)
    np.put_along_axis(own, positions[:, :4], True, axis=1)  # every record that has it sets four
    assert of.belief[own].min() > 0.9
    assert (of.level[own] == -1).all()
    never = own.copy()
    np.put_along_axis(never, positions, True, axis=1)
    assert np.mean(of.belief[~never] > 0.5) < 0.01


def test_levels_are_the_most_insertions_that_lack_the_bit():
    """A position that comes fifth is lacking from records that set four."""
    positions, filters, counts = invented(600)
    of = learned(filters, counts)
    for token in range(TOKENS):
        assert (of.level[token, positions[token]] <= np.arange(MOST)).all()


def test_filters_are_foreseen():
    """Other rows, from what was learned: chances are those seen, and weights nearly."""
    _, filters, counts = invented(1200)
    of = learned(filters[:600], csr_array(counts[:600]))
    sets = Insertions(names=[""] * TOKENS, counts=csr_array(counts[600:]), budget=np.zeros(600, dtype=np.int64))
    told, bits = of.filters(sets), bits_of(filters[600:])
    assert np.mean((told > 0.5) == (bits > 0)) > 0.95
    assert np.corrcoef(told.sum(axis=1), bits.sum(axis=1))[0, 1] ** 2 > 0.9


def test_evidence_tells_who_has_a_token():
    """Likelihoods, over the numbers of insertions that were seen."""
    _, filters, counts = invented(1200)
    of = learned(filters[:600], csr_array(counts[:600]))
    evidence = np.logaddexp.reduce(of.evidence(bits_of(filters[600:]), csr_array(counts[:600])))
    has = (counts[600:] > 0).toarray()
    assert np.mean((evidence > 1.5) == has) > 0.97


def test_bits_are_in_the_order_of_filters():
    """Bit j of word j // 64."""
    assert [64, 3] == np.flatnonzero(bits_of(np.array([[8, 1]], dtype=np.uint64))[0])[::-1].tolist()


def test_of_real_filters():
    """Half of the people known: the weights of the others are foreseen better than chance would in a million worlds."""
    scene = everybody("reference", 500)
    truth = scene.truth
    of = learned(scene.view.filters[:250], csr_array(scene.view.sets.counts[truth[:250]]))
    told = of.filters(scene.view.sets.some(truth[250:]))
    assert np.mean((told > 0.5) == (bits_of(scene.view.filters[250:]) > 0)) > 0.6
