"""Schema files: what is read, what is refused and where. Agreement with clkhash itself is in `test_clks`."""

from __future__ import annotations

import json

import pytest

from linkage.clkhash.linkage_schema import load_linkage_schema, read_linkage_schema
from linkage.errors import SheetError
from tests.vectors import generate_clkhash as made


def changed(path, value):
    document = json.loads(json.dumps(made.schemas()["v3"][0]))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


def test_the_three_versions_give_one_kind_of_description():
    """Versions 1 and 2 are read at once, without passing by the third."""
    for version, name in enumerate(("v1", "v2", "v3"), start=1):
        schema = read_linkage_schema(made.schemas()[name][0])
        assert (version, 7) == (schema.version, len(schema.features))
        assert schema.features[0].hashing is None


def test_weights_of_the_first_version_become_insertions():
    """Weight times k, rounded to even at a half; weight 0 ignores the feature."""
    schema = read_linkage_schema(made.schemas()["v1"][0])
    bits = [one.hashing.shares.bits if one.hashing else None for one in schema.features]
    assert [None, 2, 8, 5, 4, None, 10] == bits


def test_folds_are_those_that_clkhash_makes():
    """`xor_folds` folds; `xorFolds` does not, and a notice says so."""
    folded = read_linkage_schema(made.schemas()["v3_folded"][0])
    assert (256, 2, 1024, ()) == (folded.length, folded.folds, folded.hashed_length, folded.notices)
    told = read_linkage_schema(made.schemas()["v3_published_key_for_folds"][0])
    assert (0, 256, 1) == (told.folds, told.hashed_length, len(told.notices))
    assert "xor_folds" in told.notices[0]


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("version",), 4, "/version"),
        (("clkConfig", "l"), 1000, "/clkConfig/l"),
        (("clkConfig", "l"), 2**21, "/clkConfig/l"),
        (("clkConfig", "kdf", "keySize"), 65, "/clkConfig/kdf/keySize"),
        (("clkConfig", "kdf", "keySize"), 4000, "/clkConfig/kdf/keySize"),
        (("clkConfig", "kdf", "salt"), "a", "/clkConfig/kdf/salt"),
        (("features",), [], "/features"),
        (("features", 2, "format", "pattern"), "(", "/features/2/format/pattern"),
        (("features", 3, "format", "format"), "%d/%Q", "/features/3/format/format"),
        (
            ("features", 4, "hashing", "comparison", "thresholdDistance"),
            -1,
            "/features/4/hashing/comparison/thresholdDistance",
        ),
        (("features", 1, "hashing", "strategy", "bitsPerToken"), 3, "/features/1/hashing/strategy"),
    ],
)
def test_a_refusal_points_to_what_must_change(path, value, pointer):
    """The JSON pointer is in the message."""
    document = changed(path, value)
    with pytest.raises(SheetError) as caught:
        read_linkage_schema(document, "s.json")
    assert caught.value.code == "E_SCHEMA_CLK"
    assert caught.value.message.startswith(f"s.json : {pointer} : ")


def test_a_double_hash_of_one_bit_cannot_be_made_sound():
    """clkhash never ends on it."""
    document = changed(("clkConfig", "l"), 1)
    document["features"] = [
        made.feature("x", made.TEXT, {"type": "exact"}, {"bitsPerToken": 1}, hash=made.HASHES["sound"])
    ]
    with pytest.raises(SheetError, match="/clkConfig/l"):
        read_linkage_schema(document)


def test_files_are_read_with_or_without_a_mark(tmp_path):
    """A byte-order mark is no part of JSON."""
    document = made.schemas()["v3"][0]
    path = tmp_path / "s.json"
    path.write_text(json.dumps(document), "utf-8-sig")
    assert read_linkage_schema(document) == load_linkage_schema(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff{}", b"[" * 100_000, b"[]", b"null", b'{"version": NaN}'])
def test_what_is_no_schema_is_refused(tmp_path, content):
    """Whatever the bytes, the refusal has its code."""
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(SheetError) as caught:
        load_linkage_schema(path)
    assert caught.value.code == "E_SCHEMA_CLK"
