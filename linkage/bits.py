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

from linkage.compiled import LANES, WORD, arrays_as_pointers, compiled, load, store

__all__ = ["BASE", "HEAD", "STEP", "add_bigrams", "add_listed", "cut_value", "fill_masks", "find_heads", "room_for", "survey_values"]

BASE = 257  # of the numbers of words: one more than the largest alphabet
HEAD = 3  # letters that a block value may take of a name
STEP = 8  # positions from one mask of a token to its next

_PARTICLE_LETTERS = 3  # of the longest particle
_NONE = 0xFFFF  # no bigram
_BATCH = 64  # bigrams of a value that are ranked together; a longer value is sorted

_LONG = types.int64


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


_or_masks: Any = intrinsic(_or_code)


@compiled
def _head(
    packed: tuple[NDArray[Any], ...], value: int, given: bool, strip: bool, found: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    """The first letters of the word that files a value; -1 where there is none."""
    letters, offsets, marks, particles = packed
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
    for value in range(len(packed[1]) - 1):
        _head(packed, value, given, given, found[value])


@compiled
def room_for(offsets: NDArray[np.int64]) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:  # pragma: no cover - compiled
    """Working space of one thread: (2, room) bigrams as they are met, and the same in order."""
    longest = 0
    for value in range(len(offsets) - 1):
        longest = max(longest, offsets[value + 1] - offsets[value])
    room = max(2 * longest + 2, 2 * _BATCH)
    return np.empty((2, room), dtype=np.uint16), np.empty((2, room), dtype=np.uint16)


@compiled
def _walk(
    packed: tuple[NDArray[Any], ...], value: int, rules: NDArray[np.int64], met: NDArray[np.uint16]
) -> tuple[int, int]:  # pragma: no cover - compiled
    """The bigrams of both groups of a value as they are met; returns how many each has."""
    letters, offsets, marks, _ = packed
    size, space, padding = marks[0], marks[1], marks[3]
    hyphen = marks[2] if rules[0] else np.int64(-1)
    alone, joined, told = rules[1], rules[2], rules[3]
    head = np.full(HEAD, -1, dtype=np.int64) if told else np.empty(0, dtype=np.int64)
    if told:
        _head(packed, value, rules[0] != 0, True, head)
        left = padding
        for place in range(HEAD):
            right = head[place]
            head[place] = left * size + right if place < told and left >= 0 and right >= 0 else -1
            left = right
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
    if told:  # what the block value says is left out
        kept = 0
        for place in range(count):
            bigram = met[0, place]
            met[0, kept] = bigram
            kept += bigram != head[0] and bigram != head[1] and bigram != head[2]
        count = kept
    return count, others


@compiled
def _rank(met: NDArray[np.uint16], count: int, found: NDArray[np.uint16]) -> int:  # pragma: no cover - compiled
    """The first `count` bigrams in order, each once; returns how many they are."""
    if count > _BATCH:
        found[:count] = np.sort(met[:count])
    else:
        width = 16 if count <= 16 else 32 if count <= 32 else _BATCH
        below = np.zeros(_BATCH, dtype=np.uint16)
        for place in range(count, width):
            met[place] = _NONE
        if width == 16:
            for place in range(count):
                bigram = met[place]
                for k in range(16):
                    below[k] += np.uint16(bigram < met[k])
        elif width == 32:
            for place in range(count):
                bigram = met[place]
                for k in range(32):
                    below[k] += np.uint16(bigram < met[k])
        else:
            for place in range(count):
                bigram = met[place]
                for k in range(_BATCH):
                    below[k] += np.uint16(bigram < met[k])
        for place in range(count):
            found[place] = _NONE
        for place in range(count):
            found[below[place]] = met[place]
    kept, last = 0, np.uint16(_NONE)
    for place in range(count):
        bigram = found[place]
        found[kept] = bigram
        kept += bigram != _NONE and bigram != last
        last = bigram
    return kept


@compiled
def cut_value(
    packed: tuple[NDArray[Any], ...],
    value: int,
    rules: NDArray[np.int64],
    room: tuple[NDArray[np.uint16], NDArray[np.uint16]],
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Cuts one value.

    Args:
        packed: letters, offsets, marks and particles of a `linkage.cut.Packed`.
        value: its number.
        rules: of `linkage.cut.rules_of`.
        room: of `room_for`; the second half is filled with the sorted bigrams of each group.

    Returns:
        How many bigrams each of the two groups has.
    """
    met, found = room
    counts = _walk(packed, value, rules, met)
    return _rank(met[0], counts[0], found[0]), _rank(met[1], counts[1], found[1])


@compiled
def survey_values(
    packed: tuple[NDArray[Any], ...],
    rules: NDArray[np.int64],
    present: NDArray[np.uint8],
    least: NDArray[np.int32],
    uses: NDArray[np.int64],
) -> None:  # pragma: no cover - compiled
    """Cuts all values, for what `linkage.cut.Survey` says."""
    room = room_for(packed[1])
    found = room[1]
    for value in range(len(packed[1]) - 1):
        counts = cut_value(packed, value, rules, room)
        for group in range(2):
            size = counts[group]
            present[value] |= (size > 0) << group
            for place in range(size):
                bigram = found[group, place]
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
def _choose(
    drawn: tuple[NDArray[Any], ...], token: int, count: int, chosen: NDArray[np.int64], rest: NDArray[np.int64], at: tuple[int, int]
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Notes the mask of a token's first `count` positions, and where those left over begin and end."""
    starts, _, first, _ = drawn
    masks, ranges = at
    start, stop = starts[token], starts[token] + count
    if first[token] >= 0 and count >= STEP:
        chosen[masks] = first[token] + count // STEP - 1
        masks += 1
        start += count // STEP * STEP
    if start < stop:
        rest[2 * ranges], rest[2 * ranges + 1] = start, stop
        ranges += 1
    return masks, ranges


@compiled
def _set(
    drawn: tuple[NDArray[Any], ...],
    chosen: NDArray[np.int64],
    rest: NDArray[np.int64],
    at: tuple[int, int],
    plain: NDArray[np.uint64],
    row: int,
) -> None:  # pragma: no cover - compiled
    """Sets what was noted in one row."""
    places, masks = drawn[1], drawn[3]
    if at[0]:
        _or_masks(plain, row * plain.shape[1], plain.shape[1], masks, chosen, at[0])
    target = plain[row]
    for one in range(at[1]):
        for place in range(rest[2 * one], rest[2 * one + 1]):
            position = np.int64(places[place])
            target[position >> 6] |= np.uint64(1) << np.uint64(position & 63)


@compiled
def add_bigrams(
    packed: tuple[NDArray[Any], ...],
    rules: NDArray[np.int64],
    budget: NDArray[np.int64],
    token_of: NDArray[np.int64],
    drawn: tuple[NDArray[Any], ...],
    records: tuple[NDArray[np.int32], NDArray[np.int64]],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Sets the bits of values laid end to end.

    Args:
        packed, rules: as `cut_value` takes them.
        budget: (2,) int64, insertions of each group.
        token_of: (alphabet²,) int64, the token that each bigram is among those drawn.
        drawn: the arrays of a `linkage.positions.Drawn`.
        records: their codes, negative for no value, and their rows in `plain`.
        plain: (n, m/64) uint64 C-order.
    """
    codes, rows = records
    room = room_for(packed[1])
    found = room[1]
    chosen, rest = np.empty(found.size, dtype=np.int64), np.empty(2 * found.size, dtype=np.int64)
    for record in range(len(codes)):
        if codes[record] >= 0:
            counts = cut_value(packed, codes[record], rules, room)
            at = (0, 0)
            for group in range(2):
                size = counts[group]
                if size and budget[group]:
                    each = budget[group] // size
                    more = budget[group] - each * size
                    for place in range(size):
                        token = token_of[found[group, place]]
                        at = _choose(drawn, token, each + (place < more), chosen, rest, at)
            _set(drawn, chosen, rest, at, plain, rows[record])


@compiled
def add_listed(
    offsets: NDArray[np.int64],
    token: NDArray[np.int64],
    count: NDArray[np.int32],
    drawn: tuple[NDArray[Any], ...],
    records: tuple[NDArray[np.int32], NDArray[np.int64]],
    plain: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Sets the bits of values whose tokens are listed: those of value v are entries offsets[v] to offsets[v + 1].

    Args:
        offsets: (values + 1,) int64.
        token: (entries,) int64, among those drawn.
        count: (entries,) int32, positions that each sets.
        drawn, records, plain: as `add_bigrams` takes them.
    """
    codes, rows = records
    most = 0
    for value in range(len(offsets) - 1):
        most = max(most, offsets[value + 1] - offsets[value])
    chosen, rest = np.empty(most, dtype=np.int64), np.empty(2 * most, dtype=np.int64)
    for record in range(len(codes)):
        if codes[record] >= 0:
            at = (0, 0)
            for entry in range(offsets[codes[record]], offsets[codes[record] + 1]):
                at = _choose(drawn, token[entry], count[entry], chosen, rest, at)
            _set(drawn, chosen, rest, at, plain, rows[record])
