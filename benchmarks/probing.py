"""How well near duplicates tell probing uploads from files about people, on the synthetic French world.

    python -m benchmarks.probing [--sheet NAME …] [--profile NAME] [--size N] [--worlds N] [--seed N]

Normal files are whole families (brothers, sisters, twins and homonyms together), with the mistakes of one of three kinds of
administrations, and with some people in them twice: nobody, one in a hundred. Probing files are such a file in which some rows
were replaced by variants of chosen people, as somebody would write them who looks for those people or for a part of their
identity: names spelled otherwise, every year or day of birth, every commune, all of these at once. Each is encoded as for a
run; what is counted is what the third party's `Watch` counts, and what is judged is what its guard judges.

    near     rows in a thousand that have another one near, in the pass that shows most
    most     others near the row that has most of them
    flagged  share of files that the guard would hold, with the largest share expected at 95 % (Wilson)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crypto.keys import RunKey, fresh_share
from linkage.attacks.outcome import wilson
from linkage.holder import encode_passes
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.records import Records, read_records
from linkage.sheet import Sheet, load_sheet
from linkage.synthetic.files import identities, write_file
from linkage.synthetic.mistakes import PROFILES, with_mistakes
from linkage.synthetic.people import population
from linkage.synthetic.slips import mistyped
from service.guard_terms import ORDINARY
from service.third_party.guards import probes
from service.third_party.probing import NearDuplicates, Watch

__all__ = ["KINDS", "Line", "columns_of", "main", "measured", "passes_seen"]

_SIZE, _WORLDS, _SEED = 1000, 20, 20_261_122
_TWICE = 0.01  # of the people of a file, where some are in it twice
_NORMAL = ("certifie", "verifie_agent", "declaratif")
_NORMAL_FILES = 10  # for one probing file of each kind
_SPELLINGS, _YEARS, _DAYS, _PLACES, _MIXED = "orthographes", "annees", "jours", "communes", "melange"
# name → (kind of variants, targets, variants of each); a normal file has none. Targets by thousand rows, at least one.
KINDS: Mapping[str, tuple[str, int, int]] = {
    "une personne, 12 orthographes": (_SPELLINGS, 0, 12),
    "une personne, 30 annees": (_YEARS, 0, 30),
    "une personne, 28 jours": (_DAYS, 0, 28),
    "une personne, 20 communes": (_PLACES, 0, 20),
    "2 % de cibles, 3 orthographes": (_SPELLINGS, 20, 3),
    "2 % de cibles, 5 orthographes": (_SPELLINGS, 20, 5),
    "1 % de cibles, 10 variantes": (_MIXED, 10, 10),
    "10 % de cibles, 4 variantes": (_MIXED, 100, 4),
    "tout le fichier, 5 variantes": (_MIXED, 200, 5),
}

Columns = dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Line:
    """Files of one kind; see the module's page."""

    name: str
    files: int
    near: float  # of the file in the middle
    most: int
    flagged: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a kind of file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.probing")
    parser.add_argument("--sheet", action="append", help="shipped name or file; default: P1, P2")
    parser.add_argument("--profile", default="standard", choices=["standard", "renforce"])
    parser.add_argument("--size", type=int, default=_SIZE)
    parser.add_argument("--worlds", type=int, default=_WORLDS)
    parser.add_argument("--seed", type=int, default=_SEED)
    options = parser.parse_args(arguments)
    print(f"{'sheet':6} {'file':32} {'files':>5} {'near':>6} {'most':>5} {'flagged':>8} {'95 %':>14}")
    for name in options.sheet or ["P1", "P2"]:
        sheet = load_sheet(name)
        for line in measured(sheet, options.profile, options.size, range(options.seed, options.seed + options.worlds)):
            least, most = wilson(line.flagged, line.files)
            print(
                f"{sheet.name:6} {line.name:32} {line.files:5} {line.near:6.1f} {line.most:5} "
                f"{line.flagged / line.files:8.1%} {least:6.1%}–{most:6.1%}",
                flush=True,
            )
    return 0


def measured(sheet: Sheet, profile: str, size: int, seeds: Sequence[int]) -> Iterator[Line]:
    """A line for normal files, with nobody and with some people twice, and for each kind of probing file.

    Of normal files there are ten times as many: what is to be shown of them is that very few are held.
    """
    plan = plan_passes(sheet, profile, (size, 5 * size))
    many = range(seeds[0], seeds[0] + _NORMAL_FILES * len(seeds))
    for twice in (0.0, _TWICE):
        seen = [passes_seen(columns_of(size, seed, _NORMAL[seed % 3], twice=twice), sheet, plan) for seed in many]
        yield _line(f"normal, {twice:.0%} de doublons", seen)
    for name, (kind, thousandth, variants) in KINDS.items():
        targets = max(1, size * thousandth // 1000)
        seen = [
            passes_seen(columns_of(size, seed, _NORMAL[seed % 3], probed=(kind, targets, variants)), sheet, plan)
            for seed in seeds
        ]
        yield _line(name, seen)


def columns_of(
    size: int, seed: int, errors: str, *, twice: float = 0.0, probed: tuple[str, int, int] | None = None
) -> Columns:
    """A file of about `size` rows.

    Args:
        size: people of the world.
        seed: of the world.
        errors: profile of mistakes.
        twice: share of people who are in the file twice.
        probed: kind of variants, targets and variants of each, which replace as many rows.
    """
    rng = np.random.default_rng((seed, 7))
    people = population(size, seed)
    members = np.arange(size)
    if twice:
        members = np.concatenate([members, rng.choice(size, max(1, round(twice * size)), replace=False)])
    columns = with_mistakes(identities(people, members), PROFILES[errors], rng)
    if probed is not None:
        kind, targets, variants = probed
        chosen = rng.choice(size, targets, replace=False)
        others = rng.permutation(np.setdiff1d(np.arange(size), chosen))  # a target is there as its variants only
        replaced = np.concatenate([chosen, others])[: targets * variants]
        exact = identities(people, chosen)
        for place, row in enumerate(replaced.tolist()):
            target = place // variants
            person = {name: cells[target] for name, cells in exact.items()}
            for name, cell in _variant(person, kind, place % variants, rng).items():
                columns[name][row] = cell
    return columns


def passes_seen(columns: Columns, sheet: Sheet, plan: Plan) -> list[NearDuplicates]:
    """What the third party sees of a file, pass by pass."""
    key = RunKey(fresh_share())
    found = []
    for one in encode_passes(_records(columns, sheet), sheet, plan, key):
        watch = Watch(one.plan, lambda: None)
        for _ in watch.through(iter([one.encoded])):
            pass
        found.append(watch.seen())
    return found


def _line(name: str, seen: Sequence[Sequence[NearDuplicates]]) -> Line:
    shares = sorted(max(1000 * one.near / max(1, one.rows) for one in passes) for passes in seen)
    return Line(
        name=name,
        files=len(seen),
        near=shares[len(shares) // 2],
        most=max(one.most for passes in seen for one in passes),
        flagged=sum(any(probes(one, ORDINARY.near_permille) for one in passes) for passes in seen),
    )


def _variant(person: Mapping[str, str], kind: str, number: int, rng: np.random.Generator) -> Mapping[str, str]:
    """One way in which a person might be written down, or a guess of what is not known of them; the first is exact."""
    if number == 0:
        return person
    year, month, day = person["date_naissance"].split("-")
    if kind == _YEARS:
        return {**person, "date_naissance": f"{int(year) - 15 + number:04}-{month}-{day}"}
    if kind == _DAYS:
        return {**person, "date_naissance": f"{year}-{month}-{number:02}"}
    if kind == _PLACES:
        return {**person, "cog_commune_naissance": f"{rng.integers(1, 95):02}{rng.integers(1, 300):03}"}
    field = ("nom_naissance", "prenoms", "nom_usage")[int(rng.integers(3))]
    changed = {**person, field: mistyped(person[field] or person["nom_naissance"], rng)}
    if kind == _MIXED and rng.random() < 1 / 3:
        changed["date_naissance"] = f"{year}-{month}-{rng.integers(1, 29):02}"
    return changed


def _records(columns: Columns, sheet: Sheet) -> Records:
    rows = len(columns["nom_naissance"])
    numbered = {"identifiant": [str(number) for number in range(rows)], **columns}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "people.csv"
        write_file(path, numbered, encoding="utf-8", date_format="AAAA-MM-JJ")
        return read_records(path, sheet, "", bad_rows="skip")


if __name__ == "__main__":
    sys.exit(main())
