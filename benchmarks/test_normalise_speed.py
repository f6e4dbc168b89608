"""Cells normalised a second on one core, every cell another one: what files of a million people ask of names.

Cells are made of random letters in the proportions of real files: one surname in ten is composed, one in fifty has an
apostrophe, one in five is in capitals and small letters with accents; people have one to three first names.

    python -m pytest benchmarks/test_normalise_speed.py --benchmark-only --benchmark-columns=min,median -s
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from linkage.attribute import parse_attribute
from linkage.normalise import normaliser

CELLS = 100_000
LETTERS = np.array(list("AAABCDEEEEFGHIIIJKLLMMNNOPQRRSSTTUVWXYZ"))


def word(rng: np.random.Generator) -> str:
    """Five to nine letters."""
    return "".join(rng.choice(LETTERS, rng.integers(5, 10)))


def surname(rng: np.random.Generator) -> str:
    """As files write it."""
    kind = rng.random()
    if kind < 0.1:
        return f"{word(rng)}-{word(rng)}"
    if kind < 0.12:
        return f"D'{word(rng)}"
    return word(rng).title().replace("e", "é") if kind < 0.32 else word(rng)


def given_names(rng: np.random.Generator) -> str:
    """One to three, some composed, some with accents."""
    names = " ".join(word(rng) for _ in range(rng.integers(1, 4)))
    kind = rng.random()
    return names.replace(" ", "-", 1) if kind < 0.1 else names.title().replace("e", "é") if kind < 0.3 else names


def date_of_birth(rng: np.random.Generator) -> str:
    """Day first."""
    return f"{rng.integers(1, 29):02}/{rng.integers(1, 13):02}/{rng.integers(1920, 2020)}"


def commune(rng: np.random.Generator) -> str:
    """Five digits, or four."""
    return str(rng.integers(1001, 95999))


@pytest.mark.parametrize(
    ("kind", "draw", "keys"),
    [
        ("name", surname, {}),
        ("given_names", given_names, {}),
        ("date", date_of_birth, {"format": "JJ/MM/AAAA"}),
        ("cog", commune, {}),
    ],
    ids=["name", "given_names", "date", "cog"],
)
def test_cells_a_second(
    benchmark: BenchmarkFixture, kind: str, draw: Callable[[np.random.Generator], str], keys: dict[str, str]
) -> None:
    """Processor time, so that a busy machine changes little."""
    rng = np.random.default_rng(20261122)
    cells = [draw(rng) for _ in range(CELLS)]
    read = normaliser(parse_attribute("a", {"kind": kind, "bits": 1, **keys}))
    spent = []

    def work() -> int:
        start = time.process_time()
        known = sum(read(cell) is not None for cell in cells)
        spent.append(time.process_time() - start)
        return known

    assert benchmark.pedantic(work, rounds=5, warmup_rounds=1) == CELLS  # type: ignore[no-untyped-call]
    benchmark.extra_info["cells_per_second"] = round(CELLS / min(spent))
    print(f"\n{kind}: {CELLS / min(spent):,.0f} cells/s")
