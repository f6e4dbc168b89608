"""People encoded a second, and the memory that it takes: ``python -m benchmarks.encode_speed --people 1000000``.

Each measure runs in a process of its own, after the same work on few people has compiled and loaded everything. The people are
the synthetic population of `linkage.synthetic`; beyond the first million they are repeated under fresh identifiers, or with
``--distinct`` each million is drawn anew, so that distinct names grow with the file as in real ones. Their file is written
once to a temporary folder (``--folder`` says where, and keeps it for the next measure). The plan is that of the sheet P1 for two
files of that size. What is printed: the time of reading and of each pass, people and rows a second, processor time, and the
largest resident memory of the process, of which so much before anything of the file was read.

``columns`` encodes normalised columns to rows; ``file`` reads the CSV, encodes and seals chunks to a folder, as
`allervers run encode` does.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import multiprocessing
import secrets
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.contestants import peak
from crypto.keys import RunKey
from crypto.sealing import seal_chunk
from linkage.memory import MEMORY
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.records import Records, read_records
from linkage.sheet import load_sheet
from linkage.stream import stream_passes
from linkage.synthetic.files import identities
from linkage.synthetic.people import population
from linkage.wire import row_bytes
from service.administration.chunks import chunks_of

__all__ = ["file_of", "main", "plan_of"]

SHEET = load_sheet("P1")
KEY = RunKey(hashlib.sha256(b"benchmark").digest())
POOL = 1_000_000
CHUNK_BYTES = 4 << 20
UNCAPPED = 1 << 30
ABSENT = ("scipy.linalg", "pandas")  # what numba and pyarrow load where tools of development brought it
FEW = 1000  # people, for whom everything is compiled and loaded


def plan_of(people: int, profile: str) -> Plan:
    """The sheet's own plan for two files of that size, without its cap: people are repeated, and made-up names less spread."""
    plan = plan_passes(SHEET, profile, (people, people))
    return replace(plan, passes=tuple(replace(one, cap=UNCAPPED) for one in plan.passes))


def file_of(path: Path, people: int, *, distinct: bool = False) -> None:
    """A CSV file of that many people, the first million repeated beyond it, or each million drawn anew."""
    columns: dict[str, list[str]] = {}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        for start in range(0, people, POOL):
            if not columns or distinct:
                pool = population(min(people, POOL), 7 + start // POOL)
                columns = identities(pool, np.arange(len(pool)))
            if not start:
                writer.writerow(["identifiant", *columns])
            numbers = (f"A{number:09}" for number in range(start, min(people, start + POOL)))
            writer.writerows(zip(numbers, *columns.values(), strict=False))


def _encode(records: Records, plan: Plan, args: argparse.Namespace, folder: Path | None) -> int:
    """Rows made of all passes, sealed into a folder if there is one."""
    rows = 0
    for stream in stream_passes(records, SHEET, plan, KEY, memory=args.memory, threads=args.threads):
        started, pieces = time.perf_counter(), (piece.rows for piece in stream.pieces)
        if folder is None:
            rows += sum(len(piece) for piece in pieces)
        else:
            size, key = row_bytes(stream.plan.length), secrets.token_bytes(32)
            for number, last, chunk in chunks_of(pieces, stream.count, size, CHUNK_BYTES):
                sealed = seal_chunk(key, stream.plan.name.encode(), number, last, chunk)
                (folder / f"{stream.plan.name}.{number}").write_bytes(sealed)
                hashlib.sha256(sealed).digest()
            rows += stream.count
            for path in folder.iterdir():
                path.unlink()
        print(f"  {stream.plan.name}: {stream.count} rows in {time.perf_counter() - started:.2f} s", flush=True)
    return rows


def _resident() -> int:
    """The largest resident memory of this process so far, in MiB."""
    return peak() >> 10


def _measure(path: Path, few: Path, args: argparse.Namespace) -> None:
    """One measure, printed."""
    for name in ABSENT:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    plan = plan_of(args.people, args.profile)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        sealed = Path(folder) if args.measure == "file" else None
        _encode(read_records(few, SHEET, ""), plan_of(FEW, args.profile), args, sealed)
        idle = _resident()
        busy, started = time.process_time(), time.perf_counter()
        records = read_records(path, SHEET, "", memory=args.memory)
        read, read_busy, before = time.perf_counter() - started, time.process_time() - busy, _resident()
        busy, started = time.process_time(), time.perf_counter()
        rows = _encode(records, plan, args, sealed)
        encoded, busy = time.perf_counter() - started, time.process_time() - busy
    whole = read + encoded if args.measure == "file" else encoded
    each = 1e6 * busy / max(1, rows)
    print(f"{args.measure}, {args.profile}, {len(plan.passes)} passes, {args.threads} threads: {len(records)} people")
    print(f"  reading {read:.2f} s ({read_busy:.2f} s of processor)")
    print(f"  encoding {encoded:.2f} s ({busy:.2f} s of processor, {each:.2f} µs a row)")
    print(f"  {len(records) / whole:,.0f} people/s, {rows / whole:,.0f} rows/s")
    print(f"  memory: {_resident()} MiB at most, {before} when read, {idle} before")


def main() -> None:
    """The measure that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", choices=("columns", "file"), default="columns")
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--profile", choices=("standard", "renforce"), default="standard")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=MEMORY)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        path, few = folder / f"people{args.people}{'d' * args.distinct}.csv", folder / "few.csv"
        for one, size, distinct in ((path, args.people, args.distinct), (few, FEW, False)):
            if not one.exists():
                writing = context.Process(target=file_of, args=(one, size), kwargs={"distinct": distinct})
                writing.start()
                writing.join()
        measuring = context.Process(target=_measure, args=(path, few, args))
        measuring.start()
        measuring.join()


if __name__ == "__main__":
    main()
