"""Parquet: cells as a CSV would hold them, or a refusal without any cell."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.parquet_files import ParquetTable
from linkage.tables import read_table
from tests.table_files import SECRET, cells, refusal, write


def test_parquet_cells_are_what_a_csv_would_hold(tmp_path):
    """Dates, whole floats, gaps, bytes and decimals become the text of a CSV; rows count from line 2."""
    path = tmp_path / "f.parquet"
    columns: dict[str, Any] = {
        "ID": [1, 2, 3],
        "nom": ["Cœur", None, "NA"],
        "cog": [8480.0, None, float("nan")],
        "ne": [date(1980, 2, 29), None, date(1955, 12, 31)],
        "vu": [datetime(1980, 2, 29, 4, 30), None, datetime(1955, 12, 31)],  # noqa: DTZ001 - as files hold them
        "octets": ["é".encode(), b"B", b""],
        "montant": [Decimal("12.50"), None, Decimal(3)],
        "exact": [1.5, 2.0, 1e15],
    }
    pq.write_table(pa.table(columns), path)
    table = read_table(path, ["id", *list(columns)[1:]])
    assert cells(table) == {
        "id": ["1", "2", "3"],
        "nom": ["Cœur", "", "NA"],
        "cog": ["8480", "", ""],
        "ne": ["1980-02-29", "", "1955-12-31"],
        "vu": ["1980-02-29 04:30:00", "", "1955-12-31 00:00:00"],
        "octets": ["é", "B", ""],
        "montant": ["12.50", "", "3.00"],
        "exact": ["1.5", "2", "1000000000000000"],
    }
    assert list(table.lines) == [2, 3, 4]


def test_a_broken_parquet_is_refused_without_its_content(tmp_path):
    """Truncated, overwritten, empty of rows, not Parquet at all, bytes that are no text: a code, no cell, no cause to print."""
    whole = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"id": ["1"], "nom": [SECRET]}), whole, compression="none")
    data = whole.read_bytes()
    for place, broken in enumerate(
        [data[:-20], data[10:], b"PAR1" * 30, b"id,nom\n1,QUIDAMSECRET\n", data[:60] + data[80:]]
    ):
        error = refusal(write(tmp_path, broken, f"{place}.parquet"), ["id", "nom"])
        assert error.code == "E_PARQUET"
        assert error.__cause__ is None
    pq.write_table(pa.table({"id": ["1"], "nom": [b"\xff\xfe"]}), whole)
    assert refusal(whole, ["id", "nom"]).code == "E_PARQUET"
    pq.write_table(pa.table({"id": pa.array([], pa.string()), "nom": pa.array([], pa.string())}), whole)
    assert refusal(whole, ["id", "nom"]).code == "E_FICHIER_VIDE"
    assert refusal(write(tmp_path, b"", "vide.parquet"), ["id"]).code == "E_FICHIER_VIDE"


def test_parquet_columns_are_checked_like_those_of_a_csv(tmp_path):
    """Absent, doubled, too long and NIR columns have the codes that they have in a CSV."""
    path = tmp_path / "f.PARQUET"
    nirs = [180017512345660, 255120848000146, 299071305501037, 180017512345660]
    for code, table in (
        ("E_COLONNE_ABSENTE", pa.table({"id": ["1"], "name": [SECRET]})),
        ("E_COLONNE_DOUBLE", pa.table([["1"], ["A"], [SECRET]], names=["id", "nom", "nom"])),
        ("E_CELLULE_TROP_LONGUE", pa.table({"id": ["1"], "nom": [SECRET * 1000]})),
        ("E_NIR_INTERDIT", pa.table({"id": range(4), "nom": [SECRET] * 4, "x": nirs})),
        ("E_NIR_INTERDIT", pa.table({"id": range(4), "nom": [SECRET] * 4, "x": [float(one) for one in nirs]})),
    ):
        pq.write_table(table, path)
        assert refusal(path, ["id", "nom"]).code == code


def test_dates_beyond_the_calendar_in_parquet_are_refused(tmp_path):
    """A timestamp that no date can hold is an unreadable file, not a crash."""
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"id": ["1"], "ne": pa.array([2**60], pa.timestamp("us"))}), path)
    assert refusal(path, ["id", "ne"]).code == "E_PARQUET"


def test_columns_of_any_type_are_text(tmp_path):
    """Dictionaries, large strings, lists, truth values and columns of nothing but gaps."""
    path = tmp_path / "f.parquet"
    columns: dict[str, Any] = {
        "id": pa.array(["a", "b", None]).dictionary_encode(),
        "nom": pa.array(["x", None, "z"], pa.large_string()),
        "liste": [[1], None, []],
        "vide": pa.nulls(3),
        "oui": [True, None, False],
    }
    pq.write_table(pa.table(columns), path)
    assert {
        "id": ["a", "b", ""],
        "nom": ["x", "", "z"],
        "liste": ["[1]", "", "[]"],
        "vide": ["", "", ""],
        "oui": ["True", "", "False"],
    } == cells(read_table(path, list(columns)))


def test_rows_count_over_batches(tmp_path):
    """The line of the last row of a long file."""
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"id": [str(n) for n in range(70_000)]}), path)
    table = ParquetTable(path)
    assert [2, 70_001] == [line for batch in table.batches() for line in batch.lines.tolist()][::69_999]
    assert [] == table.findings()


@given(st.data())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_parquet_is_a_table_or_a_refusal(tmp_path, data):
    """Any byte of the metadata overwritten: read or refused with a code, never another exception."""
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"id": ["1", "2"], "nom": [SECRET, "B"]}), path, compression="none")
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        read_table(path, ["id", "nom"])
    except LinkageError as error:
        assert SECRET not in str(error)  # noqa: PT017 - both ends are right
