"""Tokens and a pass key to plain Bloom filters: keyed hashing, k by the group's bits, one mask a distinct value.

Positions of a token: 16-bit words of HMAC-SHA-256 under the key of its class, masked to m = 2^b bits, independent and
without modulo bias (`crypto.hashing`). A token of a group of n tokens sets k = budget // n positions, the first
budget % n tokens (sorted) one more; budget = insertions · weight / weights still present in this pass, rounded down. The key
of a class is derived for this pass only, from the pass key and the name of the class.

Nothing outlives the encoding of a file: positions belong to one pass, tokens to one `FeatureTable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.hashing import position_words
from crypto.keys import PassKey, derive
from linkage.errors import SheetError
from linkage.features import GROUPS, left_out_groups, token_class, tokens
from linkage.profiles import Profile
from linkage.records import Records
from linkage.sheet import Attribute

__all__ = ["FeatureTable", "Features", "budgets", "encode"]

_MASKS_AT_ONCE = 1 << 14  # distinct values whose masks are held together


@dataclass(frozen=True, kw_only=True)
class Features:
    """The tokens of the distinct values of one attribute: of value v, entries offsets[v] to offsets[v+1].

    Attributes:
        offsets: (values + 1,) int64.
        token: (entries,) int32, index into names.
        group: (entries,) int32, index into groups.
        size: (entries,) int32, tokens of that group in that value.
        place: (entries,) int32, the token's place among them, sorted.
        names: distinct tokens.
        groups: names of the groups.
    """

    offsets: NDArray[np.int64]
    token: NDArray[np.int32]
    group: NDArray[np.int32]
    size: NDArray[np.int32]
    place: NDArray[np.int32]
    names: list[str]
    groups: list[str]


class FeatureTable:
    """Features of records by attribute and left-out parts: most attributes are cut the same way in every pass.

    Belongs to one encoding of one file and dies with it.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[tuple[str, tuple[str, ...]], Features] = {}

    def of(self, attribute: Attribute, left_out: Sequence[str]) -> Features:
        """The features of an attribute without what those parts fix."""
        key = attribute.name, tuple(left_out)
        if key not in self._known:
            self._known[key] = _features(attribute, self._records.columns[attribute.name].values, left_out)
        return self._known[key]


def encode(
    records: Records,
    attributes: Sequence[Attribute],
    profile: Profile,
    left_out: Sequence[str],
    key: PassKey,
    *,
    features: FeatureTable | None = None,
) -> NDArray[np.uint64]:
    """The plain filters of all records in one pass.

    Args:
        records: normalised.
        attributes: of the sheet, in its order.
        profile: gives m and the number of insertions.
        left_out: components of the block value, `attribute.part`.
        key: of this pass.
        features: shared by the passes of one encoding of these records.

    Returns:
        (n, m/64) uint64, C-order.
    """
    features = features or FeatureTable(records)
    filters = np.zeros((len(records), profile.length // 64), dtype=np.uint64)
    shares = budgets(attributes, profile, left_out)
    for attribute in attributes:
        found = features.of(attribute, _parts(attribute, left_out))
        if not len(found.token):
            continue
        count = _counts(found, shares[attribute.name])
        class_key = derive(key, Label.TOKENS, token_class(attribute).encode())
        table = _positions(found.names, int(count.max()), class_key) & np.uint16(profile.length - 1)
        codes = records.columns[attribute.name].codes
        for start in range(0, len(found.offsets) - 1, _MASKS_AT_ONCE):
            offsets = found.offsets[start : start + _MASKS_AT_ONCE + 1]
            masks = np.zeros((len(offsets) - 1, filters.shape[1]), dtype=np.uint64)
            _set_masks(offsets, found.token, count, table, masks)
            _merge(masks, codes, start, filters)
    return filters


def budgets(attributes: Sequence[Attribute], profile: Profile, left_out: Sequence[str]) -> dict[str, dict[str, int]]:
    """Insertions of each group of each attribute in a pass; the bits of what is left out go to the others.

    Raises:
        SheetError: `E_PASSES` when the block value leaves nothing to compare.
    """
    weights = {
        attribute.name: {
            group: attribute.bits * share
            for group, share in GROUPS[attribute.kind].items()
            if group not in left_out_groups(attribute.kind, _parts(attribute, left_out))
        }
        for attribute in attributes
    }
    total = sum(weight for groups in weights.values() for weight in groups.values())
    if not total:
        raise SheetError("E_PASSES", "une passe divise par tous les attributs : il ne reste rien à comparer")
    return {
        name: {group: profile.insertions * weight // total for group, weight in groups.items()}
        for name, groups in weights.items()
    }


def _parts(attribute: Attribute, left_out: Sequence[str]) -> list[str]:
    pairs = (component.partition(".") for component in left_out)
    return [part for name, _, part in pairs if name == attribute.name]


def _features(attribute: Attribute, values: Sequence[str], left_out: Sequence[str]) -> Features:
    groups = list(GROUPS[attribute.kind])
    index: dict[str, int] = {}
    offsets, entries = [0], []
    for value in values:
        for group, names in tokens(attribute, value, left_out).items():
            number, size = groups.index(group), len(names)
            entries += [(index.setdefault(name, len(index)), number, size, place) for place, name in enumerate(names)]
        offsets.append(len(entries))
    columns = np.array(entries, dtype=np.int32).reshape(-1, 4).T
    return Features(
        offsets=np.array(offsets, dtype=np.int64),
        token=np.ascontiguousarray(columns[0]),
        group=columns[1],
        size=columns[2],
        place=columns[3],
        names=list(index),
        groups=groups,
    )


def _counts(found: Features, shares: dict[str, int]) -> NDArray[np.int32]:
    """K of each entry: its share of the group's budget. A token of two groups sets the positions of the larger k."""
    budget = np.array([shares.get(group, 0) for group in found.groups], dtype=np.int32)[found.group]
    return budget // found.size + (found.place < budget % found.size)


def _positions(names: list[str], count: int, class_key: bytes) -> NDArray[np.uint16]:
    words = b"".join(position_words(class_key, name.encode(), count) for name in names)
    return np.frombuffer(words, dtype=">u2").astype(np.uint16).reshape(len(names), count)


@numba.njit(cache=True, nogil=True)
def _set_masks(
    offsets: NDArray[np.int64],
    token: NDArray[np.int32],
    count: NDArray[np.int32],
    table: NDArray[np.uint16],
    masks: NDArray[np.uint64],
) -> None:  # pragma: no cover - compiled
    for value in range(len(offsets) - 1):
        for entry in range(offsets[value], offsets[value + 1]):
            for k in range(count[entry]):
                place = table[token[entry], k]
                masks[value, place >> 6] |= np.uint64(1) << np.uint64(place & 63)


@numba.njit(cache=True, nogil=True)
def _merge(
    masks: NDArray[np.uint64], codes: NDArray[np.int32], start: int, filters: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    words = filters.shape[1]
    for row in range(len(codes)):
        code = codes[row] - start
        if 0 <= code < len(masks):
            for word in range(words):
                filters[row, word] |= masks[code, word]
