"""Bigrams of many values at once: what `linkage.features` says of names, given names and texts, compiled.

A column's distinct values are laid end to end, each character as its place in the column's sorted alphabet, so that the
number of a bigram, left · alphabet + right, orders bigrams as their spelling does. Values are cut once and their bigrams kept
as long as there is room; the rest is cut again when its records come.

A value is cut in one walk over its letters. Its bigrams, few and in no order, are then ranked by comparing each with all, many
comparisons at a time, rather than sorted by branches that no processor foresees; equal ones have one rank and are kept once.

Columns written with more than 255 different characters are not packed: their values are cut one by one by `features`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.bits import BASE, HEAD, NO_LETTER, find_heads, survey_values
from linkage.columns import letters_of, points_of
from linkage.compiled import INDEX, WORD, arrays_as_pointers, compiled
from linkage.names import PARTICLES

__all__ = [
    "LETTERS",
    "Cut",
    "Packed",
    "Survey",
    "cut",
    "cut_values",
    "heads",
    "pack",
    "rules_of",
    "survey",
    "word_groups",
]

LARGEST_ALPHABET = 255  # so that no bigram is the number that stands for none
_VECTOR = 64  # bigrams read beyond the last
_POINTS = 0x110000  # of Unicode
_AT_ONCE = 1 << 16  # values surveyed together
LETTERS = {"initial": 1, "two": 2, "three": 3}  # of the block value
_NONE = 0xFFFF  # no bigram
_BATCH = 64  # bigrams of a value that are ranked together; a longer value is sorted
_LONG = types.int64
_SIDE = 32  # bigrams of a vector
_BIGRAMS = ir.VectorType(ir.IntType(16), _SIDE)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Distinct values, laid end to end.

    Attributes:
        letters: (characters,) uint8, places in the alphabet.
        offsets: (values + 1,) int64, where each value begins.
        alphabet: the different characters, sorted; the padding `_` is always one.
        marks: (4,) int64, the size of the alphabet, then the places of the space, the hyphen and the padding (-1: none).
        particles: numbers of the words that do not file a name, as `_number` makes them.
    """

    letters: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    alphabet: str
    marks: NDArray[np.int64]
    particles: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """What compiled functions take: letters, offsets, marks and particles."""
        return self.letters, self.offsets, self.marks, self.particles

    def spelling(self, number: int, letters: int = 2) -> str:
        """The characters of a bigram, or of as many letters."""
        text = ""
        for _ in range(letters):
            number, place = divmod(number, len(self.alphabet))
            text = self.alphabet[place] + text
        return text


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Values cut into bigrams.

    Attributes:
        starts: (values + 1,) int64, where the bigrams of each value begin.
        split: (values,) uint16, how many of them are of the first group.
        bigrams: uint16, of each value those of the first group, sorted, then those of the second.
    """

    starts: NDArray[np.int64]
    split: NDArray[np.uint16]
    bigrams: NDArray[np.uint16]

    @property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16]]:
        """What compiled functions take."""
        return self.starts, self.split, self.bigrams

    def part(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16]]:
        """The same for some of the values."""
        return self.starts[start : stop + 1], self.split[start:stop], self.bigrams

    @cached_property
    def fields(self) -> dict[str, int | NDArray[Any]]:
        """What `linkage.bits.set_bits` takes, with how many bigrams the value has that has most."""
        most = int(np.diff(self.starts).max(initial=0))
        return {"starts": self.starts, "counts": self.split, "bigrams": self.bigrams, "most": most}


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a cut of all values gives, whatever the key.

    Attributes:
        present: (values,) uint8, bit g set where a value has tokens of group g.
        least: (2, alphabet²) int32, of each group and bigram the fewest tokens of a value that has it; 0 = nobody has it.
        uses: (alphabet²,) int64, how many values have each bigram.
    """

    present: NDArray[np.uint8]
    least: NDArray[np.int32]
    uses: NDArray[np.int64]


def rules_of(attribute: Attribute, left_out: Sequence[str]) -> NDArray[np.int64] | None:
    """How an attribute is cut: (hyphens part words, the first word has a group of its own, words are joined, letters left out).

    Returns:
        (4,) int64, or None for attributes that are not compared by bigrams.
    """
    bigrams = attribute.compare == "bigrams"
    if "value" in left_out or not (
        bigrams or (not attribute.compare and attribute.kind in ("name", "given_names", "text"))
    ):
        return None
    given, told = attribute.kind == "given_names", max((LETTERS.get(part, 0) for part in left_out), default=0)
    alone = given and not bigrams
    return np.array([given, alone, alone or attribute.kind == "name", told], dtype=np.int64)


def pack(values: Sequence[str]) -> Packed | None:
    """Values laid end to end, or None when their alphabet is too large."""
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(letters_of(values))])
    seen = np.zeros(_POINTS, dtype=bool)
    seen[ord("_")] = True
    for points in points_of(values):
        seen[points] = True
    alphabet = np.flatnonzero(seen)
    if len(alphabet) > LARGEST_ALPHABET:
        return None
    place_of = np.zeros(_POINTS, dtype=np.uint8)
    place_of[alphabet] = np.arange(len(alphabet))
    letters, at = np.empty(int(offsets[-1]), dtype=np.uint8), 0
    for points in points_of(values):
        letters[at : at + len(points)] = place_of[points]
        at += len(points)
    places = {chr(point): place for place, point in enumerate(alphabet.tolist())}
    marks = [len(alphabet), *(places.get(mark, -1) for mark in " -_")]
    known = (word for word in sorted(PARTICLES) if set(word) <= set(places))
    particles = [_number([places[char] for char in word]) for word in known]
    return Packed(
        letters=letters,
        offsets=offsets,
        alphabet="".join(places),
        marks=np.array(marks, dtype=np.int64),
        particles=np.array([0, *particles], dtype=np.int64),  # 0 is no word: the array is never empty
    )


def heads(packed: Packed, *, given: bool, strip: bool) -> NDArray[np.uint8]:
    """The first letters of the word that each value is filed under: of given names the first, else no particle.

    Returns:
        (values, HEAD) uint8, places in the alphabet, of hyphens only without `strip`; `NO_LETTER` where there is none.
    """
    found = np.empty((len(packed), HEAD), dtype=np.uint8)
    find_heads(packed.arrays, (given, strip), found)
    return found


def cut(packed: Packed, rules: NDArray[np.int64], codes: NDArray[np.int32]) -> Cut:
    """Cuts some values, nothing left out."""
    letters = packed.offsets[codes + 1] - packed.offsets[codes]
    bigrams = np.empty(int(2 * (letters.sum() + len(codes))) + _VECTOR, dtype=np.uint16)
    starts, split = np.empty(len(codes) + 1, dtype=np.int64), np.empty(len(codes), dtype=np.uint16)
    cut_values(packed.arrays, rules, codes, starts, split, bigrams)
    return Cut(starts=starts, split=split, bigrams=bigrams[: starts[-1]])  # memory that was never written to takes none


def survey(packed: Packed, rules: NDArray[np.int64], whole: Cut | None, heads: NDArray[np.uint8]) -> Survey:
    """Goes through all values once, to know what they have and which positions each bigram will need.

    Args:
        packed: the values.
        rules: of `rules_of`.
        whole: all values cut under these rules, if they are kept.
        heads: of `heads`, read if the rules leave letters out.
    """
    size = len(packed.alphabet) ** 2
    found = np.zeros(len(packed), dtype=np.uint8), np.zeros((2, size), dtype=np.int32), np.zeros(size, dtype=np.int64)
    for start in range(0, len(packed), _AT_ONCE):
        codes = np.arange(start, min(start + _AT_ONCE, len(packed)), dtype=np.int32)
        some = cut(packed, rules, codes).arrays if whole is None else whole.part(start, start + len(codes))
        survey_values(some, codes, _told(packed, rules, heads[start : start + len(codes)], len(codes)), found)
    return Survey(present=found[0], least=found[1], uses=found[2])


def _told(packed: Packed, rules: NDArray[np.int64], heads: NDArray[np.uint8], count: int) -> NDArray[np.int32]:
    """The bigrams that the block value tells of some values, (values, HEAD); negative for none."""
    told = np.full((count, HEAD), -1, dtype=np.int32)
    if rules[3]:
        lefts = np.column_stack([np.full(count, packed.marks[3]), heads[:, :-1]])
        some = (lefts != NO_LETTER) & (heads != NO_LETTER)
        some[:, rules[3] :] = False
        told[some] = (lefts * packed.marks[0] + heads)[some]
    return told


def word_groups(packed: Packed, *, rest: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Values with the same first word, or with the same letters after it.

    Returns:
        (values,) int32, the group of each value; and the first value of each group.
    """
    found, firsts = np.empty(len(packed), dtype=np.int32), np.empty(len(packed), dtype=np.int32)
    slots = np.full(1 << (2 * len(packed)).bit_length(), -1, dtype=np.int32)
    count = _group_words(packed.letters, packed.offsets, packed.marks[1], rest, (slots, found, firsts))
    return found, firsts[:count].copy()


def _number(places: Sequence[int]) -> int:
    number = 0
    for place in places:
        number = number * BASE + place + 1
    return number


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


_count_below: Any = intrinsic(_below_code)


@compiled
def cut_values(  # noqa: C901, PLR0912 - a call for each value costs, and so does an inlined part (a tenth, measured)
    packed: tuple[NDArray[Any], ...],
    rules: NDArray[np.int64],
    codes: NDArray[np.int32],
    starts: NDArray[np.int64],
    split: NDArray[np.uint16],
    bigrams: NDArray[np.uint16],
) -> None:  # pragma: no cover - compiled
    """Cuts values, nothing left out.

    Args:
        packed: letters, offsets, marks and particles of a `Packed`.
        rules: of `rules_of`.
        codes: the values.
        starts: (codes + 1,) int64, filled with where the bigrams of each value begin.
        split: (codes,) uint16, filled with how many are of the first group.
        bigrams: long enough for all and a vector more, filled with the sorted bigrams of the first group, then of the second.
    """
    letters, offsets, marks, _ = packed
    size, space, padding = marks[0], marks[1], marks[3]
    hyphen = marks[2] if rules[0] else np.int64(-1)
    alone, joined = rules[1], rules[2]
    below = np.empty(_BATCH, dtype=np.uint16)
    ordered = np.empty(_BATCH, dtype=np.uint16)
    at = 0
    for value in range(len(codes)):
        starts[value] = first = at
        group = 0
        before, last = np.int64(-1), np.int64(-1)  # the letter before, in the word; the last letter of the word before
        stop = offsets[codes[value] + 1]
        for place in range(offsets[codes[value]], stop + 1):
            letter = np.int64(letters[place]) if place < stop else space
            if place < stop and letter != space and letter != hyphen:  # noqa: PLR1714 - compiled
                bigrams[at] = (before if before >= 0 else padding) * size + letter
                at += 1
                if before < 0 and joined and last >= 0 and not group:
                    bigrams[at] = last * size + letter
                    at += 1
                before = letter
                continue
            if before >= 0:
                bigrams[at] = before * size + padding
                at += 1
                last, before = before, np.int64(-1)
            if place < stop and not (alone and letter == space and not group):
                continue
            # The end of a group: its bigrams in order, each once.
            count = at - first
            if count > _BATCH:
                bigrams[first:at] = np.sort(bigrams[first:at])
            else:
                _count_below(bigrams, first, count, below)
                for k in range(count):
                    ordered[k] = _NONE
                for k in range(count):
                    ordered[below[k]] = bigrams[first + k]
                for k in range(count):
                    bigrams[first + k] = ordered[k]
            at, before_it = first, np.uint16(_NONE)
            for k in range(first, first + count):
                bigram = bigrams[k]
                bigrams[at] = bigram
                at += bigram != _NONE and bigram != before_it  # noqa: PLR1714 - compiled
                before_it = bigram
            if not group:
                split[value] = at - first
            group, first, last = 1, at, np.int64(-1)
    starts[len(codes)] = at


@compiled
def _group_words(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    space: int,
    rest: bool,  # noqa: FBT001 - compiled
    found: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]],
) -> int:  # pragma: no cover - compiled
    """Fills the group of each value and the first value of each; `slots`, a power of two of -1, holds groups by their hash."""
    slots, groups, firsts = found
    begins, sizes = np.empty(len(firsts), dtype=np.int64), np.empty(len(firsts), dtype=np.int64)
    count = 0
    for value in range(len(offsets) - 1):
        begin, stop = offsets[value], offsets[value + 1]
        middle = begin
        while middle < stop and letters[middle] != space:
            middle += 1
        if rest:
            begin = min(middle + 1, stop)
        else:
            stop = middle
        mixed = np.uint64(0xCBF29CE484222325)
        for place in range(begin, stop):
            mixed = (mixed ^ np.uint64(letters[place])) * np.uint64(0x100000001B3)
        slot = np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(len(slots) - 1))
        while slots[slot] >= 0:
            group = slots[slot]
            same = sizes[group] == stop - begin
            place = 0
            while same and place < stop - begin:
                same = letters[begins[group] + place] == letters[begin + place]
                place += 1
            if same:
                break
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            slots[slot], firsts[count] = count, value
            begins[count], sizes[count] = begin, stop - begin
            count += 1
        groups[value] = slots[slot]
    return count
