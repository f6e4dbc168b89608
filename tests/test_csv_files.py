"""CSV block by block: the same rows, lines and refusals as the standard library gives for the whole text at once."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from linkage import csv_files
from linkage.csv_files import all_rows, column_key, open_csv
from linkage.errors import LinkageError

SECRET = "QUIDAMSECRET"
QUIET = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Header, rows, lines, misshapen, broken.
Read = tuple[list[str], list[list[str]], list[int], list[tuple[int, int]], list[int]]


def oracle(text: str, separator: str) -> Read | int:
    """Header, good rows, their lines, the others and the broken ones, by the standard library; or the line of what it refuses."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    header: list[str] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    others: list[tuple[int, int]] = []
    broken: list[int] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return header or [], rows, lines, others, broken
        except csv.Error:
            if header is None or reader.line_num > start:
                return start
            broken.append(start)
            row = []
        if row and header is None:
            header = row
        elif row and len(row) == len(header or ()):
            rows.append(row)
            lines.append(start)
        elif row:
            others.append((start, len(row)))
        start = reader.line_num + 1


def read(path: Path, wanted: list[str], block: int) -> Read:
    """The same by the module, in blocks of a size."""
    file = open_csv(path, wanted, block)
    rows: list[list[str]] = []
    lines: list[int] = []
    others: list[tuple[int, int]] = []
    broken: list[int] = []
    for batch in file.batches():
        found = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        rows += [list(row) for row in found]
        lines += batch.lines.tolist()
        others += batch.misshapen
        broken += [line for code, _, _, told in batch.errors for line in told.tolist() if code == "E_CSV"]
    return file.header, rows, lines, others, broken


def write(folder: Path, data: bytes | str) -> Path:
    """A file of bytes."""
    path = folder / "f.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


pieces = st.sampled_from(
    ["1", "DUPONT", ";", ";", ";", "\n", "\n", "\r\n", "\r", '"', '"', '""', ";;", '";"', '"\n"', "é", " ", "\u2028", "\x1c",
     "\n\n", SECRET]
)  # fmt: skip
plain = st.sampled_from(["1;A;B", '1;"A";B', '"x;""y""";;', "1;2", "1;2;3;4", "", "é;ß;Œ", '"a\nb";c;d', "TOTAL"])
texts = st.lists(pieces, max_size=40).map("".join) | st.tuples(
    st.lists(plain, max_size=12), st.sampled_from(["\n", "\r\n"])
).map(lambda parts: parts[1].join(parts[0]))


@given(texts, st.integers(1, 40), st.booleans())
@example('1;"A\n', 5, False)
@example('"";x;"a"b\n', 40, False)
@example('1;2;3\n"a\nb";2;3\n4;5;6\n\n7;8\n', 3, False)
@QUIET
def test_blocks_and_both_readers_change_nothing(tmp_path, body, block, cp1252):
    """Whatever the size of blocks, and whichever reader takes each, the rows are those of the standard library."""
    text = "id;nom;prénom\n" + body
    data = text.encode("cp1252", "ignore") if cp1252 else text.encode()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    expected = oracle(text, ";")
    path = write(tmp_path, data)
    if isinstance(expected, int):
        with pytest.raises(LinkageError) as refusal:
            read(path, ["id", "nom"], block)
        assert ("E_CSV", True) == (refusal.value.code, f"ligne {expected} " in refusal.value.message)
        assert SECRET not in str(refusal.value)
    else:
        assert expected == read(path, ["id", "nom"], block)


@given(st.lists(plain, min_size=1, max_size=30), st.sampled_from(["\n", "\r\n"]), st.integers(1, 100))
@QUIET
def test_only_one_reader_gives_the_same(tmp_path, rows, newline, block):
    """With the quick way switched off, a file reads the same."""
    path = write(tmp_path, newline.join(["id;nom;x", *rows]))
    quick = read(path, ["id", "nom"], block)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "_fast", lambda *_: None)
        slow = read(path, ["id", "nom"], block)
    assert slow == quick


def test_ordinary_blocks_take_the_quick_way(tmp_path, monkeypatch):
    """Quotes, blank lines, rows of another size and any accents need no slow reader; a cell over lines does, for itself."""
    path = write(tmp_path, 'id;nom\n1;"A;""B"""\n\n2\n3;É\n4;D;E\n')
    slow: list[Any] = []
    rows_by_the_standard_library = csv_files._rows

    def counted(*args: Any) -> Any:
        slow.append(args)
        return rows_by_the_standard_library(*args)

    monkeypatch.setattr(csv_files, "_rows", counted)
    assert ["1", 'A;"B"'] == read(path, ["id", "nom"], 1 << 20)[1][0]
    headers = len(slow)
    path = write(tmp_path, 'id;nom\n1;"A\nB"\n2;C\n')
    assert [["1", "A\nB"], ["2", "C"]] == read(path, ["id", "nom"], 1 << 20)[1]
    assert len(slow) == 2 * headers + 1


def test_a_spreadsheet_may_declare_its_separator(tmp_path):
    """A first line `sep=;` is no header; lines count from it."""
    path = write(tmp_path, "sep=;\r\nid;a,b\r\n1;x\r\n")
    assert (["id", "a,b"], [["1", "x"]], [3], [], []) == read(path, ["id"], 1 << 20)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id;nom\n1;A\n", ["fichier en UTF-8", "séparateur : point-virgule"]),
        (
            'id,nom\n1,"Zoë"\n'.encode("cp1252"),
            ["fichier en Windows-1252", "séparateur : virgule", "des cellules entre guillemets sont lues sans eux"],
        ),
    ],
)  # fmt: skip
def test_how_a_file_is_written_is_said(tmp_path, data, said):
    """Encoding, separator and quotes."""
    file = open_csv(write(tmp_path, data), ["id", "nom"])
    assert 1 == sum(len(batch.lines) for batch in file.batches())
    assert said == [one.rule for one in file.findings()]


def test_all_rows_of_a_small_file(tmp_path):
    """The first row is one of them, blank ones are not; a file of blanks has none."""
    assert [["a", "b"], ["1", "2"]] == all_rows(write(tmp_path, "\na;b\n\n1;2\n"))
    assert [] == all_rows(write(tmp_path, " \n"))


def test_spellings_of_a_column_have_one_key():
    """Case, outer spaces and a stray byte-order mark do not count."""
    assert column_key("\ufeffNOM ") == column_key("nom")


def test_a_long_file_counts_its_lines_over_blocks(tmp_path):
    """Thousands of rows with gaps and broken ones: lines are right in the last block too."""
    lines = ["id;nom"] + [f"{n};A" if n % 7 else ("" if n % 2 else "x") for n in range(5000)]
    text = "\n".join(lines)
    assert oracle(text, ";") == read(write(tmp_path, text), ["id", "nom"], 1000)
