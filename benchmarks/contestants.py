"""The matchers that `benchmarks.peers` compares, each in a process of its own: this module is that process.

    python contestants.py TOOL          with the Python of an environment that has the tool; numpy is needed by all

It reads tasks from its standard input, one JSON object a line, and writes one a line to its standard output:

    task    {"left", "right": paths of .npy files (rows of uint64 words), "left_rows", "right_rows": how many of each, the first,
             "threshold", "measure": dice or hamming, "threads", "strategy", "pairs": where to write the pairs, or null}
    answer  {"wall", "cpu": seconds, "others": processor seconds of other programs meanwhile, "found": pairs,
             "compared": pairs looked at, or null for all, "peak": KiB of memory at most so far,
             "said": how it went about it, told with the pairs}

Reading the files and turning rows into the form that a tool is given (`bitarray` objects, say) are not timed; building an index
is, and so is having the pairs as two arrays. `cpu` is that of all threads and processes of the tool. Pairs are written as one
sorted int64 array of left row x right rows + right row.

How each is used, at its best as far as we know:

* `allervers`: `linkage.match.match`, with a strategy where one is asked for.
* `anonlink`: `dice_coefficient_accelerated`, in chunks of at most 100,000 right rows, of the size that went fastest on a sample.
  It holds the interpreter lock, so one forked process a thread.
* `fpsim2`: `GenericSearch` with its own Dice, over rows sorted by popcount and within the bounds of each query, as its engine
  does, the queries divided over threads, which saves it the engine's loop in Python.
* `faiss`: `IndexBinaryFlat.range_search` with one radius that no pair can exceed, then the exact Dice of what it found.
* `rdkit`: `BulkDiceSimilarity`, one query at a time, on one thread.
* `numpy`: exclusive or and `bitwise_count` on tiles, on one thread.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOOLS", "Tool", "busy_seconds", "main", "peak", "solve"]

Words = NDArray[np.uint64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
Task = dict[str, Any]

_CHUNKS = (10_000, 30_000, 100_000)  # right rows, for anonlink
_SAMPLE_PAIRS = 50_000_000  # on which a chunk is tried
_FAISS_QUERIES = 10_000  # at once, so that what is beyond the threshold but within the radius stays small
_NUMPY_ROWS = 64  # left rows of a tile
_TICKS = 100  # of the processor, a second
_CEILING_TIMES = 50_000
_SHARES = 4  # pieces of work for each thread
_HALVES = 2  # the same for anonlink, which packs its right rows anew for each


class Tool:
    """One matcher: rows in its own form, then pairs."""

    compared: int | None = None  # pairs, where that is not all of the task
    elsewhere = 0.0  # processor seconds of other processes in the last run

    def prepare(self, left: Words, right: Words, threads: int, threshold: float) -> None:
        """Keeps the rows, in the form that the tool takes; not timed."""
        del threads, threshold
        self.left, self.right = left, right

    def run(self, task: Task) -> Pairs:
        """The rows of each pair at or above the threshold; timed."""
        raise NotImplementedError

    def why(self, task: Task) -> str:
        """How it went about the task; asked once, not timed."""
        del task
        return ""

    def close(self) -> None:
        """Ends what `prepare` began."""


class Allervers(Tool):
    """Ours."""

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        match = import_module("linkage.match").match
        options = {"threads": task["threads"], "strategy": task["strategy"]}
        found = match(self.left, self.right, task["threshold"], task["measure"], **options)
        return found.left, found.right

    def why(self, task: Task) -> str:
        """See `Tool.why`."""
        if task["strategy"] != "auto":
            return ""
        choice = import_module("linkage.strategy").choose(self.left, self.right, task["threshold"], task["measure"])
        return f"{choice.name}: {choice.why}"


class Ceiling(Tool):
    """No matcher: the instructions that comparing takes, on registers, for a fifth of a second or so, on one thread."""

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        del task
        start = time.process_time()
        words = import_module("benchmarks.port_ceiling").ceiling(_CEILING_TIMES)
        self.compared = int(words * (time.process_time() - start) / self.left.shape[1])
        return _joined([])


class Numpy(Tool):
    """Nothing but numpy."""

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        left_bits, right_bits = _popcounts(self.left), _popcounts(self.right)
        found: list[Pairs] = []
        right_rows = max(1, (1 << 18) // (self.right.shape[1] * _NUMPY_ROWS))
        for i in range(0, len(self.left), _NUMPY_ROWS):
            for j in range(0, len(self.right), right_rows):
                rows, columns = self.left[i : i + _NUMPY_ROWS], self.right[j : j + right_rows]
                distance = np.bitwise_count(rows[:, None] ^ columns[None]).sum(axis=2, dtype=np.int64)
                total = left_bits[i : i + len(rows), None] + right_bits[None, j : j + len(columns)]
                near = np.nonzero(_alike(distance, total, 64 * self.left.shape[1], task))
                found.append((near[0] + i, near[1] + j))
        return _joined(found)


class Faiss(Tool):
    """Brute force with vector instructions, by Hamming distance."""

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        faiss = import_module("faiss")
        faiss.omp_set_num_threads(task["threads"])
        bits = 64 * self.left.shape[1]
        left_bits, right_bits = _popcounts(self.left), _popcounts(self.right)
        index = faiss.IndexBinaryFlat(bits)
        index.add(self.right.view(np.uint8))
        most = int(left_bits.max() + right_bits.max()) if task["measure"] == "dice" else bits
        radius = int((1.0 - task["threshold"]) * most + 1e-6) + 1  # it keeps distances below the radius
        found: list[Pairs] = []
        for start in range(0, len(self.left), _FAISS_QUERIES):
            queries = self.left[start : start + _FAISS_QUERIES].view(np.uint8)
            limits, distances, j = index.range_search(queries, radius)
            i = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64))) + start
            near = _alike(distances.astype(np.int64), left_bits[i] + right_bits[j], bits, task)
            found.append((i[near], j[near]))
        return _joined(found)


class Fpsim2(Tool):
    """Fingerprints of molecules; its rows are a number, the words and their popcount."""

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        search = import_module("FPSim2.FPSim2lib").GenericSearch
        threshold = task["threshold"]
        left_bits, right_bits = _popcounts(self.left), _popcounts(self.right)
        order = np.argsort(right_bits, kind="stable")
        rows, queries = _numbered(self.right[order], order, right_bits[order]), _numbered(self.left, None, left_bits)
        bounds = np.searchsorted(rows[:, -1], [np.ceil(left_bits * threshold / (2 - threshold) - 1e-6),
                                               np.floor(left_bits * (2 - threshold) / threshold + 1e-6) + 1])  # fmt: skip

        def some(part: range) -> Pairs:
            found = []
            for i in part:
                hits = search(queries[i], rows, threshold, 0, 1, int(bounds[0, i]), int(bounds[1, i]))
                found.append((np.full(len(hits), i), hits["mol_id"].astype(np.int64)))
            return _joined(found)

        with ThreadPoolExecutor(task["threads"]) as pool:
            return _joined(list(pool.map(some, _parts(len(queries), task["threads"]))))


class Rdkit(Tool):
    """The toolkit of chemists."""

    def prepare(self, left: Words, right: Words, threads: int, threshold: float) -> None:
        """See `Tool.prepare`."""
        del threads, threshold
        structures = import_module("rdkit.DataStructs")
        self._rows = [[structures.CreateFromBinaryText(row.tobytes()) for row in side] for side in (left, right)]

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        bulk = import_module("rdkit.DataStructs").BulkDiceSimilarity
        found = []
        for i, row in enumerate(self._rows[0]):
            near = np.flatnonzero(np.array(bulk(row, self._rows[1])) >= task["threshold"])
            found.append((np.full(len(near), i), near))
        return _joined(found)


_held: dict[str, list[Any]] = {}  # the rows of anonlink, for the processes forked from this one


class Anonlink(Tool):
    """The matcher of clkhash."""

    _pool: Any = None

    def prepare(self, left: Words, right: Words, threads: int, threshold: float) -> None:
        """See `Tool.prepare`."""
        self.close()
        bitarray = import_module("bitarray").bitarray
        for name, side in (("left", left), ("right", right)):
            _held[name] = []
            for row in side:
                bits = bitarray()
                bits.frombytes(row.tobytes())
                _held[name].append(bits)
        self._chunk = min(_CHUNKS[-1], len(right))
        speeds = []
        for chunk in _CHUNKS if len(right) > _CHUNKS[0] else ():
            right_rows = min(chunk, len(right))
            left_rows = min(len(left), _SAMPLE_PAIRS // right_rows)
            seconds = _anonlink((0, left_rows, 0, right_rows, threshold))[2]
            speeds.append((left_rows * right_rows / seconds, chunk))
        if speeds:
            self._chunk = max(speeds)[1]
        if threads > 1:
            self._pool = multiprocessing.get_context("fork").Pool(threads)

    def why(self, task: Task) -> str:
        """See `Tool.why`."""
        del task
        return f"chunks of {self._chunk}"

    def run(self, task: Task) -> Pairs:
        """See `Tool.run`."""
        left_rows, right_rows = len(_held["left"]), len(_held["right"])
        across = range(0, right_rows, self._chunk)
        down = -(-left_rows * len(across) // (_HALVES * task["threads"])) if task["threads"] > 1 else left_rows
        down = max(1, min(down, self._chunk))
        tasks = [
            (i, min(i + down, left_rows), j, min(j + self._chunk, right_rows), task["threshold"])
            for i in range(0, left_rows, down)
            for j in across
        ]
        done = self._pool.map(_anonlink, tasks, chunksize=1) if self._pool else list(map(_anonlink, tasks))
        self.elsewhere = sum(seconds for _, _, seconds in done) if self._pool else 0.0
        return _joined([(i, j) for i, j, _ in done])

    def close(self) -> None:
        """See `Tool.close`."""
        if self._pool:
            self._pool.close()
            self._pool.join()
            self._pool = None


def _anonlink(part: tuple[int, int, int, int, float]) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Pairs of some rows, and the processor seconds that they took."""
    first, last, start, stop, threshold = part
    began = time.process_time()
    dice = import_module("anonlink.similarities").dice_coefficient_accelerated
    _, (i, j) = dice((_held["left"][first:last], _held["right"][start:stop]), threshold)
    rows = np.array(i, dtype=np.int64) + first, np.array(j, dtype=np.int64) + start
    return *rows, time.process_time() - began


TOOLS: dict[str, type[Tool]] = {
    "allervers": Allervers,
    "ceiling": Ceiling,
    "anonlink": Anonlink,
    "fpsim2": Fpsim2,
    "faiss": Faiss,
    "rdkit": Rdkit,
    "numpy": Numpy,
}


def main(arguments: list[str]) -> int:
    """Answers tasks until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what tools print goes elsewhere
    for answer in solve(TOOLS[arguments[0]](), (json.loads(line) for line in sys.stdin)):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    return 0


def solve(tool: Tool, tasks: Iterator[Task]) -> Iterator[dict[str, Any]]:
    """The answers to tasks; rows stay prepared as long as the same ones are asked for."""
    held: tuple[Any, ...] = ()
    for task in tasks:
        asked = (*(task[key] for key in ("left", "right", "left_rows", "right_rows", "threads")),)
        if asked != held:
            left, right = (
                np.array(np.load(task[side], mmap_mode="r")[: task[f"{side}_rows"]]) for side in ("left", "right")
            )
            tool.prepare(left, right, task["threads"], task["threshold"])
            held = asked
        busy, wall, cpu = busy_seconds(), time.perf_counter(), time.process_time()
        i, j = tool.run(task)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu + tool.elsewhere
        others = max(0.0, (busy_seconds() or 0.0) - busy - cpu) if busy is not None else 0.0
        most = peak()
        said = ""
        if task["pairs"]:
            said = tool.why(task)
            np.save(task["pairs"], np.sort(i.astype(np.int64) * task["right_rows"] + j))
        answer = {"wall": wall, "cpu": cpu, "others": others, "found": len(i), "compared": tool.compared}
        yield {**answer, "peak": most, "said": said}
    tool.close()


def peak() -> int:
    """KiB of memory that this program held at most; the system's own count also has what its parent held when it began."""
    status = Path("/proc/self/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    told = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return told[0] if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def busy_seconds(stat: Path = Path("/proc/stat")) -> float | None:
    """Processor seconds used by all programs, or withheld by a hypervisor, since the machine started; None where unknown."""
    if not stat.exists():
        return None
    fields = stat.read_text("ascii").split("\n", 1)[0].split()[1:]
    ticks = [int(field) for field in fields]
    user, nice, system, _, _, irq, softirq, steal = (ticks + [0] * 8)[:8]
    return (user + nice + system + irq + softirq + steal) / _TICKS


def _alike(distance: NDArray[np.int64], total: NDArray[np.int64], bits: int, task: Task) -> NDArray[np.bool_]:
    """Whether pairs are at or above the threshold; two empty rows are not alike."""
    if task["measure"] == "hamming":
        return np.asarray(1.0 - distance / bits >= task["threshold"])
    return np.asarray((total - distance) / np.maximum(total, 1) >= task["threshold"])


def _popcounts(rows: Words) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.bitwise_count(rows).sum(axis=1, dtype=np.int64)
    return counts


def _numbered(rows: Words, numbers: NDArray[np.int64] | None, bits: NDArray[np.int64]) -> Words:
    held = np.empty((len(rows), rows.shape[1] + 2), dtype=np.uint64)
    held[:, 0] = 0 if numbers is None else numbers
    held[:, 1:-1] = rows
    held[:, -1] = bits
    return held


def _parts(size: int, threads: int) -> list[range]:
    step = max(1, -(-size // (_SHARES * threads)))
    return [range(start, min(start + step, size)) for start in range(0, size, step)]


def _joined(found: list[Pairs]) -> Pairs:
    empty = np.empty(0, dtype=np.int64)
    return np.concatenate([empty, *(i for i, _ in found)]), np.concatenate([empty, *(j for _, j in found)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
