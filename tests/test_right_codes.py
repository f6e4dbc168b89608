"""Codes that open a right: their form, and that nothing tells one from another."""

from __future__ import annotations

import itertools
import re

import pytest

from service.demarche import load_demarche
from service.right_codes import LEAST_BITS, bits_of, draw_codes, is_form


@pytest.mark.parametrize(
    ("form", "good"),
    [
        ("AA-XXXX-XXXX", True), ("9999-9999-9999-9", True), ("XXXXXXXX", True), ("AA-9999", False), ("", False),
        ("AA--XXXXXXXX", False), ("-XXXXXXXXXX", False), ("BB-XXXX-XXXX", False), ("X" * 41, False), ("aa-xxxx-xxxx", False),
    ],
)  # fmt: skip
def test_a_form_is_a_pattern_that_nobody_guesses(form, good):
    """Letters, digits, either, hyphens between; forty bits at least."""
    assert good == is_form(form)


def test_bits_are_those_of_the_signs():
    """24 letters, 34 letters or digits: 2 and 8 of them."""
    assert bits_of("AA-XXXX-XXXX") == pytest.approx(49.87, abs=0.01)
    assert bits_of("9" * 12) < LEAST_BITS < bits_of("9" * 13)


def test_codes_have_their_form_and_no_sign_that_is_misread():
    """No O and no I; no two alike."""
    codes = list(itertools.islice(draw_codes("AA-XXXX-999"), 3000))
    assert all(re.fullmatch(r"[A-HJ-NP-Z]{2}-[A-HJ-NP-Z0-9]{4}-\d{3}", one) for one in codes)
    assert 3000 == len(set(codes))


def test_a_code_that_is_taken_is_not_given_again():
    """Of the ten that the form has, the one that is left."""
    assert "7" == next(draw_codes("9", "012345689"))


def test_every_sign_of_a_code_is_drawn():
    """Each place takes all its values: 2,000 draws miss one of 34 once in 10^25."""
    drawn = list(itertools.islice(draw_codes("AX-XXXXXXXX"), 2000))
    assert [24, 34] == [len({one[place] for one in drawn}) for place in (0, 1)]


def test_the_shipped_sheet_says_a_form():
    """That of the Pass'Sport."""
    assert "AA-XXXX-XXXX" == load_demarche("pass-sport").action.right_token
