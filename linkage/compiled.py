"""How this package compiles its inner loops: without the interpreter lock, kept on disk where some folder for that is writable.

A read-only installation without a home compiles in each process; nothing else changes. What was compiled is found again by the
source file of the function called: functions that call each other share a file. The vector helpers of this one are part of many
kernels, so a change of this file makes all of them be compiled again.

The vector helpers write instructions on eight 64-bit words at once, which the compiler does not find by itself in loops over
short rows; a processor with shorter registers takes several for each.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import njit, types

__all__ = [
    "INDEX",
    "LANES",
    "VECTOR",
    "WORD",
    "arrays_as_pointers",
    "compiled",
    "inlined",
    "load",
    "store",
    "turned",
]

LANES = 8  # words of a vector
WORD = ir.IntType(64)
VECTOR = ir.VectorType(WORD, LANES)
INDEX = ir.IntType(32)
_STAMP = sha256(Path(__file__).read_bytes()).hexdigest()


def compiled(function: Any) -> Any:
    """`function` compiled for the types that it is called with, which releases the interpreter lock while it runs."""
    try:
        return _stamped(njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder for the cache
        return njit(nogil=True)(function)


def _stamped(dispatcher: Any) -> Any:
    """The same, its compiled code valid as long as this file does not change either (numba looks at the function's own)."""
    kept = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)  # absent when the JIT is off
    if kept is not None:
        kept._source_stamp = (kept._source_stamp, _STAMP)  # noqa: SLF001
    return dispatcher


def inlined(function: Any) -> Any:
    """`function` as part of the compiled functions that call it: a call would count references to its arrays each time."""
    return njit(inline="always")(function)


def arrays_as_pointers(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    """Array arguments as pointers to their first element, the others as they are."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, values, strict=True)
    ]


def load(builder: Any, pointer: Any) -> Any:
    """The eight words at a pointer."""
    return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=8)


def store(builder: Any, value: Any, pointer: Any) -> None:
    """Eight words to where a pointer leads."""
    builder.store(value, builder.bitcast(pointer, VECTOR.as_pointer()), align=8)


def turned(builder: Any, lines: list[Any], side: int = LANES) -> list[Any]:
    """Eight vectors as a square of words, lines and columns exchanged; or as the smaller squares in it, each for itself."""
    lines = list(lines)
    for reach in (
        reach for reach in (1, 2, 4) if reach < side
    ):  # exchange halves of each pair of lines, as one turns a square block by block
        low = [k + (LANES - reach if k & reach else 0) for k in range(LANES)]
        high = [k + (LANES if k & reach else reach) for k in range(LANES)]
        masks = [ir.Constant(ir.VectorType(INDEX, LANES), mask) for mask in (low, high)]
        for k in (k for k in range(LANES) if not k & reach):
            pair = lines[k], lines[k + reach]
            lines[k], lines[k + reach] = (builder.shuffle_vector(*pair, mask) for mask in masks)
    return lines
