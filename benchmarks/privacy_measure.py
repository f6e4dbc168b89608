"""What each attack of `linkage.attacks` recovers of a world of invented people, block by block, under the plans of production.

A world is two files of the same people (`linkage.synthetic`): what an administration sends, with the mistakes of its own, and the
reference file of the attacker, complete and clean unless asked otherwise. Blocks are those of the real plan for the declared
size; either all of them, or some drawn at random in each pass. Known people are drawn over the whole file, so that few of
them fall into a block.

Rates are per person. Passes have nothing in common that the third party could join, so a person may be found in any of them.
Where all blocks are attacked, who is found in some pass is counted (`union`). Where blocks are drawn, the passes hold different
people, and rates of passes are added up (`summed`), which is at least as much; the upper bound is that of a sum of independent
shares (square root of the sum of the squares of each share's way up to its Wilson bound). Beside it are the bounds of blocks
drawn again (`linkage.attacks.clustered`): `block_low` and `block_high`, absent where a pass has too few blocks.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.attacks.ceiling import ceiling, kappa
from linkage.attacks.clustered import by_blocks
from linkage.attacks.known_plaintext import known_plaintext
from linkage.attacks.landmarks import landmarks
from linkage.attacks.outcome import Outcome, together, union
from linkage.attacks.scene import Attack, Scene, Side, drawn, one_table, scenes
from linkage.attacks.seedless import seedless
from linkage.attacks.self_training import expectation, message_passing
from linkage.attacks.weight import by_weight
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.profiles import profile_named
from linkage.records import read_records
from linkage.sheet import Sheet, load_sheet
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import PROFILES as MISTAKES
from linkage.synthetic.people import People

__all__ = ["EXPERIMENTS", "Experiment", "Sampling", "World", "first_found", "invented_world", "measure", "summed"]

ALL = 1.0


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One attack and what it is told.

    Attributes:
        number: of the attack in the threat model.
        name: of the attack.
        known: share of the people whose rows the attacker knows; 1 for all but the one looked for.
        attack: a function of a view, none for the ceiling.
    """

    number: str
    name: str
    known: float
    attack: Attack | None = None


EXPERIMENTS = (
    Experiment(number="A1", name="weight", known=0.0, attack=by_weight),
    Experiment(number="A5", name="seedless", known=0.0, attack=seedless),
    *(
        Experiment(number="A6", name="landmarks", known=share, attack=landmarks)
        for share in (0.001, 0.01, 0.02, 0.05, 0.10)
    ),
    *(
        Experiment(number="A6", name="self-training", known=share, attack=message_passing)
        for share in (0.001, 0.01, 0.02, 0.05, 0.10)
    ),
    Experiment(number="A6", name="expectation", known=0.10, attack=expectation),
    Experiment(number="A7", name="known-plaintext", known=0.10, attack=known_plaintext),
    Experiment(number="A12", name="ceiling", known=ALL),
)


@dataclass(frozen=True, kw_only=True)
class World:
    """What is sent, the attacker's reference file, and the sheet.

    Attributes:
        victim: the administration's file.
        attacker: the reference file.
        sheet: what the parties share.
        people: of both files, by number.
        label: how results call it.
    """

    victim: Side
    attacker: Side
    sheet: Sheet
    people: People
    label: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Which blocks are attacked.

    Attributes:
        declared: size for which the plan is made.
        blocks: of each pass, drawn at random; 0 for all.
        sizes: of the smallest and the largest block wanted.
        largest: the largest blocks instead of random ones.
        table: one table of everybody, whatever the profile.
    """

    declared: int
    blocks: int = 0
    sizes: tuple[int, int] = (2, 1 << 31)
    largest: bool = False
    table: bool = False


def invented_world(
    size: int,
    seed: int,
    *,
    sheet: str = "P1",
    overlap: float = 1.0,
    mistakes: tuple[str, str] = ("verifie_agent", "sans_erreur"),
    names_dir: Path | None = None,
) -> World:
    """A world of `size` people a file.

    Args:
        size: rows of each file.
        seed: of the world.
        sheet: name of a shipped identity, or path of a sheet.
        overlap: share of the sent people whom the reference file has.
        mistakes: profiles of what is sent and of the reference file.
        names_dir: INSEE's tables of names instead of the invented ones.
    """
    files = two_files(
        size_left=size,
        size_right=size,
        overlap=round(overlap * size),
        seed=seed,
        profile_left=MISTAKES[mistakes[0]],
        profile_right=MISTAKES[mistakes[1]],
        names_dir=names_dir,
    )
    loaded, sides = load_sheet(sheet), []
    with tempfile.TemporaryDirectory() as folder:
        for name, columns, people in (
            ("left", files.left, files.left_person),
            ("right", files.right, files.right_person),
        ):
            path = Path(folder) / f"{name}.csv"
            write_file(path, columns, encoding="utf-8", date_format="AAAA-MM-JJ")
            records = read_records(path, loaded, name, bad_rows="skip")
            place = {identifier: row for row, identifier in enumerate(columns["identifiant"])}
            kept = np.array([place[identifier] for identifier in records.ids], dtype=np.int64)
            sides.append(Side(records=records, people=people[kept]))
    shown = f"{loaded.name}, {size}, {mistakes[0]} × {mistakes[1]}, {overlap:.0%}"
    return World(victim=sides[0], attacker=sides[1], sheet=loaded, people=files.people, label=shown)


@dataclass
class _Tally:
    """Outcomes of one experiment by pass, and the time that they took."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    seconds: float = 0.0


def measure(
    world: World, profile: str, experiments: Sequence[Experiment], sampling: Sampling, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """One line an experiment and pass, then one for all passes; rates, intervals, chance levels, seconds."""
    plan = plan_of(world, profile, sampling)
    known = [
        drawn(world.victim, world.attacker, one.known, rng) if 0 < one.known < ALL else None for one in experiments
    ]
    tallies = [_Tally() for _ in experiments]
    exposed: dict[str, list[tuple[int, float]]] = {}
    order = None if sampling.largest else rng
    for scene in scenes(
        world.victim, world.attacker, world.sheet, plan, sizes=sampling.sizes, most=sampling.blocks or None, rng=order
    ):
        name = scene.view.plan.name
        exposed.setdefault(name, []).append((len(scene), kappa(scene.view)))
        for one, people, tally in zip(experiments, known, tallies, strict=True):
            start = time.perf_counter()
            outcome = _outcome(scene if people is None else scene.knowing_people(people), one, rng)
            tally.seconds += time.perf_counter() - start
            tally.outcomes.setdefault(name, []).append(outcome)
    about = {"profile": profile, "world": world.label, "declared": sampling.declared, **_exposure(exposed)}
    for one, tally in zip(experiments, tallies, strict=True):
        told = {"number": one.number, "attack": one.name, "known": one.known, "seconds": round(tally.seconds, 2)}
        passes = {name: together(some) for name, some in tally.outcomes.items()}
        for name, some in tally.outcomes.items():
            blocks = [(block.tried, block.right) for block in some]
            told_blocks = {"blocks": blocks, **_bounds(by_blocks([blocks], rng))}
            yield {**about, **told, "of": name, **passes[name].to_json(), **told_blocks}
        if passes:
            whole = summed(list(passes.values())) if sampling.blocks else union(list(passes.values())).to_json()
            counted = list(tally.outcomes.values()) if sampling.blocks else first_found(list(tally.outcomes.values()))
            drawn_again = by_blocks([[(one.tried, one.right) for one in some] for some in counted], rng)
            yield {**about, **told, "of": "union", **whole, **_bounds(drawn_again)}


def first_found(passes: Sequence[Sequence[Outcome]]) -> list[list[Outcome]]:
    """Outcomes of blocks, a person counting as found in the first pass only in which he is."""
    seen: NDArray[np.int64] = np.empty(0, dtype=np.int64)
    kept = []
    for some in passes:
        kept.append([replace(one, found=one.found & ~np.isin(one.people, seen)) for one in some])
        seen = np.concatenate([seen, *(one.people[one.found] for one in some)])
    return kept


def _bounds(interval: tuple[float, float] | None) -> dict[str, float]:
    return {} if interval is None else {"block_low": interval[0], "block_high": interval[1]}


def plan_of(world: World, profile: str, sampling: Sampling) -> Plan:
    """The plan of production; one table where that is asked, and for a profile that does not divide."""
    if sampling.table or not profile_named(profile).degree:
        return one_table(world.sheet, profile, sampling.declared)
    return plan_passes(world.sheet, profile, (sampling.declared, sampling.declared))


def _outcome(scene: Scene, experiment: Experiment, rng: np.random.Generator) -> Outcome:
    if experiment.attack is None:
        return ceiling(scene)
    return scene.score(experiment.attack(scene.view, rng))


def _exposure(exposed: dict[str, list[tuple[int, float]]]) -> dict[str, Any]:
    """Of each pass: blocks, people, mean size of a person's block, mean and largest κ by person."""
    found = {}
    for name, some in exposed.items():
        sizes, values = np.array([size for size, _ in some]), np.array([value for _, value in some])
        found[name] = {
            "blocks": len(some),
            "people": int(sizes.sum()),
            "block": round(float(np.average(sizes, weights=sizes)), 1),
            "kappa": round(float(np.sqrt(np.average(values**2, weights=sizes))), 4),
            "most": round(float(values.max()), 4),
        }
    return {"passes": found}


def summed(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Rates of passes over different people added up, with the bounds of a sum."""
    rates, intervals = [one.rate for one in outcomes], [one.interval for one in outcomes]
    rate = sum(rates)
    down = sqrt(sum((one - low) ** 2 for one, (low, _) in zip(rates, intervals, strict=True)))
    up = sqrt(sum((high - one) ** 2 for one, (_, high) in zip(rates, intervals, strict=True)))
    return {
        "tried": sum(one.tried for one in outcomes),
        "right": sum(one.right for one in outcomes),
        "rate": min(1.0, rate),
        "low": min(1.0, max(0.0, rate - down)),
        "high": min(1.0, rate + up),
        "chance": min(1.0, sum(one.chance for one in outcomes)),
        "sure": min(1.0, sum(one.sure for one in outcomes)),
    }
