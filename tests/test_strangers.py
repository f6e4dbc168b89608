"""The benchmark of strangers: who is a relative, and figures that add up on a small world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.strangers import main, related, strangers
from linkage.sheet import load_sheet
from linkage.synthetic.people import population


def test_relatives_are_those_of_one_family():
    """Brothers, parents and spouses are; of two people drawn at random hardly any are."""
    people = population(3000, 1)
    rows = np.arange(len(people))
    for kin in (people.father, people.mother, people.spouse):
        known = kin >= 0
        assert related(people, np.stack([rows[known], kin[known]], axis=1)).all()
    order = np.argsort(people.family, kind="stable")
    beside = people.family[order][1:] == people.family[order][:-1]
    assert related(people, np.stack([order[1:], order[:-1]], axis=1)[beside]).all()
    drawn = np.random.default_rng(1).integers(0, len(people), (1000, 2))
    apart = drawn[people.family[drawn[:, 0]] != people.family[drawn[:, 1]]]
    assert related(people, apart).mean() < 0.02


def test_the_plan_expects_what_it_allows():
    """Over all passes 1 % of the file at the information threshold, 0.1 % at the strict one; more bits, more strangers."""
    sheet = replace(load_sheet("P1"), information=0, strict=0)
    lines = strangers(sheet, "standard", 600, 3)
    assert len(lines) == 3 * len(sheet.passes)
    by_distance = {one.distance: [line for line in lines if line.distance == one.distance] for one in lines}
    tosses, information, strict = by_distance
    assert strict < information < tosses
    sums = [sum(one.expected for one in by_distance[distance]) for distance in (strict, information, tosses)]
    assert sums[0] <= 0.6
    assert 1 < sums[1] <= 6 < sums[2]
    for one in lines:
        assert one.counted >= 0 <= one.relatives


def test_the_table_is_printed(capsys):
    """A heading, then each pass and the sum at three distances."""
    assert main(["--size", "300", "--seed", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 3 * (4 + 1)
