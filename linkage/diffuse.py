"""Keyed diffusion: each output bit is the XOR of t secret distinct positions of the filter, one table per block.

Table. t permutations of the m positions drawn by Fisher–Yates (from the last place down) from a stream keyed by the block's
secret, so every input bit is used exactly t times. After each, from the first place up, where the permutation repeats a position
already held by that output bit, it is exchanged with another place until all t are distinct; an exchange that would break that
other place is undone. An index below n is the next 32-bit little-endian word of the stream modulo n; words from the last
multiple of n on are skipped, so there is no bias.

Product. The filters of a block are turned on their side (bit-sliced): eight words, one vector of the processor, then hold one
position of 512 records, and an output bit of these records costs t XORs of vectors.
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
from linkage.compiled import LANES, VECTOR, WORD, arrays_as_pointers, compiled, load, store, turned
from linkage.errors import LinkageError

__all__ = ["LARGEST_DEGREE", "LEAST_DEGREE", "diffuse", "diffuse_blocks", "diffusion_table", "stream_bytes"]

LEAST_DEGREE = 3  # t = 2 falls to a seedless attack (docs/threat-model.md)
LARGEST_DEGREE = 16  # t distinct positions must be found among m ≥ 64 by exchanges; profiles have 4 to 7

Table = NDArray[np.uint16]  # (t, m)

_WORD_BYTES = 4
_SPARE = 64  # words beyond one a place and layer: repairs take a dozen, skipped words hardly any
_LANES = LANES
_ROWS = 64 * LANES  # records of a slice
_LEAST_WORDS = 8  # of a row in the compiled product; shorter ones are filled up


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
    if not LEAST_DEGREE <= degree <= LARGEST_DEGREE or length & (length - 1) or not 64 <= length <= 1 << 16:
        raise LinkageError("E_DIFFUSION", "la diffusion demande 3 ≤ t ≤ 16 et une longueur puissance de deux")
    words = stream_bytes(length, degree) // _WORD_BYTES
    quotients = _quotients(length)
    while True:
        stream = np.frombuffer(keystream(secret, words * _WORD_BYTES), dtype="<u4").astype(np.uint32, copy=False)
        table = np.empty((degree, length), dtype=np.uint16)
        if _fill_table(stream, table, quotients):
            return table
        words *= 2  # the same stream, longer: the table does not depend on how much was asked for


def stream_bytes(length: int, degree: int) -> int:
    """What is drawn from a block's secret for its table, hardly ever more."""
    return (degree * length + _SPARE) * _WORD_BYTES


@cache
def _quotients(length: int) -> NDArray[np.float64]:
    """1/1, 1/2 … 1/length: the same numbers for every table."""
    return 1.0 / np.arange(1, length + 1)


def diffuse(filters: NDArray[np.uint64], table: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """The diffused filters of one block.

    Args:
        filters: (n, m/64) uint64 C-order.
        table: (t, m) uint16 of `diffusion_table`.

    Returns:
        (n, m/64) uint64.

    Raises:
        LinkageError: `E_DIFFUSION` when filters and table are of different lengths.
    """
    if filters.shape[1] * 64 != table.shape[1]:
        raise LinkageError("E_DIFFUSION", "les filtres et la table de diffusion n'ont pas la même longueur")
    words = filters.shape[1]
    if words < _LEAST_WORDS:
        filters = np.pad(filters, ((0, 0), (0, _LEAST_WORDS - words)))
    result = np.empty_like(filters)
    _diffuse_into(filters, table, np.arange(len(filters)), result, _scratch_for(table.shape[1]))
    return np.ascontiguousarray(result[:, :words])


def diffuse_blocks(
    filters: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    secrets: Sequence[bytes],
    degree: int,
    places: NDArray[np.int64],
    result: NDArray[np.uint64],
) -> None:
    """Diffuses the filters of some blocks, each under its own table; lengths from 512 bits.

    Args:
        filters: (n, m/64) uint64 C-order.
        bounds: (blocks + 1,) int64, where the filters of each block begin.
        secrets: of the blocks.
        degree: t.
        places: (n,) int64, the row of `result` that each filter goes to.
        result: (n, m/64) uint64, words of a row side by side.
    """
    length = 64 * filters.shape[1]
    size, scratch, table = (
        stream_bytes(length, degree),
        _scratch_for(length),
        np.empty((degree, length), dtype=np.uint16),
    )
    streams = np.frombuffer(keystreams(secrets, size), dtype="<u4").astype(np.uint32, copy=False)
    streams, block = streams.reshape(len(secrets), size // _WORD_BYTES), 0
    while True:
        block = _diffuse_blocks(filters, bounds, streams, block, table, _quotients(length), places, result, scratch)
        if block == len(secrets):
            return
        start, stop = bounds[block], bounds[block + 1]  # its stream was too short
        longer = diffusion_table(secrets[block], length, degree)
        _diffuse_into(filters[start:stop], longer, places[start:stop], result, scratch)
        block += 1


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
    stream: NDArray[np.uint32], cursor: int, quotients: NDArray[np.float64], found: NDArray[np.int32]
) -> int:  # pragma: no cover - compiled
    """An index below each of length, length - 1 … 2; returns the next cursor, or -1 when the stream ends."""
    count = len(found)
    if cursor + count > len(stream):
        return -1
    skipped: Any = False
    for draw in range(count):
        bound = np.int64(count + 1 - draw)
        word = np.int64(stream[cursor + draw])
        # The product is the quotient, or one from it: the remainder says which.
        index = word - np.int64(np.float64(word) * quotients[bound - 1]) * bound
        index += bound if index < 0 else 0
        index -= bound if index >= bound else 0
        found[draw] = index
        # Words from the last multiple of the bound on are fewer than the bound: nearly always there is none.
        skipped |= word - index > np.int64(1 << 32) - bound
    if not skipped:
        return cursor + count
    for draw in range(count):
        index, cursor = _index(stream, cursor, count + 1 - draw)
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
    stream: NDArray[np.uint32], table: Table, quotients: NDArray[np.float64]
) -> bool:  # pragma: no cover - compiled
    degree, length = table.shape
    found, doubtful = np.empty(length - 1, dtype=np.int32), np.empty(length, dtype=np.bool_)
    cursor = 0
    for layer in range(degree):
        row = table[layer]
        cursor = _indices(stream, cursor, quotients, found)
        if cursor < 0:
            return False
        for place in range(length):
            row[place] = place
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


def _spread_code(_typing: Any, filters: Any, _first: Any, _step: Any, _last: Any, sliced: Any, _at: Any) -> Any:
    """Eight filters' next eight words, one filter `step` words after the other but none beyond `last`, as eight vectors."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        filters, first, step, last, sliced, at = arrays_as_pointers(context, builder, signature, values)
        lines = []
        for k in range(LANES):
            offset = builder.add(first, builder.mul(step, ir.Constant(WORD, k)))
            offset = builder.select(builder.icmp_signed("<", offset, last), offset, last)
            lines.append(load(builder, builder.gep(filters, [offset])))
        for k, line in enumerate(turned(builder, lines)):
            store(builder, line, builder.gep(sliced, [builder.add(at, ir.Constant(WORD, k * 64 * LANES))]))
        return context.get_dummy_value()

    return types.void(filters, _LONG, _LONG, _LONG, sliced, _LONG), emit


def _gather_code(
    _typing: Any, squares: Any, _at: Any, result: Any, _step: Any, places: Any, _first: Any, _last: Any
) -> Any:
    """The way back: eight vectors as the next eight words of the rows of `result` that places `first` to `last` name."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        squares, at, result, step, places, first, last = arrays_as_pointers(context, builder, signature, values)
        lines = [
            load(builder, builder.gep(squares, [builder.add(at, ir.Constant(WORD, k * 64 * LANES))]))
            for k in range(LANES)
        ]
        lines = turned(builder, lines)
        for k in reversed(range(LANES)):  # a line beyond the last row goes there before that row's own does
            place = builder.add(first, ir.Constant(WORD, k))
            place = builder.select(builder.icmp_signed("<", place, last), place, last)
            offset = builder.mul(builder.load(builder.gep(places, [place])), step)
            store(builder, lines[k], builder.gep(result, [offset]))
        return context.get_dummy_value()

    return types.void(squares, _LONG, result, _LONG, places, _LONG, _LONG), emit


def _exchange(builder: Any, upper: Any, lower: Any, width: int) -> tuple[Any, Any]:
    """One halving swap between two lines of the squares, `width` lines apart."""
    low = sum(((1 << width) - 1) << start for start in range(0, 64, 2 * width))
    shift, mask = (ir.Constant(VECTOR, [number] * LANES) for number in (width, low))
    swap = builder.and_(builder.xor(builder.lshr(upper, shift), lower), mask)
    return builder.xor(upper, builder.shl(swap, shift)), builder.xor(lower, swap)


def _halve_code(width: int) -> Any:
    """Two steps of the transposition of eight 64 × 64 bit squares side by side: halves of `width` lines, then of half that."""

    def code(_typing: Any, squares: Any, _at: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            squares, at = arrays_as_pointers(context, builder, signature, values)
            steps = [ir.Constant(WORD, line * width // 2 * LANES) for line in range(4)]
            pointers = [builder.gep(squares, [builder.add(at, step)]) for step in steps]
            lines = [load(builder, pointer) for pointer in pointers]
            for upper, lower, apart in ((0, 2, width), (1, 3, width), (0, 1, width // 2), (2, 3, width // 2)):
                lines[upper], lines[lower] = _exchange(builder, lines[upper], lines[lower], apart)
            for line, pointer in zip(lines, pointers, strict=True):
                store(builder, line, pointer)
            return context.get_dummy_value()

        return types.void(squares, _LONG), emit

    return code


def _mix_code(
    _typing: Any, sliced: Any, table: Any, _place: Any, _degree: Any, _length: Any, mixed: Any, _at: Any
) -> Any:
    """One output bit of all records: the XOR of its positions."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sliced, table, place, degree, length, mixed, at = arrays_as_pointers(context, builder, signature, values)
        total = cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0] * LANES))  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, degree) as loop:
            entry = builder.gep(table, [builder.add(builder.mul(loop.index, length), place)])
            position = builder.zext(builder.load(entry), WORD)
            bits = load(builder, builder.gep(sliced, [builder.mul(position, ir.Constant(WORD, LANES))]))
            builder.store(builder.xor(builder.load(total), bits), total)
        store(builder, builder.load(total), builder.gep(mixed, [at]))
        return context.get_dummy_value()

    return types.void(sliced, table, _LONG, _LONG, _LONG, mixed, _LONG), emit


_LONG = types.int64
_spread: Any = intrinsic(_spread_code)
_gather: Any = intrinsic(_gather_code)
_mix: Any = intrinsic(_mix_code)
_halve_32, _halve_8, _halve_2 = (intrinsic(_halve_code(width)) for width in (32, 8, 2))


@compiled
def _transpose(squares: NDArray[np.uint64], at: int) -> None:  # pragma: no cover - compiled
    """In-place transposition of eight 64 × 64 bit squares side by side, from word `at`."""
    for line in range(16):
        _halve_32(squares, at + line * _LANES)
    for start in range(0, 64, 16):
        for line in range(4):
            _halve_8(squares, at + (start + line) * _LANES)
    for start in range(0, 64, 4):
        _halve_2(squares, at + start * _LANES)


def _scratch_for(length: int) -> NDArray[np.uint64]:
    """The working memory of one thread for filters of `length` bits, aligned to cache lines."""
    raw = np.zeros((max(length, 512) + 512) * LANES + LANES, dtype=np.uint64)
    skipped = (-raw.ctypes.data % 64) // 8
    return raw[skipped : len(raw) - LANES + skipped]


@compiled
def _diffuse_into(
    filters: NDArray[np.uint64],
    table: Table,
    places: NDArray[np.int64],
    result: NDArray[np.uint64],
    scratch: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Diffuses the filters of one block; lengths from 512 bits.

    Args:
        filters: (n, m/64) uint64, C-order.
        table: (t, m) uint16, C-order.
        places: (n,) int64, the row of `result` that each filter goes to.
        result: (at least n, m/64) uint64, words of a row side by side.
        scratch: of `_scratch_for`, of this thread alone.
    """
    rows, words = filters.shape
    degree, length = table.shape
    step = result.strides[0] // 8
    squares = max(length, 512) * _LANES  # where the squares of eight words begin in the scratch, after the slices
    for start in range(0, rows, _ROWS):
        stop = min(rows, start + _ROWS)
        for word in range(0, words, 8):
            for line in range(0, stop - start, 8):
                first, last = (start + line) * words + word, (stop - 1) * words + word
                _spread(filters, first, words, last, scratch, (word * 64 + line // 8) * _LANES)
            for k in range(word, word + 8):
                _transpose(scratch, k * 64 * _LANES)
        for word in range(0, words, 8):
            for place in range(min(512, length - word * 64)):
                _mix(scratch, table, word * 64 + place, degree, length, scratch, squares + place * _LANES)
            for k in range(8):
                _transpose(scratch, squares + k * 64 * _LANES)
            for line in range(0, stop - start, 8):
                _gather(scratch, squares + line // 8 * _LANES, result[:, word:], step, places, start + line, stop - 1)


@compiled
def _diffuse_blocks(  # noqa: PLR0913, PLR0917 - compiled
    filters: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    streams: NDArray[np.uint32],
    block: int,
    table: Table,
    quotients: NDArray[np.float64],
    places: NDArray[np.int64],
    result: NDArray[np.uint64],
    scratch: NDArray[np.uint64],
) -> int:  # pragma: no cover - compiled
    """Diffuses blocks from one on; returns the first whose stream is too short for its table, or how many there are."""
    while block < len(streams):
        start, stop = bounds[block], bounds[block + 1]
        if stop > start:
            if not _fill_table(streams[block], table, quotients):
                return block
            _diffuse_into(filters[start:stop], table, places[start:stop], result, scratch)
        block += 1
    return block
