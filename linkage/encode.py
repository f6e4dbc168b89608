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

import numpy as np
from numpy.typing import NDArray

from crypto.keys import PassKey
from linkage.attribute import Attribute
from linkage.cut import cut
from linkage.errors import SheetError
from linkage.feature_table import Features, FeatureTable, Surveyed, features_of
from linkage.features import groups, insertions_by_group, parts_of, token_class, tokens
from linkage.kept import Codes, Kept, Line, Part
from linkage.positions import Drawn, Positions
from linkage.profiles import Profile
from linkage.records import MISSING, Records

__all__ = ["PassEncoder", "encode"]

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

    Attributes:
        columns: the attributes whose codes it takes, in the order of its rows' columns.

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
        self._words = profile.length // 64
        positions = Positions(key, profile.length)
        self._ways: list[list[_Way]] = []
        for left_out in left_outs:
            shares = insertions_by_group(attributes, profile.insertions, left_out)
            if not any(shares.values()):
                raise SheetError("E_PASSES", "une passe divise par tous les attributs : il ne reste rien à comparer")
            ways = (_way(table, one, shares[one.name], left_out) for one in attributes)
            self._ways.append([way for way in ways if way is not None])
        for way in (way for ways in self._ways for way in ways):
            way.want(positions)
        for way in (way for ways in self._ways for way in ways):
            way.take(positions)
        self.columns = list(dict.fromkeys(way.attribute.name for ways in self._ways for way in ways))
        place = {name: number for number, name in enumerate(self.columns)}
        parts = [[part for way in ways for part in way.parts(place[way.attribute.name])] for ways in self._ways]
        self._kept = Kept(parts, self._words)

    def worth(self, depth: int = 0) -> list[tuple[int, NDArray[np.int32]]]:
        """How many insertions each value has, out of those of the profile.

        Returns:
            Of each attribute that has some: its place in `columns`, and (values + 1,), the last for code `MISSING`.
        """
        return [(self.columns.index(way.attribute.name), way.worth()) for way in self._ways[depth]]

    def keep(self, rows: NDArray[np.int32], step: int, depth: int, room: int) -> None:
        """Makes filters of the values that most records of a depth have, before they come: see `linkage.kept.Kept.choose`."""
        self._kept.choose(rows, step, depth, room)

    def fill(
        self,
        rows: NDArray[np.int32],
        bounds: NDArray[np.int64],
        depths: NDArray[np.int64],
        plain: NDArray[np.uint64],
    ) -> None:
        """Makes the plain filters of the records of some blocks.

        Args:
            rows: (n, columns) int32 C-order, codes of the records.
            bounds: (blocks + 1,) int64, where the rows of each block begin.
            depths: (blocks,) int64, the depth of each.
            plain: (n, m/64) uint64 C-order, written over.
        """
        self._kept.fill(rows, bounds, depths, plain)

    def plain(self, rows: NDArray[np.int32], depth: int = 0) -> NDArray[np.uint64]:
        """The plain filters of some records of one depth, (n, m/64) uint64 C-order."""
        filters = np.empty((len(rows), self._words), dtype=np.uint64)
        self.fill(rows, np.array([0, len(rows)]), np.array([depth]), filters)
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
    filters = np.empty((len(records), profile.length // 64), dtype=np.uint64)
    for start in range(0, len(records), _RECORDS_AT_ONCE):
        stop = min(start + _RECORDS_AT_ONCE, len(records))
        rows = np.empty((stop - start, len(encoder.columns)), dtype=np.int32)
        for place, name in enumerate(encoder.columns):
            rows[:, place] = records.columns[name].part(start, stop)
        filters[start:stop] = encoder.plain(rows)
    return filters


def _way(table: FeatureTable, attribute: Attribute, shares: dict[str, int], left_out: Sequence[str]) -> _Way | None:
    """How the bits of an attribute are set, or None when it sets none."""
    if not any(shares.values()) or not len(table.records.columns[attribute.name].values):
        return None
    parts = parts_of(attribute, left_out)
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
        self._totals, self._present = np.array(totals, dtype=np.int32), present

    def worth(self) -> NDArray[np.int32]:
        """What each value inserts, and at the end what no value does."""
        return np.append(self._totals[self._present], np.int32(0))

    def want(self, positions: Positions) -> None:
        """Ask for the positions of all tokens that may be set."""

    def take(self, positions: Positions) -> None:
        """Take them once they are drawn."""

    def parts(self, column: int) -> list[Part]:
        """What records with codes in that column of rows may share."""
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
        self._token_of = np.full(len(self._packed.alphabet) ** 2, MISSING, dtype=np.int32)
        self._token_of[self._used] = [index[name] for name in names]

    def parts(self, column: int) -> list[Part]:
        if self._grouped is None:
            return [self._part(column, self._budget, None, None)]
        budgets = self._budget * np.eye(2, dtype=np.int64)  # of the first name, of the others
        return [
            self._part(column, budget, found, firsts)
            for budget, (found, firsts) in zip(budgets, self._grouped, strict=True)
            if budget.any()
        ]

    def _part(self, column: int, budget: NDArray[np.int64], groups: Codes | None, firsts: Codes | None) -> Part:
        surveyed, packed = self._surveyed, self._packed
        line: Line = {
            **_drawn_fields(self._drawn),
            **({} if surveyed.whole is None else surveyed.whole.fields),
            "tokens": self._token_of,
            "budget": int(budget[0]),
            "others": int(budget[1]),
            "told": int(surveyed.rules[3]),
            "heads": surveyed.heads,
            "alphabet": len(packed.alphabet),
            "padding": int(packed.marks[3]),
        }
        return Part(
            column=column,
            values=len(packed),
            groups=groups,
            firsts=firsts,
            line=line,
            cut=self._cut if surveyed.whole is None else None,
        )

    def _cut(self, codes: Codes) -> tuple[Codes, Line]:
        return np.arange(len(codes), dtype=np.int32), cut(self._packed, self._surveyed.rules, codes).fields


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
        self._token = np.array([index[name] for name in self._features.names], dtype=np.int32)[self._features.token]

    def parts(self, column: int) -> list[Part]:
        line = _listed_fields(self._features, self._token, self._count, self._drawn)
        return [Part(column=column, values=len(self._present), line=line)]


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

    def parts(self, column: int) -> list[Part]:
        return [Part(column=column, values=len(self._present), cut=self._cut)]

    def _cut(self, codes: Codes) -> tuple[Codes, Line]:
        distinct, local = np.unique(codes, return_inverse=True)
        features = features_of(self.attribute, [self._values[code] for code in distinct.tolist()], self._left_out)
        count = _counts(features, self._budget)
        drawn = self._positions.apart(self._class, features.names, _most(features, count)[0])
        return local.astype(np.int32), _listed_fields(features, features.token, count, drawn)


def _drawn_fields(drawn: Drawn) -> Line:
    """The fields of a line of `linkage.bits.set_bits` that say where positions are."""
    return {"drawn": drawn.starts, "places": drawn.places, "first": drawn.first, "masks": drawn.masks}


def _listed_fields(features: Features, token: NDArray[np.int32], count: NDArray[np.int32], drawn: Drawn) -> Line:
    """Those of listed tokens."""
    where: Line = {"listed": 1, "starts": features.offsets, "tokens": token, "counts": count, "most": features.most}
    return {**_drawn_fields(drawn), **where}


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
