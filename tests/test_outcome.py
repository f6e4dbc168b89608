"""Guesses and what came of them."""

import numpy as np
import pytest

from linkage.attacks.outcome import Guesses, Outcome, scored, together, union, wilson


def guesses(*entries):
    """Guesses from (row, candidate, confidence)."""
    rows, candidates, confidence = zip(*entries, strict=True)
    return Guesses(
        rows=np.array(rows, dtype=np.int64),
        candidates=np.array(candidates, dtype=np.int64),
        confidence=np.array(confidence, dtype=np.float64),
    )


def outcome(people, found, confidence=(), correct=()):
    """An outcome of some people."""
    return Outcome(
        people=np.array(people, dtype=np.int64),
        found=np.array(found, dtype=bool),
        by_chance=0.5,
        confidence=np.array(confidence, dtype=np.float64),
        correct=np.array(correct, dtype=bool),
    )


TRUTH = np.array([2, 0, -1, 1, 3])
PEOPLE = np.array([12, 10, 99, 11, 13])


def test_an_interval_is_wilsons():
    """5 of 10, 0 of 300, all of 4, and nothing tried, against published values of Wilson's formula."""
    assert wilson(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert wilson(0, 300) == pytest.approx((0.0, 0.012643), abs=1e-5)
    assert wilson(4, 4) == pytest.approx((0.51011, 1.0), abs=1e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_rows_without_a_partner_are_not_tried_but_cost_precision():
    """Four people of five rows can be found; a confident guess about the fifth is wrong."""
    found = scored(guesses((0, 2, 0.9), (1, 1, 0.1), (2, 3, 0.8)), TRUTH, PEOPLE, np.array([], dtype=np.int64), 4)
    assert (found.tried, found.right, found.rate) == (4, 1, 0.25)
    assert found.people.tolist() == [12, 10, 11, 13]
    assert found.found.tolist() == [True, False, False, False]
    assert found.correct.tolist() == [True, False, False]


def test_known_pairs_do_not_count():
    """Neither as people tried, nor as guesses, nor as candidates of a blind guess."""
    found = scored(guesses((0, 2, 0.9), (1, 0, 0.1)), TRUTH, PEOPLE, np.array([0]), 4)
    assert (found.tried, found.right) == (3, 1)
    assert found.by_chance == pytest.approx(3 / 3)
    assert found.confidence.tolist() == [0.1]


def test_the_sure_share_is_the_longest_prefix_that_is_nine_tenths_right():
    """Nine right, one wrong, then one right and many wrong: ten of eleven are still enough."""
    correct = [True] * 9 + [False, True] + [False] * 9
    some = outcome(range(20), correct, np.linspace(1, 0, 20), correct)
    assert some.sure == pytest.approx(10 / 20)
    assert some.precision(0.45) == 1.0
    assert some.precision(1.0) == 0.5


def test_nothing_tried_is_no_success():
    """An outcome of nobody has a rate of 0 and says that it knows nothing."""
    nobody = outcome([], [])
    assert (nobody.rate, nobody.chance, nobody.sure, nobody.precision(1.0)) == (0.0, 0.0, 0.0, 0.0)
    assert nobody.interval == (0.0, 1.0)


def test_blocks_add_up():
    """People of two blocks are counted together."""
    both = together([outcome([1, 2], [True, False], [0.5], [True]), outcome([3], [True], [0.7], [True])])
    assert (both.tried, both.right, both.by_chance) == (3, 2, 1.0)
    assert both.confidence.tolist() == [0.5, 0.7]


def test_passes_unite():
    """Whoever is found in one pass is found; tried is whoever is in any."""
    both = union([outcome([1, 2, 3], [True, False, False]), outcome([3, 2, 4], [True, False, False])])
    assert both.people.tolist() == [1, 2, 3, 4]
    assert both.found.tolist() == [True, False, True, False]
    assert both.by_chance == 1.0


def test_a_subgroup_is_counted_alone():
    """Of four people, the two of the group: one found."""
    group = outcome([1, 2, 3, 4], [True, False, True, True]).of(np.array([2, 3]))
    assert (group.tried, group.right, group.by_chance) == (2, 1, 0.25)


def test_json_has_plain_numbers():
    """What a report writes."""
    assert outcome([1, 2], [True, False]).to_json() == {
        "tried": 2,
        "right": 1,
        "rate": 0.5,
        "low": pytest.approx(0.09453, abs=1e-5),
        "high": pytest.approx(0.90547, abs=1e-5),
        "chance": 0.25,
        "sure": 0.0,
    }
