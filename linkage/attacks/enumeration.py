"""A10, questions asked through the service: what a recipient learns by sending invented people.

What the attacker knows: he is a party of the run. He chooses his rows, encodes them as everybody does, and gets what a
recipient gets: which of his own rows are linked, in which pass, certainly or possibly; no score, no row of the other party. So a
run answers one question a row. *Membership*: is this person in the source's file. *Completion*: he knows all of somebody but the
day of birth, sends every day, and sees which row is linked.

What stands against it is not in the encoding: runs that both parties approve, least sizes, rows that resemble each other (the
third party counts them without a key, `benchmarks.probing` measures how surely), and canaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey, fresh_share
from linkage.attacks.outcome import wilson
from linkage.holder import encode_passes
from linkage.linker import link_pass
from linkage.plan import Plan
from linkage.records import Records
from linkage.sheet import Sheet

__all__ = ["Answers", "asked", "bait_taken", "completed"]

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a run of questions answered.

    Attributes:
        targets: people asked about who are in the source's file.
        found: of them, those of whom some row was certainly linked.
        told: of them, those of whom the row that was right, and no other, was linked.
        strangers: people asked about who are not there.
        mistaken: of them, those of whom some row was certainly linked all the same.
        variants: rows sent for each person.
    """

    targets: int
    found: int
    told: int
    strangers: int
    mistaken: int
    variants: int

    @property
    def bits(self) -> float:
        """What a target's answer tells of which variant is right, in bits: all or nothing."""
        return log2(self.variants) * self.told / self.targets if self.targets and self.variants else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the share of targets found."""
        return wilson(self.found, self.targets)


def asked(questions: Records, source: Records, sheet: Sheet, plan: Plan) -> tuple[Flags, Flags]:
    """Which rows of a recipient's upload come back: certainly in some pass, possibly in some pass, (n,) each."""
    key = RunKey(fresh_share())
    certain, possible = np.zeros(len(questions), dtype=bool), np.zeros(len(questions), dtype=bool)
    sides = encode_passes(questions, sheet, plan, key), encode_passes(source, sheet, plan, key)
    for one, ours, theirs in zip(plan.passes, *sides, strict=True):
        links = link_pass(ours.encoded, theirs.encoded, one)
        possible[ours.records[links.left_rows]] = True
        certain[ours.records[links.left_rows[links.strict]]] = True
    return certain, possible


def completed(certain: Flags, target: Rows, right: Flags, present: Sequence[int]) -> Answers:
    """What the answers say of each person asked about.

    Args:
        certain: (n,) rows that came back.
        target: (n,) the person that each row asks about, −1 for rows that ask nothing.
        right: (n,) whether the row has the right guess.
        present: people who are in the source's file.
    """
    people = np.unique(target[target >= 0])
    there = np.isin(people, np.asarray(present, dtype=np.int64))
    some = np.isin(people, target[certain])
    only = np.bincount(target[certain & (target >= 0)], minlength=int(people.max(initial=0)) + 1)[people] == 1
    hit = np.isin(people, target[certain & right])
    return Answers(
        targets=int(there.sum()),
        found=int((some & there).sum()),
        told=int((only & hit & there).sum()),
        strangers=int((~there).sum()),
        mistaken=int((some & ~there).sum()),
        variants=round(float((target >= 0).sum()) / max(1, len(people))),
    )


def bait_taken(share: float, canaries: int) -> float:
    """The chance that whoever lists that share of the likely identities hits one of so many canaries, 1 − (1 − q)^c."""
    return 1.0 - (1.0 - share) ** canaries
