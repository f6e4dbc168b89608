"""A9, passes put together again: a person stands in several passes, and who joins them knows several of their block values.

What the attacker knows: the blocks of each pass (which rows share one), their labels if they are granted, and his reference file
divided as the plan divides. Two attacks.

*Joined ids*: what a run would give away if a row had the same name in all passes. The table of who is in which blocks is a
graph with coloured edges that the reference file has as well: blocks are told apart by their sizes, then by the blocks that
their people are in elsewhere, round after round (colour refinement); people of one cell of the table stay confused. No bit is
looked at. The design draws fresh ids in each pass so that this attack has nothing to begin with.

*Separate ids*: what is left to join rows by: how alike a row and its best link are (nearly the same in all passes, since the
same two records are compared), whether it has a link, how alike its nearest neighbour in its own file is (twins, people twice in
a file), and how many people a pair of blocks can share, which a reference file of these very people says. Order says nothing,
rows stand in the order of random ids; timing says nothing, a pass is one upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey, fresh_share
from linkage.attacks.likeness import agreement
from linkage.attacks.outcome import Outcome
from linkage.attacks.scene import Side
from linkage.holder import HolderPass, encode_passes
from linkage.linker import link_pass
from linkage.plan import PassPlan, Plan, estimated_dice
from linkage.sheet import Sheet

__all__ = ["Seen", "blocks_of", "joined", "rejoined", "seen"]

Rows = NDArray[np.int64]
Numbers = NDArray[np.float64]

_ROUNDS = 6  # of refinement
_NOBODY = -1
_NOTHING = 0.0  # likeness of a row that has no link, no neighbour
_NOISE = 2.0  # of a difference of two independent likenesses, their variance
_WIDTH = 0.01  # of estimated Dice, below what passes can differ by: what they leave out of a filter differs


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the third party sees of one file in one pass.

    Attributes:
        block: (n,) the block of each row.
        linked: (n,) estimated Dice of the link of each row, 0 without one.
        near: (n,) estimated Dice of the nearest other row of the same file and block, 0 when it is far.
        record: (n,) the record that each row stands for: the truth, for scoring.
    """

    block: Rows
    linked: Numbers
    near: Numbers
    record: Rows


def blocks_of(side: Side, sheet: Sheet, plan: Plan, key: RunKey) -> Rows:
    """The block of each record in each pass, (n, passes), −1 where it is in none; numbers are the same for the same key."""
    found = np.full((len(side), len(plan.passes)), _NOBODY, dtype=np.int64)
    for number, one in enumerate(encode_passes(side.records, sheet, plan, key)):
        if len(one.records):
            found[one.records, number] = _numbers(one.encoded.tags)
    return found


def joined(
    victim: tuple[Rows, Rows], attacker: tuple[Rows, Rows], rng: np.random.Generator, *, labels: bool
) -> Outcome:
    """Who is found when rows have one name in all passes.

    Args:
        victim: (n, passes) the blocks of each row, as `blocks_of` gives them, and the person of each.
        attacker: the same of his reference file.
        rng: chooses among people of one cell.
        labels: whether he is granted which of his blocks is which of the rows'; else both sides are refined by structure.
    """
    blocks, people = victim
    own_blocks, own = attacker
    if not labels:
        blocks, own_blocks = _refined(blocks), _refined(own_blocks)
    index: dict[tuple[int, ...], list[int]] = {}
    for place, cell in enumerate(map(tuple, own_blocks.tolist())):
        index.setdefault(cell, []).append(place)
    found, sure = np.full(len(people), _NOBODY, dtype=np.int64), np.zeros(len(people))
    for row, cell in enumerate(map(tuple, blocks.tolist())):
        some = index.get(cell)
        if some:
            found[row], sure[row] = own[some[int(rng.integers(len(some)))]], 1 / len(some)
    return _outcome(people, own, found, sure)


def seen(ours: HolderPass, theirs: HolderPass, plan: PassPlan) -> Seen:
    """What a pass shows of the left file, once linked."""
    links = link_pass(ours.encoded, theirs.encoded, plan)
    linked = np.full(len(ours.records), _NOTHING)
    linked[links.left_rows] = _dice(plan, links.score)
    near, block = np.full(len(ours.records), _NOTHING), _numbers(ours.encoded.tags)
    for rows in np.split(np.argsort(block, kind="stable"), np.cumsum(np.bincount(block))[:-1]):
        if len(rows) > 1:
            alike = agreement(ours.encoded.filters[rows])
            np.fill_diagonal(alike, -1)
            near[rows] = _dice(plan, (1 + alike.max(axis=1).astype(np.float64)) / 2)
    near[near < _dice(plan, np.array([plan.information_score]))[0]] = _NOTHING
    return Seen(block=block, linked=linked, near=near, record=ours.records)


def rejoined(
    left: Side, right: Side, sheet: Sheet, plan: Plan, rng: np.random.Generator, *, pair: tuple[int, int] = (0, 1)
) -> Outcome:
    """How many rows of one pass are joined with the row of the same person in another, ids being separate.

    Args:
        left: the file whose passes are to be joined; its people count as tried when they are in both passes.
        right: the other file of the comparison.
        sheet: what the parties share.
        plan: of the comparison.
        rng: chooses among rows that look alike.
        pair: places of the two passes in the plan.
    """
    key = RunKey(fresh_share())
    sides = zip(
        encode_passes(left.records, sheet, plan, key), encode_passes(right.records, sheet, plan, key), strict=True
    )
    one, other = (seen(*both, plan.passes[place]) for place, both in enumerate(sides) if place in pair)
    expected = _shared(one, other)
    guessed, sure = np.empty(len(one.record), dtype=np.int64), np.empty(len(one.record))
    spread = _NOISE * _WIDTH**2
    for row in range(len(one.record)):
        fit = np.log(expected[one.block[row]][other.block])
        fit -= np.minimum((other.linked - one.linked[row]) ** 2 / (2 * spread), 12)
        fit -= np.minimum((other.near - one.near[row]) ** 2 / (2 * spread), 12)
        best = np.flatnonzero(fit >= fit.max() - 1e-9)
        guessed[row] = best[int(rng.integers(len(best)))]
        sure[row] = fit.max() - np.logaddexp.reduce(fit) - np.log(len(best))
    both = np.isin(one.record, other.record)
    correct = other.record[guessed] == one.record
    return Outcome(
        people=left.people[one.record[both]],
        found=correct[both],
        by_chance=float((1 / np.bincount(other.block)[_partner(one, other)[both]]).sum()),
        confidence=sure,
        correct=correct,
    )


def _shared(one: Seen, other: Seen) -> Numbers:
    """How likely two rows of two blocks are one person: what a reference file of these people would say, a half added."""
    table = np.full((int(one.block.max()) + 1, int(other.block.max()) + 1), 0.5)
    place = dict(zip(other.record.tolist(), other.block.tolist(), strict=True))
    for record, block in zip(one.record.tolist(), one.block.tolist(), strict=True):
        if record in place:
            table[block, place[record]] += 1
    likely: Numbers = table / (np.bincount(one.block)[:, None] * np.bincount(other.block)[None, :])
    return likely


def _partner(one: Seen, other: Seen) -> Rows:
    """The block in the other pass of each row's record; 0 for those that are not there."""
    place = dict(zip(other.record.tolist(), other.block.tolist(), strict=True))
    return np.array([place.get(record, 0) for record in one.record.tolist()], dtype=np.int64)


def _refined(blocks: Rows) -> Rows:
    """The colour of each row's blocks: two blocks have one colour when nothing in the table tells them apart."""
    colours = [_sizes(column) for column in blocks.T]
    for _ in range(_ROUNDS):
        rows = [hash(cell) for cell in zip(*(one.tolist() for one in colours), strict=True)]
        colours = [_coloured(column, rows) for column in blocks.T]
    return np.stack(colours, axis=1)


def _sizes(column: Rows) -> Rows:
    counts = np.bincount(column + 1)
    return np.asarray(np.where(column < 0, _NOBODY, counts[column + 1]), dtype=np.int64)


def _coloured(column: Rows, rows: Sequence[int]) -> Rows:
    """A number for the multiset of what the rows of each block look like; equal multisets have equal ones, on both sides."""
    mixed = np.array(rows, dtype=np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    sums = np.zeros(int(column.max(initial=-1)) + 2, dtype=np.uint64)
    np.add.at(sums, column + 1, mixed * np.uint64(0xBF58476D1CE4E5B9))
    return np.where(column < 0, _NOBODY, sums[column + 1].view(np.int64) >> 1)


def _numbers(tags: NDArray[np.uint8]) -> Rows:
    """Blocks in the order of their tags."""
    changes = (tags[1:] != tags[:-1]).any(axis=1)
    return np.concatenate([[0], np.cumsum(changes)]).astype(np.int64)[: len(tags)]


def _dice(plan: PassPlan, scores: Numbers) -> Numbers:
    if plan.measure == "dice":
        return scores
    return np.array([estimated_dice(float(one), plan.length, plan.degree) for one in (1 - scores) * plan.length])


def _outcome(people: Rows, own: Rows, found: Rows, sure: Numbers) -> Outcome:
    both = np.isin(people, own)
    guessed = found != _NOBODY
    return Outcome(
        people=people[both],
        found=(found == people)[both],
        by_chance=float(both.sum()) / max(1, len(own)),
        confidence=sure[guessed],
        correct=(found == people)[guessed],
    )
