"""How close the matcher comes to what the processor can do, measured beside each other on one core.

The ceiling is what anybody's kernel meets who takes an exclusive or, a population count and an addition for each word:
these three on registers, eight words at a time, twelve sums in flight, nothing compared, nothing kept. It is measured here
by the same vectors that the kernel is made of. The kernel needs five operations for two words instead of six
(`linkage.kernel`), so it may pass that line; matrix registers (`linkage.matrix_kernel`) are not under it. Kernels are timed
with their popcounts, layouts, threads and hits, on random rows that nothing prunes.

    python -m benchmarks.port_ceiling                 # 1024, 2048 and 4096 bits
    NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx2,+avx,+popcnt,+bmi,+bmi2 python -m benchmarks.port_ceiling

Rounds of both alternate and the best of each counts, in processor time: other work on the machine disturbs the least so.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import process_time
from types import ModuleType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage import kernel, matrix_kernel
from linkage.compiled import LANES, VECTOR, WORD, arrays_as_pointers, compiled, load, store
from linkage.scanning import compiled_engine, prepare, scan_blocks

__all__ = ["ceiling", "main"]

_SUMS = 12
_WORDS = 1 << 12
_ROWS = 6000
_LENGTHS = (1024, 2048, 4096)


def _triples_code(_typing: Any, words: Any, _count: Any, others: Any, out: Any) -> Any:
    """Each vector of `words` against twelve others: exclusive or, count, addition."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        words, count, others, out = arrays_as_pointers(context, builder, signature, values)
        kind = ir.FunctionType(VECTOR, [VECTOR])
        counter = cgutils.get_or_insert_function(builder.module, kind, "llvm.ctpop.v8i64")  # type: ignore[no-untyped-call]
        fixed = [load(builder, builder.gep(others, [ir.Constant(WORD, LANES * k)])) for k in range(_SUMS)]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0] * LANES)) for _ in range(_SUMS)]  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, count) as loop:
            word = load(builder, builder.gep(words, [builder.mul(loop.index, ir.Constant(WORD, LANES))]))
            for other, total in zip(fixed, sums, strict=True):
                counted = builder.call(counter, [builder.xor(word, other)])
                builder.store(builder.add(builder.load(total), counted), total)
        for k, total in enumerate(sums):
            store(builder, builder.load(total), builder.gep(out, [ir.Constant(WORD, LANES * k)]))
        return context.get_dummy_value()

    return types.void(words, types.int64, others, out), emit


_triples: Any = intrinsic(_triples_code)


@compiled
def _repeated(words: NDArray[np.uint64], others: NDArray[np.uint64], out: NDArray[np.uint64], times: int) -> None:
    for _ in range(times):
        _triples(words, len(words) // LANES, others, out)


def ceiling(times: int = 40) -> float:
    """Words compared in a second of one processor, in registers."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**64, _WORDS, dtype=np.uint64)
    others = rng.integers(0, 2**64, _SUMS * LANES, dtype=np.uint64)
    out = np.zeros_like(others)
    _repeated(words, others, out, 1)
    seconds = _timed(lambda: _repeated(words, others, out, times))
    return times * _WORDS * _SUMS / seconds


def _timed(work: Callable[[], Any]) -> float:
    start = process_time()
    work()
    return process_time() - start


def _rate(rows: int, length: int, module: ModuleType) -> Callable[[], float]:
    """Pairs compared in a second by one of the kernels, popcounts of both sides included."""
    rng = np.random.default_rng(length)
    left, right = (rng.integers(0, 2**64, (rows, length // 64), dtype=np.uint64) for _ in range(2))
    everything = np.array([[0, rows, 0, rows]], dtype=np.int64)

    def compare() -> None:
        task = prepare(left, right, 0.8, "hamming")
        scan_blocks(everything, compiled_engine(task, module), lambda _: None, threads=1)

    return lambda: rows**2 / _timed(compare)


def main() -> None:
    """Print the ceiling, each kernel's rate and its share of the ceiling, by length."""
    parser = argparse.ArgumentParser(description="The matcher beside what the processor can do.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=_ROWS)
    args = parser.parse_args()
    modules = [kernel, matrix_kernel] if matrix_kernel.runs() else [kernel]
    for length in _LENGTHS:
        rates = [_rate(args.rows, length, module) for module in modules]
        rounds = [[64 * ceiling() / length, *(rate() for rate in rates)] for _ in range(args.rounds + 1)]
        top, *reached = (max(column) / 1e9 for column in zip(*rounds[1:], strict=True))
        names = ("vectors", "matrices")
        told = ", ".join(f"{name} {one:.3f} ({one / top:.2f})" for name, one in zip(names, reached, strict=False))
        print(f"{length} bits, G pairs/s a core: ceiling {top:.3f}, {told}")


if __name__ == "__main__":
    main()
