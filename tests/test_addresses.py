"""Addresses: abbreviations at their usual places are written out, the number parted from the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.addresses import address_of


@pytest.mark.parametrize(
    ("raw", "street", "number"),
    [
        ("12B, av. du Gal de Gaulle", "AVENUE DU GENERAL DE GAULLE", "12 BIS"),
        ("12 bis, rue de l’Œuvre", "RUE DE L OEUVRE", "12 BIS"),
        ("20 bât. B bd Lenoir", "BOULEVARD LENOIR", "20 BAT B"),
        ("44 ter chemin des Prés", "CHEMIN DES PRES", "44 TER"),
        ("3 ch Jivel", "CHEMIN JIVEL", "3"),
        ("2 r St Jean", "RUE SAINT JEAN", "2"),
        ("lieu-dit Ker_ar_Mor", "LIEU DIT KER AR MOR", None),
        ("7", None, "7"),
        ("BP 12", "BP 12", None),
        ("", None, None),
    ],
)
def test_an_address_is_parted(raw, street, number):
    """The way on one side, the number with what repeats it and the building on the other."""
    assert (street, number) == (address_of(raw, "street"), address_of(raw, "number"))
    assert (" ".join(filter(None, (number, street))) or None) == address_of(raw, "whole")


@pytest.mark.parametrize("raw", ["rue St", "12 B", "5 Q", "Av", "R Pl", "1 rue du Pr"])
def test_what_may_be_a_name_stays(raw):
    """The last word, a lone word and a letter before nothing are not written out."""
    words = raw.upper().split()
    assert words[-1] == (address_of(raw, "whole") or "").split()[-1]


@given(st.text(max_size=40), st.sampled_from(["whole", "number"]))
def test_what_is_canonical_stays(raw, part):
    """Whatever the text, the canonical form of a canonical form is itself."""
    once = address_of(raw, part)
    assert once == (address_of(once, "whole") if once else None)
