"""Linkage quality on the training sets, through the production path, one line a set and profile.

    python -m benchmarks.quality FOLDER [--profile standard …]

FOLDER holds the sets as `<name>/<file>.parquet`; those that are missing are said to be missing. Thresholds are the tool's own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from linkage.evaluate import Instruments, Truth, evaluate
from linkage.sheet import load_sheet

__all__ = ["main"]

SHEETS = Path(__file__).parent / "sheets"
TRUTH = "entity_id"


def main(arguments: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--profile", action="append", help="default: reference, standard, renforce")
    options = parser.parse_args(arguments)
    print(f"{'set':14} {'profile':10} {'precision':>9} {'recall':>7} {'F1':>7} {'links':>6} {'seconds':>7}")
    instruments = Instruments(clock=time.perf_counter)
    with tempfile.TemporaryDirectory() as scratch:
        for name, files in _sets(options.folder, Path(scratch)).items():
            if not all(path.is_file() for path in files):
                print(f"{name:14} not in this folder")
                continue
            for profile in options.profile or ["reference", "standard", "renforce"]:
                start = time.perf_counter()
                sheet = load_sheet(SHEETS / f"{name}.toml")
                found = evaluate(files, sheet, Truth(column=TRUTH), profile, instruments=instruments).to_json()
                numbers = f"{found['precision']:9.4f} {found['recall']:7.4f} {found['f1']:7.4f} {found['links']:6}"
                print(f"{name:14} {profile:10} {numbers} {time.perf_counter() - start:7.1f}")
    return 0


def _sets(folder: Path, scratch: Path) -> dict[str, tuple[Path, Path]]:
    return {
        "febrl4": (folder / "febrl/febrl4_a.parquet", folder / "febrl/febrl4_b.parquet"),
        "essnet": (folder / "essnet/essnet_census.parquet", folder / "essnet/essnet_cis.parquet"),
        "leipzig": _leipzig(folder / "leipzig/leipzig_de_dstime.parquet", scratch),
        "pseudopeople": _pseudopeople(folder / "pseudopeople", scratch),
    }


def _leipzig(path: Path, scratch: Path) -> tuple[Path, Path]:
    """One file holds both sides."""
    sides = scratch / "leipzig-org.parquet", scratch / "leipzig-dup.parquet"
    if path.is_file():
        table = pq.read_table(path)
        for side, target in zip(("org", "dup"), sides, strict=True):
            pq.write_table(table.filter(pc.equal(table["source"], pa.scalar(side))), target)
    return sides


def _pseudopeople(folder: Path, scratch: Path) -> tuple[Path, Path]:
    """The register holds several events of a person: the last row counts."""
    register, last = folder / "pseudopeople_ssa2020.parquet", scratch / "ssa2020.parquet"
    if register.is_file():
        table = pq.read_table(register)
        place = {entity: row for row, entity in enumerate(table[TRUTH].to_pylist())}
        pq.write_table(table.take(pa.array(sorted(place.values()))).drop_columns(["ssn"]), last)
    return folder / "pseudopeople_census2020.parquet", last


if __name__ == "__main__":
    sys.exit(main())
