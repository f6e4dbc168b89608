"""Whether a file looks like questions about a few people: rows of one upload that resemble each other, pass by pass.

Whoever wants to learn about chosen people uploads many variants of each, to be sure that one of them meets what the source
wrote down, or to find out a part that it does not know. Such rows resemble each other, in at least one pass, as rows of a
file about many people do not: twins, homonyms and people who are in the file twice are few, and they come in pairs. No key is
needed to see it: rows of one block are compared with each other as they are with those of the source, at the strict threshold
of the pass.

A pass is read once, piece by piece, and compared some whole blocks at a time. What is kept is three numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np

from linkage.blocks import runs
from linkage.match import match_blocks
from linkage.plan import PassPlan
from linkage.wire import EncodedPass

__all__ = ["NearDuplicates", "Watch"]

_AT_ONCE = 8 << 20  # bytes of filters compared at once, unless one block is larger


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """What was seen of an upload.

    Attributes:
        rows: in it.
        near: that have another row of it at or above the strict threshold.
        most: other rows that the row with the most of them has.
    """

    rows: int
    near: int
    most: int


class Watch:
    """Looks at the rows of a pass as they go by.

    Args:
        plan: of the pass.
        alive: called during the work; raises to stop.
        threads: that compare; the processors' number when absent.
    """

    def __init__(self, plan: PassPlan, alive: Callable[[], None], threads: int | None = None) -> None:
        self._plan, self._alive, self._threads = plan, alive, threads
        self._held: list[EncodedPass] = []
        self._bytes = self._rows = self._near = self._most = 0

    def through(self, pieces: Iterator[EncodedPass]) -> Generator[EncodedPass]:
        """The same pieces, looked at; all of them once the last has been asked for."""
        for piece in pieces:
            self._take(piece)
            yield piece
        self._compare(self._held)
        self._held = []

    def seen(self) -> NearDuplicates:
        """What was seen, once all pieces have gone by."""
        return NearDuplicates(rows=self._rows, near=self._near, most=self._most)

    def _take(self, piece: EncodedPass) -> None:
        self._rows += len(piece)
        self._held.append(piece)
        self._bytes += piece.filters.nbytes + piece.ids.nbytes + piece.tags.nbytes
        if self._bytes < _AT_ONCE:
            return
        whole = _together(self._held)
        _, bounds = runs(whole.tags)
        last = int(bounds[-2])  # the last block may go on in the next piece
        self._compare([_part(whole, 0, last)])
        self._held = [_part(whole, last, len(whole))]
        self._bytes = sum(part.nbytes for part in vars(self._held[0]).values())

    def _compare(self, held: list[EncodedPass]) -> None:
        if not sum(map(len, held)):
            return
        rows = _together(held)
        _, bounds = runs(rows.tags)
        sizes = np.diff(bounds)
        starts, stops = bounds[:-1][sizes > 1], bounds[1:][sizes > 1]
        if not len(starts):
            return
        if self._plan.measure == "exact":  # one token is one value
            self._near += int(sizes[sizes > 1].sum())
            self._most = max(self._most, int(sizes.max()) - 1)
            return
        found = match_blocks(
            rows.filters,
            rows.filters,
            np.stack([starts, stops, starts, stops], axis=1),
            self._plan.strict_score,
            self._plan.measure,
            progress=lambda *_: self._alive(),
            threads=self._threads,
        )
        others = np.bincount(found.left[found.left != found.right], minlength=len(rows))
        self._near += int((others > 0).sum())
        self._most = max(self._most, int(others.max()))


def _together(pieces: list[EncodedPass]) -> EncodedPass:
    if len(pieces) == 1:
        return pieces[0]
    return EncodedPass(
        ids=np.concatenate([one.ids for one in pieces]),
        tags=np.concatenate([one.tags for one in pieces]),
        filters=np.concatenate([one.filters for one in pieces]),
    )


def _part(rows: EncodedPass, start: int, stop: int) -> EncodedPass:
    return EncodedPass(
        ids=rows.ids[start:stop],
        tags=rows.tags[start:stop],
        filters=np.ascontiguousarray(rows.filters[start:stop]),
    )
