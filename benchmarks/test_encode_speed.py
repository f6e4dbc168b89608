"""Rows encoded a second, from normalised columns to rows ready to seal, all passes of the sheet P1's own plan.

Few people: what is done once a pass (values cut, tokens hashed, blocks named) weighs more than in real files.
`benchmarks.encode_speed` measures those, with reading and sealing.

    python -m pytest benchmarks/test_encode_speed.py --benchmark-only --benchmark-columns=min,median -s
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.encode_speed import KEY, SHEET, file_of, plan_of
from linkage.records import read_records
from linkage.stream import stream_passes

PEOPLE = 20_000


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("profile", ["standard", "renforce"])
def test_rows_a_second(benchmark: BenchmarkFixture, tmp_path: Path, profile: str, threads: int) -> None:
    """The rate of the best round, and the processor time of a row over all threads."""
    file_of(tmp_path / "people.csv", PEOPLE)
    records = read_records(tmp_path / "people.csv", SHEET, "")
    plan, spent = plan_of(PEOPLE, profile), []

    def work() -> int:
        busy, rows = time.process_time(), 0
        for stream in stream_passes(records, SHEET, plan, KEY, threads=threads):
            rows += sum(len(piece.records) for piece in stream.pieces)
        spent.append(time.process_time() - busy)
        return rows

    rows: int = benchmark.pedantic(work, rounds=3, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert rows > 0.9 * PEOPLE * len(plan.passes)
    benchmark.extra_info["microseconds_a_row"] = round(1e6 * min(spent) / rows, 2)
    if benchmark.stats is not None:  # absent when benchmarks are switched off
        rate = rows / benchmark.stats.stats.min
        benchmark.extra_info["rows_per_second"] = round(rate)
        print(
            f"\n{profile}, {threads} threads: {rate:,.0f} rows/s, {1e6 * min(spent) / rows:.2f} µs of processor a row"
        )
