"""Measures of single bits, of tokens and across runs, on the largest block of a profile: goals G4 to G8.

    python -m benchmarks.privacy_goals [--n N] [--profile NAME …] [--seed S]

N invented people, in one table for `reference`, in the largest block of the plan otherwise. One line of JSON a profile: R² of the
weight (A1), eigenvalues above the edge of chance (A3), tokens and values mined (A4), Dice of name tokens read after half of the
rows are known, beside that of the most frequent tokens, and rows read without a mistake (A7), the share recognised across two
runs (A9).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.privacy_measure import Sampling, invented_world, plan_of
from linkage.attacks.across_runs import across_runs, two_runs
from linkage.attacks.known_plaintext import recovery
from linkage.attacks.patterns import mined
from linkage.attacks.scene import scenes
from linkage.attacks.spectrum import spectrum
from linkage.attacks.weight import weight_leak
from linkage.profiles import PROFILES

__all__ = ["goals", "main"]

_HALF = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line of JSON a profile."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.privacy_goals")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--profile", action="append", choices=list(PROFILES), help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    for profile in options.profile or list(PROFILES):
        print(json.dumps(goals(options.n, profile, options.seed)), flush=True)
    return 0


def goals(size: int, profile: str, seed: int) -> dict[str, Any]:
    """All measures of one profile."""
    start, rng = time.perf_counter(), np.random.default_rng(seed)
    world = invented_world(size, seed)
    plan = plan_of(world, profile, Sampling(declared=size))
    scene = max(scenes(world.victim, world.attacker, world.sheet, plan, most=1), key=len)
    bits, tokens = spectrum(scene), mined(scene)
    read = recovery(scene.knowing(_HALF, rng), rng)
    pair = max(two_runs(world.victim, world.victim, world.sheet, plan, most=1), key=lambda one: len(one.people))
    across = pair.score(across_runs(pair.view, rng))
    return {
        "profile": profile,
        "rows": len(scene),
        "weight_r2": round(weight_leak(scene).r_squared, 5),
        "eigenvalues": bits.above,
        "mined_tokens": tokens.tokens,
        "mined_values": tokens.values,
        "read_dice": round(read.dice, 3),
        "baseline_dice": round(read.baseline, 3),
        "read_exactly": [read.exact, read.rows],
        "across_runs": across.to_json(),
        "seconds": round(time.perf_counter() - start, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
