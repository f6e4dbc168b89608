"""Tokens and a pass key to plain Bloom filters: keyed hashing, k by the group's bits, one mask a distinct value.

Positions of a token: 16-bit words of HMAC-SHA-256 under the key of its class, masked to m = 2^b bits, independent and
without modulo bias (`crypto.hashing`). A token of a group of n tokens sets k = budget // n positions, the first
budget % n tokens (sorted) one more; budget = insertions · weight / weights still present in this pass, rounded down. The key
of a class is derived for this pass only, from the pass key and the name of the class.

Nothing outlives the call: the table of positions is local to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

__all__ = ["budgets", "encode"]

_MASKS_AT_ONCE = 1 << 14  # distinct values whose masks are held together


@dataclass(frozen=True, kw_only=True)
class _Insertions:
    """What the values of one attribute insert: for value v, entries offsets[v] to offsets[v+1]."""

    offsets: NDArray[np.int64]
    token: NDArray[np.int32]  # row of the table of positions
    count: NDArray[np.int32]  # k of that token in that value
    table: NDArray[np.uint16]  # (tokens, largest k) positions


def encode(
    records: Records,
    attributes: Sequence[Attribute],
    profile: Profile,
    left_out: Sequence[str],
    key: PassKey,
) -> NDArray[np.uint64]:
    """The plain filters of all records in one pass.

    Args:
        records: normalised.
        attributes: of the sheet, in its order.
        profile: gives m and the number of insertions.
        left_out: components of the block value, `attribute.part`.
        key: of this pass.

    Returns:
        (n, m/64) uint64, C-order.
    """
    filters = np.zeros((len(records), profile.length // 64), dtype=np.uint64)
    shares = budgets(attributes, profile, left_out)
    for attribute in attributes:
        column = records.columns[attribute.name]
        for start in range(0, len(column.values), _MASKS_AT_ONCE):
            values = column.values[start : start + _MASKS_AT_ONCE]
            inserted = _insertions(attribute, values, shares[attribute.name], _parts(attribute, left_out), key)
            inserted.table[:] &= np.uint16(profile.length - 1)
            masks = np.zeros((len(values), filters.shape[1]), dtype=np.uint64)
            _set_masks(inserted.offsets, inserted.token, inserted.count, inserted.table, masks)
            _merge(masks, column.codes, start, filters)
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


def _insertions(
    attribute: Attribute, values: Sequence[str], shares: dict[str, int], left_out: list[str], key: PassKey
) -> _Insertions:
    index: dict[str, int] = {}
    offsets, token, count = [0], [], []
    for value in values:
        for name, k in sorted(_counts(attribute, value, shares, left_out)):
            token.append(index.setdefault(name, len(index)))
            count.append(k)
        offsets.append(len(token))
    return _Insertions(
        offsets=np.array(offsets, dtype=np.int64),
        token=np.array(token, dtype=np.int32),
        count=np.array(count, dtype=np.int32),
        table=_positions(
            list(index), max(count, default=0), derive(key, Label.TOKENS, token_class(attribute).encode())
        ),
    )


def _counts(attribute: Attribute, value: str, shares: dict[str, int], left_out: list[str]) -> Iterator[tuple[str, int]]:
    """(token, k) of a value; a token of two groups is inserted with the larger k."""
    counts: dict[str, int] = {}
    for group, names in tokens(attribute, value, left_out).items():
        each, spare = divmod(shares.get(group, 0), len(names))
        for place, name in enumerate(names):
            counts[name] = max(counts.get(name, 0), each + (place < spare))
    return iter(counts.items())


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
