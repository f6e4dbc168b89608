"""Eigenvalues above the edge of noise in many rows (A3, goal G6): one block, all blocks of a pass, everybody in one table.

    python -m benchmarks.spectra [--n N] [--profile NAME …] [--names FOLDER] [--seed S] [--json]

N invented people with an agent's mistakes, sheet P1, encoded as production encodes them. *block*: the largest block of each pass.
*pass*: all rows of a pass in one matrix, although each block has its own table: the most rows that the third party can put
together. *table*: everybody in one table at the profile's least degree, which no agreement allows (condition 3 of blocks);
`reference` has nothing else. Of noise alone, one matrix in a hundred has an eigenvalue above the edge.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.privacy_measure import Sampling, World, invented_world, plan_of
from crypto.keys import RunKey, fresh_share
from linkage.attacks.scene import one_table
from linkage.attacks.spectrum import edge, eigenvalues
from linkage.holder import encode_passes
from linkage.plan import Plan
from linkage.profiles import PROFILES

__all__ = ["main", "measured"]

Filters = NDArray[np.uint64]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line a matrix."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spectra")
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--profile", action="append", choices=list(PROFILES), help="default: all")
    parser.add_argument("--names", type=Path, help="folder with INSEE's tables of names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    world = invented_world(options.n, options.seed, names_dir=options.names)
    for profile in options.profile or PROFILES:
        for line in measured(world, profile):
            shown = "{profile:10} {of:6} {name:6} rows {rows:7} above {above:3} largest {largest:8.4f} edge {edge:.4f}"
            print(json.dumps(line) if options.json else shown.format(**line), flush=True)
    return 0


def measured(world: World, profile: str) -> Iterator[dict[str, Any]]:
    """One line a matrix of rows."""
    if PROFILES[profile].degree:
        for name, tags, filters in _encoded(world, plan_of(world, profile, Sampling(declared=len(world.victim)))):
            first = np.flatnonzero(np.concatenate([[True], np.any(tags[1:] != tags[:-1], axis=1)]))
            sizes = np.diff(first, append=len(tags))
            largest = int(sizes.argmax())
            rows = slice(first[largest], first[largest] + sizes[largest])
            yield {"profile": profile, "of": "block", "name": name, **_above(filters[rows])}
            yield {"profile": profile, "of": "pass", "name": name, **_above(filters)}
    for name, _, filters in _encoded(world, one_table(world.sheet, profile, len(world.victim))):
        yield {"profile": profile, "of": "table", "name": name, **_above(filters)}


def _encoded(world: World, plan: Plan) -> Iterator[tuple[str, NDArray[np.uint8], Filters]]:
    """Name, tags and filters of each pass, under a fresh key."""
    with RunKey(fresh_share()) as key:
        for one in encode_passes(world.victim.records, world.sheet, plan, key):
            yield one.plan.name, one.encoded.tags, one.encoded.filters


def _above(filters: Filters) -> dict[str, Any]:
    start = time.perf_counter()
    values, _ = eigenvalues(filters)
    limit = edge(len(filters) - 1, 64 * filters.shape[1])
    found = {"rows": len(filters), "above": int((values > limit).sum()), "largest": round(float(values[0]), 4)}
    return {**found, "edge": round(limit, 4), "seconds": round(time.perf_counter() - start, 1)}


if __name__ == "__main__":
    sys.exit(main())
