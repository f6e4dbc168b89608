"""Sums of 32 × 32 products of short codes, in the instructions that a processor has: what compiled sketches are made of.

Left codes lie row by row. Right codes lie in tiles of sixteen rows: four coordinates of sixteen rows are 64 bytes, and a tile
is as many such lines as codes have fours. This is what three kinds of instructions want:

* `MATRIX`: 16 × 16 products of 64 coordinates by one instruction (`linkage.matrix_unit` must have granted the registers);
* `BYTES`: sixteen sums of four products of an unsigned and a signed byte; the right code is taken plus 128, and the left row's
  sum times 128 is subtracted beforehand;
* `WORDS`: sixteen sums of two products of 16-bit words, in any vector registers.

Sums lie as four quarters of 16 × 16, by left half and then by right half. Compiled code is kept under the file of the function
called (`linkage.compiled`): who changes this file touches `linkage.sketch` and `linkage.nearness`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils

from linkage.compiled import arrays_as_pointers
from linkage.short_codes import STEP

__all__ = [
    "BLOCK", "BYTES", "MATRIX", "TILE", "WORDS",
    "begin_code", "call", "distance_code", "end_code", "lowest_code", "met_code", "moved", "signs_code", "store_signs",
    "sums_code", "supported",
]  # fmt: skip

TILE = 16  # right rows of a tile
BLOCK = 32  # rows of a block on either side
WORDS = 0
BYTES = 1
MATRIX = 2
_GROUP = 8  # left rows whose sums are in registers at once

_BYTE, _SHORT, _INT, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS = ir.VectorType(_INT, TILE)
_ZEROS = ir.Constant(_SUMS, [0] * TILE)
_LINE = ir.VectorType(_LONG, 8)
_SHORTS = ir.VectorType(_SHORT, 2 * TILE)


def _host() -> dict[str, bool]:
    """Features of the processor that code is compiled for; none when another than this one is asked for."""
    return {} if config.CPU_NAME else dict(binding.get_host_cpu_features())  # type: ignore[attr-defined]


def supported() -> tuple[int, ...]:
    """The kinds of instructions that this processor has, the best last."""
    features = _host()
    kinds = [WORDS]
    if features.get("avx512vnni"):
        kinds.append(BYTES)
        if features.get("amx-int8"):
            kinds.append(MATRIX)
    return tuple(kinds)


def moved(builder: Any, pointer: Any, offset: Any) -> Any:
    """A pointer to bytes moved by some bytes."""
    offset = ir.Constant(_LONG, offset) if isinstance(offset, int) else offset
    return builder.gep(builder.bitcast(pointer, _BYTE.as_pointer()), [offset])


def _read(builder: Any, kind: Any, pointer: Any, align: int) -> Any:
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=align)


def _spread(builder: Any, value: Any) -> Any:
    empty = ir.Constant(_SUMS, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, empty, _ZEROS)


def call(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """What an instruction of the processor gives."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)  # type: ignore[no-untyped-call]


def _matrix_block(builder: Any, places: tuple[Any, ...], steps: Any) -> None:
    """The 32 × 32 sums with matrix registers: 0 to 3 the sums, 4 and 5 left rows, 6 and 7 right tiles."""
    left, right, bias, _, out = places
    number = [ir.Constant(_BYTE, k) for k in range(8)]
    near, pitch = ir.Constant(_LONG, 64), builder.mul(steps, ir.Constant(_LONG, STEP))
    size = builder.mul(pitch, ir.Constant(_LONG, TILE))

    def fetch(register: int, pointer: Any, stride: Any) -> None:
        call(builder, "llvm.x86.tileloadd64", ir.VoidType(), [number[register], pointer, stride])

    for k in range(4):  # a stride of nothing repeats the right rows' biases in each line
        fetch(k, moved(builder, bias, 64 * (k % 2)), ir.Constant(_LONG, 0))
    with cgutils.for_range(builder, steps) as loop:
        far, row = (builder.mul(loop.index, ir.Constant(_LONG, size)) for size in (STEP * TILE, STEP))
        for k in range(2):
            fetch(6 + k, moved(builder, moved(builder, right, far), builder.mul(size, ir.Constant(_LONG, k))), near)
            fetch(4 + k, moved(builder, moved(builder, left, row), builder.mul(size, ir.Constant(_LONG, k))), pitch)
        for k in range(4):
            call(builder, "llvm.x86.tdpbssd", ir.VoidType(), [number[k], number[4 + k // 2], number[6 + k % 2]])
    for k in range(4):
        call(builder, "llvm.x86.tilestored64", ir.VoidType(), [number[k], moved(builder, out, 1024 * k), near])


def _bytes_added(builder: Any, sums: list[Any], line: Any, words: list[Any]) -> list[Any]:
    raised = builder.xor(line, ir.Constant(_SUMS, [-0x7F7F7F80] * TILE))
    name = "llvm.x86.avx512.vpdpbusd.512"
    whole = ir.VectorType(_BYTE, 4 * TILE)
    raised = builder.bitcast(raised, whole)
    spread = [builder.bitcast(_spread(builder, word), whole) for word in words]
    return [call(builder, name, _SUMS, [total, raised, word]) for total, word in zip(sums, spread, strict=True)]


def _halves(builder: Any, value: Any) -> list[Any]:
    """Lanes of four signed bytes as two vectors of lanes of two signed 16-bit words: odd bytes, even bytes."""
    eight = ir.Constant(_SHORTS, [8] * (2 * TILE))
    shorts = builder.bitcast(value, _SHORTS)
    return [builder.ashr(shorts, eight), builder.ashr(builder.shl(shorts, eight), eight)]


def _products(builder: Any, one: Any, other: Any) -> Any:
    """Sums of two products of 16-bit words in each lane."""
    features = _host()
    if features.get("avx512bw"):
        return call(builder, "llvm.x86.avx512.pmaddw.d.512", _SUMS, [one, other])
    if features.get("avx2"):
        parts = []
        for first in (0, TILE):
            mask = ir.Constant(ir.VectorType(_INT, TILE), list(range(first, first + TILE)))
            sides = [builder.shuffle_vector(side, side, mask) for side in (one, other)]
            parts.append(call(builder, "llvm.x86.avx2.pmadd.wd", ir.VectorType(_INT, TILE // 2), sides))
        return builder.shuffle_vector(*parts, ir.Constant(ir.VectorType(_INT, TILE), list(range(TILE))))
    products = []
    for first in (0, 1):
        mask = ir.Constant(ir.VectorType(_INT, TILE), list(range(first, 2 * TILE, 2)))
        sides = [builder.sext(builder.shuffle_vector(side, side, mask), _SUMS) for side in (one, other)]
        products.append(builder.mul(*sides))
    return builder.add(*products)


def _words_added(builder: Any, sums: list[Any], line: Any, words: list[Any]) -> list[Any]:
    tile = _halves(builder, line)
    for k, word in enumerate(words):
        for one, other in zip(tile, _halves(builder, _spread(builder, word)), strict=True):
            sums[k] = builder.add(sums[k], _products(builder, one, other))
    return sums


def _vector_block(builder: Any, places: tuple[Any, ...], steps: Any, *, with_bytes: bool) -> None:
    """The 32 × 32 sums with vectors: eight left rows against a tile at once, their sums in registers."""
    left, right, bias, raised, out = places
    pitch = builder.mul(steps, ir.Constant(_LONG, STEP))
    size = builder.mul(pitch, ir.Constant(_LONG, TILE))
    with cgutils.for_range(builder, ir.Constant(_LONG, 2 * BLOCK // _GROUP)) as loop:
        tile = builder.and_(loop.index, ir.Constant(_LONG, 1))
        row = builder.mul(builder.lshr(loop.index, ir.Constant(_LONG, 1)), ir.Constant(_LONG, _GROUP))
        lanes = moved(builder, right, builder.mul(tile, size))
        start = _read(builder, _SUMS, moved(builder, bias, builder.mul(tile, ir.Constant(_LONG, 64))), 4)
        rows, sums = [], []
        for k in range(_GROUP):
            place = builder.add(row, ir.Constant(_LONG, k))
            rows.append(moved(builder, left, builder.mul(place, pitch)))
            sums.append(cgutils.alloca_once(builder, _SUMS))  # type: ignore[no-untyped-call]
            first = start
            if with_bytes:
                below = _read(builder, _INT, moved(builder, raised, builder.mul(place, ir.Constant(_LONG, 4))), 4)
                first = builder.sub(start, _spread(builder, below))
            builder.store(first, sums[k])
        with cgutils.for_range(builder, builder.mul(steps, ir.Constant(_LONG, TILE))) as inner:
            line = _read(builder, _SUMS, moved(builder, lanes, builder.mul(inner.index, ir.Constant(_LONG, 64))), 4)
            offset = builder.mul(inner.index, ir.Constant(_LONG, 4))
            words = [_read(builder, _INT, moved(builder, one, offset), 1) for one in rows]
            added = (_bytes_added if with_bytes else _words_added)(
                builder, [builder.load(x) for x in sums], line, words
            )
            for place, total in zip(sums, added, strict=True):
                builder.store(total, place)
        for k in range(_GROUP):  # sums lie as four quarters of 16 × 16
            quarter = builder.add(builder.mul(builder.udiv(row, ir.Constant(_LONG, TILE)), ir.Constant(_LONG, 2)), tile)
            line = builder.add(builder.urem(row, ir.Constant(_LONG, TILE)), ir.Constant(_LONG, k))
            offset = builder.add(
                builder.mul(quarter, ir.Constant(_LONG, 1024)), builder.mul(line, ir.Constant(_LONG, 64))
            )
            builder.store(
                builder.load(sums[k]), builder.bitcast(moved(builder, out, offset), _SUMS.as_pointer()), align=4
            )


def sums_code(
    _typing: Any,
    left: Any,
    _row: Any,
    right: Any,
    _tile: Any,
    bias: Any,
    raised: Any,
    out: Any,
    _half: Any,
    _steps: Any,
    _kind: Any,
) -> Any:
    """Sums of 32 left rows from `row` against two right tiles from `tile`, into one half of `out`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        left, row, right, tile, bias, raised, out, half, steps, kind = arrays_as_pointers(
            context, builder, signature, values
        )
        pitch = builder.mul(steps, ir.Constant(_LONG, STEP))
        places = (
            moved(builder, left, builder.mul(row, pitch)),
            moved(builder, right, builder.mul(tile, builder.mul(pitch, ir.Constant(_LONG, TILE)))),
            moved(builder, bias, 0),
            moved(builder, raised, builder.mul(row, ir.Constant(_LONG, 4))),
            moved(builder, out, builder.mul(half, ir.Constant(_LONG, 4 * BLOCK * BLOCK))),
        )
        ways = {
            WORDS: lambda: _vector_block(builder, places, steps, with_bytes=False),
            BYTES: lambda: _vector_block(builder, places, steps, with_bytes=True),
            MATRIX: lambda: _matrix_block(builder, places, steps),
        }
        for way in supported():
            with builder.if_then(builder.icmp_signed("==", kind, ir.Constant(_LONG, way))):
                ways[way]()
        return context.get_dummy_value()

    long = types.int64
    return types.void(left, long, right, long, bias, raised, out, long, long, long), emit


def met_code(_typing: Any, out: Any, _half: Any) -> Any:
    """Not nothing when a sum of a block is not negative."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        out, half = arrays_as_pointers(context, builder, signature, values)
        out = moved(builder, out, builder.mul(half, ir.Constant(_LONG, 4 * BLOCK * BLOCK)))
        sums = [_read(builder, _SUMS, moved(builder, out, 64 * k), 64) for k in range(2 * BLOCK)]
        while len(sums) > 1:
            sums = [builder.and_(*sums[k : k + 2]) for k in range(0, len(sums), 2)]
        signs = builder.icmp_signed(">=", sums[0], _ZEROS)
        return builder.zext(builder.bitcast(signs, _SHORT), _LONG)

    return types.int64(out, types.int64), emit


def store_signs(builder: Any, lines: list[Any], place: Any) -> None:
    """One bit for each number of four lines that is not negative, as one word: four stores in one would be waited for."""
    bits = [builder.icmp_signed(">=", line, _ZEROS) for line in lines]
    while len(bits) > 1:
        mask = ir.Constant(ir.VectorType(_INT, 2 * bits[0].type.count), list(range(2 * bits[0].type.count)))
        bits = [builder.shuffle_vector(*bits[at : at + 2], mask) for at in range(0, len(bits), 2)]
    builder.store(builder.bitcast(bits[0], _LONG), place)


def signs_code(_typing: Any, out: Any, _half: Any, signs: Any) -> Any:
    """One bit for each sum that is not negative, in the order of the sums."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        out, half, signs = arrays_as_pointers(context, builder, signature, values)
        out = moved(builder, out, builder.mul(half, ir.Constant(_LONG, 4 * BLOCK * BLOCK)))
        for k in range(0, 2 * BLOCK, 4):
            lines = [_read(builder, _SUMS, moved(builder, out, 64 * (k + line)), 64) for line in range(4)]
            store_signs(builder, lines, builder.gep(signs, [ir.Constant(_LONG, k // 4)]))
        return context.get_dummy_value()

    return types.void(out, types.int64, signs), emit


def lowest_code(_typing: Any, _word: Any) -> Any:
    """The place of the lowest bit of a word that is not nothing."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return call(builder, "llvm.cttz.i64", _LONG, [values[0], ir.Constant(ir.IntType(1), 1)])

    return types.int64(types.uint64), emit


def begin_code(_typing: Any, shape: Any, _kind: Any) -> Any:
    """Give the matrix registers their shape, where they are used."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        shape, kind = arrays_as_pointers(context, builder, signature, values)
        if MATRIX in supported():
            with builder.if_then(builder.icmp_signed("==", kind, ir.Constant(_LONG, MATRIX))):
                call(builder, "llvm.x86.ldtilecfg", ir.VoidType(), [moved(builder, shape, 0)])
        return context.get_dummy_value()

    return types.void(shape, types.int64), emit


def end_code(_typing: Any, _kind: Any) -> Any:
    """Leave the matrix registers empty, so that the system need not keep them."""

    def emit(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        if MATRIX in supported():
            with builder.if_then(builder.icmp_signed("==", values[0], ir.Constant(_LONG, MATRIX))):
                call(builder, "llvm.x86.tilerelease", ir.VoidType(), [])
        return context.get_dummy_value()

    return types.void(types.int64), emit


def distance_code(_typing: Any, left: Any, _i: Any, right: Any, _j: Any, _words: Any) -> Any:
    """The Hamming distance of two rows."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        left, i, right, j, words = arrays_as_pointers(context, builder, signature, values)
        one = builder.gep(left, [builder.mul(i, words)])
        other = builder.gep(right, [builder.mul(j, words)])
        whole = builder.and_(words, ir.Constant(_LONG, -8))
        total = cgutils.alloca_once_value(builder, ir.Constant(_LONG, 0))  # type: ignore[no-untyped-call]
        eight = cgutils.alloca_once_value(builder, ir.Constant(_LINE, [0] * 8))  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, builder.udiv(words, ir.Constant(_LONG, 8))) as loop:
            at = builder.mul(loop.index, ir.Constant(_LONG, 8))
            lines = [_read(builder, _LINE, builder.gep(side, [at]), 8) for side in (one, other)]
            count = call(builder, "llvm.ctpop.v8i64", _LINE, [builder.xor(*lines)])
            builder.store(builder.add(builder.load(eight), count), eight)
        with cgutils.for_range(builder, builder.sub(words, whole)) as loop:
            at = builder.add(whole, loop.index)
            pair = [builder.load(builder.gep(side, [at])) for side in (one, other)]
            count = call(builder, "llvm.ctpop.i64", _LONG, [builder.xor(*pair)])
            builder.store(builder.add(builder.load(total), count), total)
        summed = call(builder, "llvm.vector.reduce.add.v8i64", _LONG, [builder.load(eight)])
        return builder.add(builder.load(total), summed)

    long = types.int64
    return long(left, long, right, long, long), emit
