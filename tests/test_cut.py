"""Values cut many at a time: the same bigrams as `linkage.features` one value at a time, whatever the letters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attribute import Attribute
from linkage.bits import NO_LETTER
from linkage.cut import LARGEST_ALPHABET, LETTERS, cut, heads, pack, rules_of, survey, word_groups
from linkage.features import block_part, groups, tokens
from linkage.sheet import Sheet

LETTERS_MET = "ABDELMN" + "DELA" + "  --_ÉŒЖΩ中𝔸𐍈"  # particles, marks, accents, other scripts, beyond the first plane
WAYS: list[dict[str, Any]] = [
    {"kind": "name"},
    {"kind": "given_names"},
    {"kind": "text"},
    {"kind": "name", "compare": "bigrams"},
    {"kind": "given_names", "compare": "bigrams"},
    {"kind": "code", "compare": "bigrams"},
]
words = st.text(LETTERS_MET, min_size=1, max_size=14) | st.text(LETTERS_MET, min_size=60, max_size=120)
columns = st.lists(words | st.sampled_from(["DE LA", "LA", "DE LA TOUR", "_", "-", " "]), min_size=1, unique=True)


def attribute_of(way: dict[str, Any]) -> Attribute:
    """The only attribute of a sheet."""
    return Sheet.from_table({"version": "linkage/v1", "attributes": {"a": {"bits": 5, **way}}}).attributes[0]


@given(st.sampled_from(WAYS), columns)
@settings(max_examples=150, deadline=None)
def test_a_cut_gives_the_tokens_of_each_value(way, values):
    """Names, given names and texts; particles, hyphens, joined words, repeated bigrams, short and long values."""
    attribute, packed = attribute_of(way), pack(values)
    rules = rules_of(attribute, ())
    assert packed is not None
    assert rules is not None
    found = cut(packed, rules, np.arange(len(values), dtype=np.int32))
    for number, value in enumerate(values):
        bigrams = found.bigrams[found.starts[number] : found.starts[number + 1]].tolist()
        parts = bigrams[: found.split[number]], bigrams[found.split[number] :]
        spelled = [[packed.spelling(one) for one in part] for part in parts]
        held = tokens(attribute, value)
        assert [held.get(group, []) for group in groups(attribute)] == spelled[: len(groups(attribute))]


@given(
    st.sampled_from(WAYS[:2]), columns, st.sampled_from([(), ("initial",), ("two",), ("three",), ("initial", "two")])
)
@settings(max_examples=100, deadline=None)
def test_a_survey_says_what_values_have(way, values, left_out):
    """Which groups a value has, and of each bigram in how many values and among how few, left-out ones left out."""
    attribute, packed = attribute_of(way), pack(values)
    rules = rules_of(attribute, left_out)
    assert packed is not None
    assert rules is not None
    whole = cut(packed, rules, np.arange(len(values), dtype=np.int32))
    first_letters = heads(packed, given=bool(rules[0]), strip=True)
    found, again = (survey(packed, rules, one, first_letters) for one in (whole, None))
    held = [tokens(attribute, value, left_out) for value in values]
    order = list(groups(attribute))
    assert [sum(1 << order.index(group) for group in one) for one in held] == found.present.tolist()
    for number in np.flatnonzero(found.uses).tolist():
        name = packed.spelling(number)
        sizes = [[len(one.get(group, [])) for one in held if name in one.get(group, [])] for group in order]
        assert sum(map(len, sizes)) == found.uses[number]
        assert [min(some, default=0) for some in sizes] == found.least[: len(order), number].tolist()
    for first, second in zip(vars(found).values(), vars(again).values(), strict=True):
        assert first.tolist() == second.tolist()


@given(st.sampled_from(["name", "given_names"]), columns)
@settings(max_examples=100, deadline=None)
def test_heads_are_the_letters_of_the_block_value(kind, values):
    """The first one, two and three letters that a value is filed under, or that it has not so many."""
    attribute, packed = attribute_of({"kind": kind}), pack(values)
    assert packed is not None
    found = heads(packed, given=kind == "given_names", strip=kind == "given_names")
    for value, places in zip(values, found.tolist(), strict=True):
        for part, size in LETTERS.items():
            letters = "".join(packed.alphabet[place] for place in places[:size] if place != NO_LETTER)
            assert block_part(attribute, part, value) == (letters if len(letters) == size else None)


def test_an_alphabet_too_large_is_not_packed():
    """One value more with a letter of its own, and the column is left to the slow way."""
    values = [chr(0x4E00 + number) for number in range(LARGEST_ALPHABET - 1)]
    packed = pack(values)
    assert packed is not None
    assert LARGEST_ALPHABET == len(packed.alphabet)
    assert pack([*values, "é"]) is None


@pytest.mark.parametrize("kind", ["date", "sex", "cog", "country", "category"])
def test_other_kinds_have_no_rules(kind):
    """Only what is compared by bigrams is cut here; nothing is where the whole value divides."""
    assert rules_of(attribute_of({"kind": kind}), ()) is None
    assert rules_of(attribute_of({"kind": "text"}), ("value",)) is None
    assert rules_of(attribute_of({"kind": "name", "compare": "exact"}), ()) is None


@given(st.lists(st.text("AB -", min_size=1, max_size=6), unique=True, max_size=40), st.booleans())
@settings(max_examples=100, deadline=None)
def test_words_are_grouped_as_they_are_spelled(values, rest):
    """Two values are in one group when their first words, or what follows, are the same; its first value stands for it."""
    packed = pack(values)
    assert packed is not None
    found, firsts = word_groups(packed, rest=rest)
    spelled = [value.partition(" ")[2 if rest else 0] for value in values]
    place_of = {word: place for place, word in enumerate(dict.fromkeys(spelled))}
    assert [place_of[word] for word in spelled] == found.tolist()
    assert [spelled.index(word) for word in place_of] == firsts.tolist()
