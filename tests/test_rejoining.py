"""Passes put together again: with joined ids people are found without looking at a bit, with separate ids rows stay apart."""

from __future__ import annotations

import numpy as np

from crypto.keys import RunKey, fresh_share
from linkage.attacks.rejoining import blocks_of, joined, rejoined
from linkage.planner import plan_passes
from tests.attacked import SHEET, sides


def test_structure_alone_tells_people_apart():
    """A table where each block has another size or other neighbours: everybody, without labels; with equal blocks, nobody."""
    rng = np.random.default_rng(1)
    blocks = np.array([[0, 0], [0, 1], [0, 1], [1, 1], [1, 2], [2, 2]])
    people = np.arange(6)
    shuffled = rng.permutation(6)
    renamed = np.stack([np.array([2, 0, 1])[blocks[shuffled, 0]], np.array([1, 2, 0])[blocks[shuffled, 1]]], axis=1)
    found = joined((blocks, people), (renamed, people[shuffled]), rng, labels=False)
    assert {0, 3, 4, 5} <= set(found.people[found.found].tolist())
    equal = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25)
    many = np.arange(100)
    assert joined((equal, many), (equal, many), rng, labels=False).rate < 0.2


def test_joined_ids_re_identify():
    """Blocks of a real plan: all passes joined find most people, one alone finds few."""
    victim, _ = sides(500)
    plan, key = plan_passes(SHEET, "standard", (50_000, 50_000)), RunKey(fresh_share())
    blocks, rng = blocks_of(victim, SHEET, plan, key), np.random.default_rng(2)
    own = victim.people
    for labels in (True, False):
        assert joined((blocks, own), (blocks, own), rng, labels=labels).rate > 0.8
    assert joined((blocks[:, :1], own), (blocks[:, :1], own), rng, labels=False).rate < 0.2


def test_people_without_a_record_are_not_tried():
    """Nor those of no cell guessed."""
    blocks = np.array([[0, 0], [1, 1], [5, 5]])
    found = joined((blocks, np.array([1, 2, 3])), (blocks[:2], np.array([1, 9])), np.random.default_rng(0), labels=True)
    assert [1] == found.people.tolist() == found.people[found.found].tolist()
    assert [True, False] == found.correct.tolist()


def test_separate_ids_stay_apart():
    """What scores, gaps and near duplicates join is little more than the blocks allow by chance."""
    left, right = sides(500, errors="certifie")
    found = rejoined(left, right, SHEET, plan_passes(SHEET, "standard", (50_000, 50_000)), np.random.default_rng(0))
    assert found.tried > 400
    assert found.rate < found.chance + 0.1
