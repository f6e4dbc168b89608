"""A pass compared in pieces, each of which can be done by another process than the one before.

A piece is a range of block tags. Tags are keyed hashes, so ranges of one width hold about as many rows each, whatever the data;
how many there are follows from the numbers of rows that the manifests announce. Blocks share no row and lie whole in one range:
the links of the pieces are those of the pass, and put in their order at the end they are the same bytes however many pieces
there were and whoever did them. A process that goes on from one piece to the next reads the uploads straight on; one that begins
in the middle looks for its place by halving, a few chunks opened on each side.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from linkage.batch import Executor
from linkage.blocks import Skew
from linkage.linker import PassLinks, link_pieces
from linkage.plan import PassPlan
from linkage.wire import TAG_BYTES, EncodedPass
from service.third_party.pieces import LINK, LinksPiece

__all__ = ["PIECE_ROWS", "Cursor", "Opened", "Work", "assembled", "bound_of", "pieces_for"]

PIECE_ROWS = 1 << 20  # of both sides: a second or two of work, some megabytes of links at most
_TAGS = 1 << (8 * TAG_BYTES)


class Opened(Protocol):
    """One upload that can be opened from any of its chunks."""

    @property
    def chunks(self) -> int:
        """How many it has."""

    def rows(self, first: int) -> Generator[EncodedPass]:
        """The rows from a chunk on, chunk by chunk."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How pieces are compared.

    Attributes:
        executor: where; threads of this process when absent.
        memory: bytes to hold of opened rows.
        alive: called during the work; raises to stop it.
    """

    executor: Executor | None
    memory: int
    alive: Callable[[], None]


def pieces_for(rows: int, piece_rows: int = PIECE_ROWS) -> int:
    """How many pieces a pass of so many rows, both sides together, is compared in."""
    return max(1, -(-rows // piece_rows))


def bound_of(number: int, of: int) -> bytes | None:
    """The first tag that is beyond a piece; None beyond the last one."""
    return None if number + 1 >= of else ((number + 1) * _TAGS // of).to_bytes(TAG_BYTES, "big")


class Cursor:
    """Both sides of a pass, read as far as the pieces that are done.

    Attributes:
        number: of the piece that comes next.
    """

    def __init__(
        self, sides: tuple[Opened, Opened], plan: PassPlan, *, of: int, number: int, rows: tuple[int, int]
    ) -> None:
        """At the beginning of a piece.

        Args:
            sides: recipient, source.
            plan: of the pass.
            of: pieces in all.
            number: of the piece to begin with.
            rows: of either side that lie before it.
        """
        start = bound_of(number - 1, of) if number else b""
        self._plan, self.of = plan, of
        self._sides = [_Side(side, start or b"", before) for side, before in zip(sides, rows, strict=True)]
        self.number = number

    def next(self, work: Work) -> LinksPiece:
        """Compare the next piece.

        Raises:
            LinkageError, CryptoError, ServiceError: as `linkage.linker.link_pieces` and the opening of uploads.
        """
        bound, before = bound_of(self.number, self.of), [side.taken for side in self._sides]
        left, right = (side.until(bound) for side in self._sides)
        links = link_pieces(
            left, right, self._plan, executor=work.executor, memory=work.memory, progress=lambda *_: work.alive()
        )
        for rest in (left, right):  # what the comparison had no use for
            for _ in rest:
                work.alive()
        self.number += 1
        return _piece(links, before, [side.taken for side in self._sides], self.of)

    def close(self) -> None:
        """Open nothing more."""
        for side in self._sides:
            side.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Side:
    """One side, read range by range.

    Attributes:
        taken: rows of the pass before the place that is reached.
    """

    def __init__(self, opened: Opened, start: bytes, taken: int) -> None:
        self._pieces = opened.rows(_first_chunk(opened, start))
        self._start = start
        self._rest: EncodedPass | None = None
        self.taken = taken

    def until(self, bound: bytes | None) -> Iterator[EncodedPass]:
        """The rows before a tag, or all; what comes after stays for the next range."""
        while (piece := self._rest or next(self._pieces, None)) is not None:
            self._rest = None
            low = _place(piece, self._start)
            high = len(piece) if bound is None else max(low, _place(piece, bound))
            if high > low:
                self.taken += high - low
                yield _between(piece, low, high)
            if high < len(piece):
                self._rest = _between(piece, high, len(piece))
                return

    def close(self) -> None:
        """Let go of the upload."""
        self._pieces.close()


def assembled(found: Sequence[LinksPiece], plan: PassPlan) -> PassLinks:
    """The links of all pieces of a pass, as one comparison of the whole would have given them."""
    links = np.concatenate([np.empty(0, dtype=LINK), *(one.links for one in found)])
    order = np.argsort(links["left"])
    order = order[np.argsort(-links["score"][order], kind="stable")]
    links = links[order]
    return PassLinks(
        left_rows=links["left"].astype(np.int64),
        right_rows=links["right"].astype(np.int64),
        left_ids=links["id"].copy(),
        score=links["score"].copy(),
        strict=links["score"] >= plan.strict_score,
        compared=sum(one.head["compared"] for one in found),
        candidates=sum(one.head["candidates"] for one in found),
        shared=sum(one.head["shared"] for one in found),
        crowd=max((one.head["crowd"] for one in found), default=0),
        skew=_skew([one.head for one in found]),
    )


def _piece(links: PassLinks, before: list[int], after: list[int], of: int) -> LinksPiece:
    kept: NDArray[Any] = np.empty(len(links.left_rows), dtype=LINK)
    kept["left"], kept["right"] = links.left_rows + before[0], links.right_rows + before[1]
    kept["score"], kept["id"] = links.score, links.left_ids
    skew = links.skew
    head = {
        "of": of,
        "links": len(kept),
        "left": after[0],  # rows of the pass up to the end of this piece
        "right": after[1],
        "compared": links.compared,
        "candidates": links.candidates,
        "shared": links.shared,
        "crowd": links.crowd,
        "blocks": skew.blocks,
        "pairs": skew.pairs,
        "largest": skew.largest,
        "largest_pairs": skew.largest_pairs,
        "heaviest_pairs": round(skew.heaviest_share * skew.pairs),
        "median": skew.median,
        "ninth_decile": skew.ninth_decile,
        "last_percentile": skew.last_percentile,
    }
    return LinksPiece(head=head, links=kept)


def _skew(heads: list[dict[str, int]]) -> Skew:
    """Of the whole pass; its quantiles are those that the middle block of all pieces has in its own piece."""
    pairs = sum(head["pairs"] for head in heads)
    return Skew(
        blocks=sum(head["blocks"] for head in heads),
        pairs=pairs,
        largest=max((head["largest"] for head in heads), default=0),
        largest_pairs=max((head["largest_pairs"] for head in heads), default=0),
        heaviest_share=sum(head["heaviest_pairs"] for head in heads) / pairs if pairs else 0.0,
        median=_middle(heads, "median"),
        ninth_decile=_middle(heads, "ninth_decile"),
        last_percentile=_middle(heads, "last_percentile"),
    )


def _middle(heads: list[dict[str, int]], name: str) -> int:
    values = sorted((head[name], head["blocks"]) for head in heads)
    left = sum(blocks for _, blocks in values) / 2
    for value, blocks in values:
        left -= blocks
        if left <= 0:
            return value
    return 0


def _first_chunk(opened: Opened, start: bytes) -> int:
    """The last chunk whose first row comes before a tag: rows of that tag cannot be earlier."""
    low, high = 0, opened.chunks  # chunk `low` begins before the tag, or is the first; chunk `high` does not
    while high - low > 1 and start:
        middle = (low + high) // 2
        rows = opened.rows(middle)
        try:
            begins = next((bytes(piece.tags[0]) for piece in rows if len(piece)), None)
        finally:
            rows.close()
        if begins is not None and begins < start:
            low = middle
        else:
            high = middle
    return low


def _place(piece: EncodedPass, tag: bytes) -> int:
    """How many rows of a piece come before a tag."""
    low, high = 0, len(piece)
    while low < high:
        middle = (low + high) // 2
        if bytes(piece.tags[middle]) < tag:
            low = middle + 1
        else:
            high = middle
    return low


def _between(piece: EncodedPass, start: int, stop: int) -> EncodedPass:
    if (start, stop) == (0, len(piece)):
        return piece
    return EncodedPass(ids=piece.ids[start:stop], tags=piece.tags[start:stop], filters=piece.filters[start:stop])
