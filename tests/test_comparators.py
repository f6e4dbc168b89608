"""Tokens of words, from the examples of clkhash's own documentation and the rules of the page."""

from __future__ import annotations

import pytest

from linkage.clkhash.comparators import Exact, Ngram, Numeric


def test_bigrams_have_a_space_at_each_end():
    """The documented example."""
    assert [" c", "cl", "lk", "kh", "ha", "as", "sh", "h "] == Ngram(n=2).tokens("clkhash")


def test_positional_grams_have_their_rank():
    """From 1, then a space, then the gram."""
    assert ["1  a", "2 ab", "3 b "] == Ngram(n=2, positional=True).tokens("ab")


def test_single_characters_have_no_padding():
    """Repetitions stay."""
    assert ["a", "a"] == Ngram(n=1).tokens("aa")


@pytest.mark.parametrize("comparator", [Ngram(n=3), Exact(), Numeric(interval=5, resolution=2)])
def test_nothing_has_no_token(comparator):
    """An empty word sets no bit."""
    assert comparator.tokens("") == []


def test_close_numbers_share_tokens_and_far_ones_none():
    """The documented example: 25 with a distance of 8 and two neighbours."""
    near = Numeric(interval=8, resolution=2)
    assert ["88", "96", "104", "112", "120"] == near.tokens("25")
    assert set(near.tokens("25")) & set(near.tokens("26"))
    assert not set(near.tokens("25")) & set(near.tokens("45"))


@pytest.mark.parametrize("word", ["x", "nan", "inf", "1e999", "--1"])
def test_no_number_is_an_error_of_value(word):
    """And of no other kind."""
    with pytest.raises(ValueError):  # noqa: PT011
        Numeric(interval=1, resolution=1, precision=2).tokens(word)
