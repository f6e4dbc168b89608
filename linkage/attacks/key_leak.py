"""A8, the key leaks: whoever has the run key encodes what he likes and looks it up.

What the attacker knows: everything, the run key included: a party of the comparison that colludes with the third party, or a
stolen workstation during the run. He encodes his own records as the run does and takes, in each block, the most alike of them.
Nothing in an encoding defends against that; keys that live for one run, in few hands, do. The figure is the control of all
others: what it does not find, nobody can expect to find.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crypto.keys import RunKey
from linkage.attacks.likeness import agreement
from linkage.attacks.outcome import Outcome
from linkage.attacks.scene import Side
from linkage.holder import HolderPass, encode_passes
from linkage.plan import Plan
from linkage.sheet import Sheet

__all__ = ["key_leak"]

Rows = NDArray[np.int64]

_AT_ONCE = 1024  # rows compared with a whole block


def key_leak(victim: Side, attacker: Side, sheet: Sheet, plan: Plan, key: RunKey) -> list[Outcome]:
    """What the holder of a run key finds, pass by pass.

    Args:
        victim: what was sent.
        attacker: his reference file.
        sheet: of the agreement.
        plan: of the comparison.
        key: of the comparison, which he should not have.
    """
    passes = zip(
        encode_passes(victim.records, sheet, plan, key), encode_passes(attacker.records, sheet, plan, key), strict=True
    )
    return [_of_pass(sent, tried, victim.people, attacker.people) for sent, tried in passes]


def _of_pass(sent: HolderPass, tried: HolderPass, people: Rows, own: Rows) -> Outcome:
    theirs = dict(_blocks(tried))
    found, sure, by_chance = np.full(len(sent.records), -1, dtype=np.int64), np.zeros(len(sent.records)), 0.0
    for tag, rows in _blocks(sent):
        mine = theirs.get(tag)
        if mine is None:
            continue
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            alike = agreement(sent.encoded.filters[some], tried.encoded.filters[mine])
            best = alike.argmax(axis=1)
            found[some], sure[some] = own[tried.records[mine[best]]], alike[np.arange(len(some)), best]
        by_chance += float(np.isin(people[sent.records[rows]], own).sum()) / len(mine)
    who = people[sent.records]
    both = np.isin(who, own)
    correct = found == who
    return Outcome(
        people=who[both],
        found=correct[both],
        by_chance=by_chance,
        confidence=sure[found >= 0],
        correct=correct[found >= 0],
    )


def _blocks(of: HolderPass) -> list[tuple[bytes, Rows]]:
    """Tag and rows of each block."""
    tags = of.encoded.tags
    if not len(tags):
        return []
    first = np.flatnonzero(np.concatenate([[True], (tags[1:] != tags[:-1]).any(axis=1)]))
    return [(tags[rows[0]].tobytes(), rows) for rows in np.split(np.arange(len(tags)), first[1:])]
