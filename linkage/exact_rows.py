"""The rows of an exact pass: a name and a token, and no filter.

The token of a value is the first 16 bytes of its keyed hash under a key of the pass, and stands where other passes have the tag
of a block: all rows of one value, and no others, carry it. Nothing else of the record is told. A record without the value has
no row. Beside the records this takes some 40 bytes a row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, derive
from linkage.blocks import check_largest_block
from linkage.plan import PassPlan
from linkage.records import AT_ONCE, MISSING, Records
from linkage.token_digests import many_words
from linkage.wire import ID_BYTES, TAG_BYTES

__all__ = ["ExactRows", "exact_rows", "tokens_of"]


@dataclass(frozen=True, kw_only=True)
class ExactRows:
    """An exact pass before its rows are named.

    Attributes:
        plan: of the pass.
        records: (k,) int64, records that have the value, by token.
        value: (k,) int64, the place of its token, rising.
        tokens: (v, 16) uint8, sorted.
    """

    plan: PassPlan
    records: NDArray[np.int64]
    value: NDArray[np.int64]
    tokens: NDArray[np.uint8]

    @property
    def count(self) -> int:
        """Rows that will come."""
        return len(self.records)

    def pieces(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """(k, 32) uint8 rows as `linkage.wire` lays them out, sorted by (tag, id), and the record of each; whole values."""
        start = 0
        while start < len(self.records):
            last = self.value[min(start + AT_ONCE, len(self.records)) - 1]
            stop = int(np.searchsorted(self.value, last, side="right"))
            ids = np.frombuffer(os.urandom(ID_BYTES * (stop - start)), dtype=np.uint8).reshape(-1, ID_BYTES)
            high, low = ids.view(">u8").astype(np.uint64).T
            order = np.lexsort((low, high, self.value[start:stop]))
            rows = np.concatenate([ids[order], self.tokens[self.value[start:stop]]], axis=1)
            yield rows, self.records[start:stop][order]
            start = stop


def exact_rows(records: Records, plan: PassPlan, key: PassKey, *, needed: str = "") -> ExactRows:
    """The rows of a pass.

    Args:
        records: normalised.
        plan: of the pass: its one block component names the attribute.
        key: of the pass.
        needed: an attribute without which a record is in no pass.

    Raises:
        LinkageError: `E_BLOC_TROP_GRAND` when more records have one value than a block may hold: it is no name of anybody.
    """
    column = records.columns[plan.blocks[0].partition(".")[0]]
    tokens = tokens_of(column.values, key)
    order = np.lexsort(tokens.T[::-1])
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(order)), MISSING  # the last answers for code MISSING = -1
    value = np.empty(len(records), dtype=np.int64)
    for start in range(0, len(records), AT_ONCE):
        stop = min(start + AT_ONCE, len(records))
        value[start:stop] = place[column.part(start, stop)]
        if needed:
            value[start:stop][records.columns[needed].part(start, stop) == MISSING] = MISSING
    there = np.flatnonzero(value != MISSING)
    there = there[np.argsort(value[there], kind="stable")]
    check_largest_block(int(np.bincount(value[there]).max(initial=0)), plan.cap)
    return ExactRows(plan=plan, records=there, value=value[there], tokens=tokens[order])


def tokens_of(values: Sequence[str], key: PassKey) -> NDArray[np.uint8]:
    """(v, 16) uint8, the token of each value."""
    spelled = [value.encode() for value in values]
    words = many_words(derive(key, Label.EXACT), spelled, np.full(len(spelled), TAG_BYTES // 2, dtype=np.int64))
    return words.astype(">u2").view(np.uint8).reshape(-1, TAG_BYTES)
