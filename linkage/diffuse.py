"""Keyed diffusion: each output bit is the XOR of t secret positions of the filter, those of its block's table.

The filters of a block are turned on their side (bit-sliced): up to eight words, a vector of the processor, then hold one
position of up to 512 records, and an output bit of these records costs t XORs of vectors. Slices of 64, 128 and 256 records
hold several words of a filter side by side in each vector while they are turned, so that small blocks cost less. The tables
of blocks name positions by where their slices have them.

Diffused, the bits of a filter of fill f lean towards 0 by (1 − 2f)^t: who is little known would be told by the weight of the row.
So a secret half of the bits of each block is complemented, in all its rows alike: distances stay, every row weighs L/2 on
average whatever its fill (docs/decisions/0040-complemented-blocks.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from crypto.hashing import keystreams
from linkage.compiled import LANES, VECTOR, WORD, arrays_as_pointers, compiled, inlined, load, store, turned
from linkage.diffusion_tables import LEAST_DEGREE, draw_tables
from linkage.errors import LinkageError

__all__ = ["complement_blocks", "diffuse", "diffuse_blocks"]

Table = NDArray[np.uint16]  # (t, m)

_LEAST_WORDS = 8  # of a row in the compiled product; shorter ones are filled up
_WIDTHS = (1, 2, 4, 8)  # words of a position in a slice
_RECORDS = tuple(64 * lanes for lanes in _WIDTHS)  # of a slice


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
    result, slots = np.empty_like(filters), _slots(table.shape[1])[-1]
    _diffuse_into(filters, table, slots, LANES, np.arange(len(filters)), result, _scratch_for(table.shape[1]))
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
    slots = _slots(64 * filters.shape[1])
    widths = np.searchsorted(_RECORDS[:-1], np.diff(bounds))
    tables = draw_tables(secrets, degree, slots, widths)
    _diffuse_blocks(filters, bounds, tables, (slots, widths), places, result, _scratch_for(slots.shape[1]))


def complement_blocks(rows: NDArray[np.uint64], bounds: NDArray[np.int64], secrets: Sequence[bytes]) -> None:
    """Complements the bits of each block that the stream of its secret has at 1.

    Args:
        rows: (n, m/64) uint64, diffused filters, changed in place.
        bounds: (blocks + 1,) int64, where the rows of each block begin.
        secrets: of the blocks, for this alone.
    """
    words = np.frombuffer(keystreams(secrets, 8 * rows.shape[1]), dtype="<u8").reshape(-1, rows.shape[1])
    _complement(rows, bounds, words.astype(np.uint64, copy=False))


@compiled
def _complement(
    rows: NDArray[np.uint64], bounds: NDArray[np.int64], words: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    for block in range(len(words)):
        for row in range(bounds[block], bounds[block + 1]):
            for word in range(rows.shape[1]):
                rows[row, word] ^= words[block, word]


@cache
def _slots(length: int) -> NDArray[np.uint16]:
    """Where the slices have each position, one line for each width of a slice, narrowest first; see `_spread_code`."""
    position = np.arange(max(length, 512))
    word, bit = position >> 6, position & 63
    found = []
    for lanes in _WIDTHS:
        vector = ((word >> 3) * lanes + (word & (lanes - 1))) * 64 + bit
        found.append(vector * (LANES // lanes) + (word & 7) // lanes)
    return np.array(found).astype(np.uint16)


def _turned_places(lanes: int) -> list[int]:
    """Where the vectors of a square turned `lanes` wide belong among the slices, in words from where the first does.

    Turned whole, vector k has word k of eight records. Turned by fewer steps, vectors k, k + lanes… are of as many groups of
    `lanes` records, and hold words k, k + lanes… of them side by side.
    """
    return [(k % lanes * 64 + k // lanes) * LANES for k in range(LANES)]


def _spread_code(lanes: int) -> Any:
    """Eight filters' next eight words, one filter `step` words after the other but none beyond `last`, as eight vectors."""

    def code(_typing: Any, filters: Any, _first: Any, _step: Any, _last: Any, sliced: Any, _at: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            filters, first, step, last, sliced, at = arrays_as_pointers(context, builder, signature, values)
            lines = []
            for k in range(LANES):
                offset = builder.add(first, builder.mul(step, ir.Constant(WORD, k)))
                offset = builder.select(builder.icmp_signed("<", offset, last), offset, last)
                lines.append(load(builder, builder.gep(filters, [offset])))
            for place, line in zip(_turned_places(lanes), turned(builder, lines, lanes), strict=True):
                store(builder, line, builder.gep(sliced, [builder.add(at, ir.Constant(WORD, place))]))
            return context.get_dummy_value()

        return types.void(filters, _LONG, _LONG, _LONG, sliced, _LONG), emit

    return code


def _gather_code(lanes: int) -> Any:
    """The way back: eight vectors as the next eight words of the rows of `result` that places `first` to `last` name."""

    def code(
        _typing: Any, squares: Any, _at: Any, result: Any, _step: Any, places: Any, _first: Any, _last: Any
    ) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            squares, at, result, step, places, first, last = arrays_as_pointers(context, builder, signature, values)
            sources = [builder.gep(squares, [builder.add(at, ir.Constant(WORD, k))]) for k in _turned_places(lanes)]
            lines = turned(builder, [load(builder, source) for source in sources], lanes)
            for k in reversed(range(LANES)):  # a line beyond the last row goes there before that row's own does
                place = builder.add(first, ir.Constant(WORD, k))
                place = builder.select(builder.icmp_signed("<", place, last), place, last)
                offset = builder.mul(builder.load(builder.gep(places, [place])), step)
                store(builder, lines[k], builder.gep(result, [offset]))
            return context.get_dummy_value()

        return types.void(squares, _LONG, result, _LONG, places, _LONG, _LONG), emit

    return code


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


def _mix_code(lanes: int) -> Any:
    """The next `count` output bits of all records of a slice, each the XOR of its positions, from word `at` of the scratch on."""
    few = ir.VectorType(WORD, lanes)

    def code(_typing: Any, scratch: Any, table: Any, _first: Any, _count: Any, slots: Any, shape: Any, _at: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            scratch, table, first, count, slots, shape, at = arrays_as_pointers(context, builder, signature, values)
            degree, length = (builder.extract_value(shape, place) for place in range(2))

            def slot(pointer: Any, base: Any) -> Any:
                word = builder.mul(builder.zext(builder.load(pointer), WORD), ir.Constant(WORD, lanes))
                return builder.bitcast(builder.gep(base, [word]), few.as_pointer())

            def bits(place: Any, layer: Any) -> Any:
                entry = builder.gep(table, [builder.add(place, builder.mul(layer, length))])
                return builder.load(slot(entry, scratch), align=8)

            with cgutils.for_range(builder, count) as one:
                place = builder.add(first, one.index)
                total = bits(place, ir.Constant(WORD, 0))
                for layer in range(1, LEAST_DEGREE):
                    total = builder.xor(total, bits(place, ir.Constant(WORD, layer)))
                whole = cgutils.alloca_once(builder, few)  # type: ignore[no-untyped-call]
                builder.store(total, whole)
                with cgutils.for_range(builder, degree, start=ir.Constant(WORD, LEAST_DEGREE)) as loop:
                    builder.store(builder.xor(builder.load(whole), bits(place, loop.index)), whole)
                builder.store(
                    builder.load(whole), slot(builder.gep(slots, [place]), builder.gep(scratch, [at])), align=8
                )
            return context.get_dummy_value()

        return types.void(scratch, table, _LONG, _LONG, slots, shape, _LONG), emit

    return code


_LONG = types.int64


def _of_each_width(code: Callable[[int], Any]) -> list[Any]:
    return [intrinsic(code(lanes)) for lanes in _WIDTHS]


_spread_1, _spread_2, _spread_4, _spread_8 = _of_each_width(_spread_code)
_gather_1, _gather_2, _gather_4, _gather_8 = _of_each_width(_gather_code)
_mix_1, _mix_2, _mix_4, _mix_8 = _of_each_width(_mix_code)
_halve_32, _halve_8, _halve_2 = (intrinsic(_halve_code(width)) for width in (32, 8, 2))


@compiled
def _transpose(squares: NDArray[np.uint64], at: int) -> None:  # pragma: no cover - compiled
    """In-place transposition of eight 64 × 64 bit squares side by side, from word `at`."""
    for line in range(16):
        _halve_32(squares, at + line * LANES)
    for start in range(0, 64, 16):
        for line in range(4):
            _halve_8(squares, at + (start + line) * LANES)
    for start in range(0, 64, 4):
        _halve_2(squares, at + start * LANES)


def _scratch_for(length: int) -> NDArray[np.uint64]:
    """The working memory of one thread for filters of `length` bits, aligned to cache lines."""
    raw = np.zeros((max(length, 512) + 512) * LANES + LANES, dtype=np.uint64)
    skipped = (-raw.ctypes.data % 64) // 8
    return raw[skipped : len(raw) - LANES + skipped]


@inlined
def _turn(
    filters: NDArray[np.uint64], bounds: tuple[int, int], scratch: NDArray[np.uint64], lanes: int
) -> None:  # pragma: no cover - compiled
    """Spreads a slice of filters over the scratch."""
    start, stop = bounds
    words = filters.shape[1]
    for word in range(0, words, 8):
        for line in range(0, stop - start, 8):
            first, last = (start + line) * words + word, (stop - 1) * words + word
            at = word * lanes * 64 + line // lanes * LANES
            if lanes == 8:
                _spread_8(filters, first, words, last, scratch, at)
            elif lanes == 4:
                _spread_4(filters, first, words, last, scratch, at)
            elif lanes == 2:
                _spread_2(filters, first, words, last, scratch, at)
            else:
                _spread_1(filters, first, words, last, scratch, at)
    for square in range(words // 8 * lanes):
        _transpose(scratch, square * 64 * LANES)


@inlined
def _mix(
    scratch: NDArray[np.uint64], table: Table, word: int, slots: NDArray[np.uint16], lanes: int, squares: int
) -> None:  # pragma: no cover - compiled
    """Makes the output bits of eight words."""
    first, count = word * 64, min(512, table.shape[1] - word * 64)
    at = squares - word * 64 * lanes
    if lanes == 8:
        _mix_8(scratch, table, first, count, slots, table.shape, at)
    elif lanes == 4:
        _mix_4(scratch, table, first, count, slots, table.shape, at)
    elif lanes == 2:
        _mix_2(scratch, table, first, count, slots, table.shape, at)
    else:
        _mix_1(scratch, table, first, count, slots, table.shape, at)
    for square in range(lanes):
        _transpose(scratch, squares + square * 64 * LANES)


@compiled
def _diffuse_into(
    filters: NDArray[np.uint64],
    table: Table,
    slots: NDArray[np.uint16],
    lanes: int,
    places: NDArray[np.int64],
    result: NDArray[np.uint64],
    scratch: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Diffuses the filters of one block; lengths from 512 bits.

    Args:
        filters: (n, m/64) uint64, C-order.
        table: (t, m) uint16, C-order, of slots.
        slots: (m,) uint16, a line of `_slots`.
        lanes: words of a position in a slice.
        places: (n,) int64, the row of `result` that each filter goes to.
        result: (at least n, m/64) uint64, words of a row side by side.
        scratch: of `_scratch_for`, of this thread alone.
    """
    rows, words = filters.shape
    step = result.strides[0] // 8
    squares = max(64 * words, 512) * LANES  # where the squares of eight words begin in the scratch, after the slices
    for start in range(0, rows, 64 * lanes):
        stop = min(rows, start + 64 * lanes)
        _turn(filters, (start, stop), scratch, lanes)
        for word in range(0, words, 8):
            _mix(scratch, table, word, slots, lanes, squares)
            part = result[:, word:]
            for line in range(0, stop - start, 8):
                at = squares + line // lanes * LANES
                if lanes == 8:
                    _gather_8(scratch, at, part, step, places, start + line, stop - 1)
                elif lanes == 4:
                    _gather_4(scratch, at, part, step, places, start + line, stop - 1)
                elif lanes == 2:
                    _gather_2(scratch, at, part, step, places, start + line, stop - 1)
                else:
                    _gather_1(scratch, at, part, step, places, start + line, stop - 1)


@compiled
def _diffuse_blocks(
    filters: NDArray[np.uint64],
    bounds: NDArray[np.int64],
    tables: NDArray[np.uint16],
    kinds: tuple[NDArray[np.uint16], NDArray[np.int64]],
    places: NDArray[np.int64],
    result: NDArray[np.uint64],
    scratch: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    slots, widths = kinds
    for block in range(len(tables)):
        some = slice(bounds[block], bounds[block + 1])
        width = widths[block]
        _diffuse_into(filters[some], tables[block], slots[width], 1 << width, places[some], result, scratch)
