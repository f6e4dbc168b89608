"""Blocks of a pass: runs of rows that share a keyed tag, in rows sorted by tag.

Only rows of one block are ever compared, so the blocks of two sides are the tags that both hold. Sizes are checked
against the plan's cap before any comparison: a block over 1.5 times the cap is a plan that does not fit the data, and
a set too large to stay unreadable for somebody who knows part of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.wire import TAG_BYTES

__all__ = ["block_sizes", "check_block_sizes", "check_largest_block", "shared_blocks"]


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
    (left, left_bounds), (right, right_bounds) = _runs(left_tags), _runs(right_tags)
    _, i, j = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    return np.stack([left_bounds[i], left_bounds[i + 1], right_bounds[j], right_bounds[j + 1]], axis=1)


def block_sizes(tags: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(k,) int64 rows of each block, by tag.

    Raises:
        LinkageError: as `shared_blocks`.
    """
    return np.diff(_runs(tags)[1])


def check_block_sizes(tags: NDArray[np.uint8], cap: int) -> None:
    """Refuse a block of more than 1.5 times the cap; no cap when it is 0.

    Raises:
        LinkageError: `E_BLOC_TROP_GRAND`; also as `shared_blocks`.
    """
    check_largest_block(int(block_sizes(tags).max(initial=0)), cap)


def check_largest_block(largest: int, cap: int) -> None:
    """The same for the number of rows of the largest block.

    Raises:
        LinkageError: `E_BLOC_TROP_GRAND`.
    """
    if cap and 2 * largest > 3 * cap:
        raise LinkageError(
            "E_BLOC_TROP_GRAND",
            f"un bloc compte {largest} lignes pour un plafond de {cap} ; proposez un plan de passes plus fin",
        )


def _runs(tags: NDArray[np.uint8]) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Distinct tags, and where each begins, with the number of rows at the end."""
    if tags.ndim != 2 or tags.shape[1] != TAG_BYTES or tags.dtype != np.uint8:
        raise LinkageError("E_TABLEAU", "les étiquettes de bloc doivent former un tableau uint8 de seize colonnes")
    # Byte strings compare byte by byte from the left; all being sixteen bytes long, dropped final zeros change nothing.
    values = np.ascontiguousarray(tags).view(f"S{TAG_BYTES}").reshape(len(tags))
    if (values[1:] < values[:-1]).any():
        raise LinkageError("E_ORDRE_LIGNES", "les lignes doivent être triées par étiquette de bloc")
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(tags)), dtype=bool), values[1:] != values[:-1]]))
    return values[starts], np.append(starts, len(tags)).astype(np.int64)
