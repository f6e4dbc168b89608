"""Distinct cells to words: sentinels, rules, and what validation off still refuses."""

from __future__ import annotations

from linkage.clkhash.linkage_schema import read_linkage_schema
from linkage.clkhash.words import words_of
from tests.vectors import generate_clkhash as made


def feature_of(form, **rest):
    one = made.feature("x", form, {"type": "exact"}, {"bitsPerToken": 1}, **rest)
    return (
        read_linkage_schema({"version": 3, "clkConfig": {"l": 64, "kdf": made.KDF}, "features": [one]})
        .features[0]
        .hashing
    )


def test_a_sentinel_is_replaced_and_obeys_no_rule():
    """Wherever it stands, and places of broken rules stay those of the cells."""
    missing = {"sentinel": "?", "replaceWith": "not a date"}
    feature = feature_of({"type": "date", "format": "%Y-%m-%d"}, missingValue=missing)
    words, broken = words_of(feature, ["2020-01-02", "?", "x"])
    assert (["20200102", "not a date", ""], [2]) == (words, list(broken))
    assert words_of(feature, ("?",)) == (["not a date"], {})


def test_each_cell_is_judged_alone_when_some_are_wrong():
    """Right cells keep their word beside wrong ones."""
    feature = feature_of({"type": "string", "case": "lower", "encoding": "ascii"})
    words, broken = words_of(feature, ["ab", "AB", "é", "cd"])
    assert (["ab", "", "", "cd"], {1, 2}) == (words, set(broken))
    assert "majuscules" not in broken[1]
    assert "ascii" in broken[2]


def test_validation_off_leaves_what_no_word_stands_for():
    """Cases and bounds no longer count; characters that cannot be written, and numbers that are none, still do."""
    text = feature_of({"type": "string", "case": "lower", "encoding": "ascii"})
    assert words_of(text, ["AB", "é"], check=False)[1].keys() == {1}
    number = feature_of({"type": "integer", "maximum": 3})
    assert words_of(number, ["7", "x"], check=False) == (["7", ""], {1: "n'est pas un nombre entier"})
