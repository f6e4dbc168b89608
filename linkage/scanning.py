"""All cells of a comparison, on threads: blocks cut into cells, cells into steps, each step's hits handed over as they come.

A cell is a range of left rows against as many right rows as a thread's scratch holds. A step is some cells worth some tens of
milliseconds: the delay of an interruption, and the share of work that a free thread takes. Which thread takes which step is
chance; whoever receives the hits puts them in order.

Three engines scan the same cells: the compiled kernel, another one for large blocks where the processor has matrix registers,
and a plain numpy twin that proves them and replaces them when missing. A thread holds one scratch of less than 2 MiB and room
for a fixed number of hits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from threading import Event, Lock
from types import ModuleType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkage.limits import largest_distances, share_of_distance
from linkage.plan import Measure

try:
    from linkage import kernel, matrix_kernel
except ImportError:  # an installation without the compiler: the numpy twin does it all, slowly
    kernel = matrix_kernel = None  # type: ignore[assignment]

__all__ = [
    "FAR",
    "MATRIX_ROWS",
    "Engine",
    "Hits",
    "Progress",
    "Task",
    "compiled_engine",
    "fastest",
    "is_matrix",
    "kernel_runs",
    "matrix_runs",
    "on_threads",
    "prepare",
    "processors",
    "scan_blocks",
    "sealed",
    "twin",
]

Progress: TypeAlias = Callable[[int, int], None]
"""Called from the caller's own thread with the pairs compared so far and all pairs to compare."""
Hits: TypeAlias = NDArray[np.int32]
"""(h, 3) left row, right row, distance."""

_POLL = 0.05  # seconds between two progress reports
FAR = 1 << 40  # the bias of an empty row: no distance brings it back under zero
_STEP = 1 << 28  # words compared in one step of the kernel
MATRIX_ROWS = 256  # of the smaller side of a block
_CELLS = 1 << 14  # cells held at a time
_ROOM = 1 << 15  # hits handed over at a time
_TWIN_ROWS = 1024  # right rows of a cell in the numpy twin
_TWIN_STEP = 1 << 26
_TWIN_BYTES = 1 << 22  # of the exclusive ors that the numpy twin holds


@dataclass(frozen=True, kw_only=True)
class Task:
    """What all threads read. A side holds, by row, the bias of the kernel's quick test and the popcount.

    Attributes:
        left: (n, w) uint64.
        right: (m, w) uint64.
        left_side: (n, 2) int64.
        right_side: (m, 2) int64.
        most: the largest distance of a pair by the sum of its popcounts.
        measure: of the scores.
    """

    left: NDArray[np.uint64]
    right: NDArray[np.uint64]
    left_side: NDArray[np.int64]
    right_side: NDArray[np.int64]
    most: NDArray[np.int64]
    measure: Measure

    def scores(self, hits: Hits) -> NDArray[np.float64]:
        """(h,) the similarity of some hits; 2c = |a| + |b| - H is exact."""
        total: NDArray[np.int64] = self.left_side[hits[:, 0], 1] + self.right_side[hits[:, 1], 1]
        length = 64 * self.left.shape[1]
        return np.asarray(1.0 - hits[:, 2] / length if self.measure == "hamming" else (total - hits[:, 2]) / total)


Scanner: TypeAlias = Callable[[NDArray[np.int64]], Iterator[Hits]]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One of the kernels.

    Attributes:
        rows: the most right rows of a cell.
        chunk: pairs of one step.
        scanner: a fresh scanner (cells to hits, some at a time) for each thread.
    """

    rows: int
    chunk: int
    scanner: Callable[[], Scanner]


def prepare(left: NDArray[np.uint64], right: NDArray[np.uint64], threshold: float, measure: Measure) -> Task:
    """The task of comparing checked sides at a checked threshold."""
    length = 64 * left.shape[1]
    most = largest_distances(length, threshold, measure)
    if measure == "hamming":
        left_bias, right_bias = np.zeros((2, length + 1), dtype=np.int64)
        right_bias -= most[0] + 1
    else:
        share = share_of_distance(length, threshold, measure)
        left_bias = -np.ceil(share / 2).astype(np.int64)
        right_bias = -np.floor(share).astype(np.int64) - 1
    left_bias[0] = right_bias[0] = FAR
    left_side = _side(left, left_bias)
    return Task(
        left=sealed(left),
        right=sealed(right),
        left_side=left_side,
        right_side=_side(right, right_bias),
        most=most,
        measure=measure,
    )


def sealed(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same memory, read-only: received rows may be, and the kernel is compiled once for all."""
    view = rows.view()
    view.flags.writeable = False
    return view


def _side(rows: NDArray[np.uint64], biases: NDArray[np.int64]) -> NDArray[np.int64]:
    side = np.empty((len(rows), 2), dtype=np.int64)
    if kernel_runs():
        kernel.weigh(sealed(rows), biases, side)
        return side
    step = max(1, _TWIN_BYTES // (8 * rows.shape[1]))
    for start in range(0, len(rows), step):
        bits = np.bitwise_count(rows[start : start + step]).sum(axis=1, dtype=np.int64)
        side[start : start + step, 0] = biases[bits]
        side[start : start + step, 1] = bits
    return side


def kernel_runs() -> bool:
    """Whether there is a compiler here, and it is not switched off."""
    return kernel is not None and bool(kernel.COMPILED)


def fastest(task: Task, blocks: NDArray[np.int64]) -> Engine:
    """The compiled kernel that suits the blocks, where there is a compiler."""
    if not kernel_runs():
        return twin(task)
    return compiled_engine(task, matrix_kernel if is_matrix(task, blocks) else kernel)


def is_matrix(task: Task, blocks: NDArray[np.int64]) -> bool:
    """Whether blocks are compared in matrix registers."""
    return matrix_runs(task.left.shape[1]) and _large(blocks)


def matrix_runs(words: int) -> bool:
    """Whether large blocks of rows of so many words are compared in matrix registers here."""
    return kernel_runs() and words <= matrix_kernel.MOST_WORDS and bool(matrix_kernel.runs())


def _large(blocks: NDArray[np.int64]) -> bool:
    """Whether most pairs are in blocks that fill matrix registers well."""
    pairs = _pairs(blocks)
    least = np.minimum(blocks[:, 1] - blocks[:, 0], blocks[:, 3] - blocks[:, 2])
    return bool(2 * pairs[least >= MATRIX_ROWS].sum() > pairs.sum())


def compiled_engine(task: Task, chosen: ModuleType) -> Engine:
    """The engine of one of the two compiled kernels, `linkage.kernel` or `linkage.matrix_kernel`."""
    words = task.left.shape[1]

    def scanner() -> Scanner:
        scratch = chosen.scratch_for(words)
        sides = (task.left, task.left_side, task.right, task.right_side, task.most)
        room = np.empty((_ROOM, 3), dtype=np.int32)

        def scan(cells: NDArray[np.int64]) -> Iterator[Hits]:
            where = kernel.beginning()
            while where[0] < len(cells):
                yield room[: chosen.scan(sides, cells, scratch, room, where)]

        return scan

    return Engine(rows=chosen.tile_rows(words), chunk=max(1, _STEP // words), scanner=scanner)


def twin(task: Task) -> Engine:
    """The plain one."""
    words = task.left.shape[1]
    step = max(1, _TWIN_BYTES // (8 * words * _TWIN_ROWS))

    def scan(cells: NDArray[np.int64]) -> Iterator[Hits]:
        for left_start, left_stop, right_start, right_stop in cells.tolist():
            right, right_side = task.right[right_start:right_stop], task.right_side[right_start:right_stop]
            for start in range(left_start, left_stop, step):
                rows = slice(start, min(start + step, left_stop))
                left, left_side = task.left[rows], task.left_side[rows]
                distance = np.bitwise_count(left[:, None] ^ right[None]).sum(axis=2, dtype=np.int64)
                near = distance <= task.most[left_side[:, None, 1] + right_side[None, :, 1]]
                near &= (left_side[:, None, 0] != FAR) & (right_side[None, :, 0] != FAR)
                i, j = np.nonzero(near)
                yield np.stack([start + i, right_start + j, distance[i, j]], axis=1).astype(np.int32)

    return Engine(rows=_TWIN_ROWS, chunk=max(1, _TWIN_STEP // words), scanner=lambda: scan)


def scan_blocks(
    blocks: NDArray[np.int64],
    engine: Engine,
    receive: Callable[[Hits], None],
    *,
    chunk: int | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
) -> None:
    """Scan all blocks on threads that each take the next step when free.

    Args:
        blocks: (k, 4) int64 [left start, left stop, right start, right stop).
        engine: of the task.
        receive: given hits, on any thread, valid until it returns.
        chunk: pairs of a step instead of the engine's.
        progress: told the pairs done and their total; what it raises stops all threads at their next hand-over or step.
        threads: the processor's number when absent.
    """
    size = chunk or engine.chunk
    total = int(_pairs(blocks).sum())
    queue = _steps(blocks, engine.rows, size)
    done = [0]
    lock, stop = Lock(), Event()

    def work(_number: int) -> None:
        scan = engine.scanner()
        while not stop.is_set():
            with lock:
                cells, pairs = next(queue, (None, 0))
            if cells is None:
                return
            for hits in scan(cells):
                receive(hits)
                if stop.is_set():
                    return
            with lock:
                done[0] += pairs

    count = min(-(-total // size), max(1, threads or processors()))
    with ThreadPoolExecutor(max_workers=max(1, count)) as pool:
        on_threads(pool, work, count, stop, lambda _: progress and progress(done[0], total))


def on_threads(
    pool: ThreadPoolExecutor, work: Callable[[int], None], count: int, stop: Event, tell: Callable[[bool], object]
) -> None:
    """Have some work done on as many threads, and tell of it about twenty times a second and at its end.

    Args:
        pool: of that many threads.
        work: given the number of its thread; it looks at `stop` now and then.
        count: threads.
        stop: set once the work ended, or when a thread or `tell` raised something, which comes out.
        tell: called from the caller's own thread with whether that was the end.
    """
    pending = {pool.submit(work, number) for number in range(count)}
    try:
        while pending:
            finished, pending = wait(pending, timeout=_POLL, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
            tell(not pending)
    finally:
        stop.set()


def _steps(blocks: NDArray[np.int64], rows: int, chunk: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Some cells worth about `chunk` pairs, with their pairs; the largest blocks first, cut when their turn comes."""
    right_step = max(1, min(rows, chunk))
    steps = max(1, chunk // right_step), right_step
    slabs = _slabs(blocks, steps)
    slabs = slabs[np.argsort(-_pairs(slabs), kind="stable")]
    cells = np.cumsum(_across(slabs, right_step) * -(-(slabs[:, 1] - slabs[:, 0]) // steps[0]))
    bounds = np.flatnonzero(np.diff(cells // _CELLS, prepend=-1)).tolist()
    for first, last in pairwise([*bounds, len(slabs)]):
        some = _cut(slabs[first:last], steps)
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(_pairs(some))])
        starts = np.flatnonzero(np.diff(before[:-1] // chunk, prepend=-1)).tolist()
        for start, stop in pairwise([*starts, len(some)]):
            yield some[start:stop], int(before[stop] - before[start])


def _pairs(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    return (blocks[:, 1] - blocks[:, 0]) * (blocks[:, 3] - blocks[:, 2])


def _across(blocks: NDArray[np.int64], right_step: int) -> NDArray[np.int64]:
    return -(-(blocks[:, 3] - blocks[:, 2]) // right_step)


def _slabs(blocks: NDArray[np.int64], steps: tuple[int, int]) -> NDArray[np.int64]:
    """Blocks cut by left rows, so that one is no more than some thousands of cells where one line of them allows that."""
    tall = steps[0] * np.maximum(1, _CELLS // np.maximum(1, _across(blocks, steps[1])))
    count = -(-(blocks[:, 1] - blocks[:, 0]) // tall)
    block = np.repeat(np.arange(len(blocks)), count)
    number = np.arange(len(block)) - np.repeat(np.cumsum(count) - count, count)
    start = blocks[block, 0] + number * tall[block]
    stop = np.minimum(start + tall[block], blocks[block, 1])
    return np.stack([start, stop, blocks[block, 2], blocks[block, 3]], axis=1)


def _cut(blocks: NDArray[np.int64], steps: tuple[int, int]) -> NDArray[np.int64]:
    """Blocks as cells of at most so many left and right rows, the largest first."""
    left_step, right_step = steps
    across = _across(blocks, right_step)
    count = across * -(-(blocks[:, 1] - blocks[:, 0]) // left_step)
    block = np.repeat(np.arange(len(blocks)), count)
    number = np.arange(len(block)) - np.repeat(np.cumsum(count) - count, count)
    left = blocks[block, 0] + number // across[block] * left_step
    right = blocks[block, 2] + number % across[block] * right_step
    left_stop = np.minimum(left + left_step, blocks[block, 1])
    right_stop = np.minimum(right + right_step, blocks[block, 3])
    cells = np.stack([left, left_stop, right, right_stop], axis=1)
    return cells[np.argsort(-_pairs(cells), kind="stable")]


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
