"""What relatives add to the exposure of a pass: κ that the planner expects, κ measured, and whose resemblance makes it.

    python -m benchmarks.relatives [--n N] [--blocks K] [--sheet NAME] [--profile NAME …] [--names FOLDER] [--seed S] [--json]

κ² of a block is L times the mean square, over pairs of different people, of how far their expected agreement is from the mean.
Pairs of relatives (parents and children, siblings, spouses, and those of one's spouse) are few, and alike where a pass leaves out
what they share least. By pass, over K blocks drawn at random: κ expected from public statistics at the depth of each block, κ
measured, the same without pairs of relatives, relatives of a person in his block, the agreement of such a pair; then, of those
who have a relative in their block and of those who have none, what is found with a tenth of the people known (landmarks) and
with all others known (ceiling), and how many have.

With r relatives a person and mean square a² the law is κ² = κ₀² + L·r·a²/(n − 1): `weight` is r·a², which does not depend on
the size of the block.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.privacy_measure import Sampling, World, invented_world, plan_of
from linkage.attacks.ceiling import ceiling
from linkage.attacks.landmarks import landmarks
from linkage.attacks.propagation import centred
from linkage.attacks.scene import Scene, View, scenes
from linkage.attribute import with_bits
from linkage.exposure import exposure
from linkage.profiles import PROFILES, profile_named
from linkage.statistics import Statistics
from linkage.synthetic.people import People

__all__ = ["main", "measured", "related"]

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
_NOBODY = -1
_TENTH = 0.10
_HAS = ("without", "with")  # a relative in the block


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a profile and pass."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relatives")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--sheet", default="P1")
    diffused = [name for name in PROFILES if PROFILES[name].degree]
    parser.add_argument("--profile", action="append", choices=diffused, help="default: all of these")
    parser.add_argument("--names", type=Path, help="folder with INSEE's tables of names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    world = invented_world(
        options.n, options.seed, sheet=options.sheet, mistakes=("sans_erreur", "sans_erreur"), names_dir=options.names
    )
    for profile in options.profile or diffused:
        for line in measured(world, profile, options.blocks, np.random.default_rng(options.seed)):
            shown = (
                "{profile:9} {of:8} t {degree:2} blocks {blocks:4} people {block:6.0f} κ expected {expected:.3f} measured"
                " {kappa:.3f} ({ratio:.2f}) without relatives {others:.3f} relatives {relatives:.3f} weight {weight:.6f}"
                " have {having:.3f}: tenth known {tenth_with:.3f} others {tenth_without:.3f} all known {all_with:.3f}"
                " others {all_without:.3f}"
            )
            print(json.dumps(line) if options.json else shown.format(**line), flush=True)
    return 0


@dataclass(kw_only=True)
class _Sums:
    """Over the blocks of a pass: people, κ² of each by people, the same of strangers and of relatives."""

    sizes: list[int] = field(default_factory=list)
    expected: float = 0.0
    whole: float = 0.0
    others: float = 0.0
    pairs: float = 0.0
    alike: float = 0.0
    found: dict[str, NDArray[np.int64]] = field(default_factory=dict)  # attack → without, with kin × tried, found


def measured(world: World, profile: str, blocks: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """One line a pass: the plan is that of production for the world."""
    plan = plan_of(world, profile, Sampling(declared=len(world.victim)))
    found: dict[str, _Sums] = {}
    for scene in scenes(world.victim, world.attacker, world.sheet, plan, sizes=(20, 1 << 31), most=blocks, rng=rng):
        _add(found.setdefault(scene.view.plan.name, _Sums()), scene, world, rng)
    for one in plan.passes:
        if one.name in found:
            yield {"profile": profile, "of": one.name, "degree": one.degree, **_told(found[one.name], one.length)}


def _add(sums: _Sums, scene: Scene, world: World, rng: np.random.Generator) -> None:
    view, count = scene.view, len(scene.view.candidates)
    squares = np.square(centred(view.expected), dtype=np.float64)
    kin = related(world.people, world.attacker.people[view.candidates])
    strangers = ~kin
    np.fill_diagonal(strangers, val=False)
    sums.sizes.append(count)
    sums.expected += count * _expected(view) ** 2
    sums.whole += count * view.length * squares.sum() / (count * (count - 1))
    sums.others += count * view.length * squares[strangers].mean()
    sums.pairs += float(kin.sum())
    sums.alike += float(squares[kin].sum())
    tenth = scene.knowing(_TENTH, rng)
    having = world.attacker.people[view.candidates[kin.any(axis=1)]]
    for name, outcome in (("tenth", tenth.score(landmarks(tenth.view, rng))), ("all", ceiling(scene))):
        has = np.isin(outcome.people, having)
        counts = [[int(some.sum()), int(outcome.found[some].sum())] for some in (~has, has)]
        sums.found[name] = sums.found.get(name, np.zeros((2, 2), dtype=np.int64)) + np.array(counts)


def _expected(view: View) -> float:
    """κ that the planner expects of blocks of this depth."""
    attributes = with_bits(view.sheet.attributes, view.plan.bits)
    left_out = view.plan.left_out(view.depth)
    return exposure(attributes, Statistics(view.sheet), profile_named(view.profile), left_out, view.degree) / 1000


def _told(sums: _Sums, length: int) -> dict[str, Any]:
    people = sum(sums.sizes)
    expected, whole, others = (sqrt(one / people) for one in (sums.expected, sums.whole, sums.others))
    return {
        "blocks": len(sums.sizes),
        "length": length,
        "block": round(sum(size * size for size in sums.sizes) / people, 1),
        "expected": round(expected, 4),
        "kappa": round(whole, 4),
        "ratio": round(whole / expected, 2),
        "others": round(others, 4),
        "relatives": round(sums.pairs / people, 4),
        "agreement": round(sqrt(sums.alike / sums.pairs), 4) if sums.pairs else 0.0,
        "weight": round(sums.alike / people, 7),
        "having": round(float(sums.found["all"][1, 0] / max(1, sums.found["all"][:, 0].sum())), 4),
        **{f"{name}_{has}": _share(one) for name, of in sums.found.items() for has, one in zip(_HAS, of, strict=True)},
        "counts": {name: counts.tolist() for name, counts in sums.found.items()},
    }


def _share(found: NDArray[np.int64]) -> float:
    return round(float(found[1] / max(1, found[0])), 4)


def related(people: People, rows: Rows) -> Flags:
    """(k, k) which of some people are parent and child, siblings, spouses, or that to the other's spouse; nobody to himself."""
    family, spouse = people.family[rows], people.spouse[rows]
    has = spouse >= 0
    in_law = np.where(has, people.family[spouse], _NOBODY)
    found: Flags = family[:, None] == family
    found |= (in_law[:, None] == family) | ((in_law[:, None] == in_law) & has[:, None])
    found |= spouse[:, None] == rows
    for parent in (people.father, people.mother):
        found |= parent[rows][:, None] == rows
        found |= np.where(has, parent[spouse], _NOBODY)[:, None] == rows
    found |= found.T
    np.fill_diagonal(found, val=False)
    return found


if __name__ == "__main__":
    sys.exit(main())
