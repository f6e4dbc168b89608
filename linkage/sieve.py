"""A screen at work: the drawn columns of both sides scanned in place of the rows, and what survives compared in full.

`linkage.screen` has the law and the choice. The gathered rows are a task of their own, for the same kernels as whole rows; the
largest distance of that task is the bound. A row that is empty is similar to nothing; one whose drawn columns alone are empty
is compared like others.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from linkage.plan import PassPlan
from linkage.scanning import FAR, MATRIX_ROWS, Hits, Task, is_matrix, kernel_runs, matrix_runs, sealed
from linkage.screen import Look, Screen, Shape, choice, columns_of, look_of

try:
    from linkage import screen_rows
except ImportError:  # an installation without the compiler
    screen_rows = None  # type: ignore[assignment]

__all__ = ["Sieve", "look_at", "settled"]

Rows = NDArray[np.uint64]

_STEPS = 6  # of the bits of a word
_AT_ONCE = 1 << 13  # rows gathered, and pairs compared without the compiler
_SAMPLED = 2048  # pairs


def look_at(task: Task, blocks: NDArray[np.int64], screen: Screen) -> Look:
    """The look that suits a task.

    Args:
        task: checked, of the measure `hamming`.
        blocks: (k, 4) that will be compared.
        screen: checked.
    """
    rows = (blocks[:, 1] - blocks[:, 0]).sum() + (blocks[:, 3] - blocks[:, 2]).sum()
    pairs = (blocks[:, 1] - blocks[:, 0]) * (blocks[:, 3] - blocks[:, 2])
    shape = Shape(
        length=64 * task.left.shape[1],
        limit=int(task.most[0]),
        pairs=int(pairs.sum()),
        rows=int(rows),
        matrix=is_matrix(task, blocks),
        distances=_some_distances(task, blocks, pairs) if screen.words is None else None,
    )
    return look_of(screen, shape)


def settled(screen: Screen, plan: PassPlan) -> Screen:
    """The same screen with the words that suit a pass: every batch of it, on any machine, then looks at the same columns.

    Args:
        screen: as the caller wants it.
        plan: of the pass.

    Raises:
        LinkageError: as `Screen.check`.
    """
    screen.check(plan.measure)
    if screen.words is not None:
        return screen
    large = plan.expected_pairs >= MATRIX_ROWS * plan.population
    shape = Shape(
        length=plan.length,
        limit=plan.information,
        pairs=plan.expected_pairs,
        rows=2 * plan.population,
        matrix=large and matrix_runs(plan.length // 64),
    )
    return replace(screen, words=choice(screen.missed, shape)[0])


def _some_distances(task: Task, blocks: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of some pairs of the blocks, drawn alike."""
    total = int(pairs.sum())
    if not total:
        return np.empty(0, dtype=np.int64)
    drawn = np.random.default_rng(_SAMPLED).integers(0, total, _SAMPLED)  # tells a time, no result
    ends = np.cumsum(pairs)
    block = np.searchsorted(ends, drawn, "right")
    row, column = np.divmod(drawn - (ends - pairs)[block], (blocks[:, 3] - blocks[:, 2])[block])
    return _distances(task, blocks[block, 0] + row, blocks[block, 2] + column)


def _distances(task: Task, left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.int64]:
    distance: NDArray[np.int64] = np.bitwise_count(task.left[left] ^ task.right[right]).sum(axis=1, dtype=np.int64)
    return distance


class Sieve:
    """A look at the rows of a task.

    Attributes:
        task: of the drawn columns, to be scanned in place of the rows.
        survived: pairs that were compared in full.
    """

    def __init__(self, task: Task, look: Look, threads: int) -> None:
        """Gathers the columns of both sides.

        Args:
            task: of the rows.
            look: with columns.
            threads: 1 or more.
        """
        self._whole, self._limit, self._lock = task, int(task.most[0]), Lock()
        self.survived = 0
        parts = _parts_of(columns_of(look), task.left.shape[1])
        same = task.left.shape == task.right.shape and task.left.ctypes.data == task.right.ctypes.data
        with ThreadPoolExecutor(max_workers=threads) as pool:
            left, left_bits = _gathered(pool, task.left, parts, look.words)
            right, right_bits = (left, left_bits) if same else _gathered(pool, task.right, parts, look.words)
        self.task = Task(
            left=left,
            right=right,
            left_side=_side(left_bits, task.left_side, 0),
            right_side=_side(right_bits, task.right_side, -look.bound - 1),
            most=np.full(2 * 64 * look.words + 1, look.bound, dtype=np.int64),
            measure="hamming",
        )

    def keeping(self, receive: Callable[[Hits], None]) -> Callable[[Hits], None]:
        """What to give survivors to, so that `receive` gets those that are similar; on any thread."""

        def survivors(hits: Hits) -> None:
            if not len(hits):
                return
            with self._lock:
                self.survived += len(hits)
            receive(hits[: self._near(hits)])

        return survivors

    def _near(self, hits: Hits) -> int:
        if kernel_runs():
            return int(screen_rows.keep_near(self._whole.left, self._whole.right, self._limit, hits))
        count = 0
        for start in range(0, len(hits), _AT_ONCE):
            some = hits[start : start + _AT_ONCE]
            distance = _distances(self._whole, some[:, 0], some[:, 1])
            near = distance <= self._limit
            kept = np.column_stack([some[near, :2], distance[near]])
            hits[count : count + len(kept)] = kept
            count += len(kept)
        return count


def _side(bits: NDArray[np.int64], whole: NDArray[np.int64], bias: int) -> NDArray[np.int64]:
    return np.stack([np.where(whole[:, 1] == 0, FAR, bias), bits], axis=1)


def _parts_of(columns: NDArray[np.int64], words: int) -> tuple[Rows, Rows, NDArray[np.int64], NDArray[np.int64]]:
    """As `linkage.screen_rows.gather_rows` takes them: masks, moves, places; and the columns."""
    masks = np.zeros(words, dtype=np.uint64)
    np.bitwise_or.at(masks, columns >> 6, np.left_shift(np.uint64(1), (columns & 63).astype(np.uint64)))
    counts = np.bitwise_count(masks).astype(np.int64)
    moves, left = np.empty((_STEPS, words), dtype=np.uint64), masks.copy()
    below = ~masks << np.uint64(1)
    for step in range(_STEPS):
        odd = below.copy()  # of each place, whether the bits below it that are not drawn are odd in number
        for reach in range(_STEPS):
            odd ^= odd << np.uint64(1 << reach)
        moves[step] = odd & left
        left = (left ^ moves[step]) | (moves[step] >> np.uint64(1 << step))
        below &= ~odd
    return masks, moves, np.concatenate([[0], np.cumsum(counts)]), columns


def _gathered(
    pool: ThreadPoolExecutor,
    rows: Rows,
    parts: tuple[Rows, Rows, NDArray[np.int64], NDArray[np.int64]],
    words: int,
) -> tuple[Rows, NDArray[np.int64]]:
    """The columns of all rows, and how many of them are set in each."""
    masks, moves, places, columns = parts
    out, bits = np.empty((len(rows), words), dtype=np.uint64), np.empty(len(rows), dtype=np.int64)

    def gather(start: int) -> None:
        some = slice(start, start + _AT_ONCE)
        if kernel_runs():
            screen_rows.gather_rows(rows[some], masks, moves, places, out[some], bits[some])
        else:
            drawn = np.unpackbits(rows[some].view(np.uint8), axis=1, bitorder="little")[:, columns]
            out[some] = np.ascontiguousarray(np.packbits(drawn, axis=1, bitorder="little")).view(np.uint64)
            bits[some] = drawn.sum(axis=1, dtype=np.int64)

    for future in [pool.submit(gather, start) for start in range(0, len(rows), _AT_ONCE)]:
        future.result()
    return sealed(out), bits
