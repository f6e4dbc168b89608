"""Information notices of both sides."""

import pytest

from service.papers.notices import notice_of
from tests.papers_case import case, kept, papers, told


@pytest.mark.parametrize("name", ["notice.cnaf.md", "notice.cnam.md"])
def test_notices_are_the_frozen_ones(name):
    """Word for word."""
    assert kept(name) == papers()[name]


@pytest.mark.parametrize("party", ["cnaf", "cnam"])
def test_both_sides_tell_purpose_source_rights_and_officer(party):
    """The provider informs as well."""
    text = notice_of(case(), party)
    expected = (
        "Pourquoi",
        "Sur quel fondement",
        "accéder à vos données",
        "opposer",
        "délégué",
        "CNIL",
        "L114-8 II",
        "36 mois",
    )
    assert [] == [words for words in expected if words not in text]


def test_each_side_says_what_it_gets():
    """The recipient its own files, the source nothing; what is told of a hit is named."""
    assert "Nous ne recevons aucun résultat" in notice_of(case(), "cnam")
    assert "parmi nos propres dossiers" in notice_of(case(), "cnaf")
    assert "tranche tarif" in notice_of(told(), "cnaf")
