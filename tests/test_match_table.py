"""The table of our own figures."""

import re

import numpy as np
import pytest

import benchmarks.match_table
from benchmarks.contest import Outcome
from benchmarks.match_table import PARTS, Figure, regret, shown
from benchmarks.repeats import Run


def figure(value, **rest):
    return Figure(part="kernel", what="something", value=value, least=value, most=value, unit="x", **rest)


def outcome(seconds):
    runs = [
        Run(turn=turn, pairs=1_000_000_000, found=0, wall=2 * cpu, cpu=cpu, threads=1)
        for turn, cpu in enumerate(seconds)
    ]
    return Outcome(runs=runs, left_rows=1, pairs=np.empty(0, dtype=np.int64), peak=1, said="")


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (figure(1.0), None),
        (figure(1.0, goal=0.9), True),
        (figure(0.8, goal=0.9), False),
        (figure(0.8, goal=0.9, below=True), True),
        (figure(1.0, goal=0.9, below=True), False),
    ],
)
def test_goals(one, expected):
    """A goal is met from above or from below, or there is none."""
    assert expected is one.met


def test_regret_is_over_the_best_forced_strategy():
    """The planner's choice is compared with the fastest, by processor second."""
    found = regret(
        "planner", "names", {"auto": outcome([2.0, 2.0]), "full": outcome([9.0, 9.0]), "sketch": outcome([1.8, 1.0])}
    )
    assert (1.4 / 2.0, 0.9, False) == pytest.approx((found.value, found.goal, found.met))
    assert found.note.startswith("best: sketch")


def test_printed():
    """What, how much, its goal, and whether it is met."""
    text = shown([figure(0.8, goal=0.9), figure(2.0)])
    assert "MISSED" in text
    assert ">= 0.9" in text
    assert 3 == len(text.splitlines())


def test_every_part_is_described():
    """The module's page lists the parts, in order."""
    listed = re.findall(r"^    (\w+)  +\w", benchmarks.match_table.__doc__, flags=re.MULTILINE)
    assert list(PARTS) == listed
