"""What a risk report must hold to: the promise of the profile, the declared size, a year."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from linkage import risk
from service.risk_terms import CLAIMS, LIMIT, MILLION, RiskClaim
from tests.risk_reports import RISK


def test_the_promises_are_those_of_the_reports():
    """Of every profile that an agreement may have; `linkage.risk` judges by the same shares."""
    assert {name: round(share * MILLION) for name, share in risk.CLAIMS.items() if name != "reference"} == CLAIMS
    assert round(risk.LIMIT * MILLION) == LIMIT


@pytest.mark.parametrize(
    ("changes", "profile", "lacking"),
    [
        ({}, "renforce", ()),
        ({"claim": 50_000}, "standard", ()),
        ({"claim": 49_999}, "standard", ("ce que le profil promet",)),
        ({"claim": 99_999}, "renforce", ("ce que le profil promet",)),
        ({"limit": LIMIT + 1}, "standard", ("ce que le profil promet",)),
        ({"people": 500}, "standard", ()),
        ({"people": 499}, "standard", ("l'effectif déclaré",)),
        ({}, "reference", ("ce que le profil promet",)),
    ],
)
def test_what_a_claim_lacks(changes, profile, lacking):
    """Nothing, or what must be done again, for a file of five hundred declared people."""
    assert lacking == replace(RISK, **changes).lacks(profile, 500)


def test_a_claim_lasts_a_year():
    """And may come from a clock that is a day ahead."""
    spans = [timedelta(days=-1), timedelta(), timedelta(days=366)]
    assert [True] * 3 == [RISK.is_current(RISK.made_at + span) for span in spans]
    assert not RISK.is_current(RISK.made_at - timedelta(days=1, seconds=1))
    assert not RISK.is_current(RISK.made_at + timedelta(days=366, seconds=1))


def test_a_claim_is_read_back():
    """As it travels in a manifest."""
    assert RISK == RiskClaim.from_json(RISK.to_json())
