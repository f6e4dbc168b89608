"""An upload's appendix: one length, one key, one manifest, and only what it may hold."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import SealBroken
from crypto.framing import Label
from crypto.keys import derive
from crypto.sealing import seal_chunk
from service.errors import ServiceError
from service.messages import Manifest
from service.upload_appendix import APPENDIX_BYTES, MOST_CANARIES, appendix_context, open_appendix, seal_appendix

KEY = bytes(range(32))
MANIFEST = Manifest(
    agreement="a" * 64, run="b" * 32, comparison="caf.cnous", pass_="jour", party="cnous", role="source", count=5,
    row_bytes=64, chunks=(), wrapped_key=b"", mean_fill_permille=500, nonce="d" * 32, appendix=b"",
)  # fmt: skip


def sealed_as(plain: bytes) -> Manifest:
    """A manifest whose appendix holds these bytes, well sealed."""
    context = appendix_context(MANIFEST)
    key = derive(KEY, Label.UPLOAD_APPENDIX, context)
    return replace(MANIFEST, appendix=seal_chunk(key, context, 0, True, plain))


@given(st.sets(st.binary(min_size=16, max_size=16), max_size=MOST_CANARIES))
def test_what_is_sealed_is_opened_and_has_one_length(ids):
    """No canary and as many as there may be look the same from outside."""
    sealed = seal_appendix(MANIFEST, KEY, ids)
    assert APPENDIX_BYTES == len(sealed)
    assert frozenset(ids) == open_appendix(replace(MANIFEST, appendix=sealed), KEY)


def test_the_order_and_repeats_of_ids_change_nothing():
    """The same set makes the same bytes."""
    ids = [bytes([k] * 16) for k in range(9)]
    assert seal_appendix(MANIFEST, KEY, ids) == seal_appendix(MANIFEST, KEY, [*ids[::-1], ids[3]])


@pytest.mark.parametrize(
    "changes", [{"run": "c" * 32}, {"pass_": "noms"}, {"party": "caf"}, {"nonce": "e" * 32}, {"agreement": "f" * 64}]
)
def test_an_appendix_opens_in_its_upload_only(changes):
    """Neither in another run, pass or party, nor in the next encoding of the same pass."""
    sealed = seal_appendix(MANIFEST, KEY)
    with pytest.raises(SealBroken):
        open_appendix(replace(MANIFEST, appendix=sealed, **changes), KEY)
    with pytest.raises(SealBroken):
        open_appendix(replace(MANIFEST, appendix=sealed), secrets.token_bytes(32))


@pytest.mark.parametrize("ids", [[bytes([k]) * 16 for k in range(MOST_CANARIES + 1)], [b"short"]])
def test_other_ids_are_not_sealed(ids):
    """Too many, or of another size."""
    with pytest.raises(ValueError, match="canaries"):
        seal_appendix(MANIFEST, KEY, ids)


SIZE = APPENDIX_BYTES - 16


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"AVX1" + bytes(SIZE - 5),
        b"AVX2" + bytes(SIZE - 4),
        b"AVX1" + (129).to_bytes(4, "big") + bytes(SIZE - 8),
        b"AVX1" + (2).to_bytes(4, "big") + b"\2" * 16 + b"\1" * 16 + bytes(SIZE - 40),
        b"AVX1" + (2).to_bytes(4, "big") + b"\1" * 32 + bytes(SIZE - 40),
        b"AVX1" + (1).to_bytes(4, "big") + b"\1" * 17 + bytes(SIZE - 25),
    ],
)
def test_another_content_is_refused(plain):
    """Size, magic, count, order, repeats and padding are all checked once it is opened."""
    with pytest.raises(ServiceError) as caught:
        open_appendix(sealed_as(plain), KEY)
    assert "E_ANNEXE" == caught.value.code
