"""The compiled inner loop of the matcher: Hamming distances of whole tiles of filters, at the processor's vector rate.

Layout. Right rows are turned into tiles of eight: one vector holds the same word of eight rows. Left rows stay row by
row and each of their words is broadcast against a tile, eight left rows at a time, so that a tile is loaded once for
sixty-four pairs and one branch serves them all.

Arithmetic. Counting d = x ⊕ y word by word costs an exclusive or, a count and an addition per word. Half of the counts
and additions go away by adding bits before counting them. With p(k) the parity, bit by bit, of the first k words of d,

    popcount(d(0)) + … + popcount(d(n-1)) = popcount(p(n)) + 2 · Σ over pairs of words of popcount(carry)
    carry of words k, k+1 = majority(p(k), d(k), d(k+1)) = p(k) where d(k) = p(k), otherwise ¬p(k+2)

Parities are linear: p of x ⊕ y is p(x) ⊕ p(y). So both sides store, instead of words k and k+1, the two words
x(k) ⊕ p(k) and p(k+2); one exclusive or each then gives the selector and the parity of the pair of rows, and the
carry is one three-way select. Every other pair of words is stored so that the select gives ¬carry, whose count is
subtracted: complements cost nothing, their constant is part of the bias below.

Decision. A pair is examined when 2 · (left bias) + (right bias) + H < 0; then H itself is compared with the exact
integer limit of that pair. Biases carry all that depends on one row only, so no threshold is read in the loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = ["COMPILED", "scan", "scratch_for", "tile_rows"]

COMPILED = not config.DISABLE_JIT  # type: ignore[attr-defined]  # when the JIT is off, the matcher takes its numpy twin
_FAR = 1 << 40  # a bias that no distance brings back under zero

_LANES = 8  # right rows of a tile
_GROUP = 8  # left rows compared with a tile at once: two registers each, beside those of the tile
_STEP = 4  # words of one turn of the loop: one carry added, one complement subtracted
_LEFT_BYTES = 1 << 17  # left rows kept close to the processor while all tiles of a cell go by
_TILE_BYTES = 1 << 19
_FIRST_HITS = 1024

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, _LANES)
_INDEX = ir.IntType(32)


@compiled
def _padded_words(words: int) -> int:
    """Words of a stored row: whole turns of the loop."""
    return -(-words // _STEP) * _STEP


@compiled
def tile_rows(words: int) -> int:
    """The most right rows of a cell, so that its tiles fit in `scratch_for`."""
    stored: int = _padded_words(words) + 1
    return max(1, _TILE_BYTES // (8 * stored * _LANES)) * _LANES


@compiled
def _left_rows(words: int) -> int:
    stored: int = _padded_words(words) + 1
    return max(1, _LEFT_BYTES // (8 * stored * _GROUP)) * _GROUP


def scratch_for(words: int) -> NDArray[np.uint64]:
    """The working memory of one thread, aligned to cache lines, for rows of `words` words."""
    stored = _padded_words(words) + 1
    size = stored * (tile_rows(words) + _left_rows(words) + _GROUP)
    raw = np.zeros(size + _LANES, dtype=np.uint64)
    skipped = (-raw.ctypes.data % 64) // 8
    return raw[skipped : skipped + size]


def _constant(value: int) -> ir.Constant:
    return ir.Constant(_WORD, value)


def _spread(builder: Any, value: Any) -> Any:
    empty = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_INDEX, _LANES), [0] * _LANES))


def _load(builder: Any, pointer: Any) -> Any:
    return builder.load(builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, _VECTOR.as_pointer()), align=8)


def _data(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    """Array arguments as pointers to their first element, the others as they are."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, values, strict=True)
    ]


def _select(builder: Any, selector: Any, chosen: Any, other: Any) -> Any:
    inverse = builder.xor(selector, ir.Constant(_VECTOR, [-1] * _LANES))
    return builder.or_(builder.and_(selector, chosen), builder.and_(inverse, other))


def _emit_turn(builder: Any, tile: list[Any], row: Any, at: Any, state: tuple[Any, Any], count: Any) -> None:
    """Four words of one left row against a tile: one carry, one complemented carry, the parity kept for the next turn."""
    total, parity = state
    terms = []
    for k in range(_STEP):
        word = builder.load(builder.gep(row, [builder.add(at, _constant(k))]))
        terms.append(builder.xor(tile[k], _spread(builder, word)))
    carry = _select(builder, terms[0], terms[1], builder.load(parity))
    complement = _select(builder, terms[2], terms[3], terms[1])
    builder.store(terms[3], parity)
    added = builder.add(builder.load(total), builder.call(count, [carry]))
    builder.store(builder.sub(added, builder.call(count, [complement])), total)


def _compare_code(_typing: Any, rows: Any, _first: Any, _words: Any, tile: Any, sums: Any) -> Any:
    """Eight stored left rows from `first` against a tile: biased distances into `sums`; non-zero if one is negative."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, first, words, base, sums = _data(context, builder, signature, values)
        count = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.ctpop.v8i64")  # type: ignore[no-untyped-call]
        stored = builder.add(words, _constant(1))
        left, states = [], []
        for k in range(_GROUP):
            left.append(builder.gep(rows, [builder.mul(builder.add(first, _constant(k)), stored)]))
            states.append(tuple(cgutils.alloca_once(builder, _VECTOR) for _ in range(2)))  # type: ignore[no-untyped-call]
            builder.store(_spread(builder, builder.load(builder.gep(left[k], [words]))), states[k][0])
            builder.store(ir.Constant(_VECTOR, [0] * _LANES), states[k][1])
        with cgutils.for_range(builder, builder.sdiv(words, _constant(_STEP))) as loop:
            start = builder.mul(loop.index, _constant(_STEP))
            offsets = [builder.mul(builder.add(start, _constant(k)), _constant(_LANES)) for k in range(_STEP)]
            vectors = [_load(builder, builder.gep(base, [offset])) for offset in offsets]
            for k in range(_GROUP):
                _emit_turn(builder, vectors, left[k], start, states[k], count)
        bias = _load(builder, builder.gep(base, [builder.mul(words, _constant(_LANES))]))
        met = ir.Constant(_VECTOR, [0] * _LANES)
        for k, (total, parity) in enumerate(states):
            half = builder.load(total)
            last = builder.add(bias, builder.call(count, [builder.load(parity)]))
            value = builder.add(builder.add(half, half), last)
            _store(builder, value, builder.gep(sums, [_constant(_LANES * k)]))
            met = builder.or_(met, value)
        signs = builder.icmp_signed("<", met, ir.Constant(_VECTOR, [0] * _LANES))
        return builder.zext(builder.bitcast(signs, ir.IntType(_LANES)), _WORD)

    long = types.int64
    return long(rows, long, long, tile, sums), emit


_compare: Any = intrinsic(_compare_code)


def _turn_code(_typing: Any, rows: Any, _start: Any, _end: Any, _words: Any, tiles: Any, _at: Any) -> Any:
    """Eight words at `start` and every `words` further, but never past `end`, turned into eight vectors of `tiles` at `at`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, start, end, words, tiles, at = _data(context, builder, signature, values)
        lines = []
        for k in range(_LANES):
            offset = builder.add(start, builder.mul(words, _constant(k)))
            offset = builder.select(builder.icmp_signed("<", offset, end), offset, end)
            lines.append(_load(builder, builder.gep(rows, [offset])))
        for reach in (1, 2, 4):  # exchange halves of each pair of lines, as one turns a square block by block
            low = [k + (_LANES - reach if k & reach else 0) for k in range(_LANES)]
            high = [k + (_LANES if k & reach else reach) for k in range(_LANES)]
            masks = [ir.Constant(ir.VectorType(_INDEX, _LANES), mask) for mask in (low, high)]
            for k in (k for k in range(_LANES) if not k & reach):
                pair = lines[k], lines[k + reach]
                lines[k], lines[k + reach] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        for k in range(_LANES):
            _store(builder, lines[k], builder.gep(tiles, [builder.add(at, _constant(_LANES * k))]))
        return context.get_dummy_value()

    long = types.int64
    return types.void(rows, long, long, long, tiles, long), emit


_turn: Any = intrinsic(_turn_code)


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
    whole = count // _LANES * _LANES
    words = tiles.shape[1] - 1
    for tile in range(-(-(stop - first) // _LANES)):
        start = first + tile * _LANES
        for word in range(0, whole, _LANES):
            at = (tile * (words + 1) + word) * _LANES
            _turn(rows, start * count + word, (stop - 1) * count + word, count, tiles, at)
        for lane in range(_LANES):
            row = min(start + lane, stop - 1)
            for word in range(whole, count):
                tiles[tile, word, lane] = rows[row, word]
            for word in range(count, words):
                tiles[tile, word, lane] = np.uint64(0)
            bias = side[start + lane, 0] + 32 * words if start + lane < stop else _FAR
            tiles[tile, words, lane] = np.uint64(bias)
        for word in range(0, words, _STEP):
            for lane in range(_LANES):
                parity = tiles[tile, word - 1, lane] if word else np.uint64(0)
                middle = parity ^ tiles[tile, word, lane] ^ tiles[tile, word + 1, lane]
                tiles[tile, word, lane] ^= parity
                tiles[tile, word + 1, lane] = ~middle
                tiles[tile, word + 3, lane] ^= middle ^ tiles[tile, word + 2, lane]
                tiles[tile, word + 2, lane] ^= middle


@compiled
def _fill_rows(
    rows: NDArray[np.uint64],
    side: NDArray[np.int64],
    first: int,
    stop: int,
    stored: NDArray[np.uint64],
) -> None:
    """Rows `first` to `stop`, words changed as in tiles, each ended by its bias; the last group filled up with far rows."""
    count = rows.shape[1]
    words = stored.shape[1] - 1
    for row in range(stop - first):
        for word in range(count):
            stored[row, word] = rows[first + row, word]
        for word in range(count, words):
            stored[row, word] = np.uint64(0)
        parity = np.uint64(0)
        for word in range(0, words, 2):
            before = parity
            parity ^= stored[row, word] ^ stored[row, word + 1]
            stored[row, word] ^= before
            stored[row, word + 1] = parity
        stored[row, words] = np.uint64(side[first + row, 0])
    for row in range(stop - first, -(-(stop - first) // _GROUP) * _GROUP):
        stored[row, words] = np.uint64(_FAR)


@compiled
def _next(
    stored: NDArray[np.uint64],
    first: int,
    stop: int,
    words: int,
    tile: NDArray[np.uint64],
    sums: NDArray[np.int64],
) -> int:
    """The first group of rows from `first` that meets the tile, its biased distances in `sums`; -1 when none does."""
    for row in range(first, stop, _GROUP):
        if _compare(stored, row, words, tile, sums):
            return row
    return -1


@compiled
def _keep(
    sums: NDArray[np.int64],
    left_side: NDArray[np.int64],
    right_side: NDArray[np.int64],
    most: NDArray[np.int64],
    corner: tuple[int, int, int, int],
    hits: NDArray[np.int64],
    count: int,
) -> int:
    """Append to `hits` the pairs of one comparison whose distance is within the limit; the new count."""
    row, row_stop, lane, lane_stop = corner
    for i in range(min(_GROUP, row_stop - row)):
        for j in range(min(_LANES, lane_stop - lane)):
            value = sums[i * _LANES + j]
            if value < 0:
                distance = value - 2 * left_side[row + i, 0] - right_side[lane + j, 0]
                if distance <= most[left_side[row + i, 1] + right_side[lane + j, 1]]:
                    hits[count, 0] = row + i
                    hits[count, 1] = lane + j
                    hits[count, 2] = distance
                    count += 1
    return count


@compiled
def scan(
    left: NDArray[np.uint64],
    left_side: NDArray[np.int64],
    right: NDArray[np.uint64],
    right_side: NDArray[np.int64],
    most: NDArray[np.int64],
    cells: NDArray[np.int64],
    scratch: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """The pairs within their limit, in the cells given.

    Args:
        left: (n, w) uint64 rows.
        left_side: (n, 2) int64, half bias and popcount of each left row.
        right: (m, w) uint64 rows.
        right_side: (m, 2) int64, bias and popcount of each right row.
        most: the largest distance of a pair, by the sum of its popcounts.
        cells: (k, 4) int64 [left start, left stop, right start, right stop), at most `tile_rows` right rows each.
        scratch: from `scratch_for`, of this thread alone.

    Returns:
        (h, 3) int64: left row, right row, distance, in no promised order.
    """
    words = _padded_words(left.shape[1])
    batch = _left_rows(left.shape[1])
    split = (words + 1) * tile_rows(left.shape[1])
    tiles = scratch[:split].reshape((-1, words + 1, _LANES))
    stored = scratch[split:].reshape((-1, words + 1))
    sums = np.empty(_GROUP * _LANES, dtype=np.int64)
    hits = np.empty((_FIRST_HITS, 3), dtype=np.int64)
    count = 0
    for cell in range(len(cells)):
        left_start, left_stop, right_start, right_stop = cells[cell]
        _fill_tiles(right, right_side, right_start, right_stop, tiles)
        for start in range(left_start, left_stop, batch):
            stop = min(start + batch, left_stop)
            _fill_rows(left, left_side, start, stop, stored)
            for tile in range(-(-(right_stop - right_start) // _LANES)):
                row = _next(stored, 0, stop - start, words, tiles[tile], sums)
                while row >= 0:
                    if count + _GROUP * _LANES > len(hits):
                        hits = np.concatenate((hits, np.empty_like(hits)))
                    corner = (start + row, stop, right_start + tile * _LANES, right_stop)
                    count = _keep(sums, left_side, right_side, most, corner, hits, count)
                    row = _next(stored, row + _GROUP, stop - start, words, tiles[tile], sums)
    return hits[:count].copy()
