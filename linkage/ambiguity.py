"""Links whose rows might as well have been linked to others: which candidates stood as high, or nearly.

A link is *ambiguous* within a margin when one of its rows has another candidate that scores at least the link's score less the
margin. The two best scores of each row are noted while the solver reads the candidates, so a stream is read once:

    rivals = Rivals()
    links = solve_one_to_one(rivals.watch(candidates))
    doubtful = rivals.flag(links, margin)

It is meant for rehearsals and reviewers, and for groups of several parties. A run must not deliver it as it is: a row of the
source that is linked to nothing may make a link ambiguous, and what is delivered never depends on such a row. Rivals of the
right row alone (`sides=("right",)`, with the recipient on the left) are other rows of the recipient itself: they give no such
hint.

Memory: 16 bytes a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates
from linkage.compiled import compiled
from linkage.errors import LinkageError
from linkage.solve import Links, ordered_columns

__all__ = ["Rivals"]

Side = Literal["left", "right"]


class Rivals:
    """The best two scores of each row."""

    def __init__(self, sides: Collection[Side] = ("left", "right")) -> None:
        """Notes nothing yet.

        Args:
            sides: of which rows other candidates count. Where rows of a side may repeat in links, only the other side tells.
        """
        self._best: dict[Side, NDArray[np.float64]] = {side: np.full((0, 2), -np.inf) for side in sides}

    def watch(self, candidates: Candidates | Iterable[Candidates]) -> Iterator[Candidates]:
        """The same candidates, noted as they go by.

        Args:
            candidates: in the promised order; batches continue one another in that order.

        Raises:
            LinkageError: as `linkage.solve.solve_one_to_one`, batch by batch.
        """
        for batch in (candidates,) if isinstance(candidates, Candidates) else candidates:
            left, right, score = ordered_columns(batch)
            for side in self._best:
                rows = left if side == "left" else right
                self._reach(side, int(rows.max(initial=-1)) + 1)
                _note_best(rows, score, self._best[side])
            yield batch

    def flag(self, links: Links, margin: float) -> NDArray[np.bool_]:
        """Which links have a rival that scores at least the link's score less `margin`.

        Args:
            links: solved from the candidates that were watched, to their end.
            margin: 0 or more, in the unit of the scores.

        Returns:
            (h,) bool.

        Raises:
            LinkageError: `E_MARGE`.
        """
        if not 0 <= margin < np.inf:
            raise LinkageError("E_MARGE", "la marge d'ambiguïté est un nombre fini, positif ou nul")
        flagged = np.zeros(len(links), dtype=bool)
        for side, best in self._best.items():
            first, second = best[links.left if side == "left" else links.right].T
            flagged |= np.where(first > links.score, first, second) >= links.score - margin
        return flagged

    def _reach(self, side: Side, rows: int) -> None:
        best = self._best[side]
        if rows > len(best):
            grown = np.full((max(rows, 2 * len(best)), 2), -np.inf)
            grown[: len(best)] = best
            self._best[side] = grown


@compiled
def _note_best(rows: NDArray[np.int64], score: NDArray[np.float64], best: NDArray[np.float64]) -> None:
    """The two best scores of each row, as scores come in falling order."""
    for k in range(len(rows)):
        row = rows[k]
        if best[row, 1] == -np.inf:
            best[row, 1 if best[row, 0] > -np.inf else 0] = score[k]
