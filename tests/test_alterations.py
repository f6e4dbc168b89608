"""Families of changes are told from a cell and what it became."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.alterations import ALTERATIONS, alterations, date_format
from linkage.attribute import parse_attribute
from linkage.cells import BadValue
from linkage.normalise import normaliser
from tests.invented import cells_of_kind

CASES = [
    ("name", {}, "DUPONT", set()),
    ("name", {}, "Dupont", {"case"}),
    ("name", {}, "LEBŒUF", {"accents"}),
    ("name", {}, " LE  BOEUF", {"spaces"}),
    ("name", {}, "MME DUPONT", {"title"}),
    ("name", {}, "ST-EXUPERY", {"saint", "punctuation"}),
    ("name", {}, "DUPONT EPOUSE MARTIN", {"two_names"}),
    ("name", {}, "L'ABERGEMENT", {"punctuation"}),
    ("name", {}, "SNP", {"emptied"}),
    ("name", {}, "", set()),
    ("name", {"longest": 4}, "DUPONT", {"cut"}),
    ("name", {"longest": 6}, "DUPONT", set()),
    ("name", {"missing": ["0"]}, "0", {"emptied"}),
    ("given_names", {"most": 1}, "JEAN PAUL", {"fewer_names"}),
    ("given_names", {"most": 2}, "JEAN PAUL", set()),
    ("given_names", {}, "JEAN-PAUL", {"punctuation"}),
    ("date", {"format": "JJ/MM/AAAA"}, "29/11/1992", {"format"}),
    ("date", {}, "1992-11-29", set()),
    ("date", {}, "1992-11-29 04:00:00", {"time"}),
    ("date", {}, "1992-00-00", {"partial"}),
    ("date", {}, "1992-01-01", {"weak"}),
    ("date", {}, "0000-00-00", {"emptied"}),
    ("cog", {"pad": 5}, "8480", {"padded"}),
    ("cog", {"pad": 5}, "8480.0", {"decimal", "padded"}),
    ("cog", {"pad": 5}, "2a004", {"case"}),
    ("cog", {"pad": 5}, "99352", {"country_as_place"}),
    ("code", {}, "B 7", {"punctuation"}),
    ("country", {}, "FR", {"recoded"}),
    ("country", {}, "99100", set()),
    ("sex", {}, "2", {"recoded"}),
    ("sex", {}, "F", set()),
    ("text", {}, "12, rue Haute", {"punctuation", "case"}),
]


@pytest.mark.parametrize(("kind", "keys", "raw", "families"), CASES)
def test_each_family(kind, keys, raw, families):
    """One cell a family, and cells that nothing changes."""
    attribute = parse_attribute("a", {"kind": kind, "bits": 1, **keys})
    value = None if raw in attribute.missing else normaliser(attribute)(raw)
    assert families == alterations(attribute, raw, value)


@pytest.mark.parametrize("kind", sorted(cells_of_kind))
@given(st.data())
def test_families_are_known_whatever_the_cell(kind, data):
    """No cell is beyond judging; what is canonical already is in no family but those that speak of its content."""
    attribute = parse_attribute("a", {"kind": kind, "bits": 1})
    raw = data.draw(cells_of_kind[kind])
    try:
        value = normaliser(attribute)(raw)
    except BadValue:
        return
    assert alterations(attribute, raw, value) <= set(ALTERATIONS)
    if value is not None and kind != "date":
        again = alterations(attribute, value, value)
        assert not again & {"accents", "case", "spaces", "decimal", "padded", "recoded", "two_names"}


@pytest.mark.parametrize(
    ("raw", "name"),
    [("29/11/1992", "JJ/MM/AAAA"), ("1992-11-29", "AAAA-MM-JJ"), ("19921129", None), ("", None), ("00/00/0000", None)],
)
def test_the_format_of_a_date(raw, name):
    """The first of the formats that reads the cell."""
    assert name == date_format(raw, ("JJ/MM/AAAA", "AAAA-MM-JJ"))
