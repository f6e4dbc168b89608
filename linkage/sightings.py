"""What a rehearsal sees beyond a run: links below the plan's thresholds, and how alike strangers of one file are.

A run stops at its thresholds and compares two files. A rehearsal, where one machine holds both, also looks lower
(`explored_plan`) and inside each file under the same keys and in the same blocks (`neighbours_of`): records of one file
are different people, so their pairs show how alike different people get, by chance, by kinship or by name.
`linkage.expectation` makes figures of that; nothing here knows the truth.

It may look through undiffused filters as well (`plain_plan`): they never leave the machine, and without the noise of
diffusion they show more of the people who are in both files, those that the run will miss among them.

Scores are estimated Dice, one column a pass, 0 where a pass says nothing of a pair. Solving one-to-one takes pairs from
the best down, so the links at a threshold are those links of a lower one whose score reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linkage.blocks import shared_blocks
from linkage.holder import HolderPass
from linkage.linker import PassLinks, check_pass, link_pass
from linkage.match import match_blocks
from linkage.plan import PassPlan, Plan, estimated_dice, largest_distance
from linkage.profiles import Profile, profile_named

__all__ = [
    "DRAWS",
    "LOOKS",
    "PLAIN",
    "SAMPLE",
    "Encoded",
    "Neighbours",
    "Sightings",
    "dice_floors",
    "explored_plan",
    "link_passes",
    "links_of",
    "neighbours_of",
    "plain_plan",
    "sightings",
]

SAMPLE = 20_000  # records of a file whose neighbours are looked for; of a larger file, evenly spread ones
LOOKS = 4  # at most, at the neighbours of a small file, each under other keys
DRAWS = 4  # records of the other file that stand in for a neighbour
_CROWD = 3  # strangers of its own file that a plain record has, on average, at the lowest threshold looked at
_PROBES = 500  # records from which that threshold is found
PLAIN = "reference"  # the profile without diffusion
_ALL_PAIRS = 1 << 30  # above it, files are compared within their blocks only
_SEED = 20_260_101  # of the stand-ins: a rehearsal gives the same figures twice

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Encoded = tuple[Sequence[HolderPass], Sequence[HolderPass]]  # the passes of the left file, those of the right one


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Pairs inside one file that reach the lowest thresholds in some pass, seen from records that were looked at.

    Attributes:
        record: (k,) int64, the record looked at.
        other: (k,) int64, the record of the same file that is like it.
        dice: (k, passes) estimated Dice, 0 in a pass that does not compare them or finds them too unlike.
        own_rows: (k,) int64, records of this file in the block where they are most alike.
        other_rows: (k,) int64, records of the other file in that block.
        stand_ins: (k, DRAWS) int64, records of the other file drawn from that block.
        scale: records of the file for each one looked at.
    """

    record: Integers
    other: Integers
    dice: Floats
    own_rows: Integers
    other_rows: Integers
    stand_ins: Integers
    scale: float


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """All that a rehearsal knows without truth.

    Attributes:
        sizes: records of both files.
        links: (m, 2) int64, pairs linked in some pass at the lowest thresholds.
        dice: (m, passes) estimated Dice of the link, 0 in a pass that does not link the pair.
        lowest: (passes,) the lowest thresholds, as estimated Dice.
        neighbours: those of the left file, those of the right one.
    """

    sizes: tuple[int, int]
    links: Integers
    dice: Floats
    lowest: Floats
    neighbours: tuple[Neighbours, Neighbours]


def explored_plan(plan: Plan, encoded: Encoded) -> Plan:
    """The plan with thresholds as low as a rehearsal looks: where strangers begin to outnumber what is left to find.

    Diffused passes: as many random links as half the smaller file. Plain filters: where a record has three
    neighbours in its own file on average.
    """
    passes = plan.passes
    if passes[0].measure == "hamming":
        smaller = min(max(len(one.records) for one in side) for side in encoded)
        pairs = sum(one.expected_pairs for one in passes)
        lowest = largest_distance(passes[0].length, pairs, (max(1, smaller), 2))
        numbers = [max(lowest, one.information) for one in passes]
    else:
        numbers = [max(_crowded(side[place]) for side in encoded) for place in range(len(passes))]
    lower = tuple(replace(one, information=number) for one, number in zip(passes, numbers, strict=True))
    return replace(plan, passes=lower)


def plain_plan(plan: Plan, sizes: tuple[int, int]) -> Plan:
    """The same passes without diffusion, and all records against all others where that is quick; never for a run."""
    profile = profile_named(PLAIN)
    passes = [_plain(one, profile) for one in plan.passes]
    if sizes[0] * sizes[1] <= _ALL_PAIRS and all(one.blocks for one in passes):
        passes.append(replace(passes[0], name="-", blocks=(), finer=(), without=(), form="", cap=0, buckets=0))
    return replace(plan, profile=profile.name, passes=tuple(passes))


def link_passes(
    plan: Plan,
    encoded: Encoded,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[PassLinks]:
    """What the third party's worker does with each pass: judge both sides, then link.

    Args:
        plan: with the thresholds to link at.
        encoded: the passes of both sides.
        progress: told (stage, done, total).

    Raises:
        LinkageError: as `linkage.linker.check_pass`.
    """
    linked = []
    for one, ours, theirs in zip(plan.passes, *encoded, strict=True):
        for side in (ours, theirs):
            check_pass(side.encoded, one)
        linked.append(
            link_pass(ours.encoded, theirs.encoded, one, progress=_stage(progress, f"rapprochement, passe {one.name}"))
        )
    return linked


def links_of(plan: Plan, encoded: Encoded, linked: Sequence[PassLinks], width: int) -> tuple[Integers, Floats]:
    """The union of the links of all passes.

    Args:
        plan: they were linked under.
        encoded: the passes of both sides.
        linked: the links of each pass.
        width: records of the right file.

    Returns:
        (m, 2) pairs of records, and (m, passes) estimated Dice, 0 in a pass that does not link them.
    """
    parts = []
    for one, found, ours, theirs in zip(plan.passes, linked, *encoded, strict=True):
        dice = _dice(found.score, one)
        parts.append((ours.records[found.left_rows], theirs.records[found.right_rows], dice))
    left, right, dice = _joined(parts, width)
    return np.stack([left, right], axis=1), dice


def sightings(plan: Plan, encoded: Sequence[Encoded], linked: Sequence[PassLinks], sizes: tuple[int, int]) -> Sightings:
    """Links and neighbours at the thresholds of an explored plan.

    Args:
        plan: of `explored_plan`.
        encoded: the passes of both sides under the keys that links were made with; then, under other keys, those in
            which neighbours are looked for again, so that less depends on the chance of one draw.
        linked: what `link_passes` found under that plan.
        sizes: records of both files.
    """
    links, dice = links_of(plan, encoded[0], linked, sizes[1])
    return Sightings(
        sizes=sizes,
        links=links,
        dice=dice,
        lowest=dice_floors(plan, [one.information for one in plan.passes]),
        neighbours=(
            _together([neighbours_of(plan, *pair, sizes[0]) for pair in encoded]),
            _together([neighbours_of(plan, *pair[::-1], sizes[1]) for pair in encoded]),
        ),
    )


def _together(looks: Sequence[Neighbours]) -> Neighbours:
    """Several looks at one file, each counting for its share."""
    names = ("record", "other", "dice", "own_rows", "other_rows", "stand_ins")
    columns = {name: np.concatenate([getattr(one, name) for one in looks]) for name in names}
    return Neighbours(**columns, scale=looks[0].scale / len(looks))


def neighbours_of(plan: Plan, own: Sequence[HolderPass], other: Sequence[HolderPass], size: int) -> Neighbours:
    """The pairs inside one file, in the blocks that the other file holds too.

    Args:
        plan: of `explored_plan`.
        own: passes of the file.
        other: passes of the other file, under the same keys.
        size: records of the file.
    """
    step = max(1, -(-size // SAMPLE))
    parts, places = [], []
    for one, ours, theirs in zip(plan.passes, own, other, strict=True):
        blocks = shared_blocks(ours.encoded.tags, theirs.encoded.tags)
        looked = np.flatnonzero(ours.records % step == 0)  # records come in the order of a file: take every step-th
        queries = np.searchsorted(looked, blocks[:, :2])
        ranges = np.ascontiguousarray(np.concatenate([queries, blocks[:, :2]], axis=1))
        filters = ours.encoded.filters
        found = match_blocks(np.ascontiguousarray(filters[looked]), filters, ranges, one.information_score, one.measure)
        row, score = looked[found.left], _dice(found.score, one)
        strangers = row != found.right
        parts.append((ours.records[row[strangers]], ours.records[found.right[strangers]], score[strangers]))
        places.append(_places(ours.records, blocks, size))
    record, neighbour, dice = _joined(parts, size)
    best = dice.argmax(axis=1)
    rows = np.stack(places)[best, record] if len(record) else np.zeros((0, 3), dtype=np.int64)
    return Neighbours(
        record=record,
        other=neighbour,
        dice=dice,
        own_rows=rows[:, 0],
        other_rows=rows[:, 1],
        stand_ins=_stand_ins(rows, best, other),
        scale=size / max(1, -(-size // step)),
    )


def dice_floors(plan: Plan, numbers: Sequence[int]) -> Floats:
    """Thresholds of a plan (distances, or per-mille Dice) as estimated Dice, comparable with the scores here."""
    return np.array([_floor(one, number) for one, number in zip(plan.passes, numbers, strict=True)])


def _floor(plan: PassPlan, number: int) -> float:
    if plan.measure == "exact":
        return 1.0
    return number / 1000 if plan.measure == "dice" else float(_table(plan)[number])


def _plain(one: PassPlan, profile: Profile) -> PassPlan:
    return replace(one, length=profile.length, degree=profile.degree, measure=profile.measure, information=0, strict=0)


def _crowded(one: HolderPass) -> int:
    """The per-mille Dice that `_CROWD` other rows of its block reach, on average over some rows."""
    filters, tags = one.encoded.filters, np.ascontiguousarray(one.encoded.tags).view("S16").ravel()
    kept = [np.full(1, 500)]
    rows = np.linspace(0, len(filters) - 1, min(_PROBES, len(filters))).astype(np.intp)
    for row in rows:
        start, stop = np.searchsorted(tags, tags[row], "left"), np.searchsorted(tags, tags[row], "right")
        block = filters[start:stop]
        common = np.bitwise_count(block & filters[row]).sum(axis=1, dtype=np.int64)
        bits = np.bitwise_count(block).sum(axis=1, dtype=np.int64)
        dice = 2000 * common // np.maximum(1, bits + bits[row - start])
        dice[row - start] = 0
        kept.append(np.sort(dice)[-20 * _CROWD :])
    ordered = np.sort(np.concatenate(kept))[::-1]
    return int(np.clip(ordered[min(len(ordered) - 1, _CROWD * len(rows))], 500, 999))


def _dice(score: Floats, plan: PassPlan) -> Floats:
    """Scores of the matcher as estimated Dice; a distance gives the same number wherever it comes from."""
    if plan.measure != "hamming":
        return score
    return _table(plan)[np.rint((1.0 - score) * plan.length).astype(np.int64)]


def _table(plan: PassPlan) -> Floats:
    return np.array([estimated_dice(distance, plan.length, plan.degree) for distance in range(plan.length + 1)])


def _joined(parts: Sequence[tuple[Integers, Integers, Floats]], width: int) -> tuple[Integers, Integers, Floats]:
    """The pairs of all passes, each once, with their score in each pass."""
    keys = [one * width + other for one, other, _ in parts]
    union, place = np.unique(np.concatenate(keys), return_inverse=True)
    dice = np.zeros((len(union), len(parts)))
    starts = np.cumsum([0, *map(len, keys)])
    for number, (_, _, score) in enumerate(parts):
        dice[place[starts[number] : starts[number + 1]], number] = score
    return union // max(1, width), union % max(1, width), dice


def _places(records: Integers, blocks: Integers, size: int) -> Integers:
    """(size, 3) by record: rows of its block in its own file, in the other one, and where those begin."""
    found = np.zeros((size, 3), dtype=np.int64)
    own, other = blocks[:, 1] - blocks[:, 0], blocks[:, 3] - blocks[:, 2]
    within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
    rows = np.repeat(blocks[:, 0], own) + within
    found[records[rows]] = np.repeat(np.stack([own, other, blocks[:, 2]], axis=1), own, axis=0)
    return found


def _stand_ins(rows: Integers, passes: Integers, other: Sequence[HolderPass]) -> Integers:
    """Records of the other file, each drawn from the block given as (own rows, other rows, where those begin)."""
    drawn = np.random.default_rng(_SEED).random((len(rows), DRAWS))
    place = rows[:, 2:3] + (drawn * rows[:, 1:2]).astype(np.int64)
    found = np.zeros((len(rows), DRAWS), dtype=np.int64)
    for number, one in enumerate(other):
        here = passes == number
        found[here] = one.records[place[here]]
    return found


def _stage(progress: Callable[[str, int, int], None] | None, name: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(name, done, total)) if progress else None
