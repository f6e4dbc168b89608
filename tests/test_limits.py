"""The integer rule of a threshold is the float64 rule, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.limits import largest_distances, share_of_distance

THRESHOLDS = [0.1, 0.5, 2 / 3, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0]
thresholds = st.one_of(st.sampled_from(THRESHOLDS), st.floats(0.01, 1.0))


@given(threshold=thresholds, total=st.integers(1, 256))
def test_dice_keeps_what_the_quotient_keeps(threshold, total):
    """For a sum of popcounts, the largest distance is that of the least number of common bits that is enough."""
    enough = [common for common in range(total + 1) if 2 * common / total >= threshold]
    assert total - 2 * enough[0] == largest_distances(128, threshold, "dice")[total]


@given(threshold=thresholds, words=st.integers(1, 4))
def test_hamming_keeps_what_the_agreement_keeps(threshold, words):
    """One largest distance, whatever the popcounts."""
    length = 64 * words
    near = [distance for distance in range(length + 1) if 1.0 - distance / length >= threshold]
    assert {near[-1]} == set(largest_distances(length, threshold, "hamming").tolist())


@pytest.mark.parametrize("measure", ["dice", "hamming"])
@given(threshold=thresholds)
def test_shares_of_a_distance_cover_it(measure, threshold):
    """No limit is above the sum of the shares of two popcounts."""
    most, share = largest_distances(128, threshold, measure), share_of_distance(128, threshold, measure)
    one, other = np.meshgrid(np.arange(129), np.arange(129))
    assert (most[one + other] <= share[one] + share[other]).all()
