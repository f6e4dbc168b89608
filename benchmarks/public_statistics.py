"""Recomputes `linkage/public_statistics.json` from INSEE's tables of names, when a folder with them is given.

    python -m benchmarks.public_statistics FOLDER

FOLDER holds `insee_noms_1891_2000.parquet` and `insee_prenoms_1900_2022_by_decade.parquet` (INSEE, fichiers des noms et
des prénoms, Licence Ouverte). Only shares of first letters and of first two letters are kept, in parts per million.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from linkage.normalise import fold

DECADES = range(1940, 2010, 10)
LEAST_SHARE = 200  # parts per million: rarer pairs of letters are pooled


def main(folder: Path) -> None:
    """Writes the shares beside the planner that reads them."""
    surnames = pq.read_table(folder / "insee_noms_1891_2000.parquet")
    births = [f"_{year + 1}_{year + 10}" for year in DECADES if f"_{year + 1}_{year + 10}" in surnames.column_names]
    columns = [surnames[name].to_pylist() for name in births]
    weights = [sum(values) for values in zip(*columns, strict=True)]
    given = pq.read_table(folder / "insee_prenoms_1900_2022_by_decade.parquet")
    kept = [decade in DECADES for decade in given["decennie"].to_pylist()]
    counts = [n if keep else 0 for n, keep in zip(given["nombre"].to_pylist(), kept, strict=True)]
    shares = {
        "name": _shares(surnames["NOM"].to_pylist(), weights),
        "given_names": _shares(given["preusuel"].to_pylist(), counts),
    }
    target = Path(__file__).parent.parent / "linkage" / "public_statistics.json"
    target.write_text(json.dumps(shares, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}\n")


def _shares(names: list[Any], weights: list[Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {"initial": Counter(), "two": Counter()}
    for name, weight in zip(names, weights, strict=True):
        folded = fold(name).replace(" ", "")
        if folded.isalpha() and folded.isascii() and len(folded) > 1 and not name.startswith("_"):
            counts["initial"][folded[:1]] += weight
            counts["two"][folded[:2]] += weight
    result = {}
    for part, counter in counts.items():
        total = counter.total()
        ppm = {key: round(1_000_000 * value / total) for key, value in counter.items()}
        result[part] = {key: value for key, value in sorted(ppm.items()) if value >= LEAST_SHARE}
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]))
