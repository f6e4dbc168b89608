"""Records divided into blocks: the block value of each record in one pass, and what is derived from it under the pass key.

The plan decides, never the data: a value expected to exceed the cap takes the finer components along, one expected to be
rarer than the floor shares a hashed bucket, any other is a block of its own. A record whose block value is missing falls
out of the pass; the other passes are there for it.
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

    Expected sizes come from the plan's population and public statistics; the three kinds of names cannot collide.
    """
    base = values[: len(plan.blocks)]
    known = [value for value in base if value is not None]
    if len(known) < len(base):
        return None
    expected = plan.population
    for component, value in zip(plan.blocks, known, strict=True):
        expected = expected * statistics.share(component, value) // BILLION
    words = [value.encode() for value in known]
    if plan.blocks and expected < plan.floor:
        digest = hashlib.sha256(frame(b"bucket", *words)).digest()
        return frame(b"bucket", (int.from_bytes(digest, "big") % plan.buckets).to_bytes(8, "big"))
    if plan.finer and expected > plan.cap:
        finer = [value for value in values[len(plan.blocks) :] if value is not None]
        return frame(b"split", *words, *(value.encode() for value in finer)) if len(finer) == len(plan.finer) else None
    return frame(b"value", *words)


def _component_codes(records: Records, sheet: Sheet, component: str) -> tuple[list[str], NDArray[np.int64]]:
    """Distinct values of a component and one code a record."""
    name, _, part = component.partition(".")
    attribute, column = sheet.attribute(name), records.columns[name]
    index: dict[str, int] = {}
    parts = [block_part(attribute, part, value) for value in column.values]
    of_value = [MISSING if value is None else index.setdefault(value, len(index)) for value in parts]
    table = np.array([*of_value, MISSING], dtype=np.int64)  # the last entry answers for code MISSING = -1
    return list(index), table[column.codes]
