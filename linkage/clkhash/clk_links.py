"""Two sets of CLKs to one-to-one links: all pairs whose Dice is at or above a threshold, the best first, each row once.

Where both sets come with blocks, only rows that share the name of a block are compared, as the entity service does. A pair in
two blocks counts once.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates
from linkage.clkhash.clk_files import Blocks, ClkSet
from linkage.errors import LinkageError
from linkage.match import match, match_blocks
from linkage.scanning import Progress
from linkage.solve import Links, solve_one_to_one

__all__ = ["link_clks"]


def link_clks(left: ClkSet, right: ClkSet, threshold: float, *, progress: Progress | None = None) -> Links:
    """The links of two files of CLKs.

    Args:
        left: of one party.
        right: of the other, made with the same schema and secret: nothing in the files can tell.
        threshold: least Dice coefficient, above 0, at most 1.
        progress: told the pairs done and their total.

    Raises:
        LinkageError: `E_LARGEURS` for CLKs of different sizes, `E_SEUIL`; `E_BLOCS_CLK` when only one file has blocks.
    """
    if (left.blocks is None) != (right.blocks is None):
        rule = "un seul des deux fichiers a des blocs ; donnez-en aux deux, ou à aucun"
        raise LinkageError("E_BLOCS_CLK", rule)
    sides = _words(left), _words(right)
    if left.blocks is None or right.blocks is None:
        return solve_one_to_one(match(*sides, threshold, progress=progress))
    rows, blocks = _shared(left.blocks, right.blocks)
    gathered = [side[chosen] for side, chosen in zip(sides, rows, strict=True)]
    found = match_blocks(gathered[0], gathered[1], blocks, threshold, progress=progress)
    return solve_one_to_one(_once(rows[0][found.left], rows[1][found.right], found.score))


def _words(clks: ClkSet) -> NDArray[np.uint64]:
    """CLKs as rows of 64-bit words; bits that do not exist are zero on both sides and change no Dice coefficient."""
    size = clks.filters.shape[1]
    padded = np.zeros((len(clks), -(-max(size, 1) // 8) * 8), dtype=np.uint8)
    padded[:, :size] = clks.filters
    return padded.view(np.uint64)


def _shared(left: Blocks, right: Blocks) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The rows of the blocks that both sides have, one block after the other, and where each block stands among them."""
    members = [_members(side) for side in (left, right)]
    names = [name for name in members[0] if name in members[1]]
    rows = [np.array([row for name in names for row in side[name]], dtype=np.int64) for side in members]
    ends = [np.cumsum([0, *(len(side[name]) for name in names)]) for side in members]
    blocks = np.stack([ends[0][:-1], ends[0][1:], ends[1][:-1], ends[1][1:]], axis=1).astype(np.int64)
    return rows, np.ascontiguousarray(blocks)


def _members(blocks: Blocks) -> dict[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for row, names in enumerate(blocks):
        for name in dict.fromkeys(names):
            members[name].append(row)
    return members


def _once(left: NDArray[np.int64], right: NDArray[np.int64], score: NDArray[np.float64]) -> Candidates:
    """Each pair once, in the order that the matcher promises."""
    order = np.lexsort((right, left, -score))
    left, right, score = left[order], right[order], score[order]
    fresh = np.ones(len(left), dtype=np.bool_)
    fresh[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return Candidates(left=left[fresh], right=right[fresh], score=score[fresh])
