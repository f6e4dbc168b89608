"""Filters to match, generated: realistic ones with heavy tails, and random ones, which flatter or defeat pruning.

    python -m benchmarks.match_data [--kind names] [--rows 100000] [--seed 1] [--keep FOLDER]

Both sides have the same number of rows. Kinds:

* `names`: invented French people (`linkage.synthetic`) under a schema like clkhash's own example: the name in bigrams, 15 bits
  each; the birth date in positional digits, 30 bits each; the sex, 60 bits; 1,024 bits. Half of the right rows are people of
  the left file, and all right rows are written with the mistakes of an office (`VERIFIE_AGENT`).
* `multi`: first name, last name, date, sex and postcode, 20 bits a token, otherwise the same.
* `rand25`, `rand50`: independent bits of which a quarter or a half are set, 1,024 of them. One right row in a hundred is a
  near copy of a left row.
* `diffused2048`, `diffused4096`: half-filled independent bits, as keyed diffusion makes of unrelated people; the left row of half
  of the right rows is known, with bits flipped at rates from 3 to 25 %. Compared by Hamming similarity.

The plain filters of real people share bits (sex, century, frequent names), so that random pairs reach far above their mean;
what is printed shows how far: the similarity of random pairs at four quantiles, and the share of them above four thresholds.
The same kind, rows and seed give the same bytes on every machine. Nothing is kept unless a folder is named.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkage.clkhash.clks import encode_columns
from linkage.clkhash.coding import column_of
from linkage.clkhash.linkage_schema import read_linkage_schema
from linkage.plan import Measure
from linkage.synthetic.files import identities
from linkage.synthetic.frequencies import Texts
from linkage.synthetic.mistakes import VERIFIE_AGENT, with_mistakes
from linkage.synthetic.morphemes import without_accents
from linkage.synthetic.people import People, population
from linkage.synthetic.places import communes

__all__ = [
    "KINDS",
    "SEED",
    "SHARES",
    "Distribution",
    "Filters",
    "distribution",
    "main",
    "make",
    "measure_of",
    "on_disk",
]

Words = NDArray[np.uint64]

SEED = 1
SHARES = (0.7, 0.8, 0.85, 0.9)
QUANTILES = (0.5, 0.99, 0.999, 0.9999)
_PEOPLE = {"names": (("name", 15), ("date", 30), ("sex", 60)),
           "multi": (("first", 20), ("last", 20), ("date", 20), ("sex", 20), ("postcode", 20))}  # fmt: skip
_POSITIONAL = ("date", "postcode")
_BIGRAMS = ("name", "first", "last")
_RANDOM = {"rand25": 1024, "rand50": 1024, "diffused2048": 2048, "diffused4096": 4096}
KINDS = (*_PEOPLE, *_RANDOM)
_SECRET = b"for measuring only"
_BITS = 1024
_YOUNGER = 12  # years by which births are moved, so that the file has children too; 29 February stays a date
_MOVED = 0.1  # of the right rows have another postcode
_PLANTED = {"rand25": 100, "rand50": 100, "diffused2048": 2, "diffused4096": 2}  # one right row in so many
_AT_ONCE = 1 << 14  # rows of random words drawn together
_BINS = 2000  # of similarity, for quantiles


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Two sides to match.

    Attributes:
        left, right: (n, w) uint64, C order.
        planted: right rows that copy a left row, more or less well.
    """

    left: Words
    right: Words
    planted: int

    def digest(self) -> str:
        """SHA-256 of the left bytes, then the right ones."""
        found = hashlib.sha256(self.left.tobytes())
        found.update(self.right.tobytes())
        return found.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How alike random pairs are.

    Attributes:
        pairs: pairs looked at.
        quantiles: similarity by quantile.
        shares: share of pairs at or above each threshold.
        fill: mean share of bits set, of both sides.
    """

    pairs: int
    quantiles: dict[float, float]
    shares: dict[float, float]
    fill: float


def measure_of(kind: str) -> Measure:
    """By which measure rows of this kind are compared."""
    return "hamming" if kind.startswith("diffused") else "dice"


def make(kind: str, rows: int, seed: int = SEED) -> Filters:
    """Both sides.

    Args:
        kind: one of `KINDS`.
        rows: of each side.
        seed: not negative.

    Raises:
        ValueError: another kind.
    """
    if kind in _PEOPLE:
        return _people(kind, rows, seed)
    if kind in _RANDOM:
        return _random(kind, rows, seed)
    raise ValueError(f"no such kind: {kind}; there are {', '.join(KINDS)}")


def on_disk(folder: Path, kind: str, rows: int, seed: int = SEED) -> tuple[Path, Path]:
    """Both sides as .npy files in a folder, made unless they are there."""
    paths = folder / f"{kind}-{rows}-{seed}-left.npy", folder / f"{kind}-{rows}-{seed}-right.npy"
    if not all(path.exists() for path in paths):
        made = make(kind, rows, seed)
        for path, side in zip(paths, (made.left, made.right), strict=True):
            half = path.with_suffix(".part.npy")  # an interrupted run leaves no file that looks whole
            np.save(half, side)
            half.replace(path)
    return paths


def distribution(left: Words, right: Words, measure: Measure, most: int = 10_000) -> Distribution:
    """How alike random pairs are: all pairs of the first rows of each side, which are in no order.

    Args:
        left: (n, w) uint64.
        right: (m, w) uint64.
        measure: `dice` or `hamming`.
        most: rows of each side that are looked at.
    """
    left, right = left[:most], right[:most]
    bits = 64 * left.shape[1]
    left_bits, right_bits = (np.bitwise_count(side).sum(axis=1, dtype=np.int64) for side in (left, right))
    counts = np.zeros(_BINS, dtype=np.int64)
    above = dict.fromkeys(SHARES, 0)
    for row, own in zip(left, left_bits.tolist(), strict=True):
        distance = np.bitwise_count(right ^ row).sum(axis=1, dtype=np.int64)
        total = np.maximum(right_bits + own, 1)
        likeness = (total - distance) / total if measure == "dice" else 1.0 - distance / bits
        counts += np.bincount((likeness * (_BINS - 1)).astype(np.int64), minlength=_BINS)
        for share in SHARES:
            above[share] += int(np.count_nonzero(likeness >= share))
    pairs = max(1, len(left) * len(right))
    below = np.cumsum(counts)
    return Distribution(
        pairs=pairs,
        quantiles={one: float(np.searchsorted(below, one * pairs)) / (_BINS - 1) for one in QUANTILES},
        shares={share: count / pairs for share, count in above.items()},
        fill=float((left_bits.sum() + right_bits.sum()) / max(1, (len(left) + len(right)) * bits)),
    )


def _people(kind: str, rows: int, seed: int) -> Filters:
    shared = rows // 2
    adults = population(2 * rows - shared, seed)
    everybody = replace(adults, birth_year=adults.birth_year + _YOUNGER)
    rng = np.random.default_rng((seed, 1))
    postcodes = communes().draw(rng, len(everybody))
    left_rows, right_rows = rng.permutation(rows), rng.permutation(rows) + rows - shared
    moved = rng.random(rows) < _MOVED
    elsewhere = np.where(moved, communes().draw(rng, rows), postcodes[right_rows])
    left = _cells(kind, everybody, left_rows, postcodes[left_rows], None)
    right = _cells(kind, everybody, right_rows, elsewhere, rng)
    return Filters(left=_encoded(kind, left, rows), right=_encoded(kind, right, rows), planted=shared)


def _cells(
    kind: str, people: People, rows: NDArray[np.int64], postcodes: Texts, rng: np.random.Generator | None
) -> dict[str, list[str]]:
    """The cells of some people by column of the schema, with the mistakes that `rng` draws: capitals, dates in digits."""
    held = identities(people, rows)
    if rng is not None:
        held = with_mistakes(held, VERIFIE_AGENT, rng)
    first = [names.partition(" ")[0] for names in held["prenoms"]]
    if kind == "names":
        names = {"name": [f"{one} {other}" for one, other in zip(first, held["nom_naissance"], strict=True)]}
    else:
        names = {"first": first, "last": held["nom_naissance"]}
    return {
        **{key: _plain_capitals(column) for key, column in names.items()},
        "date": "\n".join(held["date_naissance"]).replace("-", "").split("\n"),
        "sex": held["sexe"],
        "postcode": postcodes.tolist(),
    }


def _plain_capitals(names: list[str]) -> list[str]:
    """Names without accents, in capitals, all at once."""
    text = "\n".join(names)
    plain = {ord(letter): without_accents(letter) for letter in set(text) if not letter.isascii()}
    return text.translate(plain).upper().split("\n")


def _encoded(kind: str, cells: dict[str, list[str]], rows: int) -> Words:
    features = [
        {
            "identifier": name,
            "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 2 if name in _BIGRAMS else 1, "positional": name in _POSITIONAL},
                "strategy": {"bitsPerToken": bits},
                "hash": {"type": "blakeHash"},
                "missingValue": {"sentinel": ""},
            },
        }
        for name, bits in _PEOPLE[kind]
    ]
    key = {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64}
    schema = read_linkage_schema({"version": 3, "clkConfig": {"l": _BITS, "kdf": key}, "features": features})
    columns = [column_of(cells[name]) for name, _ in _PEOPLE[kind]]
    return encode_columns(schema, _SECRET, columns, rows).view(np.uint64)


def _random(kind: str, rows: int, seed: int) -> Filters:
    words = _RANDOM[kind] // 64
    rng = np.random.default_rng((seed, words))
    left, right = np.empty((rows, words), dtype=np.uint64), np.empty((rows, words), dtype=np.uint64)
    for side in (left, right):
        for start in range(0, rows, _AT_ONCE):
            part = side[start : start + _AT_ONCE]
            part[:] = _drawn(rng, part.shape)
            if kind == "rand25":
                part &= _drawn(rng, part.shape)
    copies = rng.permutation(rows)[: rows // _PLANTED[kind]]
    copied = rng.permutation(rows)[: len(copies)]
    for start in range(0, len(copies), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        right[copies[some]] = left[copied[some]] ^ _flips(rng, len(copies[some]), words)
    return Filters(left=left, right=right, planted=len(copies))


def _flips(rng: np.random.Generator, rows: int, words: int) -> Words:
    """Bits to flip: of each row at a rate of 1/4, 3/16, 1/8, 1/16 or 1/32."""
    quarter, half = _drawn(rng, (rows, words)) & _drawn(rng, (rows, words)), _drawn(rng, (rows, words))
    other = _drawn(rng, (rows, words)) & half
    choices = (quarter, quarter & (half | other), quarter & half, quarter & other, quarter & other & half[::-1])
    return np.choose(rng.integers(0, len(choices), (rows, 1)), choices)


def _drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Words:
    return rng.integers(0, 2**64, shape, dtype=np.uint64)


def told(kind: str, rows: int, found: Distribution) -> str:
    """A distribution as two lines."""
    quantiles = "  ".join(f"{100 * one:g} %: {value:.3f}" for one, value in found.quantiles.items())
    shares = "  ".join(f">= {one:g}: {value:.1e}" for one, value in found.shares.items())
    return (
        f"{kind}, {rows} rows a side, {100 * found.fill:.1f} % of bits set; "
        f"{measure_of(kind)} of {found.pairs:.0e} random pairs:\n"
        f"  quantiles  {quantiles}\n  shares     {shares}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make and describe."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.match_data")
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, help="folder for .npy files, reused when they are there")
    options = parser.parse_args(arguments)
    for kind in options.kind or KINDS:
        started = time.perf_counter()
        if options.keep is None:
            made = make(kind, options.rows, options.seed)
            left, right = made.left, made.right
        else:
            options.keep.mkdir(parents=True, exist_ok=True)
            left, right = map(np.load, on_disk(options.keep, kind, options.rows, options.seed))
        print(told(kind, options.rows, distribution(left, right, measure_of(kind))))
        print(f"  {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
