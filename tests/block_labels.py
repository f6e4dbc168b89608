"""The block of one record, component by component: what `linkage.passes` does for all records by their distinct values."""

from __future__ import annotations

from collections.abc import Sequence

from linkage import passes
from linkage.plan import PassPlan
from linkage.statistics import Statistics

__all__ = ["block_label"]


def block_label(values: Sequence[str | None], plan: PassPlan, statistics: Statistics) -> bytes | None:
    """The unambiguous name of the block of these component values (base then finer), or None for no block.

    Expected sizes come from the plan's population and public statistics; the four kinds of names cannot collide.
    """
    known = tuple(value for value in values[: len(plan.blocks)] if value is not None)
    node = passes._first(known, plan, statistics) if len(known) == len(plan.blocks) else None
    for value in values[len(plan.blocks) :]:
        if node is not None and node.label is None:
            node = None if value is None else passes._finer(node, value, plan, statistics)
    return node.label if node else None
