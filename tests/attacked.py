"""Small files under attack: two administrations' files of invented people, and scenes of them, made once for all tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from linkage.attacks.scene import Scene, Side, one_table, scenes
from linkage.records import records_from_table
from linkage.sheet import Sheet, load_sheet
from linkage.synthetic.files import two_files
from linkage.synthetic.mistakes import PROFILES
from linkage.tables import RawTable

SHEET: Sheet = load_sheet(Path(__file__).parent.parent / "benchmarks" / "sheets" / "france-names.toml")


@cache
def sides(size: int, overlap: int | None = None, errors: str = "sans_erreur", seed: int = 1) -> tuple[Side, Side]:
    """What is sent, clean, and the attacker's copy, with the errors of that profile."""
    files = two_files(
        size_left=size,
        size_right=size,
        overlap=size if overlap is None else overlap,
        seed=seed,
        profile_left=PROFILES["sans_erreur"],
        profile_right=PROFILES[errors],
    )
    identifiers, attributes = SHEET.for_side("")
    return tuple(  # type: ignore[return-value]
        Side(records=records_from_table(RawTable.of("", cells), identifiers, attributes), people=np.asarray(people))
        for cells, people in ((files.left, files.left_person), (files.right, files.right_person))
    )


@cache
def everybody(profile: str, size: int, overlap: int | None = None, errors: str = "sans_erreur") -> Scene:
    """Everybody in one table, in that profile."""
    victim, attacker = sides(size, overlap, errors)
    return next(scenes(victim, attacker, SHEET, one_table(SHEET, profile, size)))
