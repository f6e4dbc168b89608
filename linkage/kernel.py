"""The compiled inner loop of the matcher: Hamming distances of whole tiles of filters, at the processor's vector rate.

Layout. Right rows are turned into tiles of eight: one vector holds the same word of eight rows. Left rows stay as they
were received and each of their words is broadcast against a tile, ten left rows at a time, so that a tile is loaded once
for eighty pairs and one branch serves them all.

Arithmetic. Counting d = x ⊕ y word by word costs an exclusive or, a count and an addition per word. Half of the counts
and additions go away. With A(k) the parity, bit by bit, of the first k words of d, a bit of d is set where A changes, and A
starts at 0; changes are as many falls as rises, but for a last rise that has no fall:

    popcount(d(1)) + … + popcount(d(n)) = 2 · falls + popcount(A(n))

Falls of two neighbouring steps exclude each other, so one count serves both: two three-way exclusive ors give A(k+1) and
A(k+2), one three-way select marks the falls, one count, one addition. Five operations for two words instead of six, of
which one count instead of two.

Decision. A pair is examined when 2 · (left bias) + (right bias) + H < 0; then H itself is compared with the exact
integer limit of that pair. Biases carry all that depends on one row only, so no threshold is read in the loop.

Room. Hits go to a buffer of the caller. When it may not hold those of the next comparison the scan stops there and says
where, so that neither memory nor the time to an interruption grows with the number of hits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.compiled import INDEX, LANES, VECTOR, WORD, arrays_as_pointers, compiled, load, store, turned

__all__ = ["COMPILED", "Scratch", "Sides", "beginning", "scan", "scratch_for", "tile_rows", "weigh"]

COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]  # when the JIT is off, the matcher takes its numpy twin
Sides = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]
"""Left rows, left side, right rows, right side, largest distances; a side is (n, 2): bias and popcount."""
Scratch = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]
Source = tuple[NDArray[np.uint64], NDArray[np.int64]]

_FAR = 1 << 40  # a bias that no distance brings back under zero
_WIDE = "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2].split(",")
_GROUP = 10 if _WIDE else 4  # left rows compared with a tile at once: two registers each, beside those of the tile
_LEFT_BYTES = 1 << 15  # left rows kept close to the processor while all tiles of a cell go by
_TILE_BYTES = 1 << 19
_SPARE = _GROUP * LANES  # hits of one comparison


def tile_rows(words: int) -> int:
    """The most right rows of a cell, so that its tiles fit in `scratch_for`."""
    return max(1, _TILE_BYTES // (8 * (words + 1) * LANES)) * LANES


def scratch_for(words: int) -> Scratch:
    """The working memory of one thread for rows of `words` words: tiles, a last group with its side, distances."""
    rest = np.zeros((_GROUP, words), dtype=np.uint64)
    rows = rest.view()
    rows.flags.writeable = False  # as the left rows are, so that both are compiled once
    tiles = _aligned((words + 1) * tile_rows(words))
    return tiles, rest, rows, np.zeros((_GROUP, 2), dtype=np.int64), np.zeros(_SPARE, dtype=np.int64)


def _aligned(words: int) -> NDArray[np.uint64]:
    raw = np.zeros(words + LANES, dtype=np.uint64)
    skipped = (-raw.ctypes.data % 64) // 8
    return raw[skipped : skipped + words]


def beginning() -> NDArray[np.int64]:
    """Where a scan starts: cell, left row of the batch, tile, left row of the group, hits so far."""
    return np.zeros(5, dtype=np.int64)


def _number(value: int) -> ir.Constant:
    return ir.Constant(WORD, value)


def _spread(builder: Any, value: Any) -> Any:
    empty = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(INDEX, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(INDEX, LANES), [0] * LANES))


def _inverse(builder: Any, value: Any) -> Any:
    return builder.xor(value, ir.Constant(VECTOR, [-1] * LANES))


def _ternary(builder: Any, table: int, values: tuple[Any, Any, Any]) -> Any:
    """The instruction that gives any function of three bits, which the compiler does not choose by itself here."""
    kind, name = ir.FunctionType(VECTOR, [VECTOR, VECTOR, VECTOR, INDEX]), "llvm.x86.avx512.pternlog.q.512"
    function = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
    return builder.call(function, [*values, ir.Constant(INDEX, table)])


def _parity(builder: Any, before: Any, word: Any, pointer: Any) -> Any:
    """The parity after one more word of a tile (`word`) and of a left row (at `pointer`)."""
    other = _spread(builder, builder.load(pointer))
    if _WIDE:
        return _ternary(builder, 0x96, (before, word, other))
    return builder.xor(builder.xor(word, other), before)


def _falls(builder: Any, before: Any, middle: Any, after: Any) -> Any:
    """Where parity falls in one of two steps."""
    if _WIDE:
        return _ternary(builder, 0x5C, (middle, before, after))
    chosen = builder.and_(middle, _inverse(builder, after))
    return builder.or_(chosen, builder.and_(_inverse(builder, middle), before))


def _emit_pair(builder: Any, tile: tuple[Any, Any], row: Any, state: tuple[Any, Any], count: Any) -> None:
    """Two words of one left row against a tile."""
    total, kept = state
    before = builder.load(kept)
    middle = _parity(builder, before, tile[0], row)
    after = _parity(builder, middle, tile[1], builder.gep(row, [_number(1)]))
    counted = builder.call(count, [_falls(builder, before, middle, after)])
    builder.store(builder.add(builder.load(total), counted), total)
    builder.store(after, kept)


def _emit_last(builder: Any, word: Any, row: Any, state: tuple[Any, Any], count: Any) -> None:
    """The last word, when words are odd."""
    total, kept = state
    before = builder.load(kept)
    after = _parity(builder, before, word, row)
    falls = builder.call(count, [builder.and_(before, _inverse(builder, after))])
    builder.store(builder.add(builder.load(total), falls), total)
    builder.store(after, kept)


def _start(builder: Any, inputs: tuple[Any, Any, Any], first: Any) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Pointers to ten left rows, and for each its registers: half of its bias, and no parity yet."""
    rows, side, words = inputs
    left, states = [], []
    for k in range(_GROUP):
        row = builder.add(first, _number(k))
        left.append(builder.gep(rows, [builder.mul(row, words)]))
        total, parity = (cgutils.alloca_once(builder, VECTOR) for _ in range(2))  # type: ignore[no-untyped-call]
        bias = builder.load(builder.gep(side, [builder.mul(row, _number(2))]))
        builder.store(_spread(builder, bias), total)
        builder.store(ir.Constant(VECTOR, [0] * LANES), parity)
        states.append((total, parity))
    return left, states


def _finish(builder: Any, states: list[tuple[Any, Any]], bias: Any, sums: Any, count: Any) -> Any:
    """Biased distances of a comparison into `sums`; non-zero if one is negative."""
    met = zero = ir.Constant(VECTOR, [0] * LANES)
    for k, (total, parity) in enumerate(states):
        half = builder.load(total)
        last = builder.add(bias, builder.call(count, [builder.load(parity)]))
        value = builder.add(builder.add(half, half), last)
        store(builder, value, builder.gep(sums, [_number(LANES * k)]))
        met = builder.or_(met, value)
    signs = builder.icmp_signed("<", met, zero)
    return builder.zext(builder.bitcast(signs, ir.IntType(LANES)), WORD)


def _compare_code(_typing: Any, rows: Any, side: Any, _first: Any, _words: Any, tiles: Any, _at: Any, sums: Any) -> Any:
    """Ten left rows from `first` against the tile at `at`: biased distances into `sums`; non-zero if one is negative."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, side, first, words, tiles, at, sums = arrays_as_pointers(context, builder, signature, values)
        count = cgutils.get_or_insert_function(builder.module, ir.FunctionType(VECTOR, [VECTOR]), "llvm.ctpop.v8i64")  # type: ignore[no-untyped-call]
        tile = builder.gep(tiles, [at])

        def vector(word: Any) -> Any:
            return load(builder, builder.gep(tile, [builder.mul(word, _number(LANES))]))

        left, states = _start(builder, (rows, side, words), first)
        with cgutils.for_range(builder, builder.ashr(words, _number(1))) as loop:
            even = builder.mul(loop.index, _number(2))
            pair = vector(even), vector(builder.add(even, _number(1)))
            for row, state in zip(left, states, strict=True):
                _emit_pair(builder, pair, builder.gep(row, [even]), state, count)
        odd = builder.icmp_signed("!=", builder.and_(words, _number(1)), _number(0))
        with builder.if_then(odd, likely=False):
            final = builder.sub(words, _number(1))
            word = vector(final)
            for row, state in zip(left, states, strict=True):
                _emit_last(builder, word, builder.gep(row, [final]), state, count)
        return _finish(builder, states, vector(words), sums, count)

    long = types.int64
    return long(rows, side, long, long, tiles, long, sums), emit


_compare: Any = intrinsic(_compare_code)


def _turn_code(_typing: Any, rows: Any, _start: Any, _end: Any, _words: Any, tiles: Any, _at: Any) -> Any:
    """Eight words at `start` and every `words` further, but never past `end`, turned into eight vectors of `tiles` at `at`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, start, end, words, tiles, at = arrays_as_pointers(context, builder, signature, values)
        lines = []
        for k in range(LANES):
            offset = builder.add(start, builder.mul(words, _number(k)))
            offset = builder.select(builder.icmp_signed("<", offset, end), offset, end)
            lines.append(load(builder, builder.gep(rows, [offset])))
        for k, line in enumerate(turned(builder, lines)):
            store(builder, line, builder.gep(tiles, [builder.add(at, _number(LANES * k))]))
        return context.get_dummy_value()

    long = types.int64
    return types.void(rows, long, long, long, tiles, long), emit


_turn: Any = intrinsic(_turn_code)


def _bits_code(_typing: Any, _word: Any) -> Any:
    """The bits set in a word."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.int64(types.uint64), emit


_bits: Any = intrinsic(_bits_code)


@compiled
def weigh(rows: NDArray[np.uint64], biases: NDArray[np.int64], side: NDArray[np.int64]) -> None:
    """Into `side` (n, 2): for each row the bias of its popcount, taken from `biases`, and the popcount."""
    for row in range(len(rows)):
        bits = 0
        for word in range(rows.shape[1]):
            bits += _bits(rows[row, word])
        side[row, 0] = biases[bits]
        side[row, 1] = bits


@compiled
def _fill_tiles(
    rows: NDArray[np.uint64],
    side: NDArray[np.int64],
    first: int,
    stop: int,
    tiles: NDArray[np.uint64],
) -> None:
    """Rows `first` to `stop` as (tile, word, lane), each tile ended by the biases of its rows; missing rows are far."""
    count = rows.shape[1]
    whole = count // LANES * LANES
    for tile in range(-(-(stop - first) // LANES)):
        start = first + tile * LANES
        for word in range(0, whole, LANES):
            at = (tile * (count + 1) + word) * LANES
            _turn(rows, start * count + word, (stop - 1) * count + word, count, tiles, at)
        for lane in range(LANES):
            row = min(start + lane, stop - 1)
            for word in range(whole, count):
                tiles[tile, word, lane] = rows[row, word]
            bias = side[start + lane, 0] if start + lane < stop else _FAR
            tiles[tile, count, lane] = np.uint64(bias)


@compiled
def _next(source: Source, first: int, stop: int, tiles: NDArray[np.uint64], at: int, sums: NDArray[np.int64]) -> int:
    """The first group of rows from `first` that meets the tile at `at`, its biased distances in `sums`; -1 when none does."""
    rows, side = source
    for row in range(first, stop, _GROUP):
        if _compare(rows, side, row, rows.shape[1], tiles, at, sums):
            return row
    return -1


@compiled
def _keep(
    sums: NDArray[np.int64],
    source: Source,
    sides: Sides,
    corner: tuple[int, int, int],
    hits: NDArray[np.int32],
    count: int,
) -> int:
    """Append to `hits` the pairs of one comparison whose distance is within the limit; the new count.

    The corner is its first row in `source`, what makes it a left row, and its first right row. Rows and lanes that are
    there to fill up have a far bias.
    """
    first, shift, lane = corner
    side, right_side, most = source[1], sides[3], sides[4]
    for i in range(_GROUP):
        for j in range(LANES):
            value = sums[i * LANES + j]
            if value < 0:
                row = first + i
                distance = value - 2 * side[row, 0] - right_side[lane + j, 0]
                if distance <= most[side[row, 1] + right_side[lane + j, 1]]:
                    hits[count, 0] = row + shift
                    hits[count, 1] = lane + j
                    hits[count, 2] = distance
                    count += 1
    return count


@compiled
def _sweep(
    source: Source,
    span: tuple[int, int, int],
    sides: Sides,
    right: tuple[int, int],
    room: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int32]],
    where: NDArray[np.int64],
) -> bool:
    """Rows of `source` from and to (span), each so much before its left row, against all tiles; whether that came to its end."""
    first, stop, shift = span
    tiles, sums, hits = room
    stored = (source[0].shape[1] + 1) * LANES
    while where[2] < -(-(right[1] - right[0]) // LANES):
        at, lane = where[2] * stored, right[0] + where[2] * LANES
        row = max(first, where[3])
        while True:  # one call, so that the comparison is compiled once
            row = _next(source, row, stop, tiles, at, sums)
            if row < 0:
                break
            where[4] = _keep(sums, source, sides, (row, shift, lane), hits, where[4])
            row += _GROUP
            if where[4] + _SPARE > len(hits):
                where[3] = row
                return False
        where[2] += 1
        where[3] = 0
    where[2] = 0
    return True


@compiled
def scan(
    sides: Sides,
    cells: NDArray[np.int64],
    scratch: Scratch,
    hits: NDArray[np.int32],
    where: NDArray[np.int64],
) -> int:
    """The next pairs within their limit, in the cells given.

    Args:
        sides: left rows, left side, right rows, right side, and the largest distance of a pair by the sum of its popcounts.
        cells: (k, 4) int64 [left start, left stop, right start, right stop), at most `tile_rows` right rows each.
        scratch: from `scratch_for`, of this thread alone.
        hits: (room, 3) int32, filled with left row, right row, distance, in no promised order; room for 80 at least.
        where: from `beginning`; moved on, so that the same call continues until `where[0]` is the number of cells.

    Returns:
        Hits of this call.
    """
    left, left_side, right, right_side, _ = sides
    tiles, rest, rest_rows, rest_side, sums = scratch
    words = left.shape[1]
    batch = max(1, _LEFT_BYTES // (8 * words * _GROUP)) * _GROUP
    where[4] = 0
    while where[0] < len(cells):
        number = where[0]
        cell = cells[number, 0], cells[number, 1], cells[number, 2], cells[number, 3]
        reach = (cell[2], cell[3])
        _fill_tiles(right, right_side, cell[2], cell[3], tiles.reshape((-1, words + 1, LANES)))
        whole = cell[0] + (cell[1] - cell[0]) // _GROUP * _GROUP
        start = max(cell[0], where[1])
        while start < cell[1]:
            where[1] = start
            if start < whole:
                source, span = (left, left_side), (start, min(start + batch, whole), 0)
            else:
                _fill_rest(left, left_side, whole, cell[1], rest, rest_side)
                source, span = (rest_rows, rest_side), (0, 1, whole)
            if not _sweep(source, span, sides, reach, (tiles, sums, hits), where):
                return int(where[4])
            start = span[1] if start < whole else cell[1]
        where[0] += 1
        where[1] = 0
    return int(where[4])


@compiled
def _fill_rest(
    left: NDArray[np.uint64],
    left_side: NDArray[np.int64],
    first: int,
    stop: int,
    rest: NDArray[np.uint64],
    rest_side: NDArray[np.int64],
) -> None:
    """The last left rows of a cell, too few for a group, as a group of their own with its other rows far."""
    for row in range(_GROUP):
        rest_side[row, 0] = _FAR
        if first + row < stop:
            for word in range(left.shape[1]):
                rest[row, word] = left[first + row, word]
            for part in range(2):
                rest_side[row, part] = left_side[first + row, part]
