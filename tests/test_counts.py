"""Counts as others may see them: in bands, and nothing under eleven."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.counts import LEAST, Band, band_of, spelled


@given(st.integers(0, 10**12))
def test_a_count_lies_in_its_band_and_no_other(count):
    """Bands follow each other without gap; the whole band has the same name."""
    band = band_of(count)
    assert band.least <= count <= band.most
    assert band == band_of(band.least) == band_of(band.most)
    following = band_of(band.most + 1)
    assert band.most + 1 == following.least


@given(st.integers(0, LEAST - 1))
def test_small_counts_are_all_alike(count):
    """Nobody can tell ten people from nobody."""
    assert Band(least=0, most=10) == band_of(count)
    assert "moins de 11" == spelled(band_of(count))


def test_bands_are_wide_enough_to_hide_one_person():
    """No band but the first tells a number of people to within less than nine."""
    count = LEAST
    while count < 10**9:
        band = band_of(count)
        assert 8 <= band.most - band.least
        count = band.most + 1


def test_a_band_is_spelled():
    """Both bounds, included."""
    assert "de 11 à 19" == spelled(band_of(11))
    assert "de 10000 à 19999" == spelled(band_of(12_345))


def test_a_negative_count_is_a_mistake():
    """It counts nobody."""
    with pytest.raises(ValueError, match="negative"):
        band_of(-1)
