"""Everything that is compiled, compiled now and kept on disk, so that no later command waits for it.

Some made-up people are read, encoded, compared and linked as a run would do it, and what only large files need besides is
called once. Nothing of it is kept but machine code, for the types and the processor of this installation.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from crypto.keys import RunKey
from linkage.match import match, match_blocks
from linkage.planner import plan_passes
from linkage.records import read_records
from linkage.sheet import load_sheet
from linkage.solve import solve_one_to_one
from linkage.stream import stream_passes
from linkage.synthetic.files import identities
from linkage.synthetic.people import population

__all__ = ["warm"]

_PEOPLE = 300
_SHEET = "P1"


def warm(progress: Callable[[str], None]) -> None:
    """Compile the reader, the encoder, the matcher and the solver.

    Args:
        progress: told the name of each part before it is compiled.

    Raises:
        OSError: when no temporary file can be written.
    """
    for name, part in (("lecture et encodage", _encode), ("comparaison", _compare)):
        progress(name)
        part()


def _encode() -> None:
    """A file of people to the rows of all passes of the two profiles in use; the key is nobody's."""
    sheet, people = load_sheet(_SHEET), population(_PEOPLE, 7)
    columns = identities(people, np.arange(_PEOPLE))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "personnes.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["identifiant", *columns])
            writer.writerows(zip(map(str, range(_PEOPLE)), *columns.values(), strict=True))
        records = read_records(path, sheet, "")
    for profile in ("standard", "renforce"):
        plan = plan_passes(sheet, profile, (_PEOPLE, _PEOPLE))
        for stream in stream_passes(records, sheet, plan, RunKey(bytes(32))):
            for _ in stream.pieces:
                pass


def _compare() -> None:
    rows = np.random.default_rng(0).integers(0, 2**64, (_PEOPLE, 16), dtype=np.uint64)
    small, large = (np.array([[0, size, 0, size]], dtype=np.int64) for size in (10, _PEOPLE))
    for measure in ("dice", "hamming"):
        for block in (small, large):
            solve_one_to_one(match_blocks(rows, rows, block, 0.9, measure))
    match(rows, rows, 0.9, strategy="sketch")
