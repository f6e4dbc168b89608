"""An agreement and its démarche in words."""

import pytest

from service.papers.case import MEASURES
from tests.papers_case import case, told


def test_who_receives_and_with_whom_it_is_compared():
    """The recipient, and the other side."""
    found = case()
    assert ["Administration CNAF"] == [one.name for one in found.recipients]
    assert [True, False] == [found.receives("cnaf"), found.receives("cnam")]
    assert ["cnam"] == [one.party for one in found.others("cnaf")]
    with pytest.raises(KeyError):
        found.party("dgfip")


def test_data_and_clocks_are_in_words():
    """As a citizen reads them; the clocks are those of the agreement."""
    found = case()
    assert {"nom de naissance", "prénoms", "date de naissance"} <= set(found.data)
    assert not any("_" in one for one in found.data)
    assert (([], ["tranche tarif"])) == (found.told, told().told)
    assert "12 mois" in found.retention[2]
    assert "rsa - c2s" in found.rules()[0]


def test_measures_have_a_name_and_a_sentence():
    """Each once, none empty."""
    assert len({name for name, _ in MEASURES}) == len(MEASURES)
    assert all(sentence.endswith(".") for _, sentence in MEASURES)
