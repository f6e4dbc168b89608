"""Canaries at the third party: rows of nobody that a source lists to the worker alone, in the appendix of its upload.

They never take part in the matching: the source's rows are read without them (`without`), so that what a recipient gets is the
same bytes whether a source hides canaries or not. They are compared on their own with the recipient's rows (`caught`). A link
at or above the strict threshold means that the recipient sent that very identity, which nobody has: whoever did enumerates.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from linkage.batch import Executor
from linkage.linker import MEMORY, link_pieces
from linkage.plan import PassPlan
from linkage.wire import EncodedPass

__all__ = ["caught", "only", "without"]


def without(pieces: Generator[EncodedPass], hidden: frozenset[bytes]) -> Generator[EncodedPass]:
    """The rows of an upload but those that its appendix lists."""
    with closing(pieces):
        for piece in pieces:
            listed = _listed(piece, hidden)
            yield _kept(piece, ~listed) if listed.any() else piece


def only(pieces: Generator[EncodedPass], hidden: frozenset[bytes]) -> list[EncodedPass]:
    """The rows that the appendix lists, few as they are."""
    with closing(pieces):
        return [_kept(piece, listed) for piece in pieces if (listed := _listed(piece, hidden)).any()]


def caught(
    recipient: Iterator[EncodedPass],
    canaries: list[EncodedPass],
    plan: PassPlan,
    alive: Callable[[], None],
    executor: Executor | None = None,
    memory: int = MEMORY,
) -> int:
    """How many canaries are linked to a row of the recipient at or above the strict threshold.

    Args:
        recipient: its rows, piece by piece.
        canaries: as `only` gives them.
        plan: of the pass.
        alive: called during the work; raises to stop.
        executor: where rows are compared; threads of this process when absent.
        memory: bytes to hold of opened rows.

    Raises:
        LinkageError: as `linkage.linker.link_pieces`.
    """
    links = link_pieces(recipient, canaries, plan, executor=executor, memory=memory, progress=lambda *_: alive())
    return len(np.unique(links.right_rows[links.strict]))


def _listed(piece: EncodedPass, hidden: frozenset[bytes]) -> NDArray[np.bool_]:
    """(n,) whether each row is listed."""
    found = np.zeros(len(piece), dtype=bool)
    if not hidden or not len(piece):
        return found
    heads = np.frombuffer(b"".join(sorted(hidden)), dtype=np.uint64).reshape(-1, 2)[:, 0]
    places = np.flatnonzero(np.isin(np.ascontiguousarray(piece.ids).view(np.uint64)[:, 0], heads))
    found[places] = [piece.ids[place].tobytes() in hidden for place in places.tolist()]
    return found


def _kept(piece: EncodedPass, rows: NDArray[np.bool_]) -> EncodedPass:
    return EncodedPass(ids=piece.ids[rows], tags=piece.tags[rows], filters=np.ascontiguousarray(piece.filters[rows]))
