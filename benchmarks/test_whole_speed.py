"""Two CSV files to links, all passes of the production path in one process, and what each stage takes of it.

    python -m pytest benchmarks/test_whole_speed.py --benchmark-only --benchmark-columns=min,median -s

The files are those of two administrations on the synthetic French world (`linkage.synthetic`), half of the people in both.
Nothing is sealed or sent: `make demo` does that.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from linkage.evaluate import Instruments, Rehearsal, rehearse
from linkage.records import read_records
from linkage.sheet import load_sheet
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE, VERIFIE_AGENT

PEOPLE = 20_000


@pytest.mark.parametrize("profile", ["standard", "renforce"])
def test_files_to_links(benchmark: BenchmarkFixture, tmp_path: Path, profile: str) -> None:
    """The time of the best round, by stage; most of the people in both files are linked."""
    sheet = load_sheet("P1")
    files = two_files(
        size_left=PEOPLE,
        size_right=PEOPLE,
        overlap=PEOPLE // 2,
        seed=1,
        profile_left=CERTIFIE,
        profile_right=VERIFIE_AGENT,
    )
    for name, columns in (("left", files.left), ("right", files.right)):
        write_file(tmp_path / f"{name}.csv", columns, date_format="AAAA-MM-JJ")
    stages: list[dict[str, float]] = []

    def work() -> Rehearsal:
        started = time.perf_counter()
        left, right = (
            read_records(tmp_path / f"{name}.csv", sheet, name, bad_rows="skip") for name in ("left", "right")
        )
        read = time.perf_counter() - started
        found = rehearse(left, right, sheet, profile, Instruments(clock=time.perf_counter), expect=False)
        stages.append({"read": read, **found.seconds})
        return found

    found: Rehearsal = benchmark.pedantic(work, rounds=3, warmup_rounds=1)  # type: ignore[no-untyped-call]
    assert 0.4 * PEOPLE < len(found.links) < 0.6 * PEOPLE
    best = min(stages, key=lambda spent: sum(spent.values()))
    benchmark.extra_info["stages"] = {name: round(seconds, 3) for name, seconds in best.items()}
    told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in best.items())
    print(f"\n{profile}, {PEOPLE} people a side, {found.compared / 1e6:.0f} million pairs: {told}")
