"""The encoder's compiled loops: what values have, and the bits of their tokens set in filters.

The bits of a record's tokens are set in two rounds: first the masks of whole steps of positions, all of a token's first 8, 16,
24…, eight words at a time; then the positions left over, one by one. Mixed, each vector would wait for the single words before.
Values that many records have come whole, as filters of their own (`linkage.kept`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.compiled import LANES, VECTOR, WORD, arrays_as_pointers, brief, compiled, inlined, load, store

__all__ = [
    "BASE",
    "HEAD",
    "STEP",
    "add_bigrams",
    "add_kept",
    "add_listed",
    "choose_kept",
    "fill_masks",
    "find_heads",
    "survey_values",
]

BASE = 257  # of the numbers of words: one more than the largest alphabet
HEAD = 3  # letters that a block value may take of a name
STEP = 8  # positions from one mask of a token to its next

_PARTICLE_LETTERS = 3  # of the longest particle

_LONG = types.int64


def _or_code(_typing: Any, rows: Any, _at: Any, _words: Any, masks: Any, chosen: Any, _count: Any) -> Any:
    """The masks that begin at the first `count` words of `chosen`, all set in the row that begins at a word of `rows`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, at, words, masks, chosen, count = arrays_as_pointers(context, builder, signature, values)
        done: Any = ir.Constant(WORD, 0)
        for size in (4 * LANES, LANES):  # four registers at a time, then what is left
            parts = builder.sdiv(builder.sub(words, done), ir.Constant(WORD, size))
            with cgutils.for_range(builder, parts) as part:
                start = builder.add(done, builder.mul(part.index, ir.Constant(WORD, size)))
                places = [builder.add(start, ir.Constant(WORD, k)) for k in range(0, size, LANES)]
                targets = [builder.gep(rows, [builder.add(at, place)]) for place in places]
                totals = [cgutils.alloca_once(builder, VECTOR) for _ in places]  # type: ignore[no-untyped-call]
                for target, total in zip(targets, totals, strict=True):
                    builder.store(load(builder, target), total)
                with cgutils.for_range(builder, count) as loop:
                    mask = builder.gep(masks, [builder.load(builder.gep(chosen, [loop.index]))])
                    for place, total in zip(places, totals, strict=True):
                        more = load(builder, builder.gep(mask, [place]))
                        builder.store(builder.or_(builder.load(total), more), total)
                for target, total in zip(targets, totals, strict=True):
                    store(builder, builder.load(total), target)
            done = builder.mul(parts, ir.Constant(WORD, size))
        return context.get_dummy_value()

    return types.void(rows, _LONG, _LONG, masks, chosen, _LONG), emit


def _copy_code(_typing: Any, places: Any, _start: Any, _count: Any, rest: Any, _at: Any) -> Any:
    """The next `count` positions, after the `at` that are there; up to `STEP` - 1 more come along and are written over."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        places, start, count, rest, at = arrays_as_pointers(context, builder, signature, values)
        few = ir.VectorType(ir.IntType(16), STEP).as_pointer()
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

    return types.void(places, _LONG, _LONG, rest, _LONG), emit


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


_or_masks: Any = intrinsic(_or_code)
_copy_rest: Any = intrinsic(_copy_code)
_set_rest: Any = intrinsic(_set_code)


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
    packed: tuple[NDArray[Any], ...],
    given: bool,  # noqa: FBT001 - compiled
    found: NDArray[np.int64],
) -> None:  # pragma: no cover - compiled
    """The first letters that each value is filed under, (values, HEAD), -1 where there is none."""
    letters, offsets, marks, particles = packed
    head = np.empty(HEAD, dtype=np.int64)
    for value in range(len(offsets) - 1):
        _head(letters, offsets, marks, particles, value, (given, given), head)
        for place in range(HEAD):
            found[value, place] = head[place]


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
        packed: as `linkage.cut.cut_values` takes it.
        rules: as `linkage.cut.cut_values` takes them.
        cut: starts, split and bigrams that it fills for these codes.
        codes: the values.
        survey: present, least and uses of a survey.
    """
    present, least, uses = survey
    letters, offsets, marks, particles = packed
    starts, split, bigrams = cut
    head = np.full(HEAD, -1, dtype=np.int64)
    for value in range(len(codes)):
        if rules[3]:
            _fixed(letters, offsets, marks, particles, codes[value], rules, head)
        begin, stop = starts[value], starts[value + 1]
        middle = begin + split[value]
        gone = 0
        for place in range(begin, middle):
            bigram = np.int64(bigrams[place])
            gone += bigram == head[0] or bigram == head[1] or bigram == head[2]
        present[codes[value]] = (middle - begin > gone) | (stop > middle) << 1
        for place in range(begin, stop):
            bigram = np.int64(bigrams[place])
            group = 0 if place < middle else 1
            size = middle - begin - gone if place < middle else stop - middle
            if group or (bigram != head[0] and bigram != head[1] and bigram != head[2]):
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


@compiled
def add_bigrams(
    source: tuple[tuple[NDArray[Any], ...], NDArray[np.int64], tuple[NDArray[Any], ...], int],
    codes: tuple[NDArray[np.int32], NDArray[np.int32]],
    budget: NDArray[np.int64],
    token_of: NDArray[np.int64],
    drawn: tuple[NDArray[Any], ...],
    rows: NDArray[np.int64],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Sets the bits of values cut into bigrams.

    Args:
        source: packed, rules and cut, as `survey_values` takes them, and the most bigrams of a value.
        codes: of the records, where they stand in the column and where in the cut; negative for no value.
        budget: (2,) int64, insertions of each group; 0 passes it over.
        token_of: (alphabet²,) int64, the token that each bigram is among those drawn.
        drawn: the arrays of a `linkage.positions.Drawn`.
        rows: of the records in `plain`.
        plain: (n, m/64) uint64 C-order.
    """
    (letters, offsets, marks, particles), rules, (begins, split, bigrams), most = source
    starts, places, first, masks = drawn
    words, whole, kinds = plain.shape[1], codes[0], codes[1]
    head, kept = np.full(HEAD, -1, dtype=np.int64), np.empty(most + 1, dtype=np.int64)
    chosen, rest = np.empty(most + 1, dtype=np.int64), np.empty(64 * words + STEP, dtype=np.uint16)
    for record in range(len(rows)):
        if whole[record] < 0:
            continue
        if rules[3]:
            _fixed(letters, offsets, marks, particles, whole[record], rules, head)
        count, chosen_count, left = 0, 0, 0
        begin, middle, stop = begins[kinds[record]], split[kinds[record]], begins[kinds[record] + 1]
        for place in range(begin, begin + middle):  # what the block value tells is left out
            bigram = np.int64(bigrams[place])
            kept[count] = bigram
            count += bigram != head[0] and bigram != head[1] and bigram != head[2]
        middle, stop = count, count + stop - begin - middle
        for place in range(middle, stop):
            kept[place] = bigrams[begins[kinds[record] + 1] - stop + place]
        last = stop if budget[1] else middle
        for place in range(0 if budget[0] else middle, last):
            bits, size, nth = (
                (budget[0], middle, place) if place < middle else (budget[1], stop - middle, place - middle)
            )
            if not place or place == middle:
                each = bits // size
                more = bits - each * size
            token = token_of[kept[place]]
            total = each + (nth < more)
            steps = total // STEP if first[token] >= 0 else 0
            chosen[chosen_count] = (first[token] + steps - 1) * words
            chosen_count += steps > 0
            _copy_rest(places, starts[token] + steps * STEP, total - steps * STEP, rest, left)
            left += total - steps * STEP
        _or_masks(plain, rows[record] * words, words, masks, chosen, chosen_count)
        _set_rest(plain, rows[record] * words, rest, left)


@compiled
def add_listed(
    listed: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], int],
    drawn: tuple[NDArray[Any], ...],
    codes: NDArray[np.int32],
    rows: NDArray[np.int64],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Sets the bits of values whose tokens are listed.

    Args:
        listed: offsets, those of value v being entries offsets[v] to offsets[v + 1]; the token of each entry among those drawn;
            how many positions it sets; the most entries of a value.
        drawn: as `add_bigrams` takes it.
        codes: of the records, negative for no value.
        rows: of the records in `plain`.
        plain: (n, m/64) uint64 C-order.
    """
    starts, places, first, masks = drawn
    offsets, token, count, most = listed
    words = plain.shape[1]
    chosen, rest = np.empty(most + 1, dtype=np.int64), np.empty(64 * words + STEP, dtype=np.uint16)
    for record in range(len(codes)):
        if codes[record] >= 0:
            chosen_count, left = np.int64(0), np.int64(0)
            for entry in range(offsets[codes[record]], offsets[codes[record] + 1]):
                one, total = token[entry], np.int64(count[entry])
                steps = total // STEP if first[one] >= 0 else np.int64(0)
                chosen[chosen_count] = (first[one] + steps - 1) * words
                chosen_count += steps > 0
                _copy_rest(places, starts[one] + steps * STEP, total - steps * STEP, rest, left)
                left += total - steps * STEP
            _or_masks(plain, rows[record] * words, words, masks, chosen, chosen_count)
            _set_rest(plain, rows[record] * words, rest, left)


@brief
def choose_kept(
    codes: NDArray[np.int32],
    records: NDArray[np.int64],
    row_of: NDArray[np.int32],
    chosen: NDArray[np.int32],
    missed: NDArray[np.int64],
) -> int:  # pragma: no cover - compiled
    """The filter kept for the value of each record.

    Args:
        codes: of all records, negative for no value.
        records: the records.
        row_of: the filter kept for each value, negative for none.
        chosen: (records,), filled with those filters, negative for none.
        missed: (records,), begins with the places among `records` of those who have a value and no filter kept for it.

    Returns:
        How many have none.
    """
    count = 0
    for place in range(len(records)):
        code = codes[records[place]]
        row = np.int32(-1)
        if code >= 0:
            row = row_of[code]
            missed[count] = place
            count += row < 0
        chosen[place] = row
    return count


@compiled
def add_kept(
    kept: NDArray[np.uint64], chosen: NDArray[np.int32], rows: NDArray[np.int64], plain: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    """Sets the bits of kept filters.

    Args:
        kept: (filters, m/64) uint64 C-order.
        chosen: (parts, records), of each part of each record the filter kept for it, negative for none.
        rows: of the records in `plain`.
        plain: (n, m/64) uint64 C-order.
    """
    words = plain.shape[1]
    offsets = np.empty(len(chosen) + 1, dtype=np.int64)
    for record in range(len(rows)):
        count = 0
        for part in range(len(chosen)):
            offsets[count] = np.int64(chosen[part, record]) * words
            count += chosen[part, record] >= 0
        _or_masks(plain, rows[record] * words, words, kept, offsets, count)
