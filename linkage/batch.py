"""Some blocks of a pass with the rows in them: what one thread, or one machine of a cluster, compares and solves at a time.

Blocks share no row, so each batch is solved by itself: of its candidates only the links leave it. A batch is arrays and a
threshold, no key and no row id; rows are numbered from 0 on each side of it. Whoever compares it (`Executor`) changes nothing of
the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from linkage.candidates import Candidates
from linkage.exact import pair_blocks
from linkage.match import Strategy, match, match_blocks
from linkage.plan import Measure, Solving
from linkage.scanning import Progress, processors
from linkage.screen import Screen, Screened, together
from linkage.solve import solve_many_to_one, solve_one_to_one

__all__ = [
    "Batch",
    "Executor",
    "Found",
    "Stopped",
    "Threads",
    "compare_batch",
    "is_heavy",
    "match_batch",
    "ordered",
    "solved",
]

_HEAVY = 1 << 29  # pairs from which one batch is worth all processors


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Blocks to compare.

    Attributes:
        left: (n, w) uint64 rows.
        right: (m, w) uint64 rows.
        blocks: (k, 4) int64 [left start, left stop, right start, right stop), which share no row.
        threshold: in (0, 1].
        measure: `dice` or `hamming`.
        solving: `many-to-one` where right rows may be linked several times.
        strict: the score from which `Found.shared` counts.
        diffused: whether every unrelated pair lies near one half: no pair can be left out, no sample is worth its time.
        screen: with its words settled, where one is wanted.
    """

    left: NDArray[np.uint64] = field(repr=False)
    right: NDArray[np.uint64] = field(repr=False)
    blocks: NDArray[np.int64] = field(repr=False)
    threshold: float
    measure: Measure
    solving: Solving = field(default="one-to-one", repr=False)
    strict: float = field(default=1.0, repr=False)
    diffused: bool = False
    screen: Screen | None = field(default=None, repr=False)

    @property
    def pairs(self) -> int:
        """Pairs that are compared."""
        return int(((self.blocks[:, 1] - self.blocks[:, 0]) * (self.blocks[:, 3] - self.blocks[:, 2])).sum())

    @property
    def is_one_block(self) -> bool:
        """Whether every left row meets every right row."""
        return bool(np.array_equal(self.blocks, [[0, len(self.left), 0, len(self.right)]]))


@dataclass(frozen=True, kw_only=True)
class Found:
    """The links of a batch, by score descending, then left row, then right row.

    Attributes:
        left: (h,) int64 rows of the batch's left side.
        right: (h,) int64 rows of its right side.
        score: (h,) float64.
        candidates: pairs at or above the threshold, before solving.
        shared: left rows that have, at the strict score, a right row in common with another left row, before solving.
        crowd: other left rows that have a right row in common with one, at the threshold, before solving: the most there are.
        screened: what a screen did, where one was wanted.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]
    candidates: int
    shared: int = 0
    crowd: int = 0
    screened: Screened | None = None


class Stopped(Exception):
    """The work was given up by whoever asked for it."""


class Executor(Protocol):
    """Where batches are compared: threads of this process, or a cluster."""

    @property
    def lanes(self) -> int:
        """Batches that it compares at once."""

    def submit(self, batch: Batch, told: Callable[[int], None]) -> Future[Found]:
        """Start on a batch.

        Args:
            batch: what to compare.
            told: called from any thread with the pairs of this batch compared so far, if that is known.
        """

    def abandon(self, pending: Iterable[Future[Found]]) -> None:
        """Give up what is not finished; returns once nothing of it runs here any more."""


class Threads:
    """The executor of one process: each batch on a thread of its own, one of very many pairs on all processors."""

    def __init__(self, threads: int | None = None) -> None:
        """Starts no thread yet; `threads` is the processors' number when absent."""
        self._threads = max(1, threads or processors())
        self._pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="batch")
        self._stop = Event()

    @property
    def lanes(self) -> int:
        """Threads."""
        return self._threads

    def submit(self, batch: Batch, told: Callable[[int], None]) -> Future[Found]:
        """As `Executor`."""
        threads = self._threads if is_heavy(batch) else 1

        def progress(done: int, _total: int) -> None:
            if self._stop.is_set():
                raise Stopped
            told(done)

        return self._pool.submit(compare_batch, batch, threads, progress)

    def abandon(self, pending: Iterable[Future[Found]]) -> None:
        """As `Executor`."""
        self._stop.set()
        wait([one for one in pending if not one.cancel()])
        self._stop.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def compare_batch(batch: Batch, threads: int = 1, progress: Progress | None = None) -> Found:
    """The links of a batch.

    Raises:
        LinkageError: as `linkage.match.match_blocks`.
    """
    if batch.measure == "exact":
        left, right = pair_blocks(batch.blocks, batch.solving)
        return Found(left=left, right=right, score=np.ones(len(left)), candidates=batch.pairs)
    return solved(match_batch(batch, threads, progress), batch.solving, batch.strict)


def match_batch(batch: Batch, threads: int = 1, progress: Progress | None = None) -> Candidates:
    """The candidates of a batch, in the matcher's order.

    Raises:
        LinkageError: as `linkage.match.match_blocks`.
    """
    sides, rule = (batch.left, batch.right), (batch.threshold, batch.measure)
    if batch.is_one_block:
        strategy: Strategy = "full" if batch.diffused else "auto"
        return match(*sides, *rule, progress=progress, threads=threads, screen=batch.screen, strategy=strategy)
    return match_blocks(*sides, batch.blocks, *rule, progress=progress, threads=threads, screen=batch.screen)


def ordered(parts: Sequence[Candidates]) -> Candidates:
    """Candidates of several places as one, in the matcher's order."""
    left, right = (np.concatenate([vars(one)[side] for one in parts]) for side in ("left", "right"))
    score = np.concatenate([one.score for one in parts])
    order = np.lexsort((right, left, -score))
    screened = together(one.screened for one in parts)
    return Candidates(left=left[order], right=right[order], score=score[order], screened=screened)


def solved(candidates: Candidates, solving: Solving = "one-to-one", strict: float = 1.0) -> Found:
    """The links of the candidates of whole blocks, and what is counted of them before they are solved."""
    shared, crowd = _contested(candidates, strict)
    links = (solve_many_to_one if solving == "many-to-one" else solve_one_to_one)(candidates)
    return Found(
        left=links.left,
        right=links.right,
        score=links.score,
        candidates=len(candidates),
        shared=shared,
        crowd=crowd,
        screened=candidates.screened,
    )


def _contested(candidates: Candidates, strict: float) -> tuple[int, int]:
    """`Found.shared` and `Found.crowd`."""
    most = int(np.bincount(candidates.right).max(initial=1)) - 1
    certain = candidates.score >= strict
    left, right = candidates.left[certain], candidates.right[certain]
    several = np.bincount(right)[right] > 1
    return len(np.unique(left[several])), most


def is_heavy(batch: Batch) -> bool:
    """Whether a batch is worth more than one processor."""
    return batch.pairs >= _HEAVY
