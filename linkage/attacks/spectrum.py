"""A3, bit bias and spectrum: whether the bits of a block lean to one side, and whether its rows have a common direction.

What the attacker knows: nothing but the rows. Of fair and independent bits, shares of ones stay within a few 1/(2√n) of one
half, and the eigenvalues of the L × L correlation of n rows stay under the edge of Marchenko and Pastur, (1 + √(L/n))², give or
take the law of Tracy and Widom. What is above is structure: a token that many share, a community born in the same city. It says
nobody's name by itself; `spectrum` also tells, with the truth, how well the leading directions tell who has a frequent token.

The largest of thousands of shares is far out by chance alone: `bias` is compared with `fair`, what fair bits reach once in a
thousand blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, eigvalsh
from scipy.special import ndtri
from scipy.stats import chi2

from linkage.attacks.positions_learned import bits_of
from linkage.attacks.scene import Scene

__all__ = ["Spectrum", "edge", "eigenvalues", "spectrum"]

Numbers = NDArray[np.float64]

_TRACY_WIDOM = 2.02  # its 99 % quantile
_DIRECTIONS = 10
_ONCE = 1e-3
_AT_ONCE = 8192  # rows
_COMMON = (0.05, 0.95)  # shares of people between which a token makes a community


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """What bits show without any knowledge.

    Attributes:
        rows: in the block.
        bias: the share of ones that is farthest from one half, in standard deviations of fair bits.
        fair: what the farthest of so many fair bits exceeds once in a thousand blocks.
        above: eigenvalues above the edge.
        top: share of all variance in the largest one.
        edge: where noise ends.
        community: largest share of the variance of having a frequent token that the ten leading directions explain.
        by_chance: what the largest of so many shares exceeds once in a thousand blocks, if directions say nothing.
    """

    rows: int
    bias: float
    fair: float
    above: int
    top: float
    edge: float
    community: float
    by_chance: float


def edge(rows: int, length: int) -> float:
    """The eigenvalue that noise of that many rows and bits passes once in a hundred times."""
    centre = (1 + sqrt(length / rows)) ** 2
    width: float = (sqrt(rows) + sqrt(length)) * (1 / sqrt(rows) + 1 / sqrt(length)) ** (1 / 3) / rows
    return centre + _TRACY_WIDOM * width


def eigenvalues(filters: NDArray[np.uint64], *, vectors: int = 0) -> tuple[Numbers, Numbers]:
    """Eigenvalues of the correlation of the bits, largest first, and the coordinates of the rows in the leading directions.

    Args:
        filters: (n, L/64) uint64.
        vectors: how many directions are wanted.

    Returns:
        (min(n, L),) and (n, vectors), of unit length each.
    """
    rows, length = len(filters), 64 * filters.shape[1]
    if rows > length:
        return _of_columns(filters, vectors)
    mean, spread = _levels(filters)
    bits = (bits_of(filters) - mean) / spread
    values, found = eigh((bits @ bits.T).astype(np.float64) / rows)
    return values[::-1], found[:, ::-1][:, :vectors]


def _of_columns(filters: NDArray[np.uint64], vectors: int) -> tuple[Numbers, Numbers]:
    """The same by the L × L correlation, some rows at a time."""
    mean, spread = _levels(filters)
    together = np.zeros((len(mean), len(mean)))
    for start in range(0, len(filters), _AT_ONCE):
        bits = (bits_of(filters[start : start + _AT_ONCE]) - mean) / spread
        together += bits.T @ bits
    together /= len(filters)
    if not vectors:
        alone: Numbers = np.asarray(eigvalsh(together, overwrite_a=True), dtype=np.float64)
        return alone[::-1], np.empty((len(filters), 0))
    values, found = eigh(together, overwrite_a=True)
    leading = found[:, ::-1][:, :vectors].astype(np.float32)
    chunks = (filters[start : start + _AT_ONCE] for start in range(0, len(filters), _AT_ONCE))
    along = np.concatenate([((bits_of(some) - mean) / spread) @ leading for some in chunks])
    lengths = np.linalg.norm(along, axis=0)
    return values[::-1], np.asarray(along / np.where(lengths > 0, lengths, 1), dtype=np.float64)


def _levels(filters: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The share of ones of each bit, and its standard deviation, 1 for bits that are always the same."""
    ones = np.zeros(64 * filters.shape[1])
    for start in range(0, len(filters), _AT_ONCE):
        ones += bits_of(filters[start : start + _AT_ONCE]).sum(axis=0, dtype=np.float64)
    mean = ones / len(filters)
    spread = np.sqrt(mean * (1 - mean))
    return mean.astype(np.float32), np.where(spread > 0, spread, 1).astype(np.float32)


def spectrum(scene: Scene) -> Spectrum:
    """What the bits of a block show; blocks of fewer than three rows show nothing."""
    filters = scene.view.filters
    rows, length = len(filters), scene.view.length
    if rows < 3:
        return Spectrum(rows=rows, bias=0, fair=0, above=0, top=0, edge=0, community=0, by_chance=0)
    values, along = eigenvalues(filters, vectors=min(_DIRECTIONS, rows - 1))
    community, tested = _community(scene, along)
    return Spectrum(
        rows=rows,
        bias=float(np.abs(bits_of(filters).mean(axis=0) - 0.5).max() * 2 * sqrt(rows)),
        fair=float(-ndtri(_ONCE / (2 * length))),
        above=int((values > edge(rows - 1, length)).sum()),
        top=float(values[0] / values.sum()) if values.sum() else 0.0,
        edge=edge(rows - 1, length),
        community=community,
        by_chance=min(1.0, float(chi2.isf(_ONCE / max(1, tested), along.shape[1])) / rows),
    )


def _community(scene: Scene, along: Numbers) -> tuple[float, int]:
    """The largest share explained, and of how many tokens."""
    known = np.flatnonzero(scene.truth >= 0)
    has = scene.view.sets.counts[scene.truth[known]] > 0
    share = np.asarray(has.mean(axis=0)).ravel() if len(known) else np.zeros(0)
    common = np.flatnonzero((share >= _COMMON[0]) & (share <= _COMMON[1]))
    if not len(common):
        return 0.0, 0
    members = has[:, common].toarray().astype(np.float64)
    members = (members - members.mean(axis=0)) / members.std(axis=0)
    seen = along[known] - along[known].mean(axis=0)
    seen /= np.maximum(1e-12, np.linalg.norm(seen, axis=0))
    explained = ((members.T @ seen) ** 2).sum(axis=1) / len(known)
    return float(min(1.0, explained.max())), len(common)
