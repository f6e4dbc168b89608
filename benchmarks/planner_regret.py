"""What the planner of exact pruning loses: each strategy and the one chosen, over thresholds and sizes, by processor time.

    python -m benchmarks.planner_regret [--sizes 1000 …] [--thresholds .6 …] [--data names noise] [--left 20000]

Data: invented French people (`linkage.synthetic`) as CLKs of names (bigrams, 15 bits), date (30) and sex (60), and independent
bits, on which nothing can be pruned. Right rows are met by at most `--left` left rows; figures are then of that slice, planning
and indexing included, and penalise strategies that prepare much. Pairs are checked to be the same for all strategies.
One thread; the figure is the time of the best strategy over that of the chosen one, planning included: 0.9 or more is the aim.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates
from linkage.clkhash.clks import encode_rows
from linkage.clkhash.linkage_schema import read_linkage_schema
from linkage.match import Strategy, match
from linkage.strategy import choose
from linkage.synthetic.files import identities
from linkage.synthetic.mistakes import VERIFIE_AGENT, with_mistakes
from linkage.synthetic.people import population

__all__ = ["main", "names", "noise", "regret"]

Rows = NDArray[np.uint64]
KDF = {"type": "HKDF", "hash": "SHA256", "info": "c2NoZW1h", "salt": "bWVhc3VyZXM=", "keySize": 64}


def feature(identifier: str, comparison: dict[str, Any], bits: int) -> dict[str, Any]:
    """A feature of the names schema."""
    hashing = {"comparison": comparison, "strategy": {"bitsPerToken": bits}, "hash": {"type": "blakeHash"}}
    form = {"type": "string", "encoding": "utf-8", "maxLength": 120}
    return {"identifier": identifier, "format": form, "hashing": {**hashing, "missingValue": {"sentinel": ""}}}


def names(count: int) -> tuple[Rows, Rows]:
    """Two files of `count` people, half of them in both, as CLKs of 1024 bits."""
    unit = {"type": "ngram", "n": 1}
    features = [
        feature("name", {"type": "ngram", "n": 2}, 15),
        feature("born", {**unit, "positional": True}, 30),
        feature("sex", unit, 60),
    ]
    schema = read_linkage_schema({"version": 3, "clkConfig": {"l": 1024, "kdf": KDF}, "features": features})
    people = population(count + count // 2, 11)
    held = [identities(people, np.arange(first, first + count)) for first in (0, count // 2)]
    held[1] = with_mistakes(held[1], VERIFIE_AGENT, np.random.default_rng(5))
    sides = []
    for columns in held:
        first = [cell.partition(" ")[0].upper() for cell in columns["prenoms"]]
        last = [cell.upper() for cell in columns["nom_naissance"]]
        born = [cell.replace("-", "") for cell in columns["date_naissance"]]
        name = [f"{one} {other}" for one, other in zip(first, last, strict=True)]
        clks = encode_rows(schema, b"measures", list(zip(name, born, columns["sexe"], strict=True)))
        sides.append(np.ascontiguousarray(clks).view(np.uint64).reshape(count, -1))
    return sides[0], sides[1][np.random.default_rng(3).permutation(count)]


def noise(count: int) -> tuple[Rows, Rows]:
    """Two sets of `count` rows of 1024 independent bits."""
    rng = np.random.default_rng(2)
    return rng.integers(0, 2**64, (count, 16), dtype=np.uint64), rng.integers(0, 2**64, (count, 16), dtype=np.uint64)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, and the result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def regret(left: Rows, right: Rows, threshold: float) -> tuple[dict[str, float], str, str]:
    """Seconds by strategy, from rows to pairs in order, planning included; the name chosen, and why."""
    seconds: dict[str, float] = {}
    pairs: Candidates | None = None
    for wanted in get_args(Strategy):
        seconds[wanted], found = timed(partial(match, left, right, threshold, strategy=wanted, threads=1))
        pairs = found if pairs is None else pairs
        if not all(np.array_equal(getattr(pairs, name), getattr(found, name)) for name in ("left", "right", "score")):
            raise AssertionError("strategies differ")
    choice = choose(left, right, threshold, threads=1)
    return seconds, choice.name, choice.why


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line a case; returns 1 when some regret is under 0.9."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 30_000, 100_000])
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.6, 0.7, 0.8, 0.85, 0.9, 0.95])
    parser.add_argument("--data", nargs="+", choices=["names", "noise"], default=["names", "noise"])
    parser.add_argument("--left", type=int, default=20_000, help="left rows at most")
    args = parser.parse_args(argv)
    worst = 1.0
    regret(*names(1_000), 0.9)  # compiled code is loaded before the clock starts
    for data in args.data:
        for size in args.sizes:
            left, right = {"names": names, "noise": noise}[data](size)
            for threshold in args.thresholds:
                seconds, chosen, why = regret(left[: args.left], right, threshold)
                ratio = min(seconds.values()) / seconds["auto"]
                worst = min(worst, ratio)
                spent = " ".join(f"{name} {value:.3f}" for name, value in seconds.items())
                print(f"{data} {size} {threshold}: {chosen} {ratio:.2f} | {spent} | {why}", flush=True)
    print(f"worst {worst:.2f}")
    return 0 if worst >= 0.9 else 1


if __name__ == "__main__":
    raise SystemExit(main())
