"""CSV files of people as clkhash reads them."""

from __future__ import annotations

import pytest

from linkage.clkhash import people_files
from linkage.clkhash.clks import encode_rows
from linkage.clkhash.linkage_schema import read_linkage_schema
from linkage.clkhash.people_files import encode_file
from linkage.errors import LinkageError, RowsRefused
from tests.vectors import generate_clkhash as made

SCHEMA = read_linkage_schema(
    {
        "version": 3,
        "clkConfig": {"l": 64, "kdf": made.KDF},
        "features": [
            {"identifier": "id", "ignored": True},
            made.feature("name", {"type": "string", "maxLength": 9}, {"type": "ngram", "n": 2}, {"bitsPerToken": 3}),
        ],
    }
)
ROWS = [["1", "jean"], ["2", " anna "], ["3", "a\nb"], ["4", "d'é"], ["5", 'q"q']]
TEXT = 'id,name\r\n1,jean\r\n2, anna \r\n3,"a\r\nb"\r\n4,d\'é\r\n5,"q""q"\r\n'


def write(folder, text, encoding="utf-8"):
    path = folder / "people.csv"
    path.write_bytes(text.encode(encoding))
    return path


def code_of(work) -> str:
    with pytest.raises(LinkageError) as caught:
        work()
    return caught.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_rows_are_read_as_they_stand(tmp_path, monkeypatch, encoding, batch):
    """Spaces stay, new lines inside quotes are one character, a mark is no cell; batches change nothing."""
    monkeypatch.setattr(people_files, "_BATCH", batch)
    told = []
    found = encode_file(SCHEMA, b"key", write(tmp_path, TEXT, encoding), progress=lambda *done: told.append(done))
    assert encode_rows(SCHEMA, b"key", ROWS).tolist() == found.tolist()
    assert told[-1][0] == told[-1][1]


def test_the_header_is_checked_skipped_or_absent(tmp_path):
    """As the caller says; a wrong one is refused without its words."""
    path = write(tmp_path, "id,surname\n1,jean\n")
    with pytest.raises(LinkageError) as caught:
        encode_file(SCHEMA, b"key", path)
    assert caught.value.code == "E_ENTETE_CLK"
    assert "« name »" in caught.value.message
    assert "surname" not in caught.value.message
    assert (1, 2) == tuple(len(encode_file(SCHEMA, b"key", path, header=one)) for one in ("ignored", "absent"))
    assert code_of(lambda: encode_file(SCHEMA, b"key", write(tmp_path, "id\n1\n"))) == "E_ENTETE_CLK"


def test_bad_rows_are_all_named_by_their_line(tmp_path, monkeypatch):
    """Over batches, with rows of several lines before them; never a value."""
    monkeypatch.setattr(people_files, "_BATCH", 2)
    text = 'id,name\n1,"a\nb"\n2,far too long\n3,ok\n4\n\n6,also too long\n'
    with pytest.raises(RowsRefused) as caught:
        encode_file(SCHEMA, b"key", write(tmp_path, text))
    expected = [("E_VALEUR_CLK", 4), ("E_NOMBRE_CHAMPS", 6), ("E_NOMBRE_CHAMPS", 7), ("E_VALEUR_CLK", 8)]
    assert expected == [(one.code, one.row) for one in caught.value.problems]
    assert "too" not in str(caught.value)


def test_an_empty_file_is_refused_and_a_header_alone_is_nobody(tmp_path):
    """No row, no CLK."""
    assert code_of(lambda: encode_file(SCHEMA, b"key", write(tmp_path, ""))) == "E_FICHIER_VIDE"
    assert encode_file(SCHEMA, b"key", write(tmp_path, "id,name\n")).shape == (0, 8)


def test_other_encodings_and_endless_cells_are_refused(tmp_path):
    """With the codes of the other readers."""
    assert code_of(lambda: encode_file(SCHEMA, b"key", write(tmp_path, "id,name\n1,é\n", "cp1252"))) == "E_ENCODAGE"
    assert code_of(lambda: encode_file(SCHEMA, b"key", write(tmp_path, "id,name\n1," + "a" * 200_000))) == "E_CSV"


def test_national_numbers_are_refused_even_where_they_are_ignored(tmp_path):
    """The column need not be hashed."""
    numbers = "".join(f"2690549588157{97 - 2690549588157 % 97:02},jean\n" for _ in range(30))
    assert code_of(lambda: encode_file(SCHEMA, b"key", write(tmp_path, f"id,name\n{numbers}"))) == "E_NIR_INTERDIT"
