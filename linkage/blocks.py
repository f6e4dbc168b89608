"""Blocks of a pass: runs of rows that share a keyed tag, in rows sorted by tag.

Only rows of one block are ever compared, so the blocks of two sides are the tags that both hold. Sizes are checked
against the plan's cap before any comparison: a block over 1.5 times the cap is a plan that does not fit the data, and
a set too large to stay unreadable for somebody who knows part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.wire import TAG_BYTES

__all__ = ["Skew", "check_largest_block", "joined", "runs", "shared_blocks", "skew_of"]

_HEAVIEST = 100  # one block in so many


@dataclass(frozen=True, kw_only=True)
class Skew:
    """How uneven the work of a pass is. These are sizes of groups of people: for the operator alone.

    Attributes:
        blocks: that both sides hold.
        pairs: compared in all of them.
        largest: rows of the largest block of either side, shared or not.
        largest_pairs: pairs of the heaviest block.
        heaviest_share: share of all pairs that is in the heaviest hundredth of the blocks (at least one block).
        median: rows of a shared block, both sides together: half of the blocks have no more.
        ninth_decile: the same for nine blocks in ten.
        last_percentile: the same for ninety-nine in a hundred.
    """

    blocks: int
    pairs: int
    largest: int
    largest_pairs: int
    heaviest_share: float
    median: int
    ninth_decile: int
    last_percentile: int


def skew_of(sizes: NDArray[np.int64], largest: int) -> Skew:
    """How uneven blocks of these sizes are.

    Args:
        sizes: (k, 2) int64, rows of each shared block on the left and on the right.
        largest: rows of the largest block of either side.
    """
    pairs, rows = np.sort(sizes[:, 0] * sizes[:, 1])[::-1], np.sort(sizes.sum(axis=1))
    total, count = int(pairs.sum()), len(sizes)
    heaviest = int(pairs[: -(-count // _HEAVIEST)].sum())
    median, decile, percentile = (int(rows[(count - 1) * part // 100]) if count else 0 for part in (50, 90, 99))
    return Skew(
        blocks=count,
        pairs=total,
        largest=largest,
        largest_pairs=int(pairs[0]) if count else 0,
        heaviest_share=heaviest / total if total else 0.0,
        median=median,
        ninth_decile=decile,
        last_percentile=percentile,
    )


def shared_blocks(left_tags: NDArray[np.uint8], right_tags: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The blocks that both sides hold.

    Args:
        left_tags: (n, 16) uint8, sorted.
        right_tags: (m, 16) uint8, sorted.

    Returns:
        (k, 4) int64 [left start, left stop, right start, right stop), by tag.

    Raises:
        LinkageError: `E_ORDRE_LIGNES` when a side is not sorted by tag, `E_TABLEAU` when it is no array of tags.
    """
    return joined(runs(left_tags), runs(right_tags))


def joined(
    left: tuple[NDArray[np.bytes_], NDArray[np.int64]], right: tuple[NDArray[np.bytes_], NDArray[np.int64]]
) -> NDArray[np.int64]:
    """As `shared_blocks`, of the `runs` of both sides."""
    (left_values, left_bounds), (right_values, right_bounds) = left, right
    _, i, j = np.intersect1d(left_values, right_values, assume_unique=True, return_indices=True)
    return np.stack([left_bounds[i], left_bounds[i + 1], right_bounds[j], right_bounds[j + 1]], axis=1)


def runs(tags: NDArray[np.uint8]) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """The blocks of one side.

    Args:
        tags: (n, 16) uint8, sorted.

    Returns:
        (k,) distinct tags, sorted, and (k + 1,) int64 where the rows of each begin, with the number of rows at the end.

    Raises:
        LinkageError: as `shared_blocks`.
    """
    if tags.ndim != 2 or tags.shape[1] != TAG_BYTES or tags.dtype != np.uint8:
        raise LinkageError("E_TABLEAU", "les étiquettes de bloc doivent former un tableau uint8 de seize colonnes")
    tags = np.ascontiguousarray(tags)
    halves = tags.view(np.uint64)
    changes = (halves[1:, 0] != halves[:-1, 0]) | (halves[1:, 1] != halves[:-1, 1])
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(tags)), dtype=bool), changes]))
    # Byte strings compare byte by byte from the left; all being sixteen bytes long, dropped final zeros change nothing.
    values = tags[starts].view(f"S{TAG_BYTES}").reshape(len(starts))
    if (values[1:] < values[:-1]).any():
        raise LinkageError("E_ORDRE_LIGNES", "les lignes doivent être triées par étiquette de bloc")
    return values, np.append(starts, len(tags)).astype(np.int64)


def check_largest_block(largest: int, cap: int) -> None:
    """Refuse a block of more than 1.5 times the cap; no cap when it is 0.

    Args:
        largest: rows of the largest block.
        cap: of the plan.

    Raises:
        LinkageError: `E_BLOC_TROP_GRAND`.
    """
    if cap and 2 * largest > 3 * cap:
        raise LinkageError(
            "E_BLOC_TROP_GRAND",
            f"un bloc compte {largest} lignes pour un plafond de {cap} ; proposez un plan de passes plus fin",
        )
