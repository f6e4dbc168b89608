"""Files of CLKs: what anonlink writes is read, what is written is what it writes."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.clkhash import clk_files
from linkage.clkhash.clk_files import (
    ClkSet,
    read_binary,
    read_blocks,
    read_clks,
    write_binary,
    write_blocks,
    write_clks,
)
from linkage.errors import LinkageError

RAW = [bytes([1, 2, 255]), bytes(3), b"abc"]
FILTERS = np.frombuffer(b"".join(RAW), dtype=np.uint8).reshape(3, 3)
TEXTS = [base64.b64encode(one).decode() for one in RAW]
BLOCKS = (("a", 'q"é'), (), ("a",))


def put(folder, document, name="clks.json"):
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_json_is_written_as_anonlink_writes_it(tmp_path, monkeypatch, at_once):
    """The very text of `json.dump`."""
    monkeypatch.setattr(clk_files, "_AT_ONCE", at_once)
    path = tmp_path / "x.json"
    write_clks(path, ClkSet(filters=FILTERS))
    assert json.dumps({"clks": TEXTS}) == path.read_text("ascii")
    write_clks(path, ClkSet(filters=FILTERS, blocks=BLOCKS))
    pairs = [[text, *names] for text, names in zip(TEXTS, BLOCKS, strict=True)]
    assert json.dumps({"clknblocks": pairs}) == path.read_text("ascii")
    assert read_clks(path).blocks == BLOCKS
    write_clks(path, ClkSet(filters=FILTERS[:0]))
    assert (json.dumps({"clks": []}), 0) == (path.read_text("ascii"), len(read_clks(path)))


@pytest.mark.parametrize(
    ("document", "blocks"),
    [
        ({"clks": TEXTS}, None),
        ({"clks": [f"{text[:2]}\n{text[2:]}\n" for text in TEXTS]}, None),
        ({"encodings": TEXTS}, None),
        ({"encodings": TEXTS, "blocks": {"0": ["a", 'q"é'], "1": [], "2": ["a"]}}, BLOCKS),
        ({"clknblocks": [[TEXTS[0], "a", 'q"é'], [TEXTS[1]], [TEXTS[2], "a"]]}, BLOCKS),
    ],
)
def test_every_form_of_json_is_read(tmp_path, document, blocks):
    """CLKs, encodings, with or without blocks."""
    found = read_clks(put(tmp_path, document))
    assert (FILTERS.tolist(), blocks) == (found.filters.tolist(), found.blocks)


@pytest.mark.parametrize(
    "document",
    [
        "", "{", "[]", "{}", {"clks": "AA=="}, {"clks": [1]}, {"clks": ["A"]}, {"clks": ["AA=="] * 2 + ["AAA="]}, {"clks": [""]},
        {"clks": ["é==="]}, {"clknblocks": [[]]}, {"clknblocks": ["AA=="]}, {"clknblocks": [["AA==", {}]]},
        {"clks": ["AA=="], "blocks": {"1": []}}, {"clks": ["AA=="], "blocks": []},
    ],
)  # fmt: skip
def test_other_files_are_refused_by_name_and_place(tmp_path, document):
    """With one code, and never what is in them."""
    with pytest.raises(LinkageError) as caught:
        read_clks(put(tmp_path, document))
    assert caught.value.code == "E_FICHIER_CLK"
    assert caught.value.message.startswith("clks.json : ")


@given(st.binary(max_size=60), st.integers(1, 9))
def test_binary_files_are_records_of_one_size_and_nothing_else(tmp_path_factory, data, size):
    """The bytes come back; a part of a CLK is refused."""
    path = tmp_path_factory.getbasetemp() / "x.bin"
    path.write_bytes(data)
    if len(data) % size:
        with pytest.raises(LinkageError, match="Hash-Size"):
            read_binary(path, size)
        return
    found = read_binary(path, size)
    assert (len(data) // size, size) == found.filters.shape
    write_binary(path, found)
    assert data == path.read_bytes()


def test_a_size_of_nothing_is_refused(tmp_path):
    """No division by it."""
    with pytest.raises(LinkageError):
        read_binary(put(tmp_path, "abc", "x.bin"), 0)


def test_blocks_travel_beside_a_binary_file(tmp_path):
    """As many rows of blocks as CLKs."""
    path = tmp_path / "blocks.json"
    write_blocks(path, BLOCKS)
    assert read_blocks(path) == BLOCKS
    binary = put(tmp_path, "abcdef", "x.bin")
    with pytest.raises(LinkageError) as caught:
        read_binary(binary, 3, BLOCKS)
    assert caught.value.code == "E_BLOCS_CLK"
    assert read_binary(binary, 2, BLOCKS).blocks == BLOCKS
