"""Any bytes as a file of any kind: a table, or a refusal with a code that says no cell. No crash, no hang."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.records import read_records
from linkage.sheet import Sheet
from linkage.tables import read_table

SECRET = "QUIDAMSECRET"
SECONDS = int(os.environ.get("FUZZ_SECONDS", "120"))
ROOT = Path(__file__).parent.parent
QUIET = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
SHEET = Sheet.from_table(
    {
        "version": "linkage/v1",
        "bad_rows": "skip",
        "most_bad_rows": 1000,
        "attributes": {
            "nom": {"kind": "name", "bits": 10},
            "usage": {"kind": "name", "bits": 5, "second_form_of": "nom", "optional": True},
            "ne": {
                "kind": "date",
                "bits": 10,
                "format": ["JJ/MM/AAAA", "AAAAMMJJ"],
                "country": "pays",
                "optional": True,
            },
            "cog": {"kind": "cog", "bits": 5, "pad": 5, "optional": True},
            "pays": {"kind": "country", "bits": 5, "optional": True},
            "sexe": {"kind": "sex", "bits": 5, "optional": True, "invalid": "missing"},
        },
    }
)


def take(path: Path) -> str | None:
    """Reads a file to records; the code of its refusal, if any. No other exception, and the secret is never said."""
    try:
        records = read_records(path, SHEET, "")
    except LinkageError as error:
        assert SECRET not in str(error)  # noqa: PT017 - both ends are right
        assert error.__cause__ is None or SECRET not in str(error.__cause__)  # noqa: PT017
        return error.code
    said = [*records.set_aside[:50], *records.voided[:50], *records.findings]
    assert SECRET not in " ".join(map(str, said))
    assert len(records) == len(set(records.ids)) > 0
    assert all(len(column.codes) == len(records) for column in records.columns.values())
    return None


def seed_csv() -> bytes:
    """A well-formed CSV."""
    return f"id;nom;ne;cog;pays;sexe\n1;{SECRET};01/02/1980;8480;FR;M\n2;É;19800229;;99352;F\nTOTAL;2\n".encode()


def seed_workbook() -> bytes:
    """A well-formed workbook."""
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["id", "nom", "ne", "sexe"], [1, SECRET, "01/02/1980", "M"], [2, "B", None, "#N/A"]):
        workbook.active.append(row)
    workbook.save(out)
    return out.getvalue()


def seed_parquet() -> bytes:
    """A well-formed Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "nom": [SECRET, "B"], "ne": ["01/02/1980", None]}), out, compression="none")
    return out.getvalue()


SEEDS = {"csv": seed_csv(), "xlsx": seed_workbook(), "parquet": seed_parquet()}


def test_the_seeds_are_read(tmp_path):
    """What is damaged below is right before."""
    for kind, data in SEEDS.items():
        path = tmp_path / f"f.{kind}"
        path.write_bytes(data)
        assert take(path) is None


@pytest.mark.parametrize("kind", sorted(SEEDS))
@given(data=st.data())
@QUIET
def test_damaged_files_are_records_or_a_refusal(tmp_path, kind, data):
    """Some bytes overwritten, dropped or put in anywhere."""
    damaged = bytearray(SEEDS[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged)))
        size = data.draw(st.integers(0, 3))
        damaged[place : place + size] = data.draw(st.binary(max_size=4))
    path = tmp_path / f"f.{kind}"
    path.write_bytes(bytes(damaged))
    take(path)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "parquet"])
@given(body=st.binary(max_size=200))
@QUIET
def test_any_bytes_are_a_table_or_a_refusal(tmp_path, kind, body):
    """Whatever the name says that they are."""
    path = tmp_path / f"f.{kind}"
    path.write_bytes(body)
    try:
        read_table(path, ["id", "nom"])
    except LinkageError as error:
        assert error.code.startswith("E_")  # noqa: PT017 - both ends are right


@given(part=st.sampled_from(["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"]), data=st.data())
@QUIET
def test_damaged_parts_of_a_workbook_are_records_or_a_refusal(tmp_path, part, data):
    """The XML inside an archive that is whole."""
    parts: dict[str, Any] = {}
    with zipfile.ZipFile(io.BytesIO(SEEDS["xlsx"])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = bytearray(parts[part])
    pieces = [
        b'r="',
        b"A",
        b"99",
        b'"',
        b"<",
        b"/>",
        b"<c>",
        b"<v>",
        b't="e"',
        b't="b"',
        b'r="XFD9999"',
        b"1e999",
        b"-1",
    ]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 4))] = data.draw(st.sampled_from(pieces))
    path = tmp_path / "f.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**parts, part: bytes(text)}.items():
            archive.writestr(name, content)
    take(path)


@pytest.mark.soak
@pytest.mark.timeout(4 * SECONDS + 600)
@pytest.mark.skipif(sys.platform != "linux", reason="the fuzzer has builds for Linux only")
@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_a_guided_fuzzer_finds_nothing(tmp_path, kind):
    """Atheris mutates the seed, guided by what it reaches; it ends with its time or with a fault."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "seed").write_bytes(SEEDS[kind])
    command = [sys.executable, "-m", "tests.fuzz_readers", kind, str(corpus)]
    limits = [f"-max_total_time={SECONDS}", "-timeout=20", "-rss_limit_mb=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [*command, *limits], cwd=ROOT, capture_output=True, text=True, check=False, timeout=4 * SECONDS
    )
    assert (0, True) == (done.returncode, "Done" in done.stderr), done.stderr[-4000:]
