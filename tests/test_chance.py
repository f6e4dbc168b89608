"""Strangers expected within a distance: exact tails, likeness counted, the least careful threshold that keeps the bound."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.chance import largest_distance_of_strangers, strangers_by_agreement, tail
from linkage.exposure import agreement
from linkage.plan import largest_distance

BILLION = 10**9


def exact_tail(length: int, step: int, distance: int) -> Fraction:
    """P(Binomial(length, (1 − step/256)/2) ≤ distance), term by term."""
    differ = Fraction(256 - step, 512)
    return sum(
        (comb(length, k) * differ**k * (1 - differ) ** (length - k) for k in range(distance + 1)), start=Fraction(0)
    )


@pytest.mark.parametrize("step", [0, 1, 25, 127])
def test_tails_are_those_of_the_binomial(step):
    """To seventy decimals, from the first distance to half the length."""
    found = tail(64, step)
    assert len(found) == 33
    for distance, value in enumerate(found):
        assert abs(Fraction(value, 1 << 256) - exact_tail(64, step, distance)) < Fraction(1, 10**70)


@pytest.mark.parametrize("pairs", [1, 10**4, 10**9])
def test_without_likeness_the_threshold_is_that_of_coin_tosses(pairs):
    """Strangers with nothing in common: the exact sums of `linkage.plan`."""
    spectrum = np.array([BILLION] + [0] * 365, dtype=np.int64)
    strangers = [strangers_by_agreement(spectrum, 512, 4, pairs)]
    assert largest_distance(512, pairs, (5, 1)) == largest_distance_of_strangers(512, strangers, (5, 1))


@given(st.dictionaries(st.integers(0, 365), st.integers(1, 1000), min_size=1, max_size=8), st.integers(3, 7))
@settings(max_examples=40, deadline=None)
def test_pairs_keep_their_number_and_their_mean_agreement(weights, degree):
    """A pair between two steps is shared so that neither the count nor the mean changes, up to certain links."""
    total = sum(weights.values())
    spectrum = np.zeros(366, dtype=np.int64)
    for common, weight in weights.items():
        spectrum[common] = BILLION * weight // total
    pairs = 10**12
    found = strangers_by_agreement(spectrum, 512, degree, pairs)
    assert sum(found.values()) == pytest.approx(pairs * int(spectrum.sum()), rel=1e-6)
    table = agreement(512, 365)
    values = [(Fraction(table[common], 1 << 30) ** degree, weight) for common, weight in enumerate(spectrum.tolist())]
    if max(float(value) for value, weight in values if weight) < 128 / 256:
        expected = pairs * sum(float(value) * weight for value, weight in values)
        assert sum(step * count for step, count in found.items()) / 256 == pytest.approx(expected, rel=1e-4, abs=1e12)


def test_the_threshold_is_the_largest_that_keeps_the_bound():
    """At h the expected strangers are allowed, at h + 1 they are not."""
    spectrum = np.zeros(366, dtype=np.int64)
    spectrum[[0, 40, 120, 200]] = BILLION * 6 // 10, BILLION * 3 // 10, BILLION // 20, BILLION // 20
    strangers = strangers_by_agreement(spectrum, 512, 4, 10**6)
    found = largest_distance_of_strangers(512, [strangers], (50, 1))

    def expected(distance: int) -> Fraction:
        return sum(
            (
                Fraction(count, BILLION) * exact_tail(512, step, distance)
                for step, count in strangers.items()
                if step < 128
            ),
            start=Fraction(0),
        )

    assert expected(found) <= 50 < expected(found + 1)


def test_likeness_makes_thresholds_stricter_and_passes_add_up():
    """The more strangers have in common, and the more passes compare them, the nearer a link must be."""
    alike = np.zeros(366, dtype=np.int64)
    alike[100] = BILLION
    apart = np.zeros(366, dtype=np.int64)
    apart[0] = BILLION
    one, other = (strangers_by_agreement(spectrum, 512, 4, 10**6) for spectrum in (apart, alike))
    single, both, twice = (
        largest_distance_of_strangers(512, passes, (50, 1)) for passes in ([one], [one, other], [one, other, other])
    )
    assert single > both > twice


def test_namesakes_in_everything_do_not_count():
    """No threshold could tell them from one person: they leave it where it was."""
    same = np.zeros(366, dtype=np.int64)
    same[365] = BILLION
    assert largest_distance_of_strangers(512, [strangers_by_agreement(same, 512, 4, 10**6)], (50, 1)) == 256
