"""What travels reads back as it was written, to the byte, and nothing else is accepted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.wire import (
    SMALLEST_DELIVERY,
    EncodedPass,
    delivery_from_bytes,
    delivery_to_bytes,
    payload_width,
    payloads_from_bytes,
    row_bytes,
    rows_from_bytes,
    rows_to_bytes,
)
from tests import oracle_matching as oracle

VECTORS = json.loads((Path(__file__).parent / "vectors" / "wire_rows.json").read_text("utf-8"))
identifiers = st.lists(st.binary(min_size=16, max_size=16), max_size=20)


def drawn(seed: int, rows: int, words: int) -> EncodedPass:
    rng = np.random.default_rng(seed)
    return EncodedPass(
        ids=rng.integers(0, 256, (rows, 16), dtype=np.uint8),
        tags=rng.integers(0, 256, (rows, 16), dtype=np.uint8),
        filters=rng.integers(0, 2**64, (rows, words), dtype=np.uint64),
    )


def table(ids: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 16)


def slow_rows(one: EncodedPass) -> bytes:
    return b"".join(oracle.row(bytes(one.ids[k]), bytes(one.tags[k]), one.filters[k].tolist()) for k in range(len(one)))


passes = st.tuples(st.integers(0, 2**32), st.integers(0, 9), st.integers(1, 5))


@given(passes)
def test_rows_are_written_as_the_oracle_writes_them(drawing):
    """Id, tag, then the words from the lowest byte up, row after row."""
    one = drawn(*drawing)
    data = rows_to_bytes(one)
    assert slow_rows(one) == data
    assert len(one) * row_bytes(64 * drawing[2]) == len(data)


@given(passes)
def test_rows_read_back(drawing):
    """Reading what was written gives equal columns of the right kind, and writing them again equal bytes."""
    one = drawn(*drawing)
    data = rows_to_bytes(one)
    other = rows_from_bytes(data, 64 * drawing[2])
    for name, kind in (("ids", "uint8"), ("tags", "uint8"), ("filters", "uint64")):
        column = getattr(other, name)
        assert np.array_equal(getattr(one, name), column)
        assert (kind, True) == (column.dtype.name, column.flags.c_contiguous)
    assert data == rows_to_bytes(other)


@given(passes, st.integers(0, 9), st.integers(0, 9))
def test_slices_join_to_the_whole(drawing, one_cut, other_cut):
    """Chunks of whole rows, put end to end, are the pass."""
    one = drawn(*drawing)
    first, second = sorted(min(cut, len(one)) for cut in (one_cut, other_cut))
    parts = [rows_to_bytes(one, 0, first), rows_to_bytes(one, first, second), rows_to_bytes(one, second)]
    assert rows_to_bytes(one) == b"".join(parts)


@given(passes, st.integers(1, 39))
def test_rows_cut_short_are_refused(drawing, missing):
    """A number of bytes that is no number of rows is refused."""
    data = rows_to_bytes(drawn(*drawing)) + bytes(row_bytes(64 * drawing[2]) - missing)
    with pytest.raises(LinkageError, match="E_FORMAT_LIGNES"):
        rows_from_bytes(data, 64 * drawing[2])


@pytest.mark.parametrize("vector", VECTORS["rows"], ids=lambda vector: f"{vector['length']} bits")
def test_rows_of_the_frozen_vectors(vector):
    """Bytes frozen with the format give the rows that they were made from, and the rows the bytes."""
    one = rows_from_bytes(bytes.fromhex(vector["bytes"]), vector["length"])
    assert [row["id"] for row in vector["rows"]] == [bytes(line).hex() for line in one.ids]
    assert [row["tag"] for row in vector["rows"]] == [bytes(line).hex() for line in one.tags]
    read = [
        [j for j in range(vector["length"]) if int(words[j // 64]) >> (j % 64) & 1] for words in one.filters.tolist()
    ]
    assert [row["bits"] for row in vector["rows"]] == read
    assert vector["bytes"] == rows_to_bytes(one).hex()


@pytest.mark.parametrize("vector", VECTORS["deliveries"], ids=lambda vector: f"{vector['size']} bytes")
def test_deliveries_of_the_frozen_vectors(vector):
    """A frozen delivery reads and writes as it did; its zeros are counted, not kept."""
    certain, grey = (table([bytes.fromhex(one) for one in vector[name]]) for name in ("certain", "grey"))
    sealed = [bytes.fromhex(one) for one in vector["payloads"]]
    payloads = np.frombuffer(b"".join(sealed), dtype=np.uint8).reshape(len(sealed), -1) if sealed else None
    data = bytes.fromhex(vector["head"]).ljust(vector["size"], b"\0")
    assert data == delivery_to_bytes(certain, grey, payloads)
    read = delivery_from_bytes(data)
    assert [sorted(vector["certain"]), sorted(vector["grey"])] == [[bytes(x).hex() for x in part] for part in read[:2]]
    assert sealed == [bytes(one) for one in read.payloads][: len(sealed)]


@given(identifiers, identifiers)
def test_deliveries_read_back_sorted(certain, grey):
    """Both lists come back, each sorted, from the bytes that the oracle writes too."""
    data = delivery_to_bytes(table(certain), table(grey))
    assert oracle.delivery(certain, grey) == data
    assert [sorted(certain), sorted(grey)] == [[bytes(one) for one in part] for part in delivery_from_bytes(data)[:2]]


@given(
    st.dictionaries(st.binary(min_size=16, max_size=16), st.binary(min_size=40, max_size=40), min_size=1), identifiers
)
def test_payloads_stay_with_their_ids(sealed, grey):
    """Whatever the order in which links come, each certain id keeps its payload, in the oracle's bytes."""
    payloads = np.frombuffer(b"".join(sealed.values()), dtype=np.uint8).reshape(-1, 40)
    data = delivery_to_bytes(table(list(sealed)), table(grey), payloads)
    assert oracle.delivery(sealed, grey, sealed) == data
    read = delivery_from_bytes(data)
    assert sealed == {bytes(one): bytes(two) for one, two in zip(read.certain, read.payloads, strict=True)}


@given(passes, st.sampled_from([0, 1, 8, 10, 1024]))
def test_payloads_of_rows_are_read_apart_from_them(drawing, size):
    """A row is whole words with its payload; filters read the same with it and without."""
    one, width = drawn(*drawing), payload_width(size)
    sealed = np.random.default_rng(drawing[0]).integers(0, 256, (len(one), width), dtype=np.uint8)
    plain = rows_to_bytes(one)
    bare = np.frombuffer(plain, dtype=np.uint8).reshape(len(one), row_bytes(64 * drawing[2]))
    data = np.concatenate([bare, sealed], axis=1).tobytes()
    assert (0, size and width) == (width % 8, width)
    assert len(data) == len(one) * row_bytes(64 * drawing[2], width)
    assert plain == rows_to_bytes(rows_from_bytes(data, 64 * drawing[2], width))
    assert np.array_equal(sealed, payloads_from_bytes(data, 64 * drawing[2], width))


@given(st.permutations(range(12)))
def test_the_order_of_links_does_not_show(order):
    """The same ids in any order make the same delivery."""
    ids = [bytes([k] * 16) for k in range(12)]
    mixed = [ids[k] for k in order]
    assert delivery_to_bytes(table(ids[:8]), table(ids[8:])) == delivery_to_bytes(
        table([one for one in mixed if one in ids[:8]]), table([one for one in mixed if one in ids[8:]])
    )


@pytest.mark.parametrize(("ids", "size"), [(0, 4096), (1, 4096), (255, 4096), (256, 8192), (511, 8192), (512, 16384)])
def test_sizes_are_classes(ids, size):
    """The length of a delivery tells only which power of two its content fits in."""
    some = np.zeros((ids, 16), dtype=np.uint8)
    assert (size, size) == (len(delivery_to_bytes(some, some[:0])), len(delivery_to_bytes(some[:0], some)))


def refused_deliveries() -> dict[str, bytes]:
    good = delivery_to_bytes(table([b"\1" * 16, b"\2" * 16]), table([b"\3" * 16]))
    return {
        "empty": b"",
        "another magic": b"AVD1" + good[4:],
        "too short": good[:-1],
        "one byte more": good + b"\0",
        "a larger class than needed": good + bytes(SMALLEST_DELIVERY),
        "something in the padding": good[:-1] + b"\1",
        "something just after the ids": good[:64] + b"\1" + good[65:],
        "ids out of order": good[:16] + b"\2" * 16 + b"\1" * 16 + good[48:],
        "more ids than bytes": good[:4] + b"\xff" * 8 + good[12:],
        "payloads that are not there": good[:12] + b"\xff" * 4 + good[16:],
        "payloads of zeros": good[:12] + bytes([0, 0, 8, 0]) + good[16:],
    }


@pytest.mark.parametrize("name", refused_deliveries())
def test_other_deliveries_are_refused(name):
    """What the writer would not have written is no delivery."""
    with pytest.raises(LinkageError, match="E_FORMAT_LIVRAISON"):
        delivery_from_bytes(refused_deliveries()[name])
