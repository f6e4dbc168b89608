"""The encoder's compiled loops: what values have, and the bits of their tokens set in filters.

All bits of a record are set at once. What it takes from memory is listed first: for each part of each attribute, the filter
kept for its value (`linkage.kept`), or the masks of whole steps of positions of its tokens, all of a token's first 8, 16, 24…
Then they are united, eight words at a time, and the positions left over are set one by one. Mixed, each vector would wait
for the single words before.

What the parts are stands in a table of numbers, one line each (`FIELDS`), arrays by their addresses: one call sets the bits of
many blocks, whatever attributes a sheet has, and no thread waits for the interpreter in between. Whoever calls keeps the
arrays alive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.compiled import INDEX, LANES, VECTOR, WORD, arrays_as_pointers, compiled, inlined, load, store

__all__ = ["BASE", "FIELDS", "HEAD", "NO_LETTER", "STEP", "fill_masks", "find_heads", "set_bits", "survey_values"]

BASE = 257  # of the numbers of words: one more than the largest alphabet
HEAD = 3  # letters that a block value may take of a name
NO_LETTER = 255  # beyond the largest alphabet
STEP = 8  # positions from one mask of a token to its next

# Of a part of an attribute. A value is its code in the column, or where there is `local`, what stands there for its row.
FIELDS = (
    "column",  # of the rows: codes, negative for no value
    "kept_of",  # int32, of each code the filter kept for it, negative for none; 0: none for any
    "kept",  # those filters
    "local",  # int32, one a row; 0: none
    "listed",  # 1 where tokens are listed, 0 where values are cut into bigrams
    "starts",  # int64, where the tokens or bigrams of each value begin
    "tokens",  # int32, listed tokens; or the token of each bigram
    "counts",  # int32, positions of each listed token; or uint16, bigrams of the first group of each value
    "bigrams",  # uint16, those of the first group, then those of the second
    "budget",  # insertions of the first group of bigrams; 0 passes it over
    "others",  # insertions of the second
    "told",  # letters that the block value tells
    "heads",  # uint8, `HEAD` first letters of each code
    "alphabet",  # its size
    "padding",  # its place in the alphabet
    "drawn",  # int64, where the positions of each token begin
    "places",  # uint16, positions
    "first",  # int64, the first mask of each token, negative for none
    "masks",  # filters
    "most",  # tokens or bigrams of the value that has most
)
(_COLUMN, _KEPT_OF, _KEPT, _LOCAL, _LISTED, _STARTS, _TOKENS, _COUNTS, _BIGRAMS, _BUDGET) = range(10)
(_OTHERS, _TOLD, _HEADS, _ALPHABET, _PADDING, _DRAWN, _PLACES, _FIRST, _MASKS, _MOST) = range(10, 20)

_AHEAD = 4  # rows from one step of fetching to the next
_CACHE_LINE = 64  # bytes
_PARTICLE_LETTERS = 3  # of the longest particle

_LONG = types.int64


def _peek_code(kind: Any, *, signed: bool) -> Any:
    """A number of an array, given by its address."""

    def code(_typing: Any, _address: Any, _index: Any) -> Any:
        def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            place = builder.gep(builder.inttoptr(values[0], kind.as_pointer()), [values[1]])
            number = builder.load(place)
            if kind is WORD:
                return number
            return builder.sext(number, WORD) if signed else builder.zext(number, WORD)

        return _LONG(_LONG, _LONG), emit

    return code


def _fetch_code(_typing: Any, _address: Any, _size: Any) -> Any:
    """Asks for the cache lines of some bytes before they are needed."""

    def emit(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        address, size = values
        kinds = [ir.IntType(8).as_pointer(), INDEX, INDEX, INDEX]
        name = "llvm.prefetch.p0"
        of_lines = ir.FunctionType(ir.VoidType(), kinds)
        fetch = cgutils.get_or_insert_function(builder.module, of_lines, name)  # type: ignore[no-untyped-call]
        lines = builder.udiv(builder.add(size, ir.Constant(WORD, _CACHE_LINE - 1)), ir.Constant(WORD, _CACHE_LINE))
        with cgutils.for_range(builder, lines) as loop:
            place = builder.add(address, builder.mul(loop.index, ir.Constant(WORD, _CACHE_LINE)))
            hints = [ir.Constant(INDEX, hint) for hint in (0, 3, 1)]  # to be read, soon, as data
            builder.call(fetch, [builder.inttoptr(place, kinds[0]), *hints])
        return context.get_dummy_value()

    return types.void(_LONG, _LONG), emit


def _unite_code(_typing: Any, rows: Any, _at: Any, _words: Any, chosen: Any, _count: Any) -> Any:
    """The union of the filters at the first `count` addresses of `chosen`, in the row that begins at a word of `rows`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, at, words, chosen, count = arrays_as_pointers(context, builder, signature, values)
        done: Any = ir.Constant(WORD, 0)
        for size in (4 * LANES, LANES):  # four registers at a time, then what is left
            parts = builder.sdiv(builder.sub(words, done), ir.Constant(WORD, size))
            with cgutils.for_range(builder, parts) as part:
                start = builder.add(done, builder.mul(part.index, ir.Constant(WORD, size)))
                places = [builder.add(start, ir.Constant(WORD, k)) for k in range(0, size, LANES)]
                nothing = ir.Constant(VECTOR, [0] * LANES)
                totals = [cgutils.alloca_once_value(builder, nothing) for _ in places]  # type: ignore[no-untyped-call]
                for total in totals:
                    builder.store(nothing, total)
                with cgutils.for_range(builder, count) as loop:
                    address = builder.load(builder.gep(chosen, [loop.index]))
                    mask = builder.inttoptr(address, WORD.as_pointer())
                    for place, total in zip(places, totals, strict=True):
                        more = load(builder, builder.gep(mask, [place]))
                        builder.store(builder.or_(builder.load(total), more), total)
                for place, total in zip(places, totals, strict=True):
                    store(builder, builder.load(total), builder.gep(rows, [builder.add(at, place)]))
            done = builder.mul(parts, ir.Constant(WORD, size))
        return context.get_dummy_value()

    return types.void(rows, _LONG, _LONG, chosen, _LONG), emit


def _copy_code(_typing: Any, _places: Any, _start: Any, _count: Any, rest: Any, _at: Any) -> Any:
    """The next `count` positions, after the `at` that are there; up to `STEP` - 1 more come along and are written over."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        places, start, count, rest, at = arrays_as_pointers(context, builder, signature, values)
        few = ir.VectorType(ir.IntType(16), STEP).as_pointer()
        places = builder.inttoptr(places, ir.IntType(16).as_pointer())
        steps = builder.sdiv(builder.add(count, ir.Constant(WORD, STEP - 1)), ir.Constant(WORD, STEP))
        with cgutils.for_range(builder, steps) as loop:
            ahead = builder.mul(loop.index, ir.Constant(WORD, STEP))
            source, target = (
                builder.gep(places, [builder.add(start, ahead)]),
                builder.gep(rest, [builder.add(at, ahead)]),
            )
            some = builder.load(builder.bitcast(source, few), align=2)
            builder.store(some, builder.bitcast(target, few), align=2)
        return context.get_dummy_value()

    return types.void(_LONG, _LONG, _LONG, rest, _LONG), emit


def _set_code(_typing: Any, rows: Any, _at: Any, rest: Any, _count: Any) -> Any:
    """The bits at the first `count` positions of `rest`, in the row that begins at a word of `rows`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, at, rest, count = arrays_as_pointers(context, builder, signature, values)
        with cgutils.for_range(builder, count) as loop:
            position = builder.zext(builder.load(builder.gep(rest, [loop.index])), WORD)
            word = builder.gep(rows, [builder.add(at, builder.lshr(position, ir.Constant(WORD, 6)))])
            bit = builder.shl(ir.Constant(WORD, 1), builder.and_(position, ir.Constant(WORD, 63)))
            builder.store(builder.or_(builder.load(word), bit), word)
        return context.get_dummy_value()

    return types.void(rows, _LONG, rest, _LONG), emit


_fetch: Any = intrinsic(_fetch_code)
_unite: Any = intrinsic(_unite_code)
_copy_rest: Any = intrinsic(_copy_code)
_set_rest: Any = intrinsic(_set_code)
_byte: Any = intrinsic(_peek_code(ir.IntType(8), signed=False))
_short: Any = intrinsic(_peek_code(ir.IntType(16), signed=False))
_int: Any = intrinsic(_peek_code(ir.IntType(32), signed=True))
_long: Any = intrinsic(_peek_code(WORD, signed=True))


@compiled
def find_heads(
    packed: tuple[NDArray[Any], ...],
    kind: tuple[bool, bool],
    found: NDArray[np.uint8],
) -> None:  # pragma: no cover - compiled
    """The first letters of the word that each value is filed under.

    Args:
        packed: as `linkage.cut.cut_values` takes it.
        kind: whether values are given names, filed under their first word; whether hyphens do not count.
        found: (values, HEAD), filled; `NO_LETTER` where there is none.
    """
    letters, offsets, marks, particles = packed
    given, strip = kind
    for value in range(len(offsets) - 1):
        first, stop = offsets[value], offsets[value + 1]
        while True:
            last, number, size = first, 0, 0
            while last < stop and letters[last] != marks[1]:
                number = number * BASE + letters[last] + 1 if size < _PARTICLE_LETTERS else 0
                size += 1
                last += 1
            known = False
            if not given and 0 < size <= _PARTICLE_LETTERS:
                for particle in particles:
                    known |= particle == number
            if not known or last >= stop:
                break
            first = last + 1
        count = 0
        for place in range(first, last):
            if count < HEAD and not (strip and letters[place] == marks[2]):
                found[value, count] = letters[place]
                count += 1
        found[value, count:] = NO_LETTER


@compiled
def survey_values(
    cut: tuple[NDArray[Any], ...],
    codes: NDArray[np.int32],
    told: NDArray[np.int32],
    survey: tuple[NDArray[Any], ...],
) -> None:  # pragma: no cover - compiled
    """Adds values to what `linkage.cut.Survey` says of all.

    Args:
        cut: starts, split and bigrams of a `linkage.cut.Cut` of these codes.
        codes: the values.
        told: (codes, HEAD), bigrams that the block value tells of each; negative for none.
        survey: present, least and uses of a survey.
    """
    present, least, uses = survey
    starts, split, bigrams = cut
    for value in range(len(codes)):
        told_of = np.int64(told[value, 0]), np.int64(told[value, 1]), np.int64(told[value, 2])
        begin, stop = starts[value], starts[value + 1]
        middle = begin + split[value]
        gone = 0
        for place in range(begin, middle):
            bigram = np.int64(bigrams[place])
            gone += bigram in told_of
        present[codes[value]] = (middle - begin > gone) | (stop > middle) << 1
        for place in range(begin, stop):
            bigram = np.int64(bigrams[place])
            group = 0 if place < middle else 1
            size = middle - begin - gone if place < middle else stop - middle
            if group or bigram not in told_of:
                uses[bigram] += 1
                if not least[group, bigram] or size < least[group, bigram]:
                    least[group, bigram] = size


@compiled
def fill_masks(
    starts: NDArray[np.int64], places: NDArray[np.uint16], first: NDArray[np.int64], masks: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    """The masks of the first 8, 16, 24… positions of each token that has some; see `linkage.positions.Drawn`."""
    for token in range(len(first)):
        if first[token] >= 0:
            for step in range((starts[token + 1] - starts[token]) // STEP):
                row = first[token] + step
                if step:
                    masks[row] = masks[row - 1]
                for place in range(starts[token] + step * STEP, starts[token] + (step + 1) * STEP):
                    position = places[place]
                    masks[row, position >> 6] |= np.uint64(1) << np.uint64(position & 63)


@inlined
def _token(
    lines: NDArray[np.int64],
    part: int,
    token: int,
    total: int,
    found: tuple[NDArray[np.int64], NDArray[np.uint16]],
    have: tuple[int, int],
    size: int,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Lists the mask and the positions left over of the first `total` positions of a token, `size` bytes a filter."""
    chosen, rest = found
    count, left = have
    first, start = _long(lines[part, _FIRST], token), _long(lines[part, _DRAWN], token)
    steps = total // STEP if first >= 0 else 0
    chosen[count] = lines[part, _MASKS] + (first + steps - 1) * size
    _copy_rest(lines[part, _PLACES], start + steps * STEP, total - steps * STEP, rest, left)
    return count + (steps > 0), left + total - steps * STEP


@inlined
def _bigrams(
    lines: NDArray[np.int64],
    part: int,
    codes: tuple[int, int],
    some: NDArray[np.int64],
    found: tuple[NDArray[np.int64], NDArray[np.uint16]],
    have: tuple[int, int],
    size: int,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Lists what the bigrams of a value set; `codes`, its own and where it is cut; `some`, room for its bigrams."""
    told, value = (np.int64(-1), np.int64(-1), np.int64(-1)), codes[1]
    if lines[part, _TOLD]:
        some[0], some[1], some[2] = -1, -1, -1
        before = lines[part, _PADDING]
        for place in range(lines[part, _TOLD]):
            letter = _byte(lines[part, _HEADS], codes[0] * HEAD + place)
            if NO_LETTER in (before, letter):
                break
            some[place] = before * lines[part, _ALPHABET] + letter
            before = letter
        told = some[0], some[1], some[2]
    begin, stop = _long(lines[part, _STARTS], value), _long(lines[part, _STARTS], value + 1)
    middle, last = begin + _short(lines[part, _COUNTS], value), np.int64(0)
    for place in range(begin, middle):
        bigram = _short(lines[part, _BIGRAMS], place)
        some[last] = bigram
        last += bigram != told[0] and bigram != told[1] and bigram != told[2]
    if last and lines[part, _BUDGET]:
        each = lines[part, _BUDGET] // last
        more = lines[part, _BUDGET] - each * last
        for nth in range(last):
            token = _int(lines[part, _TOKENS], some[nth])
            have = _token(lines, part, token, each + (nth < more), found, have, size)
    if stop > middle and lines[part, _OTHERS]:
        each = lines[part, _OTHERS] // (stop - middle)
        more = lines[part, _OTHERS] - each * (stop - middle)
        for nth in range(stop - middle):
            token = _int(lines[part, _TOKENS], _short(lines[part, _BIGRAMS], middle + nth))
            have = _token(lines, part, token, each + (nth < more), found, have, size)
    return have


@inlined
def _bring_near(
    lines: NDArray[np.int64], parts: tuple[int, int], rows: NDArray[np.int32], row: int, size: int
) -> None:  # pragma: no cover - compiled
    """Has memory brought near that rows to come will need: each step of a search needs what the one before has fetched."""
    last = len(rows) - 1
    third, second, first = min(row + 3 * _AHEAD, last), min(row + 2 * _AHEAD, last), min(row + _AHEAD, last)
    for part in range(parts[0], parts[1]):
        column, kept_of = lines[part, _COLUMN], lines[part, _KEPT_OF]
        code = np.int64(rows[third, column])
        if code >= 0 and kept_of:
            _fetch(kept_of + 4 * code, 4)
        code = np.int64(rows[second, column])
        kept = _int(kept_of, code) if code >= 0 and kept_of else np.int64(-1)
        if kept >= 0:
            _fetch(lines[part, _KEPT] + kept * size, size)
        if lines[part, _LOCAL] or lines[part, _LISTED]:
            continue
        if code >= 0 and kept < 0:
            _fetch(lines[part, _STARTS] + 8 * code, 8)
            _fetch(lines[part, _COUNTS] + 2 * code, 2)
        code = np.int64(rows[first, column])
        if code >= 0 and not (kept_of and _int(kept_of, code) >= 0):
            _fetch(lines[part, _BIGRAMS] + 2 * _long(lines[part, _STARTS], code), 32)


@compiled
def set_bits(
    lines: NDArray[np.int64],
    ends: NDArray[np.int64],
    rows: NDArray[np.int32],
    bounds: NDArray[np.int64],
    depths: NDArray[np.int64],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Makes the plain filters of the records of some blocks.

    Args:
        lines: (parts, FIELDS), those of depth d from ends[d] to ends[d + 1].
        ends: (depths + 1,).
        rows: (n, columns) C-order, codes of the records.
        bounds: (blocks + 1,), where the rows of each block begin.
        depths: (blocks,), the depth of each.
        plain: (n, m/64) C-order, written over whole.
    """
    words, most = plain.shape[1], lines[:, _MOST].sum() + len(lines) + HEAD
    chosen, some = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    rest = np.empty(64 * words + STEP, dtype=np.uint16)
    found = chosen, rest
    for block in range(len(depths)):
        first, last = ends[depths[block]], ends[depths[block] + 1]
        for row in range(bounds[block], bounds[block + 1]):
            have = np.int64(0), np.int64(0)
            _bring_near(lines, (first, last), rows, row, words * 8)
            for part in range(first, last):
                code = np.int64(rows[row, lines[part, _COLUMN]])
                if code < 0:
                    continue
                kept = _int(lines[part, _KEPT_OF], code) if lines[part, _KEPT_OF] else np.int64(-1)
                value = _int(lines[part, _LOCAL], row) if lines[part, _LOCAL] else code
                if kept >= 0:
                    chosen[have[0]] = lines[part, _KEPT] + kept * words * 8
                    have = have[0] + 1, have[1]
                elif lines[part, _LISTED]:
                    for entry in range(_long(lines[part, _STARTS], value), _long(lines[part, _STARTS], value + 1)):
                        token, total = _int(lines[part, _TOKENS], entry), _int(lines[part, _COUNTS], entry)
                        have = _token(lines, part, token, total, found, have, words * 8)
                else:
                    have = _bigrams(lines, part, (code, value), some, found, have, words * 8)
            _unite(plain, row * words, words, chosen, have[0])
            _set_rest(plain, row * words, rest, have[1])
