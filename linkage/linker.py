"""The third party's half: two encoded passes in, links out. It holds no key and sees no record.

Rows come piece by piece, sorted by (tag, id), and are read once: checked (`linkage.pass_check`), joined by tag
(`linkage.tag_join`), compared in batches at the plan's information threshold and solved one-to-one (`linkage.batch`). Blocks
share no row, so the best pairs of a batch are the best of the pass; only links are kept, sealed in a spill when they are many,
and put in their order at the end. A pass whose rows all carry one tag is compared all against all.

The result is the same bytes whatever the pieces, the memory, the number of threads, and the executor.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage import memory as defaults
from linkage.batch import Executor, Found, Threads
from linkage.blocks import Skew, shared_blocks, skew_of
from linkage.kept_links import KeptLinks
from linkage.pass_check import PassCheck
from linkage.plan import PassPlan
from linkage.scanning import Progress
from linkage.screen import Screen, Screened, together
from linkage.sieve import settled
from linkage.tag_join import JoinedBatch, Side, join
from linkage.wire import EncodedPass

__all__ = ["MEMORY", "PassContent", "PassLinks", "check_pass", "check_pieces", "link_pass", "link_pieces"]

MEMORY = defaults.MEMORY

_LEAST_BATCH, _MOST_BATCH = 1 << 18, 1 << 23  # bytes of filters; pieces are mostly larger, and then cut without a copy
_POLL = 0.1  # seconds between two progress reports


@dataclass(frozen=True, kw_only=True)
class PassContent:
    """What a pass that was checked holds.

    Attributes:
        rows: how many.
        fill_permille: bits set per thousand bits, rounded; 0 without rows.
    """

    rows: int
    fill_permille: int


@dataclass(frozen=True, kw_only=True)
class PassLinks:
    """The links of one pass, by score descending, then left row, then right row.

    Attributes:
        left_rows: (h,) int64 rows of the left pass.
        right_rows: (h,) int64 rows of the right pass.
        left_ids: (h, 16) uint8 ids of the left rows.
        score: (h,) float64, 1 - H/L or Dice.
        strict: (h,) bool, whether the score reaches the strict threshold.
        compared: pairs compared.
        candidates: pairs at or above the information threshold, before solving.
        shared: left rows with a strict candidate in common with another left row (`linkage.batch.Found`).
        crowd: other left rows that have a candidate in common with one, at most.
        skew: sizes of the blocks, for the operator.
        screened: what a screen did, where one was wanted.
    """

    left_rows: NDArray[np.int64]
    right_rows: NDArray[np.int64]
    left_ids: NDArray[np.uint8]
    score: NDArray[np.float64]
    strict: NDArray[np.bool_]
    compared: int
    candidates: int
    shared: int
    crowd: int
    skew: Skew
    screened: Screened | None = None


def link_pass(
    left: EncodedPass,
    right: EncodedPass,
    plan: PassPlan,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    screen: Screen | None = None,
) -> PassLinks:
    """As `link_pieces`, of passes that are in memory; progress is told the true total from the beginning."""
    told = progress
    if progress is not None:
        blocks = shared_blocks(left.tags, right.tags)
        total = int(((blocks[:, 1] - blocks[:, 0]) * (blocks[:, 3] - blocks[:, 2])).sum())

        def told(done: int, _total: int) -> None:
            progress(done, total)

    with Threads(threads) as executor:
        return link_pieces([left], [right], plan, executor=executor, progress=told, screen=screen)


def link_pieces(
    left: Iterable[EncodedPass],
    right: Iterable[EncodedPass],
    plan: PassPlan,
    *,
    executor: Executor | None = None,
    memory: int = MEMORY,
    progress: Progress | None = None,
    screen: Screen | None = None,
) -> PassLinks:
    """Link the rows of two passes that come piece by piece.

    Args:
        left: rows sorted by (tag, id); read once, as far as needed.
        right: the same.
        plan: of this pass.
        executor: where batches are compared; threads of this process when absent.
        memory: bytes to hold of opened rows, ids and links; what a single block, a single piece or the links themselves take
            beyond that is taken.
        progress: told, from the caller's own thread, the pairs compared so far and those of all batches begun; what it raises
            stops the work.
        screen: diffused filters only, and never where awards depend on links: most pairs are dropped after a look at some
            columns, the same in the whole pass; which pairs are missed near the threshold depends on its draw alone.

    Raises:
        LinkageError: as `check_pieces` but for fill; `E_DISQUE_PLEIN`; `E_CRIBLE`, `E_OPTION` for a screen that may not be.
    """
    if executor is None:
        with Threads() as own:
            return link_pieces(left, right, plan, executor=own, memory=memory, progress=progress, screen=screen)
    screen = screen and settled(screen, plan)
    size = max(_LEAST_BATCH, min(_MOST_BATCH, memory // (4 * (executor.lanes + 2))))
    with (
        PassCheck(plan, fill=False, memory=memory // 8) as ours,
        PassCheck(plan, fill=False, memory=memory // 8) as theirs,
        KeptLinks(memory // 8) as kept,
    ):
        work = _Work(executor, kept, progress)
        try:
            for one in join(Side(iter(left), ours, plan), Side(iter(right), theirs, plan), size):
                work.add(one if screen is None else replace(one, batch=replace(one.batch, screen=screen)))
            work.wait_for(0)
        except BaseException:
            executor.abandon(work.pending)
            raise
        for check in (ours, theirs):
            check.finish()
        links = kept.ordered()
        return PassLinks(
            left_rows=links["left"].copy(),
            right_rows=links["right"].copy(),
            left_ids=links["id"].copy(),
            score=links["score"].copy(),
            strict=links["score"] >= plan.strict_score,
            compared=work.compared,
            candidates=kept.candidates,
            shared=kept.shared,
            crowd=kept.crowd,
            skew=skew_of(work.sizes(), max(ours.largest, theirs.largest)),
            screened=together(work.screened),
        )


def check_pass(encoded: EncodedPass, plan: PassPlan) -> None:
    """As `check_pieces`, of a pass that is in memory."""
    check_pieces([encoded], plan)


def check_pieces(pieces: Iterable[EncodedPass], plan: PassPlan, *, memory: int = MEMORY) -> PassContent:
    """Refuse a pass that its own plan could not have produced.

    Args:
        pieces: its rows; read once.
        plan: of the pass.
        memory: bytes of ids held before they are spilled.

    Raises:
        LinkageError: `E_LARGEURS` for filters of another length than the plan's, `E_TABLEAU` for columns of different
            heights, `E_ORDRE_LIGNES` for rows not sorted by (tag, id), `E_IDENTIFIANT_LIGNE` for an id used twice,
            `E_BLOC_TROP_GRAND` for a block over 1.5 times the cap, `E_REMPLISSAGE` for a row without any bit, with all
            bits, or, in a diffused pass, with less than 20 % or more than 80 % of them; `E_DISQUE_PLEIN`.
    """
    with PassCheck(plan, fill=True, memory=memory) as check:
        for piece in pieces:
            check.take(piece)
        check.finish()
        total = check.rows * plan.length
        return PassContent(rows=check.rows, fill_permille=round(1000 * check.bits / total) if total else 0)


class _Work:
    """Batches on their way.

    Attributes:
        pending: each with where its rows come from.
        compared: pairs of the batches that are done.
        screened: what a screen did in each.
    """

    def __init__(self, executor: Executor, kept: KeptLinks, progress: Progress | None) -> None:
        self._executor = executor
        self._kept = kept
        self._progress = progress
        self._begun = 0
        self._partial: dict[Future[Found], list[int]] = {}
        self._sizes: list[NDArray[np.int64]] = []
        self.pending: dict[Future[Found], JoinedBatch] = {}
        self.compared = 0
        self.screened: list[Screened | None] = []

    def add(self, joined: JoinedBatch) -> None:
        """Begin a batch, once there is room for it."""
        self.wait_for(self._executor.lanes)
        seen = [0]

        def told(done: int) -> None:
            seen[0] = done

        future = self._executor.submit(joined.batch, told)
        self.pending[future], self._partial[future] = joined, seen
        self._begun += joined.batch.pairs
        blocks = joined.batch.blocks
        self._sizes.append(np.stack([blocks[:, 1] - blocks[:, 0], blocks[:, 3] - blocks[:, 2]], axis=1))
        self._tell()

    def wait_for(self, most: int) -> None:
        """Take what is done, until at most so many batches are on their way."""
        while len(self.pending) > most:
            done, _ = wait(self.pending, timeout=_POLL, return_when=FIRST_COMPLETED)
            for future in done:
                found, joined = future.result(), self.pending.pop(future)
                del self._partial[future]
                self._kept.take(joined, found)
                self.compared += joined.batch.pairs
                self.screened.append(found.screened)
            self._tell()

    def sizes(self) -> NDArray[np.int64]:
        """(k, 2) rows of each shared block on either side."""
        return np.concatenate([np.empty((0, 2), dtype=np.int64), *self._sizes])

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.compared + sum(seen[0] for seen in self._partial.values()), self._begun)
