"""What a plan costs and what it is worth, before any data is exchanged: blocks, bytes, time, recall, exposure of each pass.

Sizes come from the declared sizes and public statistics, recall from assumed rates of mistakes (`linkage.assumptions`), time
from rates measured on two cores of an ordinary server. All of it is an estimate; nothing of it enters the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage.assumptions import Pairs, imagine_pairs, linked
from linkage.attribute import with_bits
from linkage.exposure import exposure
from linkage.features import insertions_by_group
from linkage.plan import PassPlan, Plan, target_size
from linkage.profiles import Profile, profile_named
from linkage.sheet import Sheet
from linkage.sizing import Limits, Sizing, size_blocks
from linkage.statistics import BILLION, Statistics

__all__ = ["PassCost", "PlanCost", "cost_plan"]

Chances = NDArray[np.float64]

ROW_HEAD = 32  # bytes of a row beside its filter: id and tag
ENCODED_BITS = 800_000_000  # of filters a second, sealed, on two cores: 390 thousand rows of 2048 bits
MATCHED_BITS = (
    800_000_000_000  # of pairs of filters a second on one core: 390 million pairs of 2048 bits (415 measured)
)
_SEEN_DEPTH = BILLION // 100  # of the records: depths with fewer do not count for exposure


@dataclass(frozen=True, kw_only=True)
class PassCost:
    """One pass.

    Attributes:
        plan: of the pass.
        sizing: expected blocks.
        mean: records of the larger file in the block of an average record.
        bytes: sent by the recipient and by the source.
        encode_seconds, match_seconds: on two cores, both files encoded.
        meeting, linking: share of the true pairs.
        exposure: largest κ of its blocks, in thousandths.
    """

    plan: PassPlan
    sizing: Sizing
    mean: int
    bytes: tuple[int, int]
    encode_seconds: float
    match_seconds: float
    meeting: float
    linking: float
    exposure: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        one = self.plan
        return {
            "name": one.name,
            "blocks": list(one.blocks),
            "finer": list(one.finer),
            "without": list(one.without),
            "form": one.form,
            "degree": one.degree,
            "expected_blocks": self.sizing.blocks,
            "mean_block": self.mean,
            "largest_block": self.sizing.largest,
            "split": self.sizing.split / BILLION,
            "pairs": one.expected_pairs,
            "bytes": list(self.bytes),
            "encode_seconds": round(self.encode_seconds, 2),
            "match_seconds": round(self.match_seconds, 2),
            "meeting": round(self.meeting, 6),
            "linking": round(self.linking, 6),
            "exposure": self.exposure / 1000,
            "threshold": one.shown(one.information),
            "strict_threshold": one.shown(one.strict),
        }


_TOKENS = Sizing(largest=1, blocks=0, pair_share=0, depths=(BILLION,), buckets=1)  # a value a block


@dataclass(frozen=True, kw_only=True)
class PlanCost:
    """A whole plan: its passes, and the share of the true pairs that some pass brings together or links."""

    profile: str
    sizes: tuple[int, int]
    passes: tuple[PassCost, ...]
    meeting: float
    linking: float

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and strings."""
        return {
            "profile": self.profile,
            "sizes": list(self.sizes),
            "passes": [one.to_json() for one in self.passes],
            "meeting": round(self.meeting, 6),
            "linking": round(self.linking, 6),
            "bytes": [sum(one.bytes[side] for one in self.passes) for side in (0, 1)],
            "pairs": sum(one.plan.expected_pairs for one in self.passes),
            "encode_seconds": round(sum(one.encode_seconds for one in self.passes), 2),
            "match_seconds": round(sum(one.match_seconds for one in self.passes), 2),
        }


def cost_plan(sheet: Sheet, plan: Plan, sizes: tuple[int, int]) -> PlanCost:
    """What that plan, made for those sizes, costs with a diffused profile."""
    statistics, profile, pairs = Statistics(sheet), profile_named(plan.profile), imagine_pairs(sheet)
    weight = pairs.weight / pairs.weight.sum()
    apart, unlinked = np.ones(len(weight)), np.ones(len(weight))
    passes = []
    for one in plan.passes:
        if one.measure == "exact":
            sizing, meeting, linking = _TOKENS, 0 * weight, 0 * weight  # who has the value in both files is not known
        else:
            sizing = size_blocks(statistics, one.blocks, one.finer, _limits(one))
            meeting, linking = _reached(one, sheet, profile, pairs, sizing)
        if not one.twin:  # it links whom its pass links
            apart, unlinked = apart * (1 - meeting), unlinked * (1 - linking)
        passes.append(
            PassCost(
                plan=one,
                sizing=sizing,
                mean=sizing.pair_share * one.population // BILLION**2,
                bytes=(sizes[0] * _row_bytes(one), sizes[1] * _row_bytes(one)),
                encode_seconds=sum(sizes) * one.length / ENCODED_BITS,
                match_seconds=one.expected_pairs * one.length / MATCHED_BITS,
                meeting=float(weight @ meeting),
                linking=float(weight @ linking),
                exposure=0 if one.measure == "exact" else _exposure(one, sheet, statistics, profile, sizing),
            )
        )
    return PlanCost(
        profile=plan.profile,
        sizes=sizes,
        passes=tuple(passes),
        meeting=float(1 - weight @ apart),
        linking=float(1 - weight @ unlinked),
    )


def _row_bytes(plan: PassPlan) -> int:
    return ROW_HEAD + plan.length // 8


def _limits(plan: PassPlan) -> Limits:
    return Limits(population=plan.population, cap=target_size(plan.cap) or plan.population, floor=plan.floor)


def _reached(plan: PassPlan, sheet: Sheet, profile: Profile, pairs: Pairs, sizing: Sizing) -> tuple[Chances, Chances]:
    """For each imagined pair, the chance that it meets in a block, and that it is linked there.

    Its people are in split blocks as often as anybody, in one pass whatever they are in another.
    """
    form, attributes = bool(plan.form), with_bits(sheet.attributes, plan.bits)
    meeting = linking = np.zeros(len(pairs.weight))
    for depth, share in enumerate(sizing.depths):
        meets = pairs.meeting((*plan.blocks, *plan.finer[:depth]), form=form)
        alike = meets
        if plan.degree:
            left_out = plan.left_out(depth)
            shares = insertions_by_group(attributes, profile.insertions, left_out)
            whole = sum(sum(shares[one.name].values()) for one in attributes if not one.second_form_of)
            common = pairs.alike(attributes, profile, left_out, form=form)
            alike = meets & linked(common, profile, whole, plan.degree, plan.information)
        part = share / sum(sizing.depths)
        meeting, linking = meeting + part * meets, linking + part * alike
    return meeting, linking


def _exposure(plan: PassPlan, sheet: Sheet, statistics: Statistics, profile: Profile, sizing: Sizing) -> int:
    attributes, degree = with_bits(sheet.attributes, plan.bits), max(1, plan.degree)
    depths = [depth for depth, share in enumerate(sizing.depths) if share >= _SEEN_DEPTH]
    return max((exposure(attributes, statistics, profile, plan.left_out(depth), degree) for depth in depths), default=0)
