"""Features of the three versions. Agreement with clkhash on what is refused is in `test_clks`."""

from __future__ import annotations

import pytest

from linkage.clkhash.comparators import Exact, Ngram, Numeric
from linkage.clkhash.feature_reading import Missing, Shares, read_feature, read_token_hash
from linkage.clkhash.formats import DateFormat, EnumFormat, IntegerFormat, PatternFormat, TextFormat
from linkage.clkhash.pointed import Pointed
from linkage.errors import SheetError
from tests.vectors import generate_clkhash as made


def read(version, document):
    return read_feature(version, Pointed(value=document), 20, "double")


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ({"type": "string"}, TextFormat),
        ({"type": "string", "pattern": "a*"}, PatternFormat),
        ({"type": "integer", "minimum": 2}, IntegerFormat),
        ({"type": "date", "format": "%Y"}, DateFormat),
        ({"type": "enum", "values": ["a"]}, EnumFormat),
    ],
)
def test_each_format_is_read(form, kind):
    """A format of the schema is one of ours."""
    feature = read(3, made.feature("x", form, {"type": "exact"}, {"bitsPerToken": 1}))
    assert isinstance(feature.hashing.format, kind)
    assert feature.hashing.comparator == Exact()


def test_versions_say_the_same_in_their_own_words():
    """The same n-grams with the same insertions, in each version."""
    shares = Shares(bits=20, shared=False)
    first = read(1, {"identifier": "x", "format": made.TEXT, "hashing": {"ngram": 2, "positional": True}})
    second = read(
        2, {"identifier": "x", "format": made.TEXT, "hashing": {"ngram": 2, "positional": True, "strategy": {"k": 20}}}
    )
    third = read(3, made.feature("x", made.TEXT, {"type": "ngram", "n": 2, "positional": True}, {"bitsPerToken": 20}))
    for feature in (first, second, third):
        assert (Ngram(n=2, positional=True), shares) == (feature.hashing.comparator, feature.hashing.shares)
    assert ["double", "blake", "blake"] == [one.hashing.token_hash for one in (first, second, third)]


def test_a_missing_value_without_replacement_stands_for_itself():
    """The sentinel is then the word."""
    one = made.feature("x", made.TEXT, {"type": "exact"}, {"bitsPerToken": 1}, missingValue={"sentinel": "NA"})
    assert read(3, one).hashing.missing == Missing(sentinel="NA", replacement="NA")


def test_a_distance_counts_the_digits_after_the_point():
    """The interval of the grid is the distance at the precision of the feature."""
    one = made.feature("x", made.TEXT, made.COMPARISONS["numeric_fine"], {"bitsPerToken": 1})
    assert read(3, one).hashing.comparator == Numeric(interval=75, resolution=3, precision=2)


def test_hashes_are_three():
    """Double hashes are told apart by `prevent_singularity`."""
    assert ["blake", "double", "double_sound"] == [read_token_hash(Pointed(value=one)) for one in made.HASHES.values()]


def test_a_replacement_that_cannot_be_written_is_refused_beforehand():
    """clkhash would fail on the first missing value."""
    form = {"type": "string", "encoding": "ascii"}
    missing = {"sentinel": "", "replaceWith": "é"}
    with pytest.raises(SheetError, match="/hashing/missingValue/replaceWith"):
        read(3, made.feature("x", form, {"type": "exact"}, {"bitsPerToken": 1}, missingValue=missing))
