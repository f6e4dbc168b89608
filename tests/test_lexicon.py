"""Strings and their numbers: the compiled table against a dictionary, whatever the strings and however they come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import lexicon
from linkage.errors import LinkageError
from linkage.lexicon import Lexicon, fingerprints, laid_out, same_cells, some_cells, strings

QUIET = settings(deadline=None)
text = st.sampled_from(["", "A", "É", "\0", "x" * 300]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
texts = st.lists(text, max_size=40)


@QUIET
@given(st.lists(texts, max_size=5))
def test_strings_are_numbered_as_they_are_met(blocks):
    """Equal ones alike, new ones with the next number, and every number gives its string back."""
    words, place = Lexicon(), dict[str, int]()
    for block in blocks:
        expected = [place.setdefault(one, len(place)) for one in block]
        assert expected == words.number(laid_out(block)).tolist()
        assert len(place) == len(words)
    assert list(place) == words.strings(0, len(words)) == strings(words.cells)


def test_many_strings_make_the_table_grow():
    """Tens of thousands of them, in one call and again, some long."""
    many = [f"{number}{'x' * (number % 50)}" for number in range(30_000)]
    words = Lexicon()
    assert list(range(30_000)) == words.number(laid_out(many)).tolist()
    assert list(range(29_999, -1, -1)) == words.number(laid_out(many[::-1])).tolist()
    assert many[12_345:12_347] == words.strings(12_345, 12_347)
    assert words.size > sum(map(len, many))


def test_more_than_two_gibibytes_are_refused(monkeypatch):
    """Rather than bounds that do not fit; here with a lower limit."""
    monkeypatch.setattr(lexicon, "_LARGEST", 5000)
    words = Lexicon()
    words.number(laid_out(["a" * 900]))
    with pytest.raises(LinkageError) as refused:
        words.number(laid_out(["b" * 5000]))
    assert "E_FICHIER_TROP_GRAND" == refused.value.code


@QUIET
@given(texts)
def test_strings_laid_out_come_back(whole):
    """All of them, or those at some places in any order."""
    cells = laid_out(whole)
    assert whole == strings(cells)
    places = np.arange(len(whole))[::-2].copy()
    assert whole[::-2] == strings(some_cells(cells, places))


@QUIET
@given(texts, st.integers(0, 2**64 - 1))
def test_fingerprints_are_equal_where_strings_are(whole, seed):
    """Wherever the string lies; under another seed all are others."""
    numbers = fingerprints(laid_out(["pad", *whole]), seed)[1:].tolist()
    assert [whole.index(one) for one in whole] == [numbers.index(one) for one in numbers]
    assert set(numbers).isdisjoint(fingerprints(laid_out(whole), seed ^ 1).tolist())


@QUIET
@given(texts, texts, st.data())
def test_cells_of_two_columns_are_compared(one, other, data):
    """Equal strings at two places; no string equals none."""
    numbers = st.lists(st.integers(-1, 39), min_size=9, max_size=9)
    rows = [min(number, len(one) - 1) for number in data.draw(numbers)]
    others = [min(number, len(other) - 1) for number in data.draw(numbers)]
    expected = [a >= 0 and b >= 0 and one[a] == other[b] for a, b in zip(rows, others, strict=True)]
    told = np.array(rows, dtype=np.int32), np.array(others, dtype=np.int32)
    assert expected == same_cells(laid_out(one), told[0], laid_out(other), told[1]).tolist()
