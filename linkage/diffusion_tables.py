"""The tables of keyed diffusion: each output bit is the XOR of t secret distinct positions of the filter, one table per block.

t permutations of the m positions are drawn by Fisher–Yates (from the last place down) from a stream keyed by the block's
secret, so every input bit is used exactly t times. After each, from the first place up, where the permutation repeats a position
already held by that output bit, it is exchanged with another place until all t are distinct; an exchange that would break that
other place is undone. An index below n is the next 32-bit little-endian word of the stream modulo n; words from the last
multiple of n on are skipped, so there is no bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from crypto.hashing import keystream, keystreams
from linkage.compiled import INDEX, LANES, WORD, arrays_as_pointers, compiled
from linkage.errors import LinkageError

__all__ = ["LARGEST_DEGREE", "LEAST_DEGREE", "diffusion_table", "draw_tables", "stream_bytes"]

LEAST_DEGREE = 3  # t = 2 falls to a seedless attack (docs/threat-model.md)
LARGEST_DEGREE = 16  # t distinct positions must be found among m ≥ 64 by exchanges; profiles have 4 to 7

Table = NDArray[np.uint16]  # (t, m)

_WORD_BYTES = 4
_SPARE = 64  # words beyond one a place and layer: repairs take a dozen, skipped words hardly any


def diffusion_table(secret: bytes, length: int, degree: int) -> NDArray[np.uint16]:
    """The table of one block.

    Args:
        secret: the block's own 32 bytes.
        length: m = L, a power of two up to 65,536.
        degree: t.

    Returns:
        (degree, length) uint16: row i, column j is the i-th position XORed into output bit j.

    Raises:
        LinkageError: `E_DIFFUSION` for a degree under 3 or over 16, or a length that is not a power of two.
    """
    _check(length, degree)
    words = stream_bytes(length, degree) // _WORD_BYTES
    divisors = _divisors(length)
    while True:
        stream = np.frombuffer(keystream(secret, words * _WORD_BYTES), dtype="<u4").astype(np.uint32, copy=False)
        table = np.empty((degree, length), dtype=np.uint16)
        if _fill_table(stream, table, divisors, np.arange(length, dtype=np.uint16)):
            return table
        words *= 2  # the same stream, longer: the table does not depend on how much was asked for


def _check(length: int, degree: int) -> None:
    if not LEAST_DEGREE <= degree <= LARGEST_DEGREE or length & (length - 1) or not 64 <= length <= 1 << 16:
        raise LinkageError("E_DIFFUSION", "la diffusion demande 3 ≤ t ≤ 16 et une longueur puissance de deux")


def draw_tables(
    secrets: Sequence[bytes], degree: int, names: NDArray[np.uint16], kinds: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """The tables of some blocks.

    Args:
        secrets: of the blocks.
        degree: t.
        names: (kinds, m), what positions are called.
        kinds: (blocks,), the line of `names` that the table of each block goes by.

    Returns:
        (blocks, t, m) uint16, as `diffusion_table` gives them but for the names.

    Raises:
        LinkageError: as `diffusion_table`.
    """
    _check(names.shape[1], degree)
    length, tables, block = names.shape[1], np.empty((len(secrets), degree, names.shape[1]), dtype=np.uint16), 0
    raw = np.frombuffer(keystreams(secrets, stream_bytes(length, degree)), dtype="<u4")
    streams = raw.astype(np.uint32, copy=False).reshape(len(secrets), -1)
    while True:
        block = _fill_tables(streams, block, tables, _divisors(length), names, kinds)
        if block == len(secrets):
            return tables
        tables[block] = names[kinds[block]][diffusion_table(secrets[block], length, degree)]  # its stream was too short
        block += 1


def stream_bytes(length: int, degree: int) -> int:
    """What is drawn from a block's secret for its table, hardly ever more."""
    return (degree * length + _SPARE) * _WORD_BYTES


@cache
def _divisors(length: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Length, length - 1 … 2 and once more 2, which no index needs; and one over each: the same numbers for every table."""
    bounds = np.maximum(np.arange(length, 0, -1, dtype=np.int32), 2)
    return bounds, 1.0 / bounds


def _remainders_code(_typing: Any, stream: Any, _at: Any, bounds: Any, quotients: Any, found: Any, _count: Any) -> Any:
    """The remainders of the next `count` words by as many bounds, a vector at a time; whether a word must be skipped."""
    numbers = ir.VectorType(INDEX, LANES)
    reals = ir.VectorType(ir.DoubleType(), LANES)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        stream, at, bounds, quotients, found, count = arrays_as_pointers(context, builder, signature, values)
        none, lost = ir.Constant(numbers, [0] * LANES), ir.VectorType(ir.IntType(1), LANES)
        skipped = cgutils.alloca_once(builder, lost)  # type: ignore[no-untyped-call]
        builder.store(ir.Constant(lost, [0] * LANES), skipped)

        def some(array: Any, place: Any, kind: Any, align: int) -> Any:
            return builder.load(builder.bitcast(builder.gep(array, [place]), kind.as_pointer()), align=align)

        with cgutils.for_range(builder, builder.sdiv(count, ir.Constant(WORD, LANES))) as loop:
            place = builder.mul(loop.index, ir.Constant(WORD, LANES))
            word = some(stream, builder.add(at, place), numbers, 4)
            bound = some(bounds, place, numbers, 4)
            # The product is the quotient, or one from it: the remainder says which. It is below 2^31 for bounds from 2 on.
            quotient = builder.fmul(builder.uitofp(word, reals), some(quotients, place, reals, 8))
            rest = builder.sub(word, builder.mul(builder.fptosi(quotient, numbers), bound))
            rest = builder.add(rest, builder.select(builder.icmp_signed("<", rest, none), bound, none))
            rest = builder.sub(rest, builder.select(builder.icmp_signed(">=", rest, bound), bound, none))
            # Words from the last multiple of the bound on are fewer than the bound: nearly always there is none.
            beyond = builder.icmp_unsigned(">", builder.sub(word, rest), builder.sub(none, bound))
            builder.store(builder.or_(builder.load(skipped), beyond), skipped)
            target = builder.bitcast(builder.gep(found, [place]), numbers.as_pointer())
            builder.store(rest, target, align=4)
        whole = builder.bitcast(builder.load(skipped), ir.IntType(LANES))
        return builder.zext(builder.icmp_unsigned("!=", whole, ir.Constant(ir.IntType(LANES), 0)), WORD)

    return types.int64(stream, types.int64, bounds, quotients, found, types.int64), emit


_remainders: Any = intrinsic(_remainders_code)


@compiled
def _index(stream: NDArray[np.uint32], cursor: int, bound: int) -> tuple[np.int64, int]:  # pragma: no cover - compiled
    """An unbiased index below `bound`, or -1 when the stream ends; returns (index, next cursor)."""
    limit = (np.uint64(1) << np.uint64(32)) // np.uint64(bound) * np.uint64(bound)
    while cursor < len(stream):
        word = np.uint64(stream[cursor])
        cursor += 1
        if word < limit:
            return np.int64(word % np.uint64(bound)), cursor
    return np.int64(-1), cursor


@compiled
def _indices(
    stream: NDArray[np.uint32],
    cursor: int,
    divisors: tuple[NDArray[np.int32], NDArray[np.float64]],
    found: NDArray[np.int32],
) -> int:  # pragma: no cover - compiled
    """An index below each of length, length - 1 … 2; returns the next cursor, or -1 when the stream ends."""
    length = len(found)
    if cursor + length > len(stream):  # a word more than is used, so that vectors are whole
        return -1
    if not _remainders(stream, cursor, divisors[0], divisors[1], found, length):
        return cursor + length - 1
    for draw in range(length - 1):
        index, cursor = _index(stream, cursor, length - draw)
        if index < 0:
            return -1
        found[draw] = index
    return cursor


@compiled
def _repeats(table: Table, layer: int, column: int) -> bool:  # pragma: no cover - compiled
    repeated = False
    for other in range(layer):
        repeated |= table[other, column] == table[layer, column]
    return repeated


@compiled
def _fill_table(  # noqa: C901 - one loop, compiled
    stream: NDArray[np.uint32],
    table: Table,
    divisors: tuple[NDArray[np.int32], NDArray[np.float64]],
    names: NDArray[np.uint16],
) -> bool:  # pragma: no cover - compiled
    """Fills the table of a stream, positions called by their names; false where the stream is too short."""
    degree, length = table.shape
    found, doubtful = np.empty(length, dtype=np.int32), np.empty(length, dtype=np.bool_)
    cursor = 0
    for layer in range(degree):
        row = table[layer]
        cursor = _indices(stream, cursor, divisors, found)
        if cursor < 0:
            return False
        for place in range(length):
            row[place] = names[place]
            doubtful[place] = False
        for place in range(length - 1, 0, -1):
            other = found[length - 1 - place]
            row[place], row[other] = row[other], row[place]
        for other in range(layer):
            for place in range(length):
                doubtful[place] |= table[other, place] == row[place]
        for place in range(length):
            while doubtful[place] and _repeats(table, layer, place):  # no exchange makes another place repeat
                other, cursor = _index(stream, cursor, length)
                if other < 0:
                    return False
                row[place], row[other] = row[other], row[place]
                if _repeats(table, layer, other):  # the swap would break the other place: undo and draw again
                    row[place], row[other] = row[other], row[place]
    return True


@compiled
def _fill_tables(
    streams: NDArray[np.uint32],
    block: int,
    tables: NDArray[np.uint16],
    divisors: tuple[NDArray[np.int32], NDArray[np.float64]],
    names: NDArray[np.uint16],
    kinds: NDArray[np.int64],
) -> int:  # pragma: no cover - compiled
    """Fills tables from one on; returns the first whose stream is too short, or how many there are."""
    while block < len(tables):
        if not _fill_table(streams[block], tables[block], divisors, names[kinds[block]]):
            break
        block += 1
    return block
