"""The sets on which linkage quality is measured: two files, a sheet, a truth, and groups of people worth a look.

Each set is made in a scratch folder from `<folder>/<source>/<file>.parquet`; one whose files are not there is None. A file
of duplicates becomes two: of the rows of a person the first goes left, the second right, further ones are dropped, and people
with a single row go to either side in turn. Nothing else is changed but what the note of a set says.

The French worlds are synthetic (`linkage.synthetic`): 20,000 rows a side, half of the people in both. Their rates of
mistakes are assumptions, no such table having been published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from linkage.evaluate import Truth
from linkage.sheet import Sheet, load_sheet
from linkage.synthetic.files import subgroups, two_files, write_file
from linkage.synthetic.mistakes import PROFILES

__all__ = ["SETS", "Groups", "QualitySet"]

Groups = Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]  # name → who is in it, left and right, by row

_SHEETS = Path(__file__).parent / "sheets"
_TRUTH = "entity_id"
_WORLD_SIZE, _WORLD_SEED = 20_000, 20_261_122


@dataclass(frozen=True, kw_only=True)
class QualitySet:
    """One set.

    Attributes:
        name: of the set.
        sheet: what is compared, and how.
        files: left and right.
        truth: who is who.
        attributes: how many attributes are usable (a sex counts, a second form of a name does not).
        groups: of people, by row of either file; a pair belongs where one of its rows does.
        gold: False where the truth is itself the work of a linkage.
        note: what was done to the published files.
    """

    name: str
    sheet: Sheet
    files: tuple[Path, Path]
    truth: Truth
    attributes: int
    groups: Groups = field(default_factory=dict)
    gold: bool = True
    note: str = ""


def _set(name: str, sheet: str, files: tuple[Path, Path], attributes: int, note: str = "") -> QualitySet:
    loaded = load_sheet(_SHEETS / f"{sheet}.toml")
    truth = Truth(column=_TRUTH)
    return QualitySet(name=name, sheet=loaded, files=files, truth=truth, attributes=attributes, note=note)


def _two_published(name: str, sheet: str, files: tuple[str, str], attributes: int) -> Callable[..., QualitySet | None]:
    def make(folder: Path, _: Path) -> QualitySet | None:
        left, right = (folder / file for file in files)
        return _set(name, sheet, (left, right), attributes) if left.is_file() and right.is_file() else None

    return make


def _split(name: str, sheet: str, file: str, attributes: int) -> Callable[..., QualitySet | None]:
    def make(folder: Path, scratch: Path) -> QualitySet | None:
        if not (folder / file).is_file():
            return None
        table = pq.read_table(folder / file)
        rows: dict[str, list[int]] = {}
        for row, entity in enumerate(table[_TRUTH].to_pylist()):
            rows.setdefault(str(entity), []).append(row)
        several = [some for some in rows.values() if len(some) > 1]
        alone = [some[0] for some in rows.values() if len(some) == 1]
        halves = [some[0] for some in several] + alone[::2], [some[1] for some in several] + alone[1::2]
        sides = scratch / f"{name}-left.parquet", scratch / f"{name}-right.parquet"
        for half, side in zip(halves, sides, strict=True):
            pq.write_table(table.take(pa.array(half)), side)
        dropped = len(table) - sum(map(len, halves))
        return _set(
            name, sheet, sides, attributes, f"a file of duplicates made two; {dropped} third and later rows dropped"
        )

    return make


def _leipzig(folder: Path, scratch: Path) -> QualitySet | None:
    """One file holds both sides."""
    path = folder / "leipzig/leipzig_de_dstime.parquet"
    if not path.is_file():
        return None
    sides = scratch / "leipzig-org.parquet", scratch / "leipzig-dup.parquet"
    table = pq.read_table(path)
    for side, target in zip(("org", "dup"), sides, strict=True):
        pq.write_table(table.filter(pc.equal(table["source"], pa.scalar(side))), target)
    return _set("leipzig", "leipzig", sides, 3)


def _pseudopeople(folder: Path, scratch: Path) -> QualitySet | None:
    """The register holds several events of a person: the last row counts."""
    files = (
        folder / "pseudopeople/pseudopeople_census2020.parquet",
        folder / "pseudopeople/pseudopeople_ssa2020.parquet",
    )
    if not all(path.is_file() for path in files):
        return None
    table, last = pq.read_table(files[1]), scratch / "ssa2020.parquet"
    place = {entity: row for row, entity in enumerate(table[_TRUTH].to_pylist())}
    pq.write_table(table.take(pa.array(sorted(place.values()))).drop_columns(["ssn"]), last)
    note = "last row of each person in the register; no social security number"
    return _set("pseudopeople", "pseudopeople", (files[0], last), 5, note)


def _matchid(folder: Path, _: Path) -> QualitySet | None:
    left, right, pairs = (
        folder / "matchid" / file
        for file in ("matchid_fr_clients.parquet", "matchid_fr_deaths.parquet", "matchid_fr_silver_pairs.csv")
    )
    if not (left.is_file() and right.is_file() and pairs.is_file()):
        return None
    sheet = load_sheet(_SHEETS / "matchid.toml")
    note = "the truth is another tool's links: recall says whether we see what it saw, precision says nothing"
    truth = Truth(pairs=pairs)
    return QualitySet(
        name="matchid", sheet=sheet, files=(left, right), truth=truth, attributes=4, gold=False, note=note
    )


def _world(name: str, left: str, right: str, sheet: str) -> Callable[..., QualitySet | None]:
    def make(_: Path, scratch: Path) -> QualitySet | None:
        files = two_files(
            size_left=_WORLD_SIZE,
            size_right=_WORLD_SIZE,
            overlap=_WORLD_SIZE // 2,
            seed=_WORLD_SEED,
            profile_left=PROFILES[left],
            profile_right=PROFILES[right],
        )
        paths = scratch / f"{name}-left.csv", scratch / f"{name}-right.csv"
        for path, columns, person in (
            (paths[0], files.left, files.left_person),
            (paths[1], files.right, files.right_person),
        ):
            truth = {_TRUTH: [str(number) for number in person.tolist()]}
            write_file(path, {**columns, **truth}, encoding="utf-8", date_format="AAAA-MM-JJ")
        loaded = load_sheet(sheet) if sheet.isalnum() else load_sheet(_SHEETS / f"{sheet}.toml")
        note = f"synthetic, mistakes of the profiles {left} and {right}: assumed rates"
        attributes = sum(one.second_form_of is None for one in loaded.attributes)
        truth_column = Truth(column=_TRUTH)
        return QualitySet(
            name=name,
            sheet=loaded,
            files=paths,
            truth=truth_column,
            attributes=attributes,
            groups=subgroups(files),
            note=note,
        )

    return make


_FEBRL4 = "febrl/febrl4_a.parquet", "febrl/febrl4_b.parquet"
_ESSNET = "essnet/essnet_census.parquet", "essnet/essnet_cis.parquet"

# Name → what makes the set out of (folder of data, scratch folder), None when its files are not there.
SETS: dict[str, Callable[[Path, Path], QualitySet | None]] = {
    "febrl4": _two_published("febrl4", "febrl4", _FEBRL4, 9),
    "febrl4-names": _two_published("febrl4-names", "febrl4-names", _FEBRL4, 3),
    "febrl3": _split("febrl3", "febrl4", "febrl/febrl3_dedup.parquet", 9),
    "essnet": _two_published("essnet", "essnet", _ESSNET, 5),
    "essnet-names": _two_published("essnet-names", "essnet-names", _ESSNET, 4),
    "leipzig": _leipzig,
    "pseudopeople": _pseudopeople,
    "rldata500": _split("rldata500", "rldata500", "rldata/rldata500_dedup.parquet", 3),
    "fake1000": _split("fake1000", "fake1000", "splink/fake1000_dedup.parquet", 5),
    "matchid": _matchid,
    "france-certifie": _world("france-certifie", "certifie", "verifie_agent", "P1"),
    "france-declaratif": _world("france-declaratif", "verifie_agent", "declaratif", "P1"),
    "france-names": _world("france-names", "certifie", "declaratif", "france-names"),
}
