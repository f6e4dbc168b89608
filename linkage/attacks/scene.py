"""The scene of an attack: one block of one pass as the third party holds it, made by the real encoder under fresh keys.

What the attacker has, a `View`: the opened filters of the block, in their shuffled order; the sheet, the profile, the plan, the
length and the degree; the label of the block (granted: labels of coarse blocks can be guessed from their sizes); a reference
file of his own, of which he takes the records that the plan puts in that block; pairs that he knows. What he lacks: all keys.

The truth is in the `Scene`, beside the view: an attack takes the view alone, `Scene.score` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crypto.framing import Label
from crypto.keys import PassKey, RunKey, derive, fresh_share
from linkage.attacks.likeness import Insertions, agreement, expected_agreement, inserted, powers
from linkage.attacks.outcome import Guesses, Outcome, scored
from linkage.attribute import with_bits
from linkage.holder import HolderPass, encode_passes
from linkage.passes import Division, divide, in_form
from linkage.plan import INFORMATION_PER_THOUSAND, STRICT_PER_THOUSAND, PassPlan, Plan, largest_distance
from linkage.profiles import profile_named
from linkage.records import Records
from linkage.sheet import Sheet
from linkage.statistics import Statistics
from linkage.stream import LEAST_INSERTED

__all__ = ["Attack", "Scene", "Side", "View", "drawn", "one_table", "scenes"]

Rows = NDArray[np.int64]
Matrix = NDArray[np.float32]

_PLAIN_DICE = 800  # per mille; no attack reads a threshold
_PLAIN_BITS = (
    120  # independent coin tosses that a plain filter's agreement is worth: collisions of positions are everybody's
)
_CACHED = ("sets", "expected", "measured")


@dataclass(frozen=True, kw_only=True)
class Side:
    """A file and who is in it.

    Attributes:
        records: normalised.
        people: (n,) int64, the person of each row: the same number, the same person in both files.
    """

    records: Records
    people: Rows

    def __len__(self) -> int:
        return len(self.people)


@dataclass(frozen=True)
class View:
    """What the attacker has of one block.

    Attributes:
        filters: (n, L/64) uint64, the rows of the block.
        plan: of the pass (length, degree, what is left out).
        profile: its name.
        sheet: what the parties share.
        records: the attacker's reference file.
        candidates: (n',) which of its rows are in the block.
        depth: how many finer components make the block.
        known: (s, 2) pairs of a row of the filters and a place among the candidates.
    """

    filters: NDArray[np.uint64]
    plan: PassPlan
    profile: str
    sheet: Sheet
    records: Records
    candidates: Rows
    depth: int
    known: Rows

    @property
    def length(self) -> int:
        """L, bits of a filter."""
        return self.plan.length

    @property
    def degree(self) -> int:
        """t; 0 for plain filters."""
        return self.plan.degree

    @property
    def weight(self) -> float:
        """How many independent coin tosses an agreement is worth: 1/variance of its noise."""
        return float(self.length) if self.degree else _PLAIN_BITS * self.length / 1024

    @cached_property
    def sets(self) -> Insertions:
        """What the candidates insert in this pass."""
        return _inserted(self.records, self.candidates, self.sheet, (self.plan, self.profile), self.depth)

    @cached_property
    def expected(self) -> Matrix:
        """(n', n') the agreement 1 − 2H/L that the candidates' filters would have on average, 1 on the diagonal."""
        found = powers(expected_agreement(self.sets, self.sets, self.length), self.degree)
        np.fill_diagonal(found, 1.0)
        return found

    @cached_property
    def measured(self) -> Matrix:
        """(n, n) the agreement 1 − 2H/L of the rows."""
        return agreement(self.filters)

    def measured_with(self, rows: Rows) -> Matrix:
        """(n, len(rows)) the agreements of all rows with some."""
        if "measured" in self.__dict__:
            return self.measured[:, rows]
        return agreement(self.filters, self.filters[rows])

    def expected_with(self, candidates: Rows) -> Matrix:
        """(n', len(candidates)) the expected agreements of all candidates with some."""
        if "expected" in self.__dict__:
            return self.expected[:, candidates]
        return powers(expected_agreement(self.sets, self.sets.some(candidates), self.length), self.degree)

    @property
    def free_rows(self) -> Rows:
        """Rows that are in no known pair."""
        return np.setdiff1d(np.arange(len(self.filters)), self.known[:, 0])

    @property
    def free_candidates(self) -> Rows:
        """Places among the candidates that are in no known pair."""
        return np.setdiff1d(np.arange(len(self.candidates)), self.known[:, 1])

    def knowing(self, known: Rows) -> View:
        """The same block with other known pairs; what was computed is kept."""
        other = replace(self, known=np.asarray(known, dtype=np.int64).reshape(-1, 2))
        other.__dict__.update({name: self.__dict__[name] for name in _CACHED if name in self.__dict__})
        return other


Attack = Callable[[View, np.random.Generator], Guesses]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A view and its truth.

    Attributes:
        view: what attacks take.
        truth: (n,) the place among the candidates of each row's person, −1 where the attacker has no record of them.
        people: (n,) the person of each row.
    """

    view: View
    truth: Rows
    people: Rows

    def __len__(self) -> int:
        return len(self.people)

    def knowing(self, count: float, rng: np.random.Generator) -> Scene:
        """The same block with known pairs drawn afresh.

        Args:
            count: how many of those who are on both sides: a share under 1 (rounded at random), a number from 1 on.
            rng: draws them.
        """
        both = np.flatnonzero(self.truth >= 0)
        wanted = int(count * len(both) + rng.random()) if 0 < count < 1 else int(count)
        return self._knowing(np.sort(rng.permutation(both)[:wanted]))

    def knowing_people(self, people: Rows) -> Scene:
        """The same block when the attacker knows the rows of these people."""
        return self._knowing(np.flatnonzero(np.isin(self.people, people) & (self.truth >= 0)))

    def _knowing(self, rows: Rows) -> Scene:
        return replace(self, view=self.view.knowing(np.stack([rows, self.truth[rows]], axis=1)))

    def score(self, guesses: Guesses) -> Outcome:
        """What came of guesses; those about rows of known pairs do not count."""
        return scored(guesses, self.truth, self.people, self.view.known[:, 0], len(self.view.candidates))


def scenes(
    victim: Side,
    attacker: Side,
    sheet: Sheet,
    plan: Plan,
    *,
    sizes: tuple[int, int] = (2, 1 << 31),
    most: int | None = None,
    rng: np.random.Generator | None = None,
) -> Iterator[Scene]:
    """The blocks of all passes of a plan, pass by pass, with no pair known, under a fresh run key.

    Exact passes are left out: their rows have no filter, and a keyed token says nothing but who is there twice.

    Args:
        victim: what is sent to the third party.
        attacker: the reference file.
        sheet: what the parties share.
        plan: of this sheet.
        sizes: rows of the smallest and the largest block wanted.
        most: blocks of a pass, at most.
        rng: draws which blocks; without it they are the largest.
    """
    with RunKey(fresh_share()) as key:
        for encoded in encode_passes(victim.records, sheet, plan, key):
            if encoded.plan.measure == "exact":
                continue
            reference = _Reference(attacker, sheet, plan.profile, encoded.plan, key)
            first, counts = _blocks(encoded.encoded.tags)
            wanted = np.flatnonzero((counts >= sizes[0]) & (counts <= sizes[1]))
            ranked = wanted[np.argsort(-counts[wanted], kind="stable")] if rng is None else rng.permutation(wanted)
            for block in ranked[:most].tolist():
                rows = np.arange(first[block], first[block] + counts[block])
                yield reference.scene(encoded, rows, victim.people)


def drawn(victim: Side, attacker: Side, count: float, rng: np.random.Generator) -> Rows:
    """People of both files whose rows the attacker knows: a share of them under 1, a number from 1 on."""
    both = np.intersect1d(victim.people, attacker.people)
    wanted = round(count * len(both)) if 0 < count < 1 else int(count)
    chosen: Rows = rng.permutation(both)[:wanted]
    return chosen


def one_table(sheet: Sheet, profile: str, size: int) -> Plan:
    """A plan of one pass without blocks, in any profile: everybody in one table."""
    chosen = profile_named(profile)
    limits = [
        largest_distance(chosen.length, size * size, (allowed * size, 1000)) if chosen.degree else _PLAIN_DICE
        for allowed in (INFORMATION_PER_THOUSAND, STRICT_PER_THOUSAND)
    ]
    one = PassPlan(
        name="tout",
        blocks=(),
        finer=(),
        length=chosen.length,
        degree=chosen.degree,
        measure=chosen.measure,
        information=limits[0],
        strict=limits[1],
        cap=0,
        floor=0,
        population=size,
        buckets=1,
        expected_pairs=size * size,
    )
    return Plan(profile=profile, statistics_digest=Statistics(sheet).digest, passes=(one,))


def _blocks(tags: NDArray[np.uint8]) -> tuple[Rows, Rows]:
    """The first row of each block, and how many it has."""
    first = np.flatnonzero(np.any(tags[1:] != tags[:-1], axis=1)) + 1
    first = np.concatenate([np.zeros(min(1, len(tags)), dtype=np.int64), first])
    return first, np.diff(first, append=len(tags))


class _Reference:
    """The attacker's file divided as the plan divides."""

    def __init__(self, attacker: Side, sheet: Sheet, profile: str, plan: PassPlan, key: RunKey) -> None:
        self._people, self._sheet, self._profile, self._plan = attacker.people, sheet, profile, plan
        self._records = in_form(attacker.records, sheet, plan.form) if plan.form else attacker.records
        pass_key = PassKey(derive(key, Label.PASS, plan.name.encode()))
        self._division: Division = divide(self._records, sheet, plan, Statistics(sheet), pass_key)
        self._number = {tag.tobytes(): place for place, tag in enumerate(self._division.tags)}
        order = np.argsort(self._division.block, kind="stable")
        bounds = np.searchsorted(self._division.block[order], np.arange(len(self._number) + 1))
        self._order, self._bounds = order, bounds

    def scene(self, encoded: HolderPass, rows: Rows, people: Rows) -> Scene:
        """The scene of one block."""
        number = self._number.get(encoded.encoded.tags[rows[0]].tobytes())
        depth = 0 if number is None else int(self._division.depth[number])
        mine = np.empty(0, dtype=np.int64)
        if number is not None:
            mine = self._order[self._bounds[number] : self._bounds[number + 1]].astype(np.int64)
        sets = _inserted(self._records, mine, self._sheet, (self._plan, self._profile), depth)
        least = -(-LEAST_INSERTED * profile_named(self._profile).insertions // 1000)
        enough = np.flatnonzero(sets.budget >= least)
        view = View(
            filters=np.ascontiguousarray(encoded.encoded.filters[rows]),
            plan=self._plan,
            profile=self._profile,
            sheet=self._sheet,
            records=self._records,
            candidates=mine[enough],
            depth=depth,
            known=np.empty((0, 2), dtype=np.int64),
        )
        view.__dict__["sets"] = sets.some(enough)
        who = people[encoded.records[rows]]
        return Scene(view=view, truth=_places(who, self._people[mine[enough]]), people=who)


def _inserted(records: Records, rows: Rows, sheet: Sheet, of: tuple[PassPlan, str], depth: int) -> Insertions:
    plan, profile = of
    attributes = with_bits(sheet.attributes, plan.bits)
    return inserted(records, rows, attributes, profile_named(profile).insertions, plan.left_out(depth))


def _places(people: Rows, among: Sequence[int] | Rows) -> Rows:
    """The place of each person among others, −1 for none."""
    others = np.asarray(among, dtype=np.int64)
    order = np.argsort(others, kind="stable")
    at = np.minimum(np.searchsorted(others[order], people), max(0, len(others) - 1))
    if not len(others):
        return np.full(len(people), -1, dtype=np.int64)
    return np.where(others[order][at] == people, order[at], -1).astype(np.int64)
