"""The encoder's compiled loops: values cut into bigrams, and the bits of tokens set in filters.

A value is cut in one walk over its letters. Its bigrams, few and in no order, are then ranked by comparing each with all, many
comparisons at a time, rather than sorted by branches that no processor foresees; equal ones have one rank and are kept once.

The bits of a record's tokens are set in two rounds: first the masks of whole steps of positions, all of a token's first 8, 16,
24…, eight words at a time; then the positions left over, one by one. Mixed, each vector would wait for the single words before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.compiled import INDEX, LANES, WORD, arrays_as_pointers, compiled, inlined, load, store

__all__ = ["BASE", "HEAD", "STEP", "add_bigrams", "add_listed", "cut_values", "fill_masks", "find_heads", "survey_values"]

BASE = 257  # of the numbers of words: one more than the largest alphabet
HEAD = 3  # letters that a block value may take of a name
STEP = 8  # positions from one mask of a token to its next

_PARTICLE_LETTERS = 3  # of the longest particle
_NONE = 0xFFFF  # no bigram
_BATCH = 64  # bigrams of a value that are ranked together; a longer value is sorted

_LONG = types.int64
_SIDE = 32  # bigrams of a vector
_BIGRAMS = ir.VectorType(ir.IntType(16), _SIDE)


def _or_code(_typing: Any, rows: Any, _at: Any, _words: Any, masks: Any, chosen: Any, _count: Any) -> Any:
    """The masks whose numbers are the first `count` of `chosen`, all set in the row that begins at a word of `rows`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, at, words, masks, chosen, count = arrays_as_pointers(context, builder, signature, values)
        with cgutils.for_range(builder, builder.sdiv(words, ir.Constant(WORD, LANES))) as chunk:
            start = builder.mul(chunk.index, ir.Constant(WORD, LANES))
            target = builder.gep(rows, [builder.add(at, start)])
            total = cgutils.alloca_once_value(builder, load(builder, target))  # type: ignore[no-untyped-call]
            with cgutils.for_range(builder, count) as loop:
                number = builder.load(builder.gep(chosen, [loop.index]))
                mask = builder.gep(masks, [builder.add(builder.mul(number, words), start)])
                builder.store(builder.or_(builder.load(total), load(builder, mask)), total)
            store(builder, builder.load(total), target)
        return context.get_dummy_value()

    return types.void(rows, _LONG, _LONG, masks, chosen, _LONG), emit


def _below_code(_typing: Any, met: Any, _at: Any, _count: Any, below: Any) -> Any:
    """Of each of the `count` bigrams from `at` on, how many of them are smaller; whole vectors are read and written."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        met, at, count, below = arrays_as_pointers(context, builder, signature, values)
        first, empty = builder.gep(met, [at]), ir.Constant(_BIGRAMS, ir.Undefined)
        whole = builder.sdiv(builder.add(count, ir.Constant(WORD, _SIDE - 1)), ir.Constant(WORD, _SIDE))
        with cgutils.for_range(builder, whole) as part:
            start = builder.mul(part.index, ir.Constant(WORD, _SIDE))
            mine = builder.load(builder.bitcast(builder.gep(first, [start]), _BIGRAMS.as_pointer()), align=2)
            total = cgutils.alloca_once(builder, _BIGRAMS)  # type: ignore[no-untyped-call]
            builder.store(ir.Constant(_BIGRAMS, [0] * _SIDE), total)
            with cgutils.for_range(builder, count) as loop:
                other = builder.load(builder.gep(first, [loop.index]))
                spread = builder.insert_element(empty, other, ir.Constant(INDEX, 0))
                spread = builder.shuffle_vector(spread, empty, ir.Constant(ir.VectorType(INDEX, _SIDE), [0] * _SIDE))
                smaller = builder.zext(builder.icmp_unsigned("<", spread, mine), _BIGRAMS)
                builder.store(builder.add(builder.load(total), smaller), total)
            target = builder.bitcast(builder.gep(below, [start]), _BIGRAMS.as_pointer())
            builder.store(builder.load(total), target, align=2)
        return context.get_dummy_value()

    return types.void(met, _LONG, _LONG, below), emit


_or_masks: Any = intrinsic(_or_code)
_count_below: Any = intrinsic(_below_code)


@inlined
def _head(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    marks: NDArray[np.int64],
    particles: NDArray[np.int64],
    value: int,
    kind: tuple[bool, bool],
    found: NDArray[np.int64],
) -> None:  # pragma: no cover - compiled
    """The first letters of the word that files a value, -1 where there is none; `kind`: given names, without hyphens."""
    given, strip = kind
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
        if count < len(found) and not (strip and letters[place] == marks[2]):
            found[count] = letters[place]
            count += 1
    found[count:] = -1


@compiled
def find_heads(
    packed: tuple[NDArray[Any], ...], given: bool, found: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    """The first letters that each value is filed under, (values, HEAD), -1 where there is none."""
    letters, offsets, marks, particles = packed
    head = np.empty(HEAD, dtype=np.int64)
    for value in range(len(offsets) - 1):
        _head(letters, offsets, marks, particles, value, (given, given), head)
        for place in range(HEAD):
            found[value, place] = head[place]


@inlined
def _walk(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    marks: NDArray[np.int64],
    value: int,
    rules: NDArray[np.int64],
    met: NDArray[np.uint16],
) -> tuple[int, int]:  # pragma: no cover - compiled
    """The bigrams of both groups of a value as they are met; returns how many each has."""
    size, space, padding = marks[0], marks[1], marks[3]
    hyphen = marks[2] if rules[0] else np.int64(-1)
    alone, joined = rules[1], rules[2]
    count, others, group = 0, 0, 0
    before, last = np.int64(-1), np.int64(-1)  # the letter before, in the word; the last letter of the word before
    stop = offsets[value + 1]
    for place in range(offsets[value], stop + 1):
        letter = np.int64(letters[place]) if place < stop else space
        if place == stop or letter == space or letter == hyphen:
            if before >= 0:
                met[group, others if group else count] = before * size + padding
                count, others = count + 1 - group, others + group
                last = before
            before = np.int64(-1)
            if alone and place < stop and letter == space:
                group, last = 1, np.int64(-1)
            continue
        met[group, others if group else count] = (before if before >= 0 else padding) * size + letter
        count, others = count + 1 - group, others + group
        if before < 0 and joined and last >= 0 and not group:
            met[0, count] = last * size + letter
            count += 1
        before = letter
    return count, others


@inlined
def _rank(
    met: NDArray[np.uint16], group: int, count: int, below: NDArray[np.uint16], found: NDArray[np.uint16]
) -> int:  # pragma: no cover - compiled
    """The bigrams of a group in order, each once; returns how many they are."""
    if count > _BATCH:
        found[group, :count] = np.sort(met[group, :count])
    else:
        for place in range(count, -(-count // _SIDE) * _SIDE):
            met[group, place] = _NONE
        _count_below(met, group * met.shape[1], count, below)
        for place in range(count):
            found[group, place] = _NONE
        for place in range(count):
            found[group, below[place]] = met[group, place]
    kept, last = 0, np.uint16(_NONE)
    for place in range(count):
        bigram = found[group, place]
        found[group, kept] = bigram
        kept += bigram != _NONE and bigram != last
        last = bigram
    return kept


@compiled
def cut_values(
    packed: tuple[NDArray[Any], ...],
    rules: NDArray[np.int64],
    codes: NDArray[np.int32],
    starts: NDArray[np.int64],
    split: NDArray[np.uint16],
    bigrams: NDArray[np.uint16],
) -> None:  # pragma: no cover - compiled
    """Cuts values, nothing left out.

    Args:
        packed: letters, offsets, marks and particles of a `linkage.cut.Packed`.
        rules: of `linkage.cut.rules_of`.
        codes: the values.
        starts: (codes + 1,) int64, filled with where the bigrams of each value begin.
        split: (codes,) uint16, filled with how many are of the first group.
        bigrams: long enough for all, filled with the sorted bigrams of the first group, then of the second.
    """
    letters, offsets, marks, _ = packed
    longest = 0
    for value in range(len(codes)):
        longest = max(longest, offsets[codes[value] + 1] - offsets[codes[value]])
    room = max(2 * longest + 2, 2 * _BATCH)
    met, found = np.empty((2, room), dtype=np.uint16), np.empty((2, room), dtype=np.uint16)
    below = np.empty(_BATCH, dtype=np.uint16)
    at = 0
    for value in range(len(codes)):
        starts[value] = at
        count, others = _walk(letters, offsets, marks, codes[value], rules, met)
        count, others = _rank(met, 0, count, below, found), _rank(met, 1, others, below, found)
        split[value] = count
        for place in range(count):
            bigrams[at + place] = found[0, place]
        at += count
        for place in range(others):
            bigrams[at + place] = found[1, place]
        at += others
    starts[len(codes)] = at


@inlined
def _fixed(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    marks: NDArray[np.int64],
    particles: NDArray[np.int64],
    value: int,
    rules: NDArray[np.int64],
    head: NDArray[np.int64],
) -> None:  # pragma: no cover - compiled
    """The bigrams that the block value tells of a value: nothing says them in the filter."""
    _head(letters, offsets, marks, particles, value, (rules[0] != 0, True), head)
    left = marks[3]
    for place in range(HEAD):
        right = head[place]
        head[place] = left * marks[0] + right if place < rules[3] and left >= 0 and right >= 0 else -1
        left = right


@inlined
def _sift(
    starts: NDArray[np.int64],
    split: NDArray[np.uint16],
    bigrams: NDArray[np.uint16],
    value: int,
    head: NDArray[np.int64],
    kept: NDArray[np.int64],
) -> tuple[int, int]:  # pragma: no cover - compiled
    """The bigrams of a value that are not in `head`, and how many each group keeps."""
    count, start = 0, starts[value]
    for place in range(start, start + split[value]):
        bigram = np.int64(bigrams[place])
        kept[count] = bigram
        count += bigram != head[0] and bigram != head[1] and bigram != head[2]
    others = count
    for place in range(start + split[value], starts[value + 1]):
        kept[others] = bigrams[place]
        others += 1
    return count, others - count


@compiled
def survey_values(
    packed: tuple[NDArray[Any], ...],
    rules: NDArray[np.int64],
    cut: tuple[NDArray[Any], ...],
    codes: NDArray[np.int32],
    survey: tuple[NDArray[Any], ...],
) -> None:  # pragma: no cover - compiled
    """Adds values to what `linkage.cut.Survey` says of all.

    Args:
        packed, rules: as `cut_values` takes them.
        cut: starts, split and bigrams that it filled for these codes.
        codes: the values.
        survey: present, least and uses of a survey.
    """
    present, least, uses = survey
    letters, offsets, marks, particles = packed
    starts, split, bigrams = cut
    head, kept = np.full(HEAD, -1, dtype=np.int64), np.empty(_longest(starts), dtype=np.int64)
    for value in range(len(codes)):
        if rules[3]:
            _fixed(letters, offsets, marks, particles, codes[value], rules, head)
        counts = _sift(starts, split, bigrams, value, head, kept)
        at = 0
        for group in range(2):
            size = counts[group]
            present[codes[value]] |= (size > 0) << group
            for place in range(at, at + size):
                bigram = kept[place]
                uses[bigram] += 1
                if not least[group, bigram] or size < least[group, bigram]:
                    least[group, bigram] = size
            at += size


@inlined
def _longest(starts: NDArray[np.int64]) -> int:  # pragma: no cover - compiled
    most = 0
    for value in range(len(starts) - 1):
        most = max(most, starts[value + 1] - starts[value])
    return most + 1


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
def _choose(
    starts: NDArray[np.int64],
    first: NDArray[np.int64],
    token: int,
    count: int,
    chosen: NDArray[np.int64],
    rest: NDArray[np.int64],
    at: tuple[int, int],
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Notes the mask of a token's first `count` positions, and where those left over begin and end."""
    masks, ranges = at
    start = starts[token]
    stop = start + count
    if first[token] >= 0 and count >= STEP:
        chosen[masks] = first[token] + count // STEP - 1
        masks += 1
        start += count // STEP * STEP
    rest[2 * ranges], rest[2 * ranges + 1] = start, stop
    return masks, ranges + (start < stop)


@inlined
def _set_rest(
    places: NDArray[np.uint16], rest: NDArray[np.int64], ranges: int, plain: NDArray[np.uint64], row: int
) -> None:  # pragma: no cover - compiled
    """Sets positions one by one."""
    for one in range(ranges):
        for place in range(rest[2 * one], rest[2 * one + 1]):
            position = np.int64(places[place])
            plain[row, position >> 6] |= np.uint64(1) << np.uint64(position & 63)


@compiled
def add_bigrams(
    source: tuple[tuple[NDArray[Any], ...], NDArray[np.int64], tuple[NDArray[Any], ...]],
    codes: tuple[NDArray[np.int32], NDArray[np.int32]],
    budget: NDArray[np.int64],
    token_of: NDArray[np.int64],
    drawn: tuple[NDArray[Any], ...],
    rows: NDArray[np.int64],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Sets the bits of values cut into bigrams.

    Args:
        source: packed, rules and cut, as `survey_values` takes them.
        codes: of the records, where they stand in the column and where in the cut; negative for no value.
        budget: (2,) int64, insertions of each group.
        token_of: (alphabet²,) int64, the token that each bigram is among those drawn.
        drawn: the arrays of a `linkage.positions.Drawn`.
        rows: of the records in `plain`.
        plain: (n, m/64) uint64 C-order.
    """
    (letters, offsets, marks, particles), rules, (begins, split, bigrams) = source
    starts, places, first, masks = drawn
    words, most, whole, kinds = plain.shape[1], _longest(begins), codes[0], codes[1]
    head, kept = np.full(HEAD, -1, dtype=np.int64), np.empty(most, dtype=np.int64)
    chosen, rest = np.empty(most, dtype=np.int64), np.empty(2 * most, dtype=np.int64)
    for record in range(len(rows)):
        if whole[record] >= 0:
            if rules[3]:
                _fixed(letters, offsets, marks, particles, whole[record], rules, head)
            counts = _sift(begins, split, bigrams, kinds[record], head, kept)
            at, begin = (0, 0), 0
            for group in range(2):
                size = counts[group]
                if size and budget[group]:
                    each = budget[group] // size
                    more = begin + budget[group] - each * size
                    for place in range(begin, begin + size):
                        token = token_of[kept[place]]
                        at = _choose(starts, first, token, each + (place < more), chosen, rest, at)
                begin += size
            _or_masks(plain, rows[record] * words, words, masks, chosen, at[0])
            _set_rest(places, rest, at[1], plain, rows[record])


@compiled
def add_listed(
    offsets: NDArray[np.int64],
    token: NDArray[np.int64],
    count: NDArray[np.int32],
    drawn: tuple[NDArray[Any], ...],
    codes: NDArray[np.int32],
    rows: NDArray[np.int64],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Sets the bits of values whose tokens are listed: those of value v are entries offsets[v] to offsets[v + 1].

    Args:
        offsets: (values + 1,) int64.
        token: (entries,) int64, among those drawn.
        count: (entries,) int32, positions that each sets.
        drawn, rows, plain: as `add_bigrams` takes them.
        codes: of the records, negative for no value.
    """
    starts, places, first, masks = drawn
    words, most = plain.shape[1], _longest(offsets)
    chosen, rest = np.empty(most, dtype=np.int64), np.empty(2 * most, dtype=np.int64)
    for record in range(len(codes)):
        if codes[record] >= 0:
            at = (0, 0)
            for entry in range(offsets[codes[record]], offsets[codes[record] + 1]):
                at = _choose(starts, first, token[entry], count[entry], chosen, rest, at)
            _or_masks(plain, rows[record] * words, words, masks, chosen, at[0])
            _set_rest(places, rest, at[1], plain, rows[record])
