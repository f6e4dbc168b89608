"""How large the blocks of a pass are expected to be, how many pairs they hold, and who is in blocks that are split.

Arithmetic on public shares, in integers. Follows the plan's rule (`linkage.passes`): a value expected above the cap is split
by one finer component after the other, values expected under the floor share hashed buckets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.statistics import BILLION, BUCKET_FILL, Statistics

__all__ = ["Limits", "Sizing", "largest_share", "size_blocks"]

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Expected records: of the larger file, of the largest block, and under which values share buckets."""

    population: int
    cap: int
    floor: int


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """What is expected of the blocks of a pass.

    Attributes:
        largest: records of the largest block.
        blocks: number of blocks that hold somebody.
        pair_share: of all pairs, those in one block, in units of BILLION⁻².
        depths: share of the records in blocks made by 0, 1… finer components, in parts per billion.
        buckets: number of hashed buckets for rare values of the base components.
    """

    largest: int
    blocks: int
    pair_share: int
    depths: tuple[int, ...]
    buckets: int

    @property
    def split(self) -> int:
        """Share of the records in blocks that are split, in parts per billion."""
        return sum(self.depths[1:])


def largest_share(statistics: Statistics, components: Sequence[str]) -> int:
    """The share of the most frequent combination of values, in parts per billion (at most that, rounded down)."""
    share = BILLION
    for component in components:
        share = share * int(np.max(statistics.product([component])[0])) // BILLION
    return share


def size_blocks(statistics: Statistics, blocks: Sequence[str], finer: Sequence[str], limits: Limits) -> Sizing:
    """The blocks of these components, heavy values split by the finer ones in turn."""
    shares, counts = statistics.product(blocks)
    rows = _Rows(shares=shares, counts=counts, expected=shares * limits.population // BILLION)
    tally = _Tally(len(finer) + 1)
    buckets = 1
    if blocks:
        rare = rows.expected < limits.floor
        mass, buckets = statistics.buckets(blocks, limits.population, limits.floor)
        tally.pool(rows.where(rare), mass, buckets, limits)
        rows = rows.where(~rare)
    for depth in range(len(finer) + 1):
        heavy = (rows.expected > limits.cap) & (depth < len(finer))
        tally.keep(depth, rows.where(~heavy))
        if not heavy.any():
            break
        rows = tally.split(depth + 1, rows.where(heavy), statistics.product([finer[depth]]), limits)
    return Sizing(
        largest=tally.largest,
        blocks=tally.blocks,
        pair_share=tally.pairs,
        depths=tuple(tally.depths[: tally.deepest + 1]),
        buckets=buckets,
    )


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Values with equal expectations: the share of each, how many they are, the records expected in each."""

    shares: Counts
    counts: Counts
    expected: Counts

    def where(self, mask: NDArray[np.bool_]) -> _Rows:
        return _Rows(shares=self.shares[mask], counts=self.counts[mask], expected=self.expected[mask])


class _Tally:
    """Sums over the blocks met so far."""

    def __init__(self, depths: int) -> None:
        self.depths = [0] * depths
        self.pairs = self.blocks = self.largest = self.deepest = 0

    def keep(self, depth: int, rows: _Rows) -> None:
        """Values that are blocks of their own."""
        self.depths[depth] += int((rows.shares * rows.counts).sum())
        self.pairs += int((rows.shares**2 * rows.counts).sum())
        self.blocks += int(rows.counts.sum())
        self.largest = max(self.largest, int(rows.expected.max(initial=0)))

    def pool(self, rows: _Rows, mass: int, buckets: int, limits: Limits) -> None:
        """Values of the base components that share buckets."""
        alone = int((rows.shares**2 * rows.counts).sum())
        self.depths[0] += mass
        self.largest = max(self.largest, mass * limits.population // BILLION // buckets)
        # Two different rare values meet in one bucket out of all; a value always meets itself.
        self.pairs += alone + (mass * mass - alone) // buckets
        self.blocks += buckets if mass else 0

    def split(self, depth: int, heavy: _Rows, table: tuple[Counts, Counts], limits: Limits) -> _Rows:
        """Heavy values divided by one more component; returns those of their parts that are not pooled."""
        self.deepest = depth
        some, many = table
        expected = heavy.expected[:, None] * some[None, :] // BILLION
        shares = heavy.shares[:, None] * some[None, :] // BILLION
        counts = heavy.counts[:, None] * many[None, :]
        rare = expected < limits.floor
        pooled = (np.where(rare, some[None, :] * many[None, :], 0)).sum(axis=1)  # of each heavy value
        buckets = np.maximum(1, pooled * heavy.expected // BILLION // (BUCKET_FILL * max(1, limits.floor)))
        mass = heavy.shares * pooled // BILLION
        alone = np.where(rare, shares**2 * many[None, :], 0).sum(axis=1)
        self.depths[depth] += int((mass * heavy.counts).sum())
        self.pairs += int(((alone + np.maximum(0, mass * mass - alone) // buckets) * heavy.counts).sum())
        self.blocks += int((buckets * heavy.counts)[pooled > 0].sum())
        return _Rows(shares=shares[~rare], counts=counts[~rare], expected=expected[~rare])
