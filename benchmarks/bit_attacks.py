"""What attacks on bits and on structure find that is no list of people: controls on `reference`, the same on sent profiles.

    python -m benchmarks.bit_attacks [--n N] [--known K] [--mistakes NAME] [--profile NAME …] [--one-table] [--seed S] [--json]

N invented people with the mistakes of an administration (none by default) and a clean reference file of them all, sheet P1.
`reference` has one table of everybody; the other profiles have the blocks of production unless `--one-table` puts everybody in
one, which gives the attacker far more than he has. K pairs are known (in blocks, the same share of each). Of blocks with 100
people or more, the five largest of each pass are attacked, and the worst is shown; names are those of the threat model:

    A1  R² of the weight on what was expected, without and with the known pairs; rows of one subgroup against the others (AUC)
    A2  equal rows; on surnames alone, share of the rows that get the right surname
    A3  farthest share of ones (in what fair bits reach once in a thousand), eigenvalues above the edge, best community
    A4  patterns, tokens named rightly, share of people recognised
    A7  Dice of the bigrams of names read off unknown rows, beside always saying the most frequent; rows read exactly; recognised
    A8  people found by whoever has the key
    A9  people found when ids are joined over passes; rows of two passes joined when they are not
    A10 people of whom a run says that they are in the other file; the same of people who are not
    A11 rows of the secret matrix found when filters are sent under two tables with one key
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.privacy_measure import World, invented_world
from crypto.keys import RunKey, fresh_share
from linkage.attacks import algebra
from linkage.attacks.enumeration import asked
from linkage.attacks.frequency import repetition
from linkage.attacks.key_leak import key_leak
from linkage.attacks.known_plaintext import known_plaintext, recovery
from linkage.attacks.outcome import union
from linkage.attacks.patterns import mined, pattern_mining
from linkage.attacks.rejoining import blocks_of, joined, rejoined
from linkage.attacks.scene import Scene, one_table, scenes
from linkage.attacks.spectrum import spectrum
from linkage.attacks.weight import weight_leak
from linkage.diffuse import diffuse
from linkage.diffusion_tables import diffusion_table
from linkage.plan import Plan
from linkage.planner import plan_passes
from linkage.profiles import PROFILES, profile_named
from linkage.synthetic.mistakes import PROFILES as MISTAKES

__all__ = ["main", "measured"]

_LEAST, _EACH = 100, 5
_ORDERS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a profile and attack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bit_attacks")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--known", type=int, default=0, help="default: five sixths")
    parser.add_argument("--profile", action="append", choices=sorted(PROFILES), help="default: all")
    parser.add_argument("--mistakes", choices=sorted(MISTAKES), default="sans_erreur")
    parser.add_argument("--one-table", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    world = invented_world(options.n, options.seed, mistakes=(options.mistakes, "sans_erreur"))
    for profile in options.profile or PROFILES:
        known = (options.known or options.n * 5 // 6) / options.n
        for line in measured(world, profile, known, np.random.default_rng(options.seed), whole=options.one_table):
            print(json.dumps(line) if options.json else _shown(line), flush=True)
    return 0


def measured(
    world: World, profile: str, known: float, rng: np.random.Generator, *, whole: bool = False
) -> Iterator[dict[str, Any]]:
    """One line an attack.

    Args:
        world: what is sent and the reference file.
        profile: a name.
        known: share of the pairs of each block that is known, for A1 and A7.
        rng: of the attacks.
        whole: everybody in one table.
    """
    size = len(world.victim)
    divided = bool(profile_named(profile).degree) and not whole
    plan = plan_passes(world.sheet, profile, (size, size)) if divided else one_table(world.sheet, profile, size)
    drawn = list(scenes(world.victim, world.attacker, world.sheet, plan, sizes=(_LEAST, 1 << 31), most=_EACH))
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "A1": lambda: _weights(drawn, known, rng),
        "A2": lambda: _frequencies(world, drawn, profile, rng),
        "A3": lambda: _spectra(drawn),
        "A4": lambda: _mined(drawn, rng),
        "A7": lambda: _read(drawn, known, rng),
        "A8": lambda: _leaked(world, plan),
        "A9": lambda: _joined(world, plan, rng) if len(plan.passes) > 1 else {},
        "A10": lambda: _asked(world, plan),
        "A11": lambda: _algebra(drawn[0], rng),
    }
    for name, step in steps.items():
        start = time.perf_counter()
        found = step()
        if found:
            yield {"profile": profile, "attack": name, **found, "seconds": round(time.perf_counter() - start, 2)}


def _weights(drawn: list[Scene], known: float, rng: np.random.Generator) -> dict[str, Any]:
    without = [weight_leak(one) for one in drawn]
    pairs = [weight_leak(one.knowing(known, rng)) for one in drawn]
    told = [value for one in without for value, _ in one.lacking.values()]
    return {
        "r2": _most(one.r_squared for one in without),
        "r2_known": _most(one.r_squared for one in pairs),
        "auc": round(max([abs(one - 0.5) for one in told], default=0) + 0.5, 4),
        "fill": round(float(np.mean([one.fill[0] for one in without])), 4),
        "people": sum(one.people for one in without),
    }


def _frequencies(world: World, drawn: list[Scene], profile: str, rng: np.random.Generator) -> dict[str, Any]:
    surname = tuple(one for one in world.sheet.attributes if one.name == "nom_naissance")
    sheet = replace(world.sheet, attributes=surname, passes=())
    alone = next(scenes(world.victim, world.attacker, sheet, one_table(sheet, profile, len(world.victim))))
    found, of_names = [repetition(one, rng) for one in drawn], repetition(alone, rng)
    return {
        "repeated": sum(one.repeated for one in found),
        "rows": sum(one.rows for one in found),
        "surnames": round(of_names.values / max(1, of_names.guessed), 4),
    }


def _spectra(drawn: list[Scene]) -> dict[str, Any]:
    found = [spectrum(one) for one in drawn]
    return {
        "bias": _most(one.bias / one.fair for one in found),
        "above": max(one.above for one in found),
        "community": _most(one.community for one in found),
        "by_chance": _most(one.by_chance for one in found),
    }


def _mined(drawn: list[Scene], rng: np.random.Generator) -> dict[str, Any]:
    found = [mined(one) for one in drawn]
    recognised = [one.score(pattern_mining(one.view, rng)) for one in drawn]
    return {
        "patterns": sum(one.patterns for one in found),
        "tokens": sum(one.tokens for one in found),
        "values": sum(one.values for one in found),
        "recognised": _most(one.rate for one in recognised),
    }


def _read(drawn: list[Scene], known: float, rng: np.random.Generator) -> dict[str, Any]:
    told = [one.knowing(known, rng) for one in drawn]
    found, recognised = (
        [recovery(one, rng) for one in told],
        [one.score(known_plaintext(one.view, rng)) for one in told],
    )
    rows = max(1, sum(one.rows for one in found))
    return {
        "dice": round(sum(one.dice * one.rows for one in found) / rows, 4),
        "baseline": round(sum(one.baseline * one.rows for one in found) / rows, 4),
        "exact": sum(one.exact for one in found),
        "rows": rows,
        "known": round(float(np.mean([len(one.view.known) for one in told])), 1),
        "recognised": round(sum(one.right for one in recognised) / max(1, sum(one.tried for one in recognised)), 4),
    }


def _leaked(world: World, plan: Plan) -> dict[str, Any]:
    passes = key_leak(world.victim, world.attacker, world.sheet, plan, RunKey(fresh_share()))
    return {"least": round(min(one.rate for one in passes), 4), "union": round(union(passes).rate, 4)}


def _joined(world: World, plan: Plan, rng: np.random.Generator) -> dict[str, Any]:
    key = RunKey(fresh_share())
    ours, theirs = (blocks_of(side, world.sheet, plan, key) for side in (world.victim, world.attacker))
    sent, clean = (ours, world.victim.people), (theirs, world.attacker.people)
    apart = rejoined(world.victim, world.attacker, world.sheet, plan, rng)
    return {
        "joined_labels": round(joined(sent, clean, rng, labels=True).rate, 4),
        "joined_clean": round(joined(sent, sent, rng, labels=False).rate, 4),
        "separate": round(apart.rate, 4),
        "separate_chance": round(apart.chance, 4),
    }


def _asked(world: World, plan: Plan) -> dict[str, Any]:
    """The reference file sent as questions to the other file."""
    certain, _ = asked(world.attacker.records, world.victim.records, world.sheet, plan)
    there = np.isin(world.attacker.people, world.victim.people)
    return {"members": round(float(certain[there].mean()), 4), "rows": len(there)}


def _algebra(scene: Scene, rng: np.random.Generator) -> dict[str, Any]:
    """The rows of the block as if they were plain filters, under two more tables: what one key for two runs would do."""
    length, degree = scene.view.length, max(3, scene.view.degree)
    tables = [diffusion_table(fresh_share(), length, degree) for _ in range(2)]
    sent = np.concatenate([diffuse(scene.view.filters, one) for one in tables], axis=1)
    found = algebra.secret_rows(sent, degree, rng, tables=2, orders=_ORDERS)
    true = np.zeros((length, 2 * length), dtype=bool)
    for place, table in enumerate(tables):
        for layer in table:
            true[layer, place * length + np.arange(length)] ^= True
    rows = {row.tobytes() for row in np.packbits(true, axis=1, bitorder="little").view(np.uint64)}
    return {
        "filters": len(sent),
        "bits": length,
        "rank_alone": algebra.rank(scene.view.filters),
        "rank_twice": found.rank,
        "rows_found": sum(row.tobytes() in rows for row in found.rows),
    }


def _most(values: Iterator[float]) -> float:
    return round(max(values), 4)


def _shown(line: dict[str, Any]) -> str:
    told = "  ".join(f"{name} {value}" for name, value in line.items() if name not in ("profile", "attack"))
    return f"{line['profile']:10} {line['attack']:4} {told}"


if __name__ == "__main__":
    sys.exit(main())
