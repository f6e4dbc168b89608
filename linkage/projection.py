"""Short codes whose products bound distances from below, learned from a sample of the rows.

Rows a and b are points whose squared Euclidean distance is their Hamming distance H. An orthogonal projection never makes a
distance longer; one on the directions in which rows differ most, the principal components, keeps much of it in few
coordinates. Names, dates and sexes are far from independent bits: sixty directions of 1024 hold half of the variance or more.

Bound. W is an integer matrix near such a projection, σ its spectral norm. u = W x less a centre, cut to an interval, which
brings points closer or leaves them; q the nearest integer to u / D and e = u - D q what is left. Then

    D |q(a) - q(b)| ≤ |u(a) - u(b)| + |e(a)| + |e(b)| ≤ σ √H + |e(a)| + |e(b)|

and, squared, with 2 x y ≤ λ x² + y² / λ for any λ > 0, for pairs with H ≤ g(a) + g(b) (`linkage.limits`),

    2 q(a)·q(b) ≥ F(a) + F(b)   where   F = |q|² - (1 + λ) (σ/D)² g - 2 (1 + 1/λ) |e|² / D²

Every similar pair satisfies this, whatever the sample was; a poor sample makes more pairs survive, nothing else. The two
sides separate: halves of F, rounded down, are biases of rows, and a product of short codes decides.

Rotation. Directions of a projection may be turned among themselves. Turned at random they vary alike, and one step D serves all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.short_codes import BIAS, MOST, STEP, code_rows, tables_of

__all__ = ["Directions", "Projection", "directions", "projection"]

_SEED = 20_120_415  # of directions to start from and of the rotation; no result depends on it
_ROUNDS = 2  # of the power method; more gain nothing that is measured
_MORE = 16  # directions followed beyond those wanted
_DEVIATIONS = 3.5  # of a coordinate that codes hold before they are cut
_LINE = 32_000  # the largest sum of a line's weights, under what 16-bit sums hold
_SAFE = 1.0 + 1e-9  # above the rounding of float64
_FINEST = 64  # the least step is a 64th of σ, so that biases fit in 32 bits


@dataclass(frozen=True, kw_only=True)
class Directions:
    """Directions in which the rows of a sample differ most.

    Attributes:
        vectors: (c, L) float32, orthonormal, by variance from high to low.
        centre: (L,) float32, the sample's mean.
        sample: (s, L) float32, its rows less the mean.
    """

    vectors: NDArray[np.float32]
    centre: NDArray[np.float32]
    sample: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What codes are made with.

    Attributes:
        tables: of the matrix W, see `linkage.short_codes`.
        centre: (c,) int32, taken from W x.
        step: D.
        reach: (L + 1,) float64, (1 + λ) (σ/D)² g by popcount.
        rest: 2 (1 + 1/λ) / D².
    """

    tables: NDArray[np.int16]
    centre: NDArray[np.int32]
    step: int
    reach: NDArray[np.float64]
    rest: float

    @property
    def width(self) -> int:
        """Coordinates of a code."""
        return int(self.tables.shape[2])

    def code(self, rows: NDArray[np.uint64], codes: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Fill the first lines of `codes`; popcounts of the rows and their biases, the floors of F / 2."""
        squares = np.empty((len(rows), 3), dtype=np.int64)
        rows = rows.view()
        rows.flags.writeable = False  # one kind of arrays, compiled once
        code_rows(rows, self.tables, self.centre, self.step, codes, squares)
        bits = squares[:, 2]
        bias = squares[:, 0] - self.reach[bits] - self.rest * _SAFE * squares[:, 1]
        return bits, np.floor(bias / 2).astype(np.int64) - 1


def directions(rows: NDArray[np.uint64], most: int) -> Directions:
    """Directions of a sample, by the power method on all of them at once.

    Args:
        rows: (s, w) uint64, s ≥ 1.
        most: directions wanted, at most L.
    """
    rng = np.random.default_rng(_SEED)
    bits = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").astype(np.float32)
    centre = bits.mean(axis=0)
    bits -= centre
    kept = min(most + _MORE, bits.shape[1])
    vectors = rng.standard_normal((bits.shape[1], kept), dtype=np.float32)
    for _ in range(_ROUNDS):  # so few that float32 holds the weakest beside the strongest
        vectors = bits.T @ (bits @ vectors)
    vectors, _ = np.linalg.qr(vectors)
    seen = bits @ vectors
    _, turn = np.linalg.eigh(seen.T @ seen)
    best = np.ascontiguousarray((vectors @ turn[:, ::-1][:, :most]).T)
    return Directions(vectors=best, centre=centre, sample=bits)


def projection(found: Directions, steps: int, share: NDArray[np.float64]) -> Projection:
    """The projection on the first directions, in codes of `steps` times 64 coordinates.

    Args:
        found: at least 64 · steps - 4 directions, or all there are.
        steps: 1 or more.
        share: g by popcount, from `linkage.limits.share_of_distance`.
    """
    width, length = STEP * steps, found.vectors.shape[1]
    vectors = found.vectors[: width - BIAS]
    count = len(vectors)
    turn, _ = np.linalg.qr(np.random.default_rng(_SEED).standard_normal((count, count)))
    vectors = turn @ vectors
    scale = min(MOST / np.abs(vectors).max(), (_LINE - length) / np.abs(vectors).sum(axis=1).max())
    weights = np.zeros((width, length), dtype=np.int8)
    weights[:count] = np.rint(vectors * scale)
    exact = weights.astype(np.float64)
    norm = float(np.sqrt(np.linalg.eigvalsh(exact @ exact.T)[-1])) * _SAFE
    spread = float(np.sqrt((found.sample @ weights[:count].T.astype(np.float32)).var(axis=0).mean()))
    step = max(1, int(np.ceil(norm / _FINEST)), round(_DEVIATIONS * spread / MOST))
    typical = norm * float(np.sqrt(2 * np.median(share[_popcounts(found)])))
    slack = max(1e-3, 2 * step * float(np.sqrt(count / 12)) / max(typical, 1e-9))
    centre = np.rint(exact @ found.centre).astype(np.int32)
    return Projection(
        tables=tables_of(np.ascontiguousarray(weights.T)),
        centre=centre,
        step=step,
        reach=(1 + slack) * (norm / step) ** 2 * share * _SAFE,
        rest=2 * (1 + 1 / slack) / step**2,
    )


def _popcounts(found: Directions) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.rint((found.sample + found.centre).sum(axis=1)).astype(np.int64)
    return counts
