"""Four rows at a time: the expected product of their signs, and how little it adds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linkage.attacks.quartets import quartets, triple_products
from tests.attacked import everybody

LENGTH = 1024


def drawn_product(counts, four, degree, rng, tables):
    """The mean product of the signs of one output bit of four records, hashed at random each time."""
    most = counts[four].max(axis=0)
    elements = [(token, level) for token in np.flatnonzero(most).tolist() for level in range(int(most[token]))]
    has = np.array([[level < counts[record, token] for record in four] for token, level in elements])
    hits = rng.random((tables * degree, len(elements))) < 1 / LENGTH
    signs = 1 - 2 * (hits.astype(np.int64) @ has > 0).astype(np.int64)
    return float(signs.reshape(tables, degree, len(four)).prod(axis=(1, 2)).mean())


def test_the_product_is_that_of_random_hashing():
    """Three records of many common insertions and a fourth, as random positions have it, within five deviations."""
    scene = everybody("reference", 500)
    alike = np.argsort(-scene.view.expected[0])[:4]
    for degree in (1, 2):
        view = replace(scene.view, plan=replace(scene.view.plan, degree=degree))
        counts = view.sets.counts.toarray()
        expected = triple_products(view, alike[:3])[alike[3]]
        seen = drawn_product(counts, alike, degree, np.random.default_rng(1), 1000)
        assert abs(expected - seen) < 5 / np.sqrt(1000)


def test_four_of_one_record_are_always_alike():
    """The product of four equal signs is 1, of three equal ones and another's that of a pair."""
    view = everybody("reference", 500).view
    products = triple_products(view, np.array([3, 3, 3]))
    assert abs(products[3] - 1) < 1e-9
    assert np.abs(np.delete(products - view.expected[3], 3)).max() < 1e-4


def test_fours_add_next_to_nothing_until_many_are_known():
    """`standard`, one table: from fifty known pairs, less than a tenth of what pairs of rows say."""
    found = quartets(everybody("standard", 500).view, np.random.default_rng(1), triples=30)
    pairs, fours, usual = found.signals(50)
    assert usual <= fours < pairs / 10
    assert (0.0, 0.0, 0.0) == found.signals(0)
