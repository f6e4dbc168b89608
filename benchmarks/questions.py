"""A10: what a recipient whose tool is not ours learns of people through the service, and what the guards see of it.

    python -m benchmarks.questions [--size N] [--people K] [--values D] [--worlds N] [--seed S] [--sheet NAME]
                                   [--profile NAME] [--mistakes NAME …] [--json]

The recipient knows K people of the source but for their place of birth, of which D are possible; the rest of its file is
honest. The source's file has the mistakes of three kinds of administrations. Whole runs are played: encoded under fresh
keys, compared and solved as the third party does, answers are what a recipient gets.

    climbing    two rows a person and pass, made so that one of them is linked if a bit of the answer is 1, the other if it is 0
                (`linkage.attacks.crafted`): bits a row, people whose value was told, and rightly
    variants    a row a person and value, in one run: as this tool makes them, and faded to a share of √θ, θ being what the
                strict threshold asks, so that they do not resemble each other
    differing   the same file twice, then one row changed between the runs: answers about the other rows that differ

    honest      the recipient's own file

    alike       passes held because rows of the upload resemble each other (`guards.probes`)
    beset       passes held because rows of the upload gather around rows of the source (`guards.besets`)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.privacy_measure import World, invented_world
from crypto.keys import RunKey, fresh_share
from linkage.attacks.crafted import Hypotheses, Service, climbed, faded, supposed, supposing
from linkage.attacks.enumeration import asked
from linkage.attacks.outcome import wilson
from linkage.linker import PassLinks
from linkage.plan import PassPlan
from linkage.planner import plan_passes
from linkage.records import MISSING, Column, Records
from linkage.synthetic.mistakes import PROFILES as MISTAKES
from linkage.wire import EncodedPass
from service.guard_terms import ORDINARY
from service.third_party.guards import besets, probes
from service.third_party.probing import Watch

__all__ = ["Guard", "climbing", "differing", "main", "variants"]

Rows = NDArray[np.int64]

_ASKED_FOR = "cog_commune_naissance"
_MISTAKES = ("sans_erreur", "verifie_agent", "declaratif")
_KNOWN = "sans_erreur"  # the recipient's own file
_FADED = (0.85, 0.5)  # of √θ: their agreement with each other stays under θ


@dataclass
class Guard:
    """What the third party sees of uploads, judged as it does."""

    passes: int = 0
    alike: int = 0
    beset: int = 0
    shared: float = 0.0  # per thousand rows, the most of all passes
    crowd: int = 0

    def __call__(self, plan: PassPlan, sent: EncodedPass, found: PassLinks) -> None:
        """Looks at one upload and what it is linked to."""
        watch = Watch(plan, lambda: None, threads=1)
        for _ in watch.through(iter([sent])):
            pass
        seen = watch.seen()
        self.passes += 1
        self.alike += int(probes(seen, ORDINARY.near_permille))
        counted = _Gathered(rows=seen.rows, shared=found.shared, crowd=found.crowd)
        self.beset += int(besets(counted, ORDINARY.near_permille))
        self.shared = max(self.shared, 1000 * found.shared / max(1, seen.rows))
        self.crowd = max(self.crowd, found.crowd)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {**vars(self), "shared": round(self.shared, 1)}


@dataclass(frozen=True, kw_only=True)
class _Gathered:
    """What `besets` looks at."""

    rows: int
    shared: int
    crowd: int


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """People of both files, the questions about them, the right answers, the rest of the recipient's file."""

    questions: Records
    values: int
    right: Rows
    others: Records


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line an experiment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.questions")
    parser.add_argument("--size", type=int, default=2000, help="people of a file")
    parser.add_argument("--people", type=int, default=100, help="people asked about")
    parser.add_argument("--values", type=int, default=64, help="values that are possible")
    parser.add_argument("--worlds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", default="P1")
    parser.add_argument("--profile", choices=["standard", "renforce"], default="standard")
    parser.add_argument("--mistakes", action="append", choices=sorted(MISTAKES), help="default: three kinds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    for mistakes in options.mistakes or _MISTAKES:
        for seed in range(options.seed, options.seed + options.worlds):
            world = invented_world(options.size, seed, sheet=options.sheet, mistakes=(mistakes, _KNOWN))
            rng = np.random.default_rng(seed)
            some = _chosen(world, options.people, options.values, rng)
            about = {"profile": options.profile, "mistakes": mistakes, "seed": seed}
            for measured in (climbing, variants, differing):
                for line in measured(world, some, options.profile, rng):
                    _print({**about, **line}, as_json=options.json)
    return 0


def climbing(world: World, some: _Asked, profile: str, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Bits learned, and what was seen of it."""
    guard = Guard()
    found = climbed((some.questions, some.values), _service(world, some, profile, guard), rng)
    told = found.guess >= 0
    right = int((found.guess == some.right).sum())
    yield {
        "what": "climbing",
        "people": len(some.right),
        "told": int(told.sum()),
        "right": right,
        "interval": [round(one, 3) for one in wilson(right, len(some.right))],
        "runs": found.runs,
        "bits a row": round(found.answered / (2 * found.asked), 3) if found.asked else 0.0,
        **guard.to_json(),
    }


def variants(world: World, some: _Asked, profile: str, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Every value sent, as this tool makes rows and faded; and an honest file."""
    honest = Guard()
    _played(world, replace(some, others=world.attacker.records), profile, honest, rng, fade=None)
    yield {"what": "honest", "people": len(world.attacker), **honest.to_json()}
    for fade in (1.0, *_FADED):
        guard = Guard()
        votes = _played(world, some, profile, guard, rng, fade=fade)
        told = votes.max(axis=1) > 0
        right = int((told & (votes.argmax(axis=1) == some.right)).sum())
        yield {
            "what": "variants" if fade == 1.0 else f"variants, faded to {fade}",
            "people": len(some.right),
            "told": int(told.sum()),
            "right": right,
            "interval": [round(one, 3) for one in wilson(right, len(some.right))],
            "runs": 1,
            **guard.to_json(),
        }


def differing(world: World, _: _Asked, profile: str, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Answers about rows that stayed as they were, between two runs."""
    plan = plan_passes(world.sheet, profile, (len(world.attacker), len(world.victim)))
    ours, theirs = world.attacker.records, world.victim.records
    first = asked(ours, theirs, world.sheet, plan)[0]
    for case, changed in (("differing, nothing", -1), ("differing, a row", int(rng.integers(len(ours))))):
        second = asked(ours if changed < 0 else _changed(ours, changed, rng), theirs, world.sheet, plan)[0]
        same = np.arange(len(ours)) != changed
        different = int((first != second)[same].sum())
        yield {"what": case, "people": int(same.sum()), "different": different, "runs": 2}


def _played(
    world: World, some: _Asked, profile: str, guard: Guard, rng: np.random.Generator, *, fade: float | None
) -> NDArray[np.int64]:
    """One run with every variant of everybody, or with none (no fade): (people, values) in how many passes each came back."""
    service = _service(world, some, profile, guard)
    with RunKey(fresh_share()) as key:
        sides = service.encoded(key)
        by_pass: dict[str, list[tuple[int, Hypotheses]]] = {name: [] for name in sides}
        for name, person, found in supposed(some.questions, some.values, world.sheet, service.plan, key):
            by_pass[name].append((person, found))
    votes = np.zeros((len(some.right), some.values), dtype=np.int64)
    for name, (ours, theirs) in sides.items():
        asked_of = by_pass[name] if fade is not None else []
        empty = np.empty((0, ours.encoded.filters.shape[1]), dtype=np.uint64)
        made = np.concatenate([empty, *(one.filters for _, one in asked_of)])
        tags = np.repeat(
            np.array([one.tag for _, one in asked_of], dtype=np.uint8).reshape(-1, 16), some.values, axis=0
        )
        if fade is not None and fade < 1.0:
            made = faded(made, fade * (2 * ours.plan.strict_score - 1) ** 0.5, rng)
        back = service.linked((tags, made), ours, theirs).reshape(-1, some.values)
        np.add.at(votes, [person for person, _ in asked_of], back)
    return votes


def _service(world: World, some: _Asked, profile: str, guard: Guard) -> Service:
    plan = plan_passes(world.sheet, profile, (len(world.attacker), len(world.victim)))
    return Service(sheet=world.sheet, plan=plan, others=some.others, source=world.victim.records, watched=guard)


def _chosen(world: World, people: int, values: int, rng: np.random.Generator) -> _Asked:
    """People drawn at random among those of both files whose value is known, as many of the others as room is left for."""
    records, column = world.attacker.records, world.attacker.records.columns[_ASKED_FOR]
    both = np.isin(world.attacker.people, world.victim.people) & (column.codes != MISSING)
    rows = rng.permutation(np.flatnonzero(both))
    possible = rng.permutation(np.unique(column.codes[rows]))[:values]
    rows = rows[np.isin(column.codes[rows], possible)][:people]
    place = {code: number for number, code in enumerate(possible.tolist())}
    right = np.array([place[code] for code in column.codes[rows].tolist()], dtype=np.int64)
    others = rng.permutation(np.setdiff1d(np.arange(len(records)), rows))[: max(0, len(records) - 2 * len(rows))]
    return _Asked(
        questions=supposing(records, rows.tolist(), _ASKED_FOR, [column.values[code] for code in possible.tolist()]),
        values=len(possible),
        right=right,
        others=_some(records, others),
    )


def _some(records: Records, rows: Rows) -> Records:
    columns = {name: Column(values=column.values, codes=column.codes[rows]) for name, column in records.columns.items()}
    return replace(records, ids=[records.ids[row] for row in rows.tolist()], columns=columns)


def _changed(records: Records, row: int, rng: np.random.Generator) -> Records:
    """The same records with that row replaced by somebody else of the file."""
    rows = np.arange(len(records))
    rows[row] = int(rng.integers(len(records)))
    found = _some(records, rows)
    return replace(found, ids=records.ids)


def _print(line: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(line), flush=True)
    else:
        print("  ".join(f"{name} {value}" for name, value in line.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
