"""The CLKs are those of clkhash: its own frozen answers, an oracle in plain Python, and rules about rows."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.clkhash.clks import Source, encode_columns, encode_rows
from linkage.clkhash.coding import CodedColumn, column_of
from linkage.clkhash.linkage_schema import LinkageSchema, read_linkage_schema
from linkage.errors import LinkageError, RowsRefused
from tests.vectors import generate_clkhash as made

FROZEN = json.loads(made.FILE.read_text("utf-8"))
SECRET = made.SECRET.encode()
ROWS = [["1", "jean", "martin"], ["2", "anna", "d'arc"], ["3", "", "martin"], ["4", "jean", "x"]]


def schema_of(features: list[dict[str, Any]], length: int = 128, folds: int = 0) -> LinkageSchema:
    config = {"l": length, "xor_folds": folds, "kdf": made.KDF}
    return read_linkage_schema({"version": 3, "clkConfig": config, "features": features})


def bigrams(identifier: str, **form: Any) -> dict[str, Any]:
    comparison = {"type": "ngram", "n": 2}
    return made.feature(identifier, {"type": "string", **form}, comparison, {"bitsPerFeature": 20})


SIMPLE = schema_of([{"identifier": "id", "ignored": True}, bigrams("first"), bigrams("last", maxLength=6)])


def oracle(schema: dict[str, Any], secret: bytes, rows: list[list[str]]) -> list[bytes]:
    """CLKs of a schema of version 3 with string features, bit by bit from the published rules."""
    config, features = schema["clkConfig"], schema["features"]
    length = config["l"] * 2 ** config.get("xor_folds", 0)
    size = 2 * len(features) * config["kdf"]["keySize"]
    start = hmac.digest(b64decode(config["kdf"]["salt"]), secret, "sha256")
    stream, block = b"", b""
    while len(stream) < size:  # HKDF-Expand
        number = bytes([len(stream) // 32 + 1])
        block = hmac.digest(start, block + b64decode(config["kdf"]["info"]) + number, "sha256")
        stream += block
    keys = [stream[at : at + config["kdf"]["keySize"]] for at in range(0, size, config["kdf"]["keySize"])]
    found = []
    for row in rows:
        bits = [0] * length
        for place, (cell, feature) in enumerate(zip(row, features, strict=True)):
            for position in positions(cell, feature, keys[2 * place], keys[2 * place + 1], length):
                bits[position] = 1
        folded = [sum(bits[at :: config["l"]]) % 2 for at in range(config["l"])]
        folded += [0] * (-len(folded) % 8)
        found.append(bytes(int("".join(map(str, folded[at : at + 8])), 2) for at in range(0, len(folded), 8)))
    return found


def positions(cell: str, feature: dict[str, Any], first: bytes, second: bytes, length: int) -> list[int]:
    """The positions of one cell, repetitions included."""
    hashing, n = feature["hashing"], feature["hashing"]["comparison"]["n"]
    padded = " " * (n - 1) + cell + " " * (n - 1)
    grams = [padded[at : at + n] for at in range(len(padded) - n + 1)] if cell else []
    if hashing["comparison"]["positional"]:
        grams = [f"{rank} {gram}" for rank, gram in enumerate(grams, start=1)]
    found = []
    for rank, gram in enumerate(grams):
        token = gram.encode(feature["format"]["encoding"])
        if "bitsPerToken" in hashing["strategy"]:
            count = hashing["strategy"]["bitsPerToken"]
        else:
            bits = hashing["strategy"]["bitsPerFeature"]
            count = bits // len(grams) + (rank < bits % len(grams))
        if hashing["hash"]["type"] == "doubleHash":
            one = int(hmac.digest(first, token, "sha1").hex(), 16)
            other = int(hmac.digest(second, token, "md5").hex(), 16)
            found += [(one + at * other) % length for at in range(count)]
        else:
            for at in range(count):
                salt = str(at // 32).encode()
                digest = hashlib.blake2b(token, key=first, salt=salt).digest()
                found.append((digest[at % 32 * 2] + 256 * digest[at % 32 * 2 + 1]) % length)
    return found


@pytest.mark.parametrize(("name", "comparison", "strategy", "method"), made.groups())
def test_every_comparator_strategy_and_hash_gives_the_bits_of_clkhash(name, comparison, strategy, method):
    """Under every fold, treatment of missing values and character set, CLKs are those that clkhash made."""
    whole = hashlib.sha256()
    for document, rows in made.group_schemas(comparison, strategy, method):
        whole.update(encode_rows(read_linkage_schema(document), SECRET, rows).tobytes())
    assert FROZEN["groups"][name] == whole.hexdigest()[:32]


@pytest.mark.parametrize("name", made.schemas())
def test_whole_schemas_of_each_version_give_the_bits_of_clkhash(name):
    """Weights, formats, ignored features, key derivations and hashes of whole schemas."""
    document, rows = made.schemas()[name]
    found = encode_rows(read_linkage_schema(document), SECRET, rows)
    assert FROZEN["schemas"][name] == [b64encode(clk.tobytes()).decode() for clk in found]


@pytest.mark.parametrize(("name", "place"), [(one[0], place) for place, one in enumerate(made.variants())])
def test_schemas_that_clkhash_cannot_use_are_refused_and_only_those(name, place):
    """A schema is refused when it is read if, and only if, clkhash fails on it sooner or later."""
    _, document, row = made.variants()[place]
    before = copy.deepcopy(document)
    try:
        encode_rows(read_linkage_schema(document), SECRET, [row])
        verdict = "+"
    except LinkageError as error:
        assert error.code == ("E_SCHEMA_CLK" if not isinstance(error, RowsRefused) else "E_VALEUR_CLK")  # noqa: PT017
        verdict = "-"
    assert FROZEN["verdicts"][place] == verdict
    assert before == document


@given(
    st.lists(st.lists(st.text(max_size=12), min_size=2, max_size=2), max_size=8),
    st.sampled_from([(64, 0), (32, 2), (1024, 0)]),
    st.tuples(st.integers(1, 4), st.booleans()),
    st.sampled_from([{"bitsPerToken": 40}, {"bitsPerFeature": 17}, {"bitsPerToken": 1}]),
    st.sampled_from(["blakeHash", "doubleHash"]),
    st.binary(min_size=1, max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_any_rows_give_what_the_rules_say(rows, shape, grams, strategy, method, secret):
    """The fast path equals the definition, whatever the text."""
    comparison = {"type": "ngram", "n": grams[0], "positional": grams[1]}
    form = {"type": "string", "encoding": "utf-16"}
    rows = [["".join(c for c in cell if not "\ud800" <= c <= "\udfff") for cell in row] for row in rows]
    features = [made.feature(str(at), form, comparison, strategy, hash={"type": method}) for at in range(2)]
    config = {"l": shape[0], "xor_folds": shape[1], "kdf": made.KDF}
    document = {"version": 3, "clkConfig": config, "features": features}
    found = encode_rows(read_linkage_schema(document), secret, rows)
    assert oracle(document, secret, rows) == [clk.tobytes() for clk in found]


def test_columns_give_what_rows_give():
    """Coded columns, with cells that no row has among them, are the same records."""
    first, last = ([row[at] for row in ROWS] for at in (1, 2))
    coded = column_of(last)
    wider = CodedColumn(values=["nobody", *coded.values], codes=(coded.codes + 1).astype(np.int32))
    found = encode_columns(SIMPLE, SECRET, [None, column_of(first), wider], len(ROWS))
    assert encode_rows(SIMPLE, SECRET, ROWS).tolist() == found.tolist()


def test_a_column_with_more_rows_than_cells_gives_the_same_bits():
    """Repeated cells go through masks, rare ones straight to the rows: no bit depends on which."""
    once, often = encode_rows(SIMPLE, SECRET, ROWS), encode_rows(SIMPLE, SECRET, ROWS * 50)
    assert once.tolist() * 50 == often.tolist()


def test_no_row_gives_no_clk():
    """An empty list is no error."""
    assert encode_rows(SIMPLE, SECRET, []).shape == (0, 16)


def test_bad_cells_are_all_named_by_line_feature_and_rule():
    """Every bad row is named, the value is not."""
    rows = [["1", "a", "abcdefg"], ["2", "b", "fine"], ["3", "c", "secretvalue"]]
    with pytest.raises(RowsRefused) as caught:
        encode_rows(SIMPLE, SECRET, rows, source=Source(name="f.csv", lines=[2, 3, 5]))
    assert [(2, "last"), (5, "last")] == [(one.row, one.column) for one in caught.value.problems]
    assert caught.value.code == "E_VALEUR_CLK"
    assert "plus de 6 caractère(s)" in str(caught.value)
    assert "abcdefg" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_rows_of_another_width_are_named():
    """A row with a cell too many or too few refuses the whole."""
    with pytest.raises(RowsRefused) as caught:
        encode_rows(SIMPLE, SECRET, [["1", "a", "b"], ["2", "a"], [], ["3", "a", "b", "c"]])
    assert caught.value.code == "E_NOMBRE_CHAMPS"
    assert [2, 3, 4] == [one.row for one in caught.value.problems]


def test_without_validation_a_format_refuses_nothing_that_has_a_word():
    """What clkhash does with `validate=False`: lengths no longer count, an integer must still be one."""
    rows = [["1", "a", "longer than six"]]
    assert encode_rows(SIMPLE, SECRET, rows, check=False).any()
    number = schema_of([made.feature("n", {"type": "integer", "maximum": 3}, {"type": "exact"}, {"bitsPerToken": 2})])
    assert encode_rows(number, SECRET, [["12"]], check=False).any()
    with pytest.raises(RowsRefused):
        encode_rows(number, SECRET, [["x"]], check=False)
