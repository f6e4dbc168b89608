"""The features of records, cut once a distinct value and kept while one file is encoded: all passes need most of them.

Names, given names and texts are laid end to end and surveyed (`linkage.cut`). The values of other attributes are few, or
they are cut when their records come; their tokens are listed one after the other. A date is cut in two: its year with
nothing else, its month and day with nothing else; a column has some hundred of each where it has tens of thousands of dates.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.attribute import Attribute
from linkage.cut import Cut, Packed, Survey, cut, heads, pack, rules_of, survey, word_groups
from linkage.features import groups, tokens
from linkage.records import Records

__all__ = ["FeatureTable", "Features", "Surveyed", "features_of"]

ROOM = 128 << 20
_NO_HEADS = np.zeros((0, 3), dtype=np.uint8)
MOST_LISTED = 1 << 17  # distinct values whose tokens are kept; more are cut when their records come


@dataclass(frozen=True, kw_only=True)
class Features:
    """The tokens of the distinct values of one attribute: of value v, entries offsets[v] to offsets[v+1].

    Attributes:
        offsets: (values + 1,) int64.
        token: (entries,) int32, index into names.
        group: (entries,) int32, index into the attribute's groups.
        size: (entries,) int32, tokens of that group in that value.
        place: (entries,) int32, the token's place among them, sorted.
        names: distinct tokens.
    """

    offsets: NDArray[np.int64]
    token: NDArray[np.int32]
    group: NDArray[np.int32]
    size: NDArray[np.int32]
    place: NDArray[np.int32]
    names: list[str]

    @cached_property
    def most(self) -> int:
        """Entries of the value that has most."""
        return int(np.diff(self.offsets).max(initial=0))

    def present(self) -> NDArray[np.uint8]:
        """(values,) uint8, bit g set where a value has tokens of group g."""
        found = np.zeros(len(self.offsets) - 1, dtype=np.uint8)
        value = np.repeat(np.arange(len(found)), np.diff(self.offsets))
        for group in np.unique(self.group).tolist():
            found[value[self.group == group]] |= np.uint8(1 << group)
        return found


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """An attribute compared by bigrams: its values, how they are cut, all cut if there is room, and what they have.

    `heads` are the first letters of values (`linkage.cut.heads`, hyphens do not count), none where no letter is left out.
    """

    packed: Packed
    rules: NDArray[np.int64]
    heads: NDArray[np.uint8]
    whole: Cut | None
    survey: Survey


class FeatureTable:
    """Features of records by attribute and left-out parts. Belongs to one encoding of one file and dies with it.

    Args:
        records: whose features.
        room: bytes that cut values may take.
        like: a table of records most of whose columns are these records' own: what it knows of them is taken over.
    """

    def __init__(self, records: Records, *, room: int = ROOM, like: FeatureTable | None = None) -> None:
        self.records = records
        self._room = room
        self._cuts: dict[str, Cut | None] = {}
        self._packed: dict[str, Packed | None] = {}
        self._surveys: dict[tuple[str, tuple[str, ...]], Survey] = {}
        self._listed: dict[tuple[str, tuple[str, ...]], Features] = {}
        self._words: dict[str, list[tuple[NDArray[np.int32], NDArray[np.int32]]]] = {}
        self._heads: dict[tuple[str, bool, bool], NDArray[np.uint8]] = {}
        if like is not None:
            self._take_over(like)

    def _take_over(self, like: FeatureTable) -> None:
        """Takes over what another table knows of columns that both have, and the room that it left."""
        same = {name for name, column in self.records.columns.items() if like.records.columns[name] is column}
        theirs: list[dict[Any, Any]] = [like._cuts, like._packed, like._words, like._heads, like._surveys, like._listed]
        known: list[dict[Any, Any]] = [self._cuts, self._packed, self._words, self._heads, self._surveys, self._listed]
        for mine, other in zip(known, theirs, strict=True):
            mine.update({key: one for key, one in other.items() if (key if isinstance(key, str) else key[0]) in same})
        self._room = like._room

    def packed(self, name: str) -> Packed | None:
        """The values of an attribute laid end to end, or None when their alphabet is too large."""
        if name not in self._packed:
            self._packed[name] = pack(self.records.columns[name].values)
        return self._packed[name]

    def survey(self, attribute: Attribute, left_out: tuple[str, ...]) -> Surveyed | None:
        """What bigrams an attribute gives, or None when it is not compared by bigrams that can be cut fast."""
        rules = rules_of(attribute, left_out)
        packed = None if rules is None else self.packed(attribute.name)
        if rules is None or packed is None:
            return None
        whole = self._cut(attribute.name, packed, rules)
        key = attribute.name, left_out
        told = _NO_HEADS
        if rules[3]:
            told = self.heads(attribute.name, packed, given=bool(rules[0]), strip=True)
        if key not in self._surveys:
            self._surveys[key] = survey(packed, rules, whole, told)
        return Surveyed(packed=packed, rules=rules, heads=told, whole=whole, survey=self._surveys[key])

    def heads(self, name: str, packed: Packed, *, given: bool, strip: bool) -> NDArray[np.uint8]:
        """The first letters of the values of an attribute: see `linkage.cut.heads`."""
        key = name, given, strip or packed.marks[2] < 0  # where there is no hyphen, none counts
        if key not in self._heads:
            self._heads[key] = heads(packed, given=given, strip=strip)
        return self._heads[key]

    def words(self, name: str, packed: Packed) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """The values of an attribute by first word and by what follows it: see `linkage.cut.word_groups`."""
        if name not in self._words:
            self._words[name] = [word_groups(packed, rest=rest) for rest in (False, True)]
        return self._words[name]

    def _cut(self, name: str, packed: Packed, rules: NDArray[np.int64]) -> Cut | None:
        """All values of an attribute cut, while there is room for it."""
        if name not in self._cuts:
            size = 4 * (len(packed.letters) + len(packed))  # at most, in bytes
            room = self._room >= size
            self._room -= size if room else 0
            self._cuts[name] = cut(packed, rules, np.arange(len(packed), dtype=np.int32)) if room else None
        return self._cuts[name]

    def features(self, attribute: Attribute, left_out: tuple[str, ...]) -> Features | None:
        """The tokens of all values of an attribute, or None when there are too many to keep."""
        values = self.records.columns[attribute.name].values
        if len(values) > MOST_LISTED:
            return None
        key = attribute.name, left_out
        if key not in self._listed:
            self._listed[key] = features_of(attribute, values, left_out)
        return self._listed[key]


def features_of(attribute: Attribute, values: Sequence[str], left_out: Sequence[str]) -> Features:
    """The tokens of some values of an attribute."""
    if attribute.kind != "date":
        return _listed(attribute, values, left_out)
    years = _repeated(attribute, [f"{value[:4]}0000" for value in values], left_out)
    return _together(years, _repeated(attribute, [f"0000{value[4:]}" for value in values], left_out))


def _listed(attribute: Attribute, values: Sequence[str], left_out: Sequence[str]) -> Features:
    order = list(groups(attribute))
    index: dict[str, int] = {}
    offsets, entries = [0], array("i")
    for value in values:
        for group, names in tokens(attribute, value, left_out).items():
            number, size = order.index(group), len(names)
            for place, name in enumerate(names):
                entries.extend((index.setdefault(name, len(index)), number, size, place))
        offsets.append(len(entries) // 4)
    columns = np.ascontiguousarray(np.array(entries, dtype=np.int32).reshape(-1, 4).T)
    return Features(
        offsets=np.array(offsets, dtype=np.int64),
        token=columns[0],
        group=columns[1],
        size=columns[2],
        place=columns[3],
        names=list(index),
    )


def _repeated(attribute: Attribute, values: Sequence[str], left_out: Sequence[str]) -> Features:
    """The same for values that are often equal: each is cut once."""
    index = {value: code for code, value in enumerate(dict.fromkeys(values))}
    one = _listed(attribute, list(index), left_out)
    codes = np.fromiter((index[value] for value in values), dtype=np.int64, count=len(values))
    offsets = _offsets(np.diff(one.offsets)[codes])
    entries = np.arange(offsets[-1]) + np.repeat(one.offsets[codes] - offsets[:-1], np.diff(offsets))
    return Features(
        offsets=offsets,
        token=one.token[entries],
        group=one.group[entries],
        size=one.size[entries],
        place=one.place[entries],
        names=one.names,
    )


def _together(first: Features, second: Features) -> Features:
    """Each value with the tokens of both: in a group that both have, those of the first are spelled before."""
    counts = np.diff(first.offsets), np.diff(second.offsets)
    offsets = _offsets(counts[0] + counts[1])
    values = [np.repeat(np.arange(len(count)), count) for count in counts]
    most = 1 + max((int(one.group.max()) for one in (first, second) if len(one.group)), default=0)
    sizes = np.zeros((2, len(counts[0]), most), dtype=np.int32)
    for side, one in enumerate((first, second)):
        sizes[side, values[side], one.group] = one.size
    before = np.zeros_like(sizes[0]), sizes[0]
    columns = np.empty((4, int(offsets[-1])), dtype=np.int32)
    for side, one in enumerate((first, second)):
        start = offsets[:-1] + (counts[0] if side else 0) - one.offsets[:-1]
        where = start[values[side]] + np.arange(len(one.token))
        columns[0, where] = one.token + (len(first.names) if side else 0)
        columns[1, where] = one.group
        columns[2, where] = sizes.sum(axis=0, dtype=np.int32)[values[side], one.group]
        columns[3, where] = one.place + before[side][values[side], one.group]
    return Features(
        offsets=offsets,
        token=columns[0],
        group=columns[1],
        size=columns[2],
        place=columns[3],
        names=[*first.names, *second.names],
    )


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
