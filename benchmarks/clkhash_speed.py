"""The CLK encoder against clkhash itself: same schemas, same data, same core, identical CLKs, medians of repeats.

    python -m benchmarks.clkhash_speed [--rows 100000] [--repeats 5] [--peer PYTHON]

clkhash 0.18.3 runs in a throw-away environment that this script makes in a temporary folder (`--peer` names the Python of
an environment that has it already). Each repeat runs clkhash and then ours, so that both meet the same machine; both are
held to one core where the system allows it. Compiled code is loaded before the clock starts, as imports are.

Data: an invented French population (`linkage.synthetic`), with the repetitions of real names and places, under two schemas:
`novt`, four columns of bigrams as in anonlink's tutorial, and `febrl`, eight columns with n-grams of 1 to 3, positional or not,
numeric and exact comparison, a date, both hashes and missing values. With `--vectors FOLDER`, CLKs that another program made are
checked first: files `*.json` of a schema, a secret and CLKs, beside the rows that they came from.

Three ways in are timed: columns already coded by distinct cell, as the readers of this project give them; columns as lists of
strings; rows as tuples, which is what clkhash takes. The ratio is the median time of clkhash over the median of ours.
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_environments import environment
from linkage.clkhash.clks import encode_columns, encode_rows
from linkage.clkhash.coding import CodedColumn, column_of
from linkage.clkhash.linkage_schema import LinkageSchema, read_linkage_schema
from linkage.synthetic.files import identities
from linkage.synthetic.people import population

__all__ = ["main"]

SECRET = "for measuring only"  # noqa: S105
VERSION = "0.18.3"
Row = tuple[str, ...]
Clks = NDArray[np.uint8]

# What runs in clkhash's own environment: reads {schema, rows}, answers with seconds and CLKs.
PEER = """
import json, sys, time
from clkhash.clk import generate_clks
from clkhash.schema import from_json_dict
from clkhash.serialization import serialize_bitarray
task = json.load(open(sys.argv[1]))
rows = [tuple(row) for row in task["rows"]]
schema = from_json_dict(task["schema"])
start = time.process_time()
clks = generate_clks(rows, schema, task["secret"], max_workers=1)
seconds = time.process_time() - start
json.dump({"seconds": seconds, "clks": [serialize_bitarray(clk) for clk in clks]}, open(sys.argv[2], "w"))
"""


def bigrams(identifier: str) -> dict[str, Any]:
    """A feature as in anonlink's tutorial."""
    return {
        "identifier": identifier,
        "format": {"type": "string", "encoding": "utf-8", "maxLength": 60},
        "hashing": {
            "comparison": {"type": "ngram", "n": 2},
            "strategy": {"bitsPerFeature": 100},
            "hash": {"type": "blakeHash"},
            "missingValue": {"sentinel": "", "replaceWith": ""},
        },
    }


def hashed(identifier: str, form: dict[str, Any], comparison: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A feature with a hashing of its own; an empty cell means no value."""
    hashing = {"comparison": comparison, "missingValue": {"sentinel": ""}, **rest}
    return {"identifier": identifier, "format": form, "hashing": hashing}


KDF = {"type": "HKDF", "hash": "SHA256", "info": "c2NoZW1h", "salt": "bWVhc3VyZXM=", "keySize": 64}
TEXT = {"type": "string", "encoding": "utf-8", "maxLength": 80}


def schemas() -> dict[str, dict[str, Any]]:
    """The two schemas, both of version 3."""
    config = {"l": 1024, "kdf": KDF}
    ignored = {"identifier": "id", "ignored": True}
    novt = [ignored, *map(bigrams, ("first_name", "surname", "town", "postcode"))]
    numeric = {"type": "numeric", "thresholdDistance": 5, "resolution": 2}
    febrl = [
        ignored,
        hashed("first_name", TEXT, {"type": "ngram", "n": 2}, strategy={"bitsPerFeature": 200}),
        hashed("surname", TEXT, {"type": "ngram", "n": 2}, strategy={"bitsPerToken": 15}),
        hashed("number", {"type": "integer", "minimum": 0}, numeric, strategy={"bitsPerToken": 8}),
        hashed(
            "street",
            TEXT,
            {"type": "ngram", "n": 3},
            strategy={"bitsPerFeature": 100},
            hash={"type": "doubleHash"},
        ),
        hashed("town", TEXT, {"type": "ngram", "n": 2, "positional": True}, strategy={"bitsPerFeature": 90}),
        hashed(
            "postcode",
            {"type": "string", "pattern": "[0-9AB]{0,5}"},
            {"type": "ngram", "n": 1, "positional": True},
            strategy={"bitsPerToken": 12},
        ),
        hashed("sex", {"type": "enum", "values": ["M", "F"]}, {"type": "exact"}, strategy={"bitsPerFeature": 30}),
        hashed(
            "born",
            {"type": "date", "format": "%Y-%m-%d"},
            {"type": "ngram", "n": 1, "positional": True},
            strategy={"bitsPerFeature": 180},
        ),
    ]
    return {
        "novt": {"version": 3, "clkConfig": config, "features": novt},
        "febrl": {"version": 3, "clkConfig": config, "features": febrl},
    }


def people(count: int) -> dict[str, list[Row]]:
    """The rows of each schema: invented people, with addresses made of invented names."""
    everybody = population(count, 7)
    held = identities(everybody, np.arange(count))
    rng = np.random.default_rng(7)
    names = sorted(set(held["nom_naissance"]))
    towns = [f"{names[place % len(names)]} le {names[place * 7 % len(names)]}"[:40] for place in range(2000)]
    town = (2000 * rng.random(count) ** 2).astype(int)
    street = (len(names) * rng.random(count) ** 2).astype(int)
    number = np.minimum(rng.geometric(0.02, count), 400)
    first = [names.partition(" ")[0] for names in held["prenoms"]]
    born = ["" if "-00" in day else day for day in held["date_naissance"]]
    place = [towns[one] for one in town.tolist()]
    postcode = [f"{1000 + 37 * one:05d}" for one in town.tolist()]
    street_name = [f"rue {names[one]}" for one in street.tolist()]
    identifier = [str(row) for row in range(count)]
    shared = (identifier, first, held["nom_naissance"])
    return {
        "novt": list(zip(*shared, place, postcode, strict=True)),
        "febrl": list(
            zip(*shared, map(str, number.tolist()), street_name, place, postcode, held["sexe"], born, strict=True)
        ),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, check, print; returns 1 when a CLK differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", type=Path, help="a Python that has clkhash")
    parser.add_argument("--vectors", type=Path, metavar="FOLDER", help="CLKs of another program, checked first")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        peer = args.peer or environment(Path(folder) / "peer", [f"clkhash=={VERSION}"])
        same = args.vectors is None or check_vectors(args.vectors)
        one_core()
        rows = people(args.rows)
        for name, schema in schemas().items():
            same &= compare(name, schema, rows[name], Peer(peer, Path(folder)), args.repeats)
    return 0 if same else 1


def one_core() -> None:
    """Hold this process, and those that it starts, to one core where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class Peer:
    """clkhash, in its own process."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python = python
        self._task, self._answer = folder / "task.json", folder / "answer.json"

    def run(self, schema: dict[str, Any], rows: list[Row]) -> tuple[float, list[str]]:
        """Seconds and CLKs."""
        self._task.write_text(json.dumps({"schema": schema, "rows": rows, "secret": SECRET}), "utf-8")
        subprocess.run([self._python, "-c", PEER, self._task, self._answer], check=True)
        answer = json.loads(self._answer.read_text("utf-8"))
        return answer["seconds"], answer["clks"]


def compare(name: str, document: dict[str, Any], rows: list[Row], peer: Peer, repeats: int) -> bool:
    """Time one schema; whether every CLK is the same."""
    schema, secret = read_linkage_schema(document), SECRET.encode()
    ways: dict[str, tuple[Callable[[list[Row]], Any], Callable[[Any], Clks]]] = {
        "coded columns": (coded, lambda columns: encode_columns(schema, secret, columns, len(rows))),
        "lists by column": (listed, lambda columns: from_lists(schema, secret, columns)),
        "rows as tuples": (list, lambda given: encode_rows(schema, secret, given)),
    }
    encode_rows(schema, secret, rows[:1000])
    seconds: dict[str, list[float]] = {way: [] for way in ("clkhash", *ways)}
    same = True
    for _ in range(repeats):
        spent, expected = peer.run(document, rows)
        seconds["clkhash"].append(spent)
        for way, (prepare, work) in ways.items():
            prepared = prepare(fresh(rows))
            start = time.process_time()
            found = work(prepared)
            seconds[way].append(time.process_time() - start)
            same &= expected == as_text(found)
    report(name, len(rows), seconds, same=same)
    return same


def fresh(rows: list[Row]) -> list[Row]:
    """The same rows in new strings: what a reader has just made, no string's hash is known yet."""
    return [tuple(row) for row in json.loads(json.dumps(rows))]


def listed(rows: list[Row]) -> list[list[str]]:
    """Rows as columns of strings."""
    return [list(cells) for cells in zip(*rows, strict=True)]


def coded(rows: list[Row]) -> list[CodedColumn]:
    """Rows as coded columns."""
    return [column_of(cells) for cells in listed(rows)]


def from_lists(schema: LinkageSchema, secret: bytes, lists: list[list[str]]) -> Clks:
    """Columns of strings, coded within the time that is measured."""
    columns = [
        column_of(cells) if feature.hashing else None for feature, cells in zip(schema.features, lists, strict=True)
    ]
    return encode_columns(schema, secret, columns, len(lists[0]))


def report(name: str, rows: int, seconds: dict[str, list[float]], *, same: bool) -> None:
    """Print one line a way in."""
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    repeats = len(seconds["clkhash"])
    print(f"{name}: {rows} rows, {repeats} repeats, CLKs {'identical' if same else 'DIFFERENT'}")
    for way, median in medians.items():
        ratio = medians["clkhash"] / median
        spread = f"{1e6 * min(seconds[way]) / rows:.2f}-{1e6 * max(seconds[way]) / rows:.2f}"
        print(f"  {way:16} {1e6 * median / rows:8.2f} us a record ({spread})  {ratio:7.1f} x clkhash")


def check_vectors(folder: Path) -> bool:
    """Whether the CLKs of a folder come out the same; false where there are none to check."""
    paths = sorted(folder.glob("*.json"))
    same = bool(paths)
    for path in paths:
        held = json.loads(path.read_text("utf-8"))
        with (folder / f"{'_'.join(path.stem.split('_')[:2])}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        found = as_text(encode_rows(read_linkage_schema(held["schema"]), held["secret"].encode(), rows))
        equal = sum(one == other for one, other in zip(found, held["clks"], strict=True))
        print(f"{path.stem}: {equal} of {len(found)} CLKs identical")
        same &= equal == len(found)
    return same


def as_text(clks: Clks) -> list[str]:
    """CLKs as clkhash writes them."""
    return [base64.b64encode(clk.tobytes()).decode() for clk in clks]


if __name__ == "__main__":
    sys.exit(main())
