"""The scanner that the leak tests rely on finds what is there and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.demonstration.leak_scan import Scanner, in_all_spellings

secrets = st.lists(st.binary(min_size=8, max_size=12), min_size=1, max_size=20)


@given(secrets, st.binary(max_size=400), st.data())
def test_it_agrees_with_a_plain_search(some, noise, data):
    """Whatever is planted is found, and found is exactly what a plain search finds."""
    at = data.draw(st.integers(0, len(noise)))
    planted = noise[:at] + data.draw(st.sampled_from(some)) + noise[at:]
    assert {one for one in some if one in planted} == Scanner(some).found_in(planted)


def test_it_finds_a_secret_that_straddles_two_steps(monkeypatch):
    """Windows are looked at in steps: a secret across the border is still found."""
    monkeypatch.setattr("service.demonstration.leak_scan._STEP", 16)
    data = bytes(12) + b"abcdefghij" + bytes(40)
    assert {b"abcdefghij"} == Scanner([b"abcdefghij"]).found_in(data)


def test_short_secrets_are_refused():
    """A secret that chance would find is an error of the test that asks for it."""
    with pytest.raises(ValueError, match="8 bytes"):
        Scanner([b"DUPONT"])


def test_keys_are_searched_in_every_spelling():
    """Raw, hexadecimal and base64."""
    assert [b"\xfb" * 9, b"fb" * 9, b"FB" * 9, b"+/v7" * 3, b"-_v7" * 3] == in_all_spellings(b"\xfb" * 9)
