"""Files of filters whose truth is known: people of both, people of one only, relatives who look alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage.holder import HolderPass
from linkage.linker import PassLinks
from linkage.plan import Measure, PassPlan, Plan
from linkage.sightings import Sightings, explored_plan, link_passes, sightings
from linkage.wire import EncodedPass

LENGTH = 512


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Bits of two files: row k of both is one person when k < shared."""

    left: NDArray[np.bool_]
    right: NDArray[np.bool_]
    shared: int


def mixture(shared: int, alone: int, noise: float, seed: int = 3, kin: float = 0.0) -> Mixture:
    """`shared` people of both files and `alone` of one only; bits of both records differ with probability `noise`.

    Of everybody, a share `kin` has a relative in the population who shares two to seven tenths of the bits.
    """
    rng = np.random.default_rng(seed)
    people = rng.random((shared + 2 * alone, LENGTH)) < 0.5
    order = rng.permutation(len(people))
    pairs = int(kin * len(people) / 2)
    eldest, youngest = order[:pairs], order[pairs : 2 * pairs]
    alike = rng.random((pairs, LENGTH)) < rng.uniform(0.2, 0.7, (pairs, 1))
    people[youngest] = np.where(alike, people[eldest], people[youngest])
    left = people[: shared + alone]
    right = np.concatenate([people[:shared], people[shared + alone :]])
    left, right = (side ^ (rng.random(side.shape) < noise / 2) for side in (left, right))
    return Mixture(left=left, right=right, shared=shared)


def plan_of(measure: Measure = "dice", number: int = 800, blocks: int = 1) -> Plan:
    """One pass, all against all or in blocks."""
    one = PassPlan(
        name="tout", blocks=() if blocks == 1 else ("x.value",), finer=(), length=LENGTH, degree=0 if measure == "dice" else 4,
        measure=measure, information=number, strict=number, cap=0, floor=0, population=1, buckets=1, expected_pairs=1000,
    )  # fmt: skip
    return Plan(profile="reference", statistics_digest="", passes=(one,))


def passes_of(bits: NDArray[np.bool_], plan: Plan, blocks: NDArray[np.int64] | None = None) -> list[HolderPass]:
    """The one pass of a file, its rows sorted by block and random id."""
    block = np.zeros(len(bits), dtype=np.int64) if blocks is None else blocks
    filters = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    ids = np.random.default_rng(len(bits)).integers(0, 256, (len(bits), 16), dtype=np.uint8)
    tags = np.zeros((len(bits), 16), dtype=np.uint8)
    tags[:, 0] = block
    order = np.lexsort([*ids.T[::-1], block])
    encoded = EncodedPass(ids=ids[order], tags=tags[order], filters=np.ascontiguousarray(filters[order]))
    return [HolderPass(plan=plan.passes[0], encoded=encoded, records=order.astype(np.int64), left_aside=0)]


def seen_in(one: Mixture, plan: Plan | None = None) -> tuple[Plan, list[PassLinks], Sightings]:
    """The explored plan, its links and the sightings of a mixture."""
    chosen = plan or plan_of()
    encoded = passes_of(one.left, chosen), passes_of(one.right, chosen)
    lowest = explored_plan(chosen, encoded)
    linked = link_passes(lowest, encoded)
    return lowest, linked, sightings(lowest, [encoded], linked, (len(one.left), len(one.right)))


def right_links(one: Mixture, links: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(k,) which links join the two records of one person."""
    return np.asarray((links[:, 0] == links[:, 1]) & (links[:, 0] < one.shared))
