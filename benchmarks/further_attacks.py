"""Attacks beyond the table of `benchmarks.privacy`: the secret word, four rows at a time, nearly everybody known, several runs.

    python -m benchmarks.further_attacks [--n N] [--blocks B] [--seed S] [--sheet NAME] [--profile NAME] [--what NAME …] [--json]

The attacker is that of `benchmarks.privacy`: a complete and clean reference file, mistakes in what is sent. The B largest blocks
of each pass are attacked; rates of passes are added up.

    word      what rows tell by their weights, and once the other rows have voted for the secret word of the block: R² on what was
              expected, and the AUC farthest from ½ of who lacks an attribute
    quartets  signals in standard deviations, a tenth known and everybody: by pairs of rows, by fours, by fours of the median
    others    half, four fifths, nineteen twentieths of the people known: landmarks and self-training on those who are left
    runs      one, two and three runs of the same people, a twentieth known in each: found in some run
    across    rows of two runs recognised in each other from a tenth of pairs of rows that are known
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.privacy_measure import Sampling, World, invented_world, plan_of, summed
from linkage.attacks.across_runs import across_runs, two_runs
from linkage.attacks.landmarks import landmarks
from linkage.attacks.outcome import Outcome, together, union
from linkage.attacks.quartets import quartets
from linkage.attacks.scene import Attack, Scene, drawn, scenes
from linkage.attacks.self_training import message_passing
from linkage.attacks.unmasking import unmasked_leak
from linkage.attacks.weight import WeightLeak, weight_leak

__all__ = ["EXPERIMENTS", "main"]

_TENTH, _TWENTIETH = 0.10, 0.05
_OTHERS = (0.5, 0.8, 0.95)
_RUNS = 3
_LEAST = 100  # rows of a block

Line = dict[str, Any]
Outcomes = dict[str, list[Outcome]]  # by pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line an experiment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.further_attacks")
    parser.add_argument("--n", type=int, default=30_000, help="people of a file")
    parser.add_argument("--blocks", type=int, default=5, help="of each pass")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", default="P1")
    parser.add_argument("--profile", choices=["standard", "renforce"], default="standard")
    parser.add_argument("--what", action="append", choices=sorted(EXPERIMENTS), help="default: all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    world = invented_world(options.n, options.seed, sheet=options.sheet)
    rng = np.random.default_rng(options.seed)
    for name in options.what or EXPERIMENTS:
        for line in EXPERIMENTS[name](world, options.profile, options.blocks, rng):
            told = {"profile": options.profile, "what": name, **line}
            print(
                json.dumps(told) if options.json else "  ".join(f"{key} {one}" for key, one in told.items()), flush=True
            )
    return 0


def _blocks(world: World, profile: str, blocks: int) -> Iterator[Scene]:
    """The largest of each pass, under fresh keys."""
    plan = plan_of(world, profile, Sampling(declared=len(world.victim)))
    return scenes(world.victim, world.attacker, world.sheet, plan, sizes=(_LEAST, 1 << 31), most=blocks)


def word(world: World, profile: str, blocks: int, _rng: np.random.Generator) -> Iterator[Line]:
    """The secret word of blocks."""
    seen = [(weight_leak(scene), unmasked_leak(scene)) for scene in _blocks(world, profile, blocks)]
    for case, leaks in (("weights", [one for one, _ in seen]), ("unmasked", [one for _, one in seen])):
        yield {"case": case, "blocks": len(leaks), "people": sum(one.people for one in leaks), **_told(leaks)}


def _told(leaks: Sequence[WeightLeak]) -> Line:
    """The largest R²; for each attribute the mean AUC, weighed by who lacks it."""
    lacking: dict[str, list[tuple[float, int]]] = {}
    for one in leaks:
        for name, told in one.lacking.items():
            lacking.setdefault(name, []).append(told)
    auc = {
        name: [
            round(sum(area * people for area, people in told) / sum(people for _, people in told), 3),
            sum(people for _, people in told),
        ]
        for name, told in lacking.items()
    }
    return {"r2": round(max(one.r_squared for one in leaks), 5), "auc": auc}


def four_rows(world: World, profile: str, blocks: int, rng: np.random.Generator) -> Iterator[Line]:
    """Quartets, pass by pass: the means over blocks."""
    by_pass: dict[str, list[tuple[float, ...]]] = {}
    for scene in _blocks(world, profile, blocks):
        found, size = quartets(scene.view, rng), len(scene)
        signals = (*found.signals(round(_TENTH * size)), *found.signals(size - 1))
        by_pass.setdefault(scene.view.plan.name, []).append((size, *signals))
    for name, some in by_pass.items():
        size, *signals = np.mean(some, axis=0).tolist()
        told = [round(one, 3) for one in signals]
        yield {"of": name, "block": round(size), "tenth": told[:3], "everybody": told[3:]}


def others(world: World, profile: str, blocks: int, rng: np.random.Generator) -> Iterator[Line]:
    """Nearly everybody known."""
    attacks: Mapping[str, Attack] = {"landmarks": landmarks, "self-training": message_passing}
    found: dict[tuple[float, str], Outcomes] = {(share, name): {} for share in _OTHERS for name in attacks}
    for scene in _blocks(world, profile, blocks):
        for share in _OTHERS:
            known = scene.knowing(share, rng)
            for name, attack in attacks.items():
                of = found[share, name].setdefault(scene.view.plan.name, [])
                of.append(known.score(attack(known.view, rng)))
    for (share, name), outcomes in found.items():
        yield {"known": share, "attack": name, **_rounded(outcomes)}


def several(world: World, profile: str, blocks: int, rng: np.random.Generator) -> Iterator[Line]:
    """Several runs of the same people; who is known is known in all of them."""
    people = drawn(world.victim, world.attacker, _TWENTIETH, rng)
    every: dict[tuple[str, bytes], list[Outcome]] = {}
    for number in range(1, _RUNS + 1):
        for scene in _blocks(world, profile, blocks):
            known = scene.knowing_people(people)
            outcome = known.score(message_passing(known.view, rng))
            every.setdefault((scene.view.plan.name, scene.view.candidates.tobytes()), []).append(outcome)
        by_pass: Outcomes = {}
        for (name, _), outcomes in every.items():
            if len(outcomes) == number:
                by_pass.setdefault(name, []).append(union(outcomes))
        yield {"runs": number, "known": _TWENTIETH, **_rounded(by_pass)}


def across(world: World, profile: str, blocks: int, rng: np.random.Generator) -> Iterator[Line]:
    """Rows of one run recognised in another."""
    plan = plan_of(world, profile, Sampling(declared=len(world.victim)))
    found: dict[float, list[Outcome]] = {0.0: [], _TENTH: []}
    sides = world.victim, world.victim
    for scene in two_runs(*sides, world.sheet, plan, sizes=(_LEAST, 1 << 31), most=blocks):
        for share, outcomes in found.items():
            known = scene.knowing(round(share * len(scene.people)), rng)
            outcomes.append(known.score(across_runs(known.view, rng)))
    for share, outcomes in found.items():
        yield {"known": share, **{name: round(value, 5) for name, value in together(outcomes).to_json().items()}}


EXPERIMENTS: Mapping[str, Callable[[World, str, int, np.random.Generator], Iterator[Line]]] = {
    "word": word,
    "quartets": four_rows,
    "others": others,
    "runs": several,
    "across": across,
}


def _rounded(outcomes: Outcomes) -> Line:
    whole = summed([together(some) for some in outcomes.values()])
    return {name: round(value, 5) for name, value in whole.items()}


if __name__ == "__main__":
    sys.exit(main())
