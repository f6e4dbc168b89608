"""Compiled cutting gives the tokens of the definition."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clkhash.comparators import Exact, Ngram, Numeric
from linkage.clkhash.cutting import cut


def told(comparator, words) -> list[list[str]]:
    tokens, refused = cut(comparator, words)
    assert refused == []
    assert len(tokens.names) == len(set(tokens.names))
    ends = tokens.offsets.tolist()
    numbers = tokens.tokens.tolist()
    return [[tokens.names[one] for one in numbers[start:stop]] for start, stop in pairwise(ends)]


@given(
    st.lists(st.one_of(st.text("ab é", max_size=9), st.text(max_size=9)), max_size=12), st.integers(1, 9), st.booleans()
)
@settings(deadline=None)
def test_grams_are_those_of_the_definition(words, n, positional):
    """Whatever the alphabet, also where a gram does not fit in a key."""
    comparator = Ngram(n=n, positional=positional)
    assert [comparator.tokens(word) for word in words] == told(comparator, words)


def test_many_distinct_grams_make_the_table_grow():
    """More grams than the first table holds, and a word longer than it."""
    words = [chr(0x4E00 + number) + chr(0x4E00 + 7 * number % 5000) for number in range(5000)]
    words.append("".join(chr(0x4E00 + number % 3000) for number in range(20_000)))
    comparator = Ngram(n=2, positional=False)
    assert [comparator.tokens(word) for word in words] == told(comparator, words)


def test_words_that_are_no_number_are_named():
    """The others keep their tokens."""
    tokens, refused = cut(Numeric(interval=1, resolution=1), ["1", "x", "", "2"])
    assert ([1], [0, 3, 3, 3, 6]) == (refused, tokens.offsets.tolist())


def test_whole_words_are_their_own_token():
    """Repetitions between words share a number."""
    assert [["a b"], [], ["a b"]] == told(Exact(), ["a b", "", "a b"])
