"""The matcher's inner loop in matrix registers: common bits of 32 × 32 rows, 64 of them by one instruction for 16 × 16 pairs.

Some processors multiply matrices of bytes (`linkage.matrix_unit`). A bit as a byte makes common bits a sum of products, and a
pair's distance |a| + |b| - 2c: the same numbers as in `linkage.kernel`, from the same cells. A product takes a sixteenth of a
cycle a word and pair, counting two and a half times that; a part is lost on loading, and small blocks fill no register.

Layout. Right rows of a cell become tiles of sixteen, left rows lines of bytes, 32 at a time; a byte each bit is eight times the
row, so only a cell's rows are ever so large. The order of bits in a line is that which takes fewest instructions: of each half
of a word first the lowest bits of its four bytes, then the next ones. Left bits count twice, so that sums are 2c.

Decision. Sums start at minus what depends on the right row; what depends on the left one is taken off when signs are looked at.
A pair is examined when 2c - (2 · left bias + |a|) - (right bias + |b|) - 1 is not negative, which is the rule of
`linkage.kernel`. While one block is multiplied the signs of the one before are looked at, for what the matrix unit stores is
slow to arrive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.block_sums import call, lowest_code, moved, store_signs
from linkage.compiled import arrays_as_pointers, compiled
from linkage.kernel import COMPILED, Sides
from linkage.matrix_unit import granted

__all__ = ["MOST_WORDS", "Scratch", "runs", "scan", "scratch_for", "tile_rows"]

Scratch = tuple[
    NDArray[np.int8], NDArray[np.int8], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]
]
"""Of one thread: left bytes, right bytes, what is taken off by left and right row, sums of two blocks, the registers' shape."""

MOST_WORDS = 64  # of a row: beyond, a block's bytes leave the processor's nearest memories

_TILE = 16  # right rows of a tile
_BLOCK = 32  # rows of a block on either side
_FAR = 1 << 28  # taken off a row that is empty or not there
_TILE_BYTES = 1 << 20
_SPARE = _BLOCK * _BLOCK
_HAS_UNIT = "+amx-int8" in cpu_target.target_context.codegen().magic_tuple()[2].split(",")

_BYTE, _SHORT, _INT, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS = ir.VectorType(_INT, _TILE)
_ONES = ir.Constant(_SUMS, [0x01010101] * _TILE)


def runs() -> bool:
    """Whether this processor has matrix registers and this process may use them."""
    return COMPILED and _HAS_UNIT and granted()


def tile_rows(words: int) -> int:
    """The most right rows of a cell."""
    return max(1, min(1024, _TILE_BYTES // (64 * words) // _BLOCK)) * _BLOCK


def scratch_for(words: int) -> Scratch:
    """The working memory of one thread for rows of `words` words."""
    rows = tile_rows(words)
    shape = _aligned(64).view(np.uint8)
    shape[0] = 1  # palette 1: eight registers, here each of 16 lines of 64 bytes
    shape[16:32:2] = 64
    shape[48:56] = _TILE
    left, right = (_aligned(64 * words * count).view(np.int8) for count in (_BLOCK, rows))
    off, other_off, sums = (_aligned(4 * count).view(np.int32) for count in (_BLOCK, rows, 2 * _SPARE))
    return left, right, off, other_off, sums, shape


def _aligned(size: int) -> NDArray[np.uint8]:
    raw = np.zeros(size + 64, dtype=np.uint8)
    skipped = -raw.ctypes.data % 64
    return raw[skipped : skipped + size]


def _shifted(builder: Any, value: Any, shifts: list[int]) -> Any:
    return builder.and_(builder.lshr(value, ir.Constant(_SUMS, shifts)), _ONES)


def _line_code(_typing: Any, rows: Any, _from: Any, out: Any, _to: Any) -> Any:
    """The word of a left row at `from` as 64 bytes 0 or 2 at `to`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, start, out, to = arrays_as_pointers(context, builder, signature, values)
        word = builder.bitcast(builder.load(builder.gep(rows, [start])), ir.VectorType(_INT, 2))
        mask = ir.Constant(_SUMS, [0] * 8 + [1] * 8)
        bits = _shifted(builder, builder.shuffle_vector(word, word, mask), [*range(8)] * 2)
        place = builder.bitcast(moved(builder, out, to), _SUMS.as_pointer())
        builder.store(builder.add(bits, bits), place, align=64)
        return context.get_dummy_value()

    return types.void(rows, types.int64, out, types.int64), emit


_line: Any = intrinsic(_line_code)


def _lines_code(_typing: Any, rows: Any, _from: Any, _end: Any, _words: Any, out: Any, _to: Any) -> Any:
    """The word at `from` and of fifteen further rows, none past `end`, as sixteen lines of 64 bytes 0 or 1 at `to`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, start, end, words, out, to = arrays_as_pointers(context, builder, signature, values)
        halves = [ir.Constant(_SUMS, ir.Undefined)] * 2
        for k in range(_TILE):
            offset = builder.add(start, builder.mul(words, ir.Constant(_LONG, k)))
            offset = builder.select(builder.icmp_signed("<", offset, end), offset, end)
            word = builder.load(builder.gep(rows, [offset]))
            parts = builder.trunc(word, _INT), builder.trunc(builder.lshr(word, ir.Constant(_LONG, 32)), _INT)
            halves = [
                builder.insert_element(half, part, ir.Constant(_INT, k))
                for half, part in zip(halves, parts, strict=True)
            ]
        for k in range(_TILE):
            place = builder.bitcast(moved(builder, moved(builder, out, to), 64 * k), _SUMS.as_pointer())
            builder.store(_shifted(builder, halves[k // 8], [k % 8] * _TILE), place, align=64)
        return context.get_dummy_value()

    long = types.int64
    return types.void(rows, long, long, long, out, long), emit


_lines: Any = intrinsic(_lines_code)


def _multiply(builder: Any, places: tuple[Any, Any, Any, Any], words: Any) -> None:
    """32 × 32 sums: registers 0 to 3 hold them, 4 and 5 left rows, 6 and 7 right tiles."""
    left, right, off, sums = places
    number = [ir.Constant(_BYTE, k) for k in range(8)]
    near, size = ir.Constant(_LONG, 64), builder.mul(words, ir.Constant(_LONG, 64 * _TILE))

    def fetch(register: int, pointer: Any, stride: Any) -> None:
        call(builder, "llvm.x86.tileloadd64", ir.VoidType(), [number[register], pointer, stride])

    for k in range(4):  # a stride of nothing repeats one line
        fetch(k, moved(builder, off, 64 * (k % 2)), ir.Constant(_LONG, 0))
    with cgutils.for_range(builder, words) as loop:
        at = builder.mul(loop.index, ir.Constant(_LONG, 64 * _TILE))
        for k in range(2):
            for register, side in ((4, left), (6, right)):
                place = moved(builder, side, at if k == 0 else builder.add(at, size))
                fetch(register + k, place, near)
        for k in range(4):
            call(builder, "llvm.x86.tdpbssd", ir.VoidType(), [number[k], number[4 + k // 2], number[6 + k % 2]])
    for k in range(4):
        call(builder, "llvm.x86.tilestored64", ir.VoidType(), [number[k], moved(builder, sums, 1024 * k), near])


def _sums_code(_typing: Any, left: Any, right: Any, _tile: Any, off: Any, sums: Any, _half: Any, _words: Any) -> Any:
    """Sums of the 32 left rows against two tiles from `tile`, into one half of `sums`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        left, right, tile, off, sums, half, words = arrays_as_pointers(context, builder, signature, values)
        size = builder.mul(words, ir.Constant(_LONG, 64 * _TILE))
        places = (
            moved(builder, left, 0),
            moved(builder, right, builder.mul(tile, size)),
            moved(builder, off, builder.mul(tile, ir.Constant(_LONG, 4 * _TILE))),
            moved(builder, sums, builder.mul(half, ir.Constant(_LONG, 4 * _SPARE))),
        )
        _multiply(builder, places, words)
        return context.get_dummy_value()

    long = types.int64
    return types.void(left, right, long, off, sums, long, long), emit


_sums: Any = intrinsic(_sums_code)


def _value(builder: Any, sums: Any, off: Any, k: int) -> Any:
    """Line k of the sums of a block, less what its left row takes off."""
    row = (k // (2 * _TILE)) * _TILE + k % _TILE
    one = builder.insert_element(
        ir.Constant(_SUMS, ir.Undefined),
        builder.load(builder.gep(off, [ir.Constant(_LONG, row)])),
        ir.Constant(_INT, 0),
    )
    spread = builder.shuffle_vector(one, one, ir.Constant(_SUMS, [0] * _TILE))
    return builder.sub(
        builder.load(builder.bitcast(moved(builder, sums, 64 * k), _SUMS.as_pointer()), align=64), spread
    )


def _met_code(_typing: Any, sums: Any, _half: Any, off: Any) -> Any:
    """Not nothing when a pair of a block is to be examined."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sums, half, off = arrays_as_pointers(context, builder, signature, values)
        sums = moved(builder, sums, builder.mul(half, ir.Constant(_LONG, 4 * _SPARE)))
        met = _value(builder, sums, off, 0)
        for k in range(1, 2 * _BLOCK):
            met = builder.and_(met, _value(builder, sums, off, k))
        signs = builder.icmp_signed(">=", met, ir.Constant(_SUMS, [0] * _TILE))
        return builder.zext(builder.bitcast(signs, _SHORT), _LONG)

    return types.int64(sums, types.int64, off), emit


_met: Any = intrinsic(_met_code)


def _signs_code(_typing: Any, sums: Any, _half: Any, off: Any, signs: Any) -> Any:
    """One bit for each pair of a block that is to be examined, in the order of the sums."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sums, half, off, signs = arrays_as_pointers(context, builder, signature, values)
        sums = moved(builder, sums, builder.mul(half, ir.Constant(_LONG, 4 * _SPARE)))
        for k in range(0, 2 * _BLOCK, 4):
            lines = [_value(builder, sums, off, k + line) for line in range(4)]
            store_signs(builder, lines, builder.gep(signs, [ir.Constant(_LONG, k // 4)]))
        return context.get_dummy_value()

    return types.void(sums, types.int64, off, signs), emit


_signs: Any = intrinsic(_signs_code)
_lowest: Any = intrinsic(lowest_code)


def _shape_code(_typing: Any, shape: Any, _used: Any) -> Any:
    """Give the matrix registers their shape, or give them back."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        shape, used = arrays_as_pointers(context, builder, signature, values)
        with builder.if_else(builder.icmp_signed("!=", used, ir.Constant(_LONG, 0))) as (then, otherwise):
            with then:
                call(builder, "llvm.x86.ldtilecfg", ir.VoidType(), [moved(builder, shape, 0)])
            with otherwise:
                call(builder, "llvm.x86.tilerelease", ir.VoidType(), [])
        return context.get_dummy_value()

    return types.void(shape, types.int64), emit


_shape: Any = intrinsic(_shape_code)


@compiled
def _take_off(
    side: NDArray[np.int64], first: int, stop: int, share: int, off: NDArray[np.int32]
) -> None:  # pragma: no cover - compiled
    """What rows from `first` take off: `share` times the bias, and the popcount; those from `stop` on are far."""
    for k in range(len(off)):
        row = first + k
        off[k] = min(_FAR, share * side[row, 0] + side[row, 1]) if row < stop else _FAR


@compiled
def _fill_left(
    rows: NDArray[np.uint64],
    side: NDArray[np.int64],
    first: int,
    stop: int,
    out: NDArray[np.int8],
    off: NDArray[np.int32],
) -> None:
    """Left rows from `first`, 32 or those before `stop`, as bytes; missing rows are far."""
    words = rows.shape[1]
    _take_off(side, first, stop, 2, off)
    for k in range(_BLOCK):
        row = min(first + k, stop - 1)
        for word in range(words):
            _line(rows, row * words + word, out, (((k >> 4) * words + word) * _TILE + (k & 15)) * 64)


@compiled
def _fill_right(
    rows: NDArray[np.uint64],
    side: NDArray[np.int64],
    first: int,
    stop: int,
    out: NDArray[np.int8],
    off: NDArray[np.int32],
) -> None:
    """Right rows `first` to `stop` as tiles of bytes, and what sums start with; missing rows are far."""
    words = rows.shape[1]
    whole = -(-(stop - first) // _BLOCK) * _BLOCK
    _take_off(side, first, stop, 1, off[:whole])
    for k in range(whole):
        off[k] = -1 - off[k]
    for tile in range(whole // _TILE):
        start = (first + tile * _TILE) * words
        for word in range(words):
            _lines(rows, start + word, (stop - 1) * words + word, words, out, (tile * words + word) * 64 * _TILE)


@compiled
def _keep(
    block: tuple[NDArray[np.int32], int, NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]],
    sides: Sides,
    corner: tuple[int, int],
    hits: NDArray[np.int32],
    count: int,
) -> int:
    """Append to `hits` the pairs of a block within their limit; the new count.

    The block is its sums, in which half of them, what both sides take off, and room for its signs.
    """
    sums, half, off, other_off, signs = block
    left_side, right_side, most = sides[1], sides[3], sides[4]
    first, other_first = corner
    _signs(sums, half, off, signs)
    for word in range(len(signs)):
        left = signs[word]
        while left:
            k = word * 64 + _lowest(left)
            left &= left - np.uint64(1)
            i, j = first + (k >> 9) * _TILE + (k >> 4 & 15), (k >> 8 & 1) * _TILE + (k & 15)
            bits = left_side[i, 1] + right_side[other_first + j, 1]
            distance = bits - (sums[half * _SPARE + k] - other_off[j])
            if distance <= most[bits]:
                hits[count, 0] = i
                hits[count, 1] = other_first + j
                hits[count, 2] = distance
                count += 1
    return count


@compiled
def scan(
    sides: Sides, cells: NDArray[np.int64], scratch: Scratch, hits: NDArray[np.int32], where: NDArray[np.int64]
) -> int:
    """As `linkage.kernel.scan`, with room for 1024 hits at least."""
    left, left_side, right, right_side, _ = sides
    codes, tiles, off, other_off, sums, shape = scratch
    words, signs = left.shape[1], np.empty(_SPARE // 64, dtype=np.uint64)
    where[4] = 0
    _shape(shape, 1)
    while where[0] < len(cells):
        number = where[0]
        left_start, left_stop, right_start, right_stop = (
            cells[number, 0],
            cells[number, 1],
            cells[number, 2],
            cells[number, 3],
        )
        blocks = -(-(right_stop - right_start) // _BLOCK)
        _fill_right(right, right_side, right_start, right_stop, tiles, other_off)
        for start in range(max(left_start, where[1]), left_stop, _BLOCK):
            where[1] = start
            _fill_left(left, left_side, start, left_stop, codes, off)
            first = where[2]
            for block in range(first, blocks + 1):  # looks at the block before while it multiplies
                half = block & 1
                if block < blocks:
                    _sums(codes, tiles, 2 * block, other_off, sums, half, words)
                if block > first and _met(sums, half ^ 1, off):
                    lane = (block - 1) * _BLOCK
                    found = sums, half ^ 1, off, other_off[lane : lane + _BLOCK], signs
                    where[4] = _keep(found, sides, (start, right_start + lane), hits, where[4])
                    if where[4] + _SPARE > len(hits):
                        where[2] = block
                        _shape(shape, 0)
                        return int(where[4])
            where[2] = 0
        where[0] += 1
        where[1] = 0
    _shape(shape, 0)
    return int(where[4])
