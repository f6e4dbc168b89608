"""Frequencies: filters of one field are counted, records of several are alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linkage.attacks.frequency import frequency, repetition
from linkage.attacks.likeness import Insertions
from linkage.attacks.scene import one_table, scenes
from tests.attacked import SHEET, everybody, sides


def of_months(profile, size):
    """A scene of filters that hold the birth date only, which some people share."""
    sheet = replace(SHEET, attributes=tuple(one for one in SHEET.attributes if one.name == "sexe"), passes=())
    victim, attacker = sides(size)
    return next(scenes(victim, attacker, sheet, one_table(sheet, profile, size)))


def test_filters_of_one_field_are_decoded():
    """Two sexes: the larger group of rows is the larger group of people, whatever the key."""
    scene = of_months("reference", 301)
    found = repetition(scene, np.random.default_rng(0))
    assert 301 == found.rows == found.repeated
    assert 2 == len(np.unique(scene.view.filters, axis=0))
    assert found.values == found.guessed >= 290


def test_diffusion_does_not_change_that():
    """Equal filters stay equal in one block."""
    found = repetition(of_months("standard", 301), np.random.default_rng(0))
    assert found.values == found.guessed >= 290


def test_records_of_several_fields_are_alone():
    """Nobody is guessed where no row has an equal one."""
    for profile in ("reference", "standard"):
        scene = everybody(profile, 500)
        assert len(frequency(scene.view, np.random.default_rng(0)).rows) == 0
        assert repetition(scene, np.random.default_rng(0)).largest == 1


def test_groups_are_matched_by_size_and_known_rows_left_out():
    """Three, two and one equal rows against as many equal records."""
    scene = everybody("reference", 500)
    filters = np.array([[7], [9], [7], [9], [7], [3]], dtype=np.uint64)
    counts = scene.view.sets.counts[[5, 5, 4, 4, 4, 3]]
    view = replace(scene.view, filters=filters, candidates=np.arange(6))
    view.__dict__["sets"] = Insertions(names=scene.view.sets.names, counts=counts, budget=np.zeros(6, dtype=np.int64))
    found = frequency(view, np.random.default_rng(1))
    told = dict(zip(found.rows.tolist(), found.candidates.tolist(), strict=True))
    assert {0, 1, 2, 3, 4} == set(told)
    assert {2, 3, 4} == {told[0], told[2], told[4]}
    assert {0, 1} == {told[1], told[3]}
    assert 0 not in frequency(view.knowing(np.array([[0, 2]])), np.random.default_rng(1)).rows
