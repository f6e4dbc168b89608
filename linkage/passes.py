"""Records divided into blocks: the block value of each record in one pass, and what is derived from it under the pass key.

The plan decides, never the data: a value expected to exceed the cap takes the finer components along, one expected to be
rarer than the floor shares a hashed bucket, any other is a block of its own. What a heavy value is split into is pooled the
same way, within that value. A record whose block value is missing falls out of the pass; the other passes are there for it.

Label of a block, framed: `value` or `split` with the component values, `bucket` with the number of the bucket in 8 bytes,
`rest` with the base values and that number. Number: SHA-256 of the framed word `bucket` and the pooled values, big-endian,
modulo the number of buckets. Tag and secret are keyed hashes of the label under two keys derived from the pass key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label, frame
from crypto.hashing import block_secret, block_tag
from crypto.keys import PassKey, derive
from linkage.features import block_part
from linkage.plan import PassPlan
from linkage.records import MISSING, Records
from linkage.sheet import Sheet
from linkage.statistics import BILLION, Statistics

__all__ = ["Division", "block_label", "divide"]


@dataclass(frozen=True, kw_only=True)
class Division:
    """The blocks of one pass.

    Attributes:
        block: (n,) int64, block of each record; `MISSING` when it falls out of the pass.
        tags: (b, 16) uint8, keyed tag of each block.
        secrets: the diffusion secret of each block.
    """

    block: NDArray[np.int64]
    tags: NDArray[np.uint8]
    secrets: list[bytes]


def divide(records: Records, sheet: Sheet, plan: PassPlan, statistics: Statistics, key: PassKey) -> Division:
    """Divides the records for one pass under its key."""
    components = (*plan.blocks, *plan.finer)
    codes = [_component_codes(records, sheet, component) for component in components]
    columns = np.stack([code for _, code in codes], axis=1) if codes else np.zeros((len(records), 0), dtype=np.int64)
    combinations, inverse = np.unique(columns, axis=0, return_inverse=True)
    labels: dict[bytes, int] = {}
    block_of = np.full(len(combinations), MISSING, dtype=np.int64)
    for place, combination in enumerate(combinations):
        pairs = zip(codes, combination, strict=True)
        values = [None if code == MISSING else names[code] for (names, _), code in pairs]
        label = block_label(values, plan, statistics)
        if label is not None:
            block_of[place] = labels.setdefault(label, len(labels))
    tag_key, secret_key = derive(key, Label.BLOCK_TAG), derive(key, Label.DIFFUSION)
    tags = b"".join(block_tag(tag_key, label) for label in labels)
    return Division(
        block=block_of[inverse.ravel()],
        tags=np.frombuffer(tags, dtype=np.uint8).reshape(-1, 16),
        secrets=[block_secret(secret_key, label) for label in labels],
    )


def block_label(values: Sequence[str | None], plan: PassPlan, statistics: Statistics) -> bytes | None:
    """The unambiguous name of the block of these component values (base then finer), or None for no block.

    Expected sizes come from the plan's population and public statistics; the four kinds of names cannot collide.
    """
    base = _known(values[: len(plan.blocks)])
    if base is None:
        return None
    expected = plan.population * statistics.share(plan.blocks, base) // BILLION
    if plan.blocks and expected < plan.floor:
        return frame(b"bucket", _bucket(base, plan.buckets))
    if not plan.finer or expected <= plan.cap:
        return frame(b"value", *base)
    finer = _known(values[len(plan.blocks) :])
    if finer is None:
        return None
    if expected * statistics.share(plan.finer, finer) // BILLION < plan.floor:
        _, buckets = statistics.buckets(plan.finer, expected, plan.floor)
        return frame(b"rest", *base, _bucket(finer, buckets))
    return frame(b"split", *base, *finer)


def _known(values: Sequence[str | None]) -> list[str] | None:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def _bucket(values: Sequence[str], buckets: int) -> bytes:
    digest = hashlib.sha256(frame(b"bucket", *values)).digest()
    return (int.from_bytes(digest, "big") % buckets).to_bytes(8, "big")


def _component_codes(records: Records, sheet: Sheet, component: str) -> tuple[list[str], NDArray[np.int64]]:
    """Distinct values of a component and one code a record."""
    name, _, part = component.partition(".")
    attribute, column = sheet.attribute(name), records.columns[name]
    index: dict[str, int] = {}
    parts = [block_part(attribute, part, value) for value in column.values]
    of_value = [MISSING if value is None else index.setdefault(value, len(index)) for value in parts]
    table = np.array([*of_value, MISSING], dtype=np.int64)  # the last entry answers for code MISSING = -1
    return list(index), table[column.codes]
