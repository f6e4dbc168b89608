"""Tokens and a pass key to plain Bloom filters: keyed hashing, k by the group's bits, one hash a distinct token.

Positions of a token: 16-bit words of HMAC-SHA-256 under the key of its class, masked to m = 2^b bits, independent and
without modulo bias (`crypto.hashing`). A token of a group of n tokens sets k = budget // n positions, the first
budget % n tokens (sorted) one more; budget = insertions · weight / weights still present in this pass, rounded down. The key
of a class is derived for this pass only, from the pass key and the name of the class.

What a record inserts is the sum of the budgets of the groups in which it has a token: known before any bit is set, it says
who is too little known to be compared.

Nothing outlives the encoding of a file: positions belong to one pass, tokens to one `FeatureTable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from crypto.keys import PassKey
from linkage.attribute import Attribute
from linkage.bits import add_bigrams, add_listed
from linkage.cut import cut
from linkage.errors import SheetError
from linkage.feature_table import Features, FeatureTable, Surveyed, features_of
from linkage.features import groups, left_out_groups, token_class, tokens
from linkage.kept import Kept, Part
from linkage.positions import Positions
from linkage.profiles import Profile
from linkage.records import MISSING, Records

__all__ = ["PassEncoder", "budgets", "encode"]

_RECORDS_AT_ONCE = 1 << 13

Grouped = tuple[NDArray[np.int32], NDArray[np.int32]]  # the group of each value, a value of each group


class PassEncoder:
    """Plain filters of one pass, for each set of left-out components that its blocks ask for.

    Args:
        table: of the records that the pass encodes.
        attributes: of the sheet, in its order.
        profile: gives m and the number of insertions.
        left_outs: components left out (`attribute.part`), one sequence for each depth of the blocks.
        key: of this pass.

    Raises:
        SheetError: `E_PASSES` when a block value leaves nothing to compare.
    """

    def __init__(
        self,
        table: FeatureTable,
        attributes: Sequence[Attribute],
        profile: Profile,
        left_outs: Sequence[Sequence[str]],
        key: PassKey,
    ) -> None:
        self._records = table.records
        self._words = profile.length // 64
        positions = Positions(key, profile.length)
        self._ways = []
        for left_out in left_outs:
            shares = budgets(attributes, profile, left_out)
            ways = (_way(table, one, shares[one.name], left_out) for one in attributes)
            self._ways.append([way for way in ways if way is not None])
        for way in (way for ways in self._ways for way in ways):
            way.want(positions)
        for way in (way for ways in self._ways for way in ways):
            way.take(positions)
        nobody = np.zeros(0, dtype=np.int32)
        self._kept = [Kept(parts, self._words, nobody, 0) for parts in map(self._parts, self._ways)]

    def _parts(self, ways: Sequence[_Way]) -> list[Part]:
        return [part for way in ways for part in way.parts(self._records.columns[way.attribute.name].codes)]

    def keep(self, records: NDArray[np.int32], room: int, depth: int = 0) -> None:
        """Sets the bits of the values that most of these records have, before they come.

        Args:
            records: all that will come at this depth.
            room: bytes that may be taken.
            depth: of their blocks.
        """
        self._kept[depth] = Kept(self._parts(self._ways[depth]), self._words, records, room)

    def insertions(self, rows: NDArray[np.int64], depth: int = 0) -> NDArray[np.int32]:
        """How many insertions these records have, out of those of the profile."""
        total = np.zeros(len(rows), dtype=np.int32)
        for way in self._ways[depth]:
            total += way.insertions(self._records.columns[way.attribute.name].codes[rows])
        return total

    def add(
        self, rows: NDArray[np.int64], places: NDArray[np.int64], plain: NDArray[np.uint64], depth: int = 0
    ) -> None:
        """Sets the bits of some records.

        Args:
            rows: (k,) int64, the records.
            places: (k,) int64, the rows of `plain` that are theirs.
            plain: (n, m/64) uint64 C-order, zeros there.
            depth: of the block that they are in.
        """
        self._kept[depth].add(rows, places, plain)

    def plain(self, rows: NDArray[np.int64], depth: int = 0) -> NDArray[np.uint64]:
        """The plain filters of some records, (k, m/64) uint64 C-order."""
        filters = np.zeros((len(rows), self._words), dtype=np.uint64)
        for start in range(0, len(rows), _RECORDS_AT_ONCE):
            some = rows[start : start + _RECORDS_AT_ONCE]
            self.add(some, np.arange(start, start + len(some)), filters, depth)
        return filters


def encode(
    records: Records, attributes: Sequence[Attribute], profile: Profile, left_out: Sequence[str], key: PassKey
) -> NDArray[np.uint64]:
    """The plain filters of all records in one pass whose blocks leave out the same components.

    Returns:
        (n, m/64) uint64, C-order.

    Raises:
        SheetError: see `PassEncoder`.
    """
    encoder = PassEncoder(FeatureTable(records), attributes, profile, [left_out], key)
    return encoder.plain(np.arange(len(records)))


def budgets(attributes: Sequence[Attribute], profile: Profile, left_out: Sequence[str]) -> dict[str, dict[str, int]]:
    """Insertions of each group of each attribute in a pass; the bits of what is left out go to the others.

    Raises:
        SheetError: `E_PASSES` when the block value leaves nothing to compare.
    """
    weights = {
        attribute.name: {
            group: attribute.bits * share
            for group, share in groups(attribute).items()
            if group not in left_out_groups(attribute, _parts(attribute, left_out))
        }
        for attribute in attributes
    }
    total = sum(weight for shares in weights.values() for weight in shares.values())
    if not total:
        raise SheetError("E_PASSES", "une passe divise par tous les attributs : il ne reste rien à comparer")
    return {
        name: {group: profile.insertions * weight // total for group, weight in shares.items()}
        for name, shares in weights.items()
    }


def _parts(attribute: Attribute, left_out: Sequence[str]) -> tuple[str, ...]:
    pairs = (component.partition(".") for component in left_out)
    return tuple(part for name, _, part in pairs if name == attribute.name)


def _way(table: FeatureTable, attribute: Attribute, shares: dict[str, int], left_out: Sequence[str]) -> _Way | None:
    """How the bits of an attribute are set, or None when it sets none."""
    if not any(shares.values()) or not len(table.records.columns[attribute.name].values):
        return None
    parts = _parts(attribute, left_out)
    surveyed = table.survey(attribute, parts)
    if surveyed is not None:
        words = table.words(attribute.name, surveyed.packed) if surveyed.rules[1] else None
        return _Bigrams(attribute, shares, surveyed, words)
    values = table.records.columns[attribute.name].values
    listed = table.features(attribute, parts)
    return _Unlisted(attribute, shares, values, parts) if listed is None else _Listed(attribute, shares, listed)


class _Way:
    """How the bits of one attribute are set at one depth of a pass.

    Attributes:
        attribute: which.
    """

    def __init__(self, attribute: Attribute, shares: dict[str, int], present: NDArray[np.uint8]) -> None:
        self.attribute = attribute
        self._class = token_class(attribute)
        self._budget = np.array([shares.get(group, 0) for group in groups(attribute)], dtype=np.int64)
        totals = [
            sum(bits for group, bits in enumerate(self._budget.tolist()) if have >> group & 1) for have in range(256)
        ]
        self._worth, self._present = np.array(totals, dtype=np.int32), present

    def insertions(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """What the values with these codes insert."""
        worth: NDArray[np.int32] = self._worth[self._present[codes]]  # code MISSING = -1 takes any value, and
        return np.where(codes == MISSING, np.int32(0), worth)  # is worth nothing

    def want(self, positions: Positions) -> None:
        """Ask for the positions of all tokens that may be set."""

    def take(self, positions: Positions) -> None:
        """Take them once they are drawn."""

    def parts(self, codes: NDArray[np.int32]) -> list[Part]:
        """What records with these codes may share."""
        return [Part(codes=codes, values=len(self._present), set_bits=self.add)]

    def add(self, codes: NDArray[np.int32], places: NDArray[np.int64], plain: NDArray[np.uint64]) -> None:
        """Sets the bits of the values with these codes in those rows of `plain`."""
        raise NotImplementedError


class _Bigrams(_Way):
    """Values cut into bigrams, before or when their records come."""

    def __init__(
        self, attribute: Attribute, shares: dict[str, int], surveyed: Surveyed, words: list[Grouped] | None
    ) -> None:
        super().__init__(attribute, shares, surveyed.survey.present)
        self._grouped = words
        self._surveyed, self._packed = surveyed, surveyed.packed
        self._budget = np.resize(np.append(self._budget, 0), 2)  # groups that the kind lacks have no bits
        least = surveyed.survey.least
        most = np.where(least > 0, -(-self._budget[:, None] // np.maximum(least, 1)), 0).max(axis=0)
        self._used = np.flatnonzero(most)
        self._most, self._uses = most[self._used], surveyed.survey.uses[self._used]

    def want(self, positions: Positions) -> None:
        names = [self._packed.spelling(bigram) for bigram in self._used.tolist()]
        positions.want(self._class, names, self._most, self._uses)

    def take(self, positions: Positions) -> None:
        index, self._drawn = positions.draw(self._class)
        names = (self._packed.spelling(bigram) for bigram in self._used.tolist())
        self._token_of = np.full(len(self._packed.alphabet) ** 2, MISSING, dtype=np.int64)
        self._token_of[self._used] = [index[name] for name in names]

    def parts(self, codes: NDArray[np.int32]) -> list[Part]:
        if self._grouped is None:
            return super().parts(codes)
        budgets = self._budget * np.eye(2, dtype=np.int64)  # of the first name, of the others
        return [
            Part(
                codes=codes,
                values=len(self._present),
                groups=found,
                firsts=firsts,
                set_bits=partial(self._add, budget),
            )
            for budget, (found, firsts) in zip(budgets, self._grouped, strict=True)
            if budget.any()
        ]

    def add(self, codes: NDArray[np.int32], places: NDArray[np.int64], plain: NDArray[np.uint64]) -> None:
        self._add(self._budget, codes, places, plain)

    def _add(
        self,
        budget: NDArray[np.int64],
        codes: NDArray[np.int32],
        places: NDArray[np.int64],
        plain: NDArray[np.uint64],
    ) -> None:
        rules, whole, local = self._surveyed.rules, self._surveyed.whole, codes
        if whole is None:
            distinct, back = np.unique(np.maximum(codes, 0), return_inverse=True)
            whole, local = cut(self._packed, rules, distinct), back.astype(np.int32)
        source = self._packed.arrays, rules, whole.arrays, whole.most
        add_bigrams(source, (codes, local), budget, self._token_of, self._drawn.arrays, places, plain)


class _Listed(_Way):
    """Values whose tokens are listed one after the other."""

    def __init__(self, attribute: Attribute, shares: dict[str, int], features: Features) -> None:
        super().__init__(attribute, shares, features.present())
        self._features = features
        self._count = _counts(features, self._budget)

    def want(self, positions: Positions) -> None:
        most, uses = _most(self._features, self._count)
        positions.want(self._class, self._features.names, most, uses)

    def take(self, positions: Positions) -> None:
        index, self._drawn = positions.draw(self._class)
        self._token = np.array([index[name] for name in self._features.names], dtype=np.int64)[self._features.token]

    def add(self, codes: NDArray[np.int32], places: NDArray[np.int64], plain: NDArray[np.uint64]) -> None:
        listed = self._features.offsets, self._token, self._count, self._features.most
        add_listed(listed, self._drawn.arrays, codes, places, plain)


class _Unlisted(_Way):
    """Values too many for their tokens to be kept: those of the records that come are cut and hashed, and forgotten."""

    def __init__(
        self, attribute: Attribute, shares: dict[str, int], values: Sequence[str], left_out: Sequence[str]
    ) -> None:
        order = {group: 1 << place for place, group in enumerate(groups(attribute))}
        had = (sum(order[group] for group in tokens(attribute, value, left_out)) for value in values)
        super().__init__(attribute, shares, np.fromiter(had, dtype=np.uint8, count=len(values)))
        self._values, self._left_out = values, left_out

    def take(self, positions: Positions) -> None:
        self._positions = positions

    def add(self, codes: NDArray[np.int32], places: NDArray[np.int64], plain: NDArray[np.uint64]) -> None:
        distinct, local = np.unique(codes[codes != MISSING], return_inverse=True)
        features = features_of(self.attribute, [self._values[code] for code in distinct.tolist()], self._left_out)
        count = _counts(features, self._budget)
        drawn = self._positions.apart(self._class, features.names, _most(features, count)[0])
        listed = features.offsets, features.token.astype(np.int64), count, features.most
        add_listed(listed, drawn.arrays, local.astype(np.int32), places[codes != MISSING], plain)


def _counts(features: Features, budget: NDArray[np.int64]) -> NDArray[np.int32]:
    """K of each entry: its share of the group's budget. A token of two groups sets the positions of the larger k."""
    bits = budget[features.group]
    counts: NDArray[np.int32] = (bits // features.size + (features.place < bits % features.size)).astype(np.int32)
    return counts


def _most(features: Features, count: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each token, the largest k and how many values have it."""
    most = np.zeros(len(features.names), dtype=np.int64)
    np.maximum.at(most, features.token, count)
    return most, np.bincount(features.token, minlength=len(features.names)).astype(np.int64)
