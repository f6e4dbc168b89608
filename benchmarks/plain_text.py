"""Our links against those of plain-text tools and of the CLKs of clkhash: same sets, same truth, same cleaned values.

    python -m benchmarks.plain_text FOLDER [--set NAME …] [--peer PYTHON] [--json FILE]

Splink and recordlinkage see the names; they say what could be had without any encoding. clkhash with anonlink is the encoded
peer. They run in a throw-away environment that this script makes in a temporary folder (`--peer` names the Python of one that
has them already). All get the values as our normaliser leaves them, missing cells as missing. Columns:

    p>.5       the tool's own decision (for clkhash: Dice .8), as it stands
    p>.5 1-1   the same with our greedy one-to-one added
    best       the best threshold picked with labels, one-to-one added: a ceiling
    standard, renforce   ours, through the production path, thresholds without labels

The settings of the peers are in `plain_text_peers.py`; a tool that fails on a set is said to have failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.peer_environments import environment
from benchmarks.quality_measure import Read, measure, read_sets
from benchmarks.quality_sets import SETS
from linkage.evaluate import score
from linkage.outlook import one_to_one
from linkage.records import Records

__all__ = ["main"]

_PACKAGES = [
    "splink==5.0.0",
    "recordlinkage==0.16",
    "clkhash==0.18.3",
    "anonlink==0.15.3",
    "pandas<3",
    "pyarrow",
    "duckdb",
]
_TOOLS = {
    "splink": 0.5,
    "recordlinkage": 0.5,
    "recordlinkage-dates": 0.5,
    "clkhash": 0.8,
}  # and the threshold of their own
_DEFAULT = [name for name in SETS if name not in ("matchid", "rldata500")]
_HEAD = f"{'set':17} {'tool':20} {'p>.5':>6} {'p>.5 1-1':>8} {'best':>6}   standard renforce"


def main(arguments: list[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_text")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", choices=sorted(SETS))
    parser.add_argument("--tool", action="append", choices=sorted(_TOOLS))
    parser.add_argument(
        "--peer", type=Path, help="Python of an environment with splink, recordlinkage, clkhash and anonlink"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    results: list[dict[str, Any]] = []
    print(_HEAD)
    with tempfile.TemporaryDirectory() as scratch:
        peer = options.peer or environment(Path(scratch) / "peers", _PACKAGES)
        for data in read_sets(options.folder, options.set or _DEFAULT):
            ours = {key: measure(data, key, with_labels=False)["f1"] for key in ("standard", "renforce")}
            for tool in options.tool or _TOOLS:
                found = _peer(peer, tool, data, Path(scratch))
                results.append({"set": data.of.name, "tool": tool, **found, **ours})
                print(_line(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


def _peer(python: Path, tool: str, data: Read, scratch: Path) -> dict[str, float]:
    """F1 of one tool on one set; nothing when it fails."""
    attributes = [one for one in data.of.sheet.attributes if one.second_form_of is None]
    task = {"attributes": [{"name": one.name, "kind": one.kind} for one in attributes]}
    (scratch / "task.json").write_text(json.dumps(task), encoding="utf-8")
    for side, records in (("left", data.left), ("right", data.right)):
        columns = {one.name: _cells(records, one.name) for one in attributes}
        pq.write_table(pa.table(columns), scratch / f"{side}.parquet")
    script = Path(__file__).with_name("plain_text_peers.py")
    done = subprocess.run([python, str(script), tool, str(scratch)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{data.of.name:17} {tool:20} failed: {(done.stderr.strip().splitlines() or ['?'])[-1][:90]}")
        return {}
    table = pq.read_table(scratch / f"{tool}.parquet")
    return _judged(*(table[name].to_numpy() for name in ("left", "right", "score")), data=data, own=_TOOLS[tool])


def _cells(records: Records, name: str) -> list[str | None]:
    column = records.columns[name]
    values = [*(value.removesuffix("?") for value in column.values), None]  # the last entry answers for MISSING = -1
    return [values[code] for code in column.codes.tolist()]


def _judged(
    left: NDArray[np.int64], right: NDArray[np.int64], scores: NDArray[np.float64], *, data: Read, own: float
) -> dict[str, float]:
    pairs = np.stack([left, right], axis=1)
    width = np.int64(len(data.right))
    hits = np.isin(left * width + right, data.true[:, 0] * width + data.true[:, 1])
    told = scores > own
    once = np.flatnonzero(one_to_one(pairs, scores))
    kept = once[np.argsort(-scores[once], kind="stable")]
    # One-to-one goes from the best score down, so that a higher threshold keeps a prefix of its links.
    curve = [
        score(int(right_links), count, len(data.true))[2] for count, right_links in enumerate(np.cumsum(hits[kept]), 1)
    ]
    above = int((scores[kept] > own).sum())
    return {
        "own": score(int(hits[told].sum()), int(told.sum()), len(data.true))[2],
        "own_one_to_one": curve[above - 1] if above else 0.0,
        "best": max(curve, default=0.0),
    }


def _line(found: dict[str, Any]) -> str:
    theirs = " " * 22
    if "best" in found:
        theirs = f"{found['own']:6.4f} {found['own_one_to_one']:8.4f} {found['best']:6.4f}"
    return f"{found['set']:17} {found['tool']:20} {theirs}   {found['standard']:8.4f} {found['renforce']:8.4f}"


if __name__ == "__main__":
    sys.exit(main())
