"""How often each value occurs, as whole numbers, and drawing values accordingly.

Counts are integers so that a draw is an integer compared with integers: the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Frequencies", "Integers", "Texts", "chance", "generator", "texts", "weighted"]

Integers = NDArray[np.int64]
Texts = NDArray[np.object_]  # arrays of str


def texts(values: Iterable[str]) -> Texts:
    """The values as a one-dimensional object array."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def generator(seed: int, stream: int) -> np.random.Generator:
    """The generator of one use of a seed: streams of the same seed are independent of each other."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream])))


def chance(rng: np.random.Generator, rate: float, size: int) -> NDArray[np.bool_]:
    """(size,) bool: each true with probability `rate`."""
    return rng.random(size) < rate


@dataclass(frozen=True, kw_only=True)
class Frequencies:
    """Values and how many times each is counted.

    Attributes:
        values: (k,) str.
        counts: (k,) int64, not negative, not all zero.
    """

    values: Texts
    counts: Integers

    @cached_property
    def cumulative(self) -> Integers:
        """(k,) int64, running total of the counts."""
        return np.cumsum(self.counts, dtype=np.int64)

    @property
    def shares(self) -> NDArray[np.float64]:
        """(k,) float64, the probability of each value, most frequent first."""
        shares: NDArray[np.float64] = np.sort(self.counts)[::-1] / self.cumulative[-1]
        return shares

    @property
    def effective(self) -> float:
        """1/Σp²: how many equally frequent values would coincide as often."""
        return float(1.0 / np.sum(self.shares**2))

    def draw_numbers(self, rng: np.random.Generator, size: int) -> Integers:
        """(size,) int64, row numbers of drawn values."""
        drawn = rng.integers(0, int(self.cumulative[-1]), size=size, dtype=np.int64)
        return np.searchsorted(self.cumulative, drawn, side="right").astype(np.int64, copy=False)

    def draw(self, rng: np.random.Generator, size: int) -> Texts:
        """(size,) str, drawn values."""
        return self.values[self.draw_numbers(rng, size)]


def weighted(listing: str) -> Frequencies:
    """Frequencies written as `value:count value:count …`; an underscore stands for the empty value."""
    pairs: Sequence[list[str]] = [entry.split(":") for entry in listing.split()]
    return Frequencies(
        values=texts("" if value == "_" else value for value, _ in pairs),
        counts=np.array([int(count) for _, count in pairs], dtype=np.int64),
    )
