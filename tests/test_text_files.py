"""Text of unknown encoding: found, refused with its line, and handed over in blocks that end where lines end."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage import text_files
from linkage.errors import LinkageError
from linkage.text_files import open_text

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
UTF8_PAIR = re.compile(rb"[\xc3-\xc5][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\xbf]")

pieces = st.sampled_from(
    [b"A", b"\n", b"\r\n", b"\xc3\xa9", b"\xe9", b"\xe2\x80\x99", b"\x81", b"\0", b"\xf0\x9f\x98\x80"]
)
data = st.lists(pieces, min_size=1, max_size=25).map(b"".join)


def oracle(body: bytes) -> tuple[str, int] | str:
    """(code, line) of the refusal, or the encoding, looking at the whole at once."""
    if b"\0" in body:
        return "E_OCTET_NUL", body.count(b"\n", 0, body.index(b"\0")) + 1
    try:
        body.decode()
    except UnicodeDecodeError as error:
        broken = body.count(b"\n", 0, error.start) + 1
        if UTF8_PAIR.search(body):
            return "E_ENCODAGE_MELANGE", broken
        try:
            body.decode("cp1252")
        except UnicodeDecodeError as other:
            return "E_ENCODAGE", body.count(b"\n", 0, other.start) + 1
        return "cp1252"
    return "utf-8"


@given(data, st.integers(4, 12))
@QUIET
def test_the_encoding_is_that_of_the_whole(tmp_path, body, block):
    """Whatever the blocks in which a file is looked through, characters and faults between two of them included."""
    path = tmp_path / "f"
    path.write_bytes(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "BLOCK", block)
        expected = oracle(body)
        if isinstance(expected, str):
            text = open_text(path)
            assert (expected, body.decode(expected)) == (text.encoding, text.text())
            blocks = list(text.blocks(text.start, block))
            assert body.decode(expected).encode() == b"".join(blocks)
            assert all(one.endswith(b"\n") for one in blocks[:-1])
        else:
            with pytest.raises(LinkageError) as refusal:
                open_text(path)
            assert (expected[0], True) == (refusal.value.code, f"ligne {expected[1]} " in refusal.value.message)


def test_a_byte_order_mark_is_no_text(tmp_path):
    """UTF-8 with its mark starts after it; UTF-16 is refused."""
    path = tmp_path / "f"
    path.write_bytes(b"\xef\xbb\xbfid")
    assert (3, "id") == (open_text(path).start, open_text(path).text())
    path.write_bytes("id".encode("utf-16"))
    with pytest.raises(LinkageError, match="UTF-16"):
        open_text(path)


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    """Before it fills the memory."""
    monkeypatch.setattr(text_files, "_LONGEST_LINE", 1000)
    path = tmp_path / "f"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(LinkageError, match="E_CSV"):
        list(open_text(path).blocks(0, 100))
