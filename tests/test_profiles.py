"""Encoding profiles: the hard rules hold for each of them."""

from __future__ import annotations

from math import exp

import pytest

from linkage.diffusion_tables import LARGEST_DEGREE, LEAST_DEGREE
from linkage.errors import LinkageError
from linkage.profiles import PROFILES, profile_named


def test_the_profiles_are_those_of_the_design():
    """Lengths, degrees and blocks as agreements know them; a change here is a new profile, not a new number."""
    found = {name: (one.length, one.degree, one.names_degree, one.cap, one.floor) for name, one in PROFILES.items()}
    assert found == {
        "reference": (1024, 0, 0, 0, 0),
        "standard": (4096, 4, 5, 1000, 100),
        "renforce": (8192, 5, 6, 1000, 100),
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_every_profile_keeps_the_hard_rules(profile):
    """A power of two, a fill of one half, t at least 3 and one more on names, blocks with a floor and a cap."""
    assert profile.length & (profile.length - 1) == 0
    assert 0.49 < 1 - exp(-profile.insertions / profile.length) < 0.52
    if profile.degree:
        assert LEAST_DEGREE <= profile.degree < profile.names_degree <= LARGEST_DEGREE
        assert 20 <= profile.floor < profile.cap <= 1000
        assert profile.measure == "hamming"
        assert 0 < profile.exposure < profile.refused
    else:
        assert (profile.name, profile.measure, profile.cap) == ("reference", "dice", 0)


def test_profiles_are_found_by_name_and_others_refused():
    """An unknown name is refused with the names that exist."""
    assert [profile_named(name).name for name in PROFILES] == list(PROFILES)
    with pytest.raises(LinkageError) as refusal:
        profile_named("fort")
    assert refusal.value.code == "E_PROFIL"
    assert "standard" in refusal.value.message
