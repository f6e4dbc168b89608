"""Compiled loops of the CLK encoder: grams of words as numbered tokens, and the bits of rows.

Bits are counted as clkhash stores them: bit 0 is the highest of the first byte. In a row of 64-bit words, position p is
then bit `p ^ BIT_FLIP` counted from the lowest of word p // 64, whatever the byte order of the machine; callers flip the
table of positions once instead of each bit.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.compiled import compiled

__all__ = [
    "BIT_FLIP",
    "cut_grams",
    "expand_double",
    "insertions",
    "merge_rows",
    "merge_shares",
    "number_shares",
    "set_rows",
    "share_masks",
]

BIT_FLIP = 7 if sys.byteorder == "little" else 63
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: neighbours go far apart
_HIGH_HALF = np.uint64(32)  # the best mixed bits of a product
_EMPTY = np.int64(-1)
_FIRST_SIZE = 12  # log2 of the slots of the first table


def cut_grams(
    points: NDArray[Any],
    alphabet: NDArray[np.uint32],
    lengths: NDArray[np.int64],
    shape: tuple[int, int, bool],
    tokens: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Number the grams of words.

    Args:
        points: all words one after the other, as code points.
        alphabet: by code point, the number of a letter; that of the space, also the padding, is 0.
        lengths: (words,) letters of each word.
        shape: letters of a gram, bits of a letter in a key, and whether the rank is part of the key, above the letters.
        tokens: filled with the number of each gram, len + n - 1 a word that is not empty.

    Returns:
        The key of each distinct token, in order of appearance.
    """
    size = max(_FIRST_SIZE, int(lengths.max(initial=0) + shape[0]).bit_length() + 1)
    state = np.zeros(4, dtype=np.int64)
    keys = np.empty(0, dtype=np.int64)
    while state[0] < len(lengths):  # a larger table each time
        keys = np.concatenate((keys[: state[3]], np.empty((1 << (size - 1)) - state[3], dtype=np.int64)))
        slots, numbers = np.full(1 << size, _EMPTY), np.empty(1 << size, dtype=np.int32)
        _number_keys(keys[: state[3]], slots, numbers)
        _cut_while_room(points, alphabet, lengths, shape, (slots, numbers, keys), state, tokens)
        size += 2
    return keys[: state[3]]


@compiled
def _number_keys(
    keys: NDArray[np.int64], slots: NDArray[np.int64], numbers: NDArray[np.int32]
) -> None:  # pragma: no cover - compiled
    """Put known keys into an empty table."""
    last = len(slots) - 1
    for number in range(len(keys)):
        slot = np.int64((np.uint64(keys[number]) * _SPREAD) >> _HIGH_HALF) & last
        while slots[slot] != _EMPTY:
            slot = (slot + 1) & last
        slots[slot] = keys[number]
        numbers[slot] = number


@compiled
def _cut_while_room(
    points: Any,
    alphabet: NDArray[np.uint32],
    lengths: NDArray[np.int64],
    shape: tuple[int, int, bool],
    table: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]],
    state: NDArray[np.int64],
    tokens: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    """Cut words until the next one might fill the table; `state` is words, points, tokens and distinct tokens done.

    The table never changes size here: an array that a loop may replace costs a counted reference at each step.
    """
    n, bits, positional = shape
    slots, numbers, keys = table
    last = len(slots) - 1
    mask = (np.int64(1) << np.int64(n * bits)) - np.int64(1)
    step = (mask + 1) if positional else np.int64(0)
    word, start, entry, known = state[0], state[1], state[2], state[3]
    while word < len(lengths) and known + lengths[word] + n <= len(keys):
        length = lengths[word]
        code, rank = np.int64(0), np.int64(0)
        for at in range(length + n - 1 if length else 0):
            letter = np.int64(alphabet[points[start + at]]) if at < length else np.int64(0)
            code = ((code << np.int64(bits)) | letter) & mask
            key = code | rank
            rank += step
            slot = np.int64((np.uint64(key) * _SPREAD) >> _HIGH_HALF) & last
            while slots[slot] != key and slots[slot] != _EMPTY:
                slot = (slot + 1) & last
            if slots[slot] == _EMPTY:
                slots[slot] = key
                numbers[slot] = known
                keys[known] = key
                known += 1
            tokens[entry] = numbers[slot]
            entry += 1
        start += length
        word += 1
    state[0], state[1], state[2], state[3] = word, start, entry, known


@compiled
def insertions(
    offsets: NDArray[np.int64],
    tokens: NDArray[np.int32],
    bits: int,
    shared: bool,  # noqa: FBT001
    needs: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    """Raise `needs` to the most insertions that each token has in a word: `bits` each, or its share of `bits`."""
    for word in range(len(offsets) - 1):
        first, last = offsets[word], offsets[word + 1]
        each, more = (bits // (last - first), bits % (last - first)) if shared and last > first else (bits, 0)
        for entry in range(first, last):
            count = each + 1 if entry - first < more else each
            needs[tokens[entry]] = max(needs[tokens[entry]], count)


@compiled
def expand_double(
    pairs: NDArray[np.int64],
    needs: NDArray[np.int32],
    starts: NDArray[np.int64],
    length: int,
    positions: NDArray[np.uint32],
) -> None:  # pragma: no cover - compiled
    """Fill the positions of the double hash: a, a + b, a + 2b, … modulo the length; a and b are below it."""
    for token in range(len(pairs)):
        place, step = pairs[token, 0], pairs[token, 1]
        for rank in range(needs[token]):
            positions[starts[token] + rank] = place
            place += step
            if place >= length:
                place -= length


@compiled
def set_rows(
    codes: NDArray[np.int32],
    offsets: NDArray[np.int64],
    tokens: NDArray[np.int32],
    strategy: tuple[int, bool],
    starts: NDArray[np.int64],
    positions: Any,
    rows: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Set in each row the bits of its word, `codes[row]`; a negative code sets none. Positions are already flipped."""
    bits, shared = strategy
    for row in range(len(codes)):
        word = codes[row]
        if word < 0:
            continue
        first, last = offsets[word], offsets[word + 1]
        each, more = (bits // (last - first), bits % (last - first)) if shared and last > first else (bits, 0)
        for entry in range(first, last):
            count = each + 1 if entry - first < more else each
            start = starts[tokens[entry]]
            for at in range(start, start + count):
                place = np.uint64(positions[at])
                rows[row, place >> np.uint64(6)] |= np.uint64(1) << (place & np.uint64(63))


@compiled
def number_shares(
    offsets: NDArray[np.int64],
    tokens: NDArray[np.int32],
    strategy: tuple[int, bool],
    starts: NDArray[np.int64],
    numbers: NDArray[np.int32],
    shares: NDArray[np.int32],
) -> int:  # pragma: no cover - compiled
    """Number the pairs (token, insertions) of words, in order of appearance.

    Args:
        offsets: of words among `tokens`.
        tokens: of words.
        strategy: bits, and whether they are shared out.
        starts: of each token in `numbers`, with room for each number of insertions up to the most that it needs.
        numbers: -1 everywhere; the number of each pair that there is.
        shares: filled with the number of the pair of each entry of `tokens`.

    Returns:
        How many pairs there are.
    """
    bits, shared = strategy
    known = 0
    for word in range(len(offsets) - 1):
        first, last = offsets[word], offsets[word + 1]
        each, more = (bits // (last - first), bits % (last - first)) if shared and last > first else (bits, 0)
        for entry in range(first, last):
            place = starts[tokens[entry]] + (each + 1 if entry - first < more else each)
            if numbers[place] < 0:
                numbers[place] = known
                known += 1
            shares[entry] = numbers[place]
    return known


@compiled
def share_masks(
    firsts: NDArray[np.int64],
    needs: NDArray[np.int32],
    numbers: NDArray[np.int32],
    starts: NDArray[np.int64],
    positions: Any,
    masks: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """The bits of each pair that `number_shares` numbered: the first insertions of its token."""
    for token in range(len(firsts)):
        for count in range(needs[token] + 1):
            number = numbers[firsts[token] + count]
            if number >= 0:
                for at in range(starts[token], starts[token] + count):
                    place = np.uint64(positions[at])
                    masks[number, place >> np.uint64(6)] |= np.uint64(1) << (place & np.uint64(63))


@compiled
def merge_shares(
    codes: NDArray[np.int32],
    offsets: NDArray[np.int64],
    shares: NDArray[np.int32],
    masks: NDArray[np.uint64],
    rows: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    """Set in each row the bits of the shares of its word, `codes[row]`; a negative code sets none."""
    width = rows.shape[1]
    for row in range(len(codes)):
        word = codes[row]
        if word >= 0:
            for entry in range(offsets[word], offsets[word + 1]):
                for at in range(width):
                    rows[row, at] |= masks[shares[entry], at]


@compiled
def merge_rows(
    codes: NDArray[np.int32], masks: NDArray[np.uint64], rows: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    """Set in each row the bits of the mask `codes[row]`; a negative code sets none."""
    width = rows.shape[1]
    for row in range(len(codes)):
        code = codes[row]
        if code >= 0:
            for word in range(width):
                rows[row, word] |= masks[code, word]
