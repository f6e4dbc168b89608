"""Which rows of two sets of filters are similar enough: all such pairs, nothing else, in one promised order.

Similarity. `dice`: 2c / (|a| + |b|), c the common bits; kept when that quotient, as a float64, is at or above the threshold.
`hamming`: 1 - H/L, H the distance and L the bits of a row; kept when H is at most the largest integer for which 1 - H/L,
as a float64, is at or above the threshold. A row without any bit is similar to nothing, not even to another such row.

No quotient is computed in the loops. For each sum s = |a| + |b| a table holds the least c that is enough, found with the
very float64 expression above; since H = s - 2c, it is a largest distance by s, and the kernel compares integers.

Order. Pairs come by score from high to low, then by left row, then by right row. That order and the scores do not depend
on the number of threads, nor on which kernel ran: the compiled one or its plain numpy twin.

Memory. Beside the two inputs and the pairs found, a thread holds one fixed scratch of less than 2 MiB, and 16 bytes a row are
kept for popcounts and biases. Interruption (an exception of the progress callback included) stops every thread at its next
step, waits for them and gives no partial result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from threading import Event, Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linkage.errors import LinkageError
from linkage.plan import Measure

try:
    from linkage import kernel
except ImportError:  # an installation without the compiler: the numpy twin does it all, slowly
    kernel = None  # type: ignore[assignment]

__all__ = ["Candidates", "Progress", "match", "match_blocks", "match_numpy"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called from the caller's own thread with the pairs compared so far and all pairs to compare."""

_CHUNK = 1 << 24  # pairs of one step of a thread: some tens of milliseconds, the delay of an interruption
_POLL = 0.1  # seconds between two progress reports
_FAR = 1 << 40  # the bias of an empty row: no distance brings it back under zero
_TWIN_ROWS = 1024  # right rows of a cell in the numpy twin
_TWIN_BYTES = 1 << 22  # of the exclusive ors that the numpy twin holds


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Pairs at or above the threshold, by score descending, then left row, then right row.

    Attributes:
        left: (h,) int64 rows of the left set.
        right: (h,) int64 rows of the right set.
        score: (h,) float64.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    score: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.left)


def match(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    threshold: float,
    measure: Measure = "dice",
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    chunk: int = _CHUNK,
) -> Candidates:
    """All pairs of a left and a right row whose similarity is at or above `threshold`.

    Args:
        left: (n, w) uint64, C order: n rows of L = 64 w bits.
        right: (m, w) uint64, C order.
        threshold: in (0, 1].
        measure: `dice`, or `hamming` for 1 - H/L.
        progress: told the pairs done and their total, about ten times a second; what it raises stops the work.
        threads: 1 or more; the processor's number when absent. The result is the same bytes for any number.
        chunk: pairs of one step of a thread, between which it can be stopped.

    Raises:
        LinkageError: `E_LARGEURS` when the sides have rows of different lengths, `E_SEUIL` for a threshold outside
            (0, 1], `E_MESURE` for another measure, `E_TABLEAU` for arrays of another kind than said here.
    """
    task = _prepare(left, right, threshold, measure)
    everything = np.array([[0, len(left), 0, len(right)]], dtype=np.int64)
    return _execute(task, everything, _fastest(task), chunk, progress, threads)


def match_blocks(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    blocks: NDArray[np.int64],
    threshold: float,
    measure: Measure = "dice",
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Candidates:
    """As `match`, comparing only the rows of one block with each other, the largest blocks first.

    Many blocks travel in one compiled call, so that small ones cost little more than their pairs.

    Args:
        left: (n, w) uint64, C order.
        right: (m, w) uint64, C order.
        blocks: (k, 4) int64 [left start, left stop, right start, right stop); a pair in two of them comes twice.
        threshold: in (0, 1].
        measure: `dice` or `hamming`.
        progress: as in `match`.
        threads: as in `match`.

    Raises:
        LinkageError: as `match`; also `E_TABLEAU` for ranges outside the rows.
    """
    task = _prepare(left, right, threshold, measure)
    _check_blocks(blocks, len(left), len(right))
    return _execute(task, blocks, _fastest(task), _CHUNK, progress, threads)


def match_numpy(
    left: NDArray[np.uint64], right: NDArray[np.uint64], threshold: float, measure: Measure = "dice"
) -> Candidates:
    """As `match`, on one thread and with numpy alone: the slow twin that proves the kernel and replaces it when missing."""
    task = _prepare(left, right, threshold, measure)
    everything = np.array([[0, len(left), 0, len(right)]], dtype=np.int64)
    return _execute(task, everything, _twin(task), _CHUNK, None, 1)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What all threads read. A side holds, by row, the bias of the kernel's quick test and the popcount."""

    left: NDArray[np.uint64]
    right: NDArray[np.uint64]
    left_side: NDArray[np.int64]
    right_side: NDArray[np.int64]
    most: NDArray[np.int64]
    measure: Measure


@dataclass(frozen=True, kw_only=True)
class _Engine:
    """One of the two kernels: the right rows of a cell, and a fresh scanner (cells to hits) for each thread."""

    rows: int
    scanner: Callable[[], Callable[[NDArray[np.int64]], NDArray[np.int64]]]


def _prepare(left: NDArray[np.uint64], right: NDArray[np.uint64], threshold: float, measure: Measure) -> _Task:
    for side in (left, right):
        if not isinstance(side, np.ndarray) or side.dtype != np.uint64 or side.ndim != 2 or not side.flags.c_contiguous:
            raise LinkageError("E_TABLEAU", "un côté doit être un tableau uint64 contigu à deux dimensions")
    if left.shape[1] != right.shape[1] or left.shape[1] == 0:
        raise LinkageError("E_LARGEURS", "les deux côtés doivent avoir des filtres de même longueur non nulle")
    if not 0 < threshold <= 1:
        raise LinkageError("E_SEUIL", "le seuil doit être un nombre supérieur à 0 et au plus égal à 1")
    if measure not in ("dice", "hamming"):
        raise LinkageError("E_MESURE", "la mesure doit être « dice » ou « hamming »")
    length = 64 * left.shape[1]
    most = _largest_dice_distances(length, threshold) if measure == "dice" else _largest_distances(length, threshold)
    slack = _dice_slack(length, threshold) if measure == "dice" else np.zeros(length + 1, dtype=np.int64)
    reach = 0 if measure == "dice" else int(most[0])
    left_bits, right_bits = _popcounts(left), _popcounts(right)
    return _Task(
        left=_sealed(left),
        right=_sealed(right),
        left_side=_side(left_bits, -((slack[left_bits] + 1) // 2)),
        right_side=_side(right_bits, -(slack[right_bits] + reach) - 1),
        most=most,
        measure=measure,
    )


def _sealed(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The same memory, read-only: received rows may be, and the kernel is compiled once for all."""
    view = rows.view()
    view.flags.writeable = False
    return view


def _check_blocks(blocks: NDArray[np.int64], left: int, right: int) -> None:
    if blocks.ndim != 2 or blocks.shape[1] != 4 or blocks.dtype != np.int64:
        raise LinkageError("E_TABLEAU", "les blocs doivent former un tableau int64 de quatre colonnes")
    for start, stop, rows in ((0, 1, left), (2, 3, right)):
        if not ((blocks[:, start] >= 0) & (blocks[:, start] <= blocks[:, stop]) & (blocks[:, stop] <= rows)).all():
            raise LinkageError("E_TABLEAU", "un bloc désigne des lignes qui n'existent pas")


def _popcounts(rows: NDArray[np.uint64]) -> NDArray[np.int64]:
    counts = np.empty(len(rows), dtype=np.int64)
    step = max(1, _TWIN_BYTES // (8 * rows.shape[1]))
    for start in range(0, len(rows), step):
        np.einsum(
            "ij->i", np.bitwise_count(rows[start : start + step]), dtype=np.int64, out=counts[start : start + step]
        )
    return counts


def _side(bits: NDArray[np.int64], bias: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([np.where(bits == 0, _FAR, bias), bits], axis=1)


def _largest_dice_distances(length: int, threshold: float) -> NDArray[np.int64]:
    """(2L + 1,) the largest H by s = |a| + |b|, from the least c with float64(2c / s) at or above the threshold."""
    total = np.arange(1, 2 * length + 1, dtype=np.int64)
    least = np.ceil(threshold * total / 2).astype(np.int64) - 1
    for _ in range(2):  # rounding moves the exact bound by less than one: the first of three candidates that is enough
        least += 2 * least / total < threshold
    return np.concatenate([np.array([-1]), total - 2 * least])


def _largest_distances(length: int, threshold: float) -> NDArray[np.int64]:
    """(2L + 1,) one H, the largest with float64(1 - H / L) at or above the threshold, whatever the popcounts."""
    around = int((1.0 - threshold) * length) + np.arange(-2, 3, dtype=np.int64)
    return np.full(2 * length + 1, around[1.0 - around / length >= threshold].max(), dtype=np.int64)


def _dice_slack(length: int, threshold: float) -> NDArray[np.int64]:
    """(L + 1,) g by popcount such that H never exceeds g(|a|) + g(|b|) in a pair that is similar enough.

    With f(a) = floor(threshold · a / 2) in exact integers, f(a) + f(b) is at most the least c of a + b; so g(a) = a - 2 f(a).
    """
    numerator, denominator = float(threshold).as_integer_ratio()
    return np.array([bits - 2 * (numerator * bits // (2 * denominator)) for bits in range(length + 1)], dtype=np.int64)


def _fastest(task: _Task) -> _Engine:
    if kernel is None or not kernel.COMPILED:
        return _twin(task)
    words = task.left.shape[1]

    def scanner() -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
        scratch = kernel.scratch_for(words)
        fixed = (task.left, task.left_side, task.right, task.right_side, task.most)
        return lambda cells: kernel.scan(*fixed, cells, scratch)

    return _Engine(rows=kernel.tile_rows(words), scanner=scanner)


def _twin(task: _Task) -> _Engine:
    step = max(1, _TWIN_BYTES // (8 * task.left.shape[1] * _TWIN_ROWS))

    def scan(cells: NDArray[np.int64]) -> NDArray[np.int64]:
        found = [np.empty((0, 3), dtype=np.int64)]
        for left_start, left_stop, right_start, right_stop in cells.tolist():
            right, right_bits = task.right[right_start:right_stop], task.right_side[right_start:right_stop, 1]
            for start in range(left_start, left_stop, step):
                rows = slice(start, min(start + step, left_stop))
                left, left_bits = task.left[rows], task.left_side[rows, 1]
                distance = np.bitwise_count(left[:, None] ^ right[None]).sum(axis=2, dtype=np.int64)
                near = distance <= task.most[left_bits[:, None] + right_bits[None]]
                near &= (left_bits[:, None] > 0) & (right_bits[None] > 0)
                i, j = np.nonzero(near)
                found.append(np.stack([start + i, right_start + j, distance[i, j]], axis=1))
        return np.concatenate(found)

    return _Engine(rows=_TWIN_ROWS, scanner=lambda: scan)


def _cut(blocks: NDArray[np.int64], rows: int, chunk: int) -> NDArray[np.int64]:
    """Blocks as cells of at most `rows` right rows and about `chunk` pairs, the largest first."""
    right_step = max(1, min(rows, chunk))
    left_step = max(1, chunk // right_step)
    across = -(-(blocks[:, 3] - blocks[:, 2]) // right_step)
    count = across * -(-(blocks[:, 1] - blocks[:, 0]) // left_step)
    block = np.repeat(np.arange(len(blocks)), count)
    number = np.arange(len(block)) - np.repeat(np.cumsum(count) - count, count)
    left = blocks[block, 0] + number // across[block] * left_step
    right = blocks[block, 2] + number % across[block] * right_step
    left_stop = np.minimum(left + left_step, blocks[block, 1])
    right_stop = np.minimum(right + right_step, blocks[block, 3])
    order = np.argsort(-(left_stop - left) * (right_stop - right), kind="stable")
    return np.stack([left, left_stop, right, right_stop], axis=1)[order]


def _steps(cells: NDArray[np.int64], chunk: int) -> list[tuple[NDArray[np.int64], int]]:
    """Cells in order, as many in a step as make about `chunk` pairs; each step with its pairs."""
    pairs = (cells[:, 1] - cells[:, 0]) * (cells[:, 3] - cells[:, 2])
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(pairs)])
    starts = np.flatnonzero(np.diff(before[:-1] // chunk, prepend=-1)).tolist()
    bounds = pairwise([*starts, len(cells)])
    return [(cells[start:stop], int(before[stop] - before[start])) for start, stop in bounds]


def _execute(
    task: _Task,
    blocks: NDArray[np.int64],
    engine: _Engine,
    chunk: int,
    progress: Progress | None,
    threads: int | None,
) -> Candidates:
    """Scan all cells on threads that each take the next step when free."""
    steps = _steps(_cut(blocks, engine.rows, chunk), chunk)
    total = sum(pairs for _, pairs in steps)
    queue = iter(steps)
    found: list[NDArray[np.int64]] = []
    done: list[int] = []
    lock, stop = Lock(), Event()

    def work() -> None:
        scan = engine.scanner()
        while not stop.is_set():
            with lock:
                cells, pairs = next(queue, (None, 0))
            if cells is None:
                return
            found.append(scan(cells))
            done.append(pairs)

    count = min(len(steps), max(1, threads or _processors()))
    with ThreadPoolExecutor(max_workers=max(1, count)) as pool:
        pending = {pool.submit(work) for _ in range(count)}
        try:
            while pending:
                finished, pending = wait(pending, timeout=_POLL, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                if progress is not None:
                    progress(sum(done), total)
        finally:
            stop.set()
    return _ordered(task, np.concatenate([np.empty((0, 3), dtype=np.int64), *found]))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ordered(task: _Task, hits: NDArray[np.int64]) -> Candidates:
    hits = hits[np.argsort(hits[:, 0] * len(task.right) + hits[:, 1])]  # pairs are distinct: any sort gives one order
    left, right, distance = hits[:, 0], hits[:, 1], hits[:, 2]
    if task.measure == "dice":
        total = task.left_side[left, 1] + task.right_side[right, 1]
        score = (total - distance) / total  # 2c = s - H, exact
    else:
        score = 1.0 - distance / (64 * task.left.shape[1])
    order = np.argsort(-score, kind="stable")
    return Candidates(left=left[order], right=right[order], score=score[order])
