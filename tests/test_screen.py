"""A screen misses pairs at the threshold with the chance that it says, draws columns alike, and is refused where it must be."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.screen import Look, Screen, Shape, bound_of, choice, columns_of, look_of, together
from tests import oracle_screen as oracle

VECTORS = json.loads((Path(__file__).parent / "vectors" / "screen.json").read_text("utf-8"))
FAR = Shape(length=2048, limit=760, pairs=10**10, rows=200_000, matrix=False)


def look(draw: bytes, length: int, words: int) -> Look:
    return Look(length=length, words=words, bound=0, missed=0.0, why="", draw=draw)


@pytest.mark.parametrize("one", VECTORS["bounds"], ids=lambda one: f"{one['length']}-{one['limit']}-{one['columns']}")
def test_bounds_are_the_exact_ones(one):
    """At the thresholds of plans, the bound and the chance are those of whole numbers."""
    bound, missed = bound_of(one["length"], one["limit"], one["columns"], 1e-4)
    assert one["bound"] == bound
    assert missed == pytest.approx(one["missed"], rel=1e-8)
    assert missed <= 1e-4


@settings(max_examples=60, deadline=None)
@given(words=st.integers(1, 8), limit=st.integers(0, 512), columns=st.integers(1, 512), most=st.floats(1e-9, 0.3))
def test_a_pair_at_the_limit_is_missed_no_more_than_said(words, limit, columns, most):
    """For any length, limit and rate: the chance is exact, at most what is asked for, and one bound less would be too much."""
    length = 64 * words
    limit, columns = min(limit, length), min(columns, length)
    bound, missed = bound_of(length, limit, columns, most)
    exact = oracle.missed(length, limit, columns, bound)
    assert missed == pytest.approx(float(exact), rel=1e-6, abs=1e-15)
    assert exact <= Fraction(most)
    if bound:
        assert oracle.missed(length, limit, columns, bound - 1) > Fraction(most) * Fraction(999_997, 1_000_000)


@settings(max_examples=40, deadline=None)
@given(limit=st.integers(1, 128), nearer=st.integers(0, 128), columns=st.integers(1, 128))
def test_a_nearer_pair_is_missed_less(limit, nearer, columns):
    """The chance never falls as the distance grows, so the limit is the worst case."""
    bound = bound_of(128, limit, columns, 1e-3)[0]
    assert oracle.missed(128, min(nearer, limit), columns, bound) <= oracle.missed(128, limit, columns, bound)


@pytest.mark.parametrize("one", VECTORS["drawn"], ids=lambda one: str(one["draw"]))
def test_a_draw_gives_its_columns(one):
    """The same draw, the same columns, on any machine."""
    draw = bytes([one["draw"]]) * 32
    assert one["columns"] == columns_of(look(draw, one["length"], len(one["columns"]) // 64)).tolist()


def test_columns_are_drawn_alike():
    """Over many draws each column, and each pair of neighbours, comes as often as chance has it."""
    draws, length, words = 4000, 256, 1
    chosen = np.zeros((draws, length), dtype=np.float64)
    for number in range(draws):
        chosen[number, columns_of(look(number.to_bytes(32, "big"), length, words))] = 1
    share = 64 * words / length
    assert np.abs(chosen.mean(axis=0) - share).max() < 5 * np.sqrt(share * (1 - share) / draws)
    both = (chosen[:, :-1] * chosen[:, 1:]).mean(axis=0)
    expected = share * (64 * words - 1) / (length - 1)
    assert np.abs(both - expected).max() < 5 * np.sqrt(expected * (1 - expected) / draws)


def test_a_screen_is_taken_where_it_pays():
    """Far from one half it saves most of the work; near it, on short filters, on few pairs or in small blocks, none."""
    words, why = choice(1e-4, FAR)
    assert 0 < words < 16
    assert "survivraient" in why
    near = replace(FAR, limit=980)
    small = replace(FAR, pairs=1000, rows=100)
    blocks = replace(FAR, pairs=10**8, rows=10**7)
    short = replace(FAR, length=64, limit=20)
    assert [0, 0, 0, 0] == [choice(1e-4, one)[0] for one in (near, small, blocks, short)]
    assert choice(1e-4, replace(FAR, limit=700))[0] <= words


def test_rows_that_are_alike_take_no_screen():
    """Where the pairs of a sample are near each other, most would survive any look."""
    alike = replace(FAR, distances=np.full(100, 740))
    strangers = replace(FAR, distances=np.full(100, 1024))
    assert (0, choice(1e-4, FAR)[0]) == (choice(1e-4, alike)[0], choice(1e-4, strangers)[0])


def test_words_fixed_beforehand_are_taken():
    """Unless they are as many as those of the filters, which saves nothing."""
    screen = Screen(awards=False, words=12)
    taken = look_of(screen, FAR)
    assert (12, screen.draw, bound_of(2048, 760, 768, 1e-4)) == (taken.words, taken.draw, (taken.bound, taken.missed))
    assert [0, 0] == [look_of(replace(screen, words=words), FAR).words for words in (0, 32)]


REFUSED = {
    "awards": (Screen(awards=True), "hamming", "E_CRIBLE"),
    "dice": (Screen(awards=False), "dice", "E_CRIBLE"),
    "misses too many": (Screen(awards=False, missed=2e-4), "hamming", "E_OPTION"),
    "misses none": (Screen(awards=False, missed=0.0), "hamming", "E_OPTION"),
    "not a number": (Screen(awards=False, missed=float("nan")), "hamming", "E_OPTION"),
    "short draw": (Screen(awards=False, draw=b""), "hamming", "E_OPTION"),
    "words": (Screen(awards=False, words=-1), "hamming", "E_OPTION"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_screen_that_may_not_be_is_refused(name):
    """Where something is awarded, for plain filters, and outside its ranges."""
    screen, measure, code = REFUSED[name]
    with pytest.raises(LinkageError, match=code):
        screen.check(measure)


def test_a_draw_is_fresh_and_unseen():
    """Two screens look at different columns, and none shows its draw."""
    one, other = Screen(awards=False), Screen(awards=False)
    assert one.draw != other.draw
    assert "draw" not in repr(one)
    assert "draw" not in repr(look_of(one, FAR))


def test_reports_add_up():
    """Of several batches under one look."""
    taken = look_of(Screen(awards=False), FAR)
    whole = together([taken.report(100, 3), None, taken.report(300, 1)])
    assert whole is not None
    assert (400, 4, 0.01, taken.bound) == (whole.pairs, whole.survived, whole.share, whole.bound)
    assert together([None]) is None
    assert taken.report(0, 0).share == 0.0
