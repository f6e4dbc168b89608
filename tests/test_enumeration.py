"""Questions asked through the service."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from linkage.attacks.enumeration import asked, bait_taken, completed
from linkage.planner import plan_passes
from linkage.records import Column
from tests.attacked import SHEET, sides


def with_days(records, rows, days):
    """The records of some rows, one after the other on each of these days of the month."""
    columns = {}
    for name, column in records.columns.items():
        codes, values = np.repeat(column.codes[rows], len(days)), list(column.values)
        if name == "date_naissance":
            wanted = [f"{values[code][:6]}{day:02}" for code in column.codes[rows].tolist() for day in days]
            values = sorted(set(wanted))
            codes = np.array([values.index(one) for one in wanted], dtype=np.int32)
        columns[name] = Column(values=values, codes=codes)
    return replace(records, ids=[str(number) for number in range(len(rows) * len(days))], columns=columns)


def test_membership_is_what_hits_say():
    """People of the source come back, others do not: one bit a row, which the démarche itself discloses."""
    left, right = sides(400, 200)
    certain, possible = asked(left.records, right.records, SHEET, plan_passes(SHEET, "standard", (400, 400)))
    there = np.isin(left.people, right.people)
    assert (certain <= possible).all()
    assert certain[there].mean() > 0.95
    assert certain[~there].mean() < 0.05


def test_every_day_of_a_month():
    """Somebody of whom a variant is near is found, whatever the day that is theirs."""
    left, _ = sides(400)
    dates = left.records.columns["date_naissance"]
    known = [
        row
        for row, code in enumerate(dates.codes.tolist())
        if code >= 0 and dates.values[code][4:] not in ("0000", "0101")
    ]
    rows, days = np.array(known[:20]), list(range(1, 29))
    questions = with_days(left.records, rows, days)
    certain, _ = asked(questions, left.records, SHEET, plan_passes(SHEET, "standard", (560, 560)))
    target = np.repeat(np.arange(20), 28)
    right = np.array([dates.values[code][6:8] for code in dates.codes[rows].tolist()]).repeat(28) == np.array(
        [f"{day:02}" for day in days] * 20
    )
    answers = completed(certain, target, right, range(20))
    assert (20, 28) == (answers.targets, answers.variants)
    assert answers.found >= 15
    assert 0 <= answers.bits <= np.log2(28)


def test_answers_are_counted():
    """Found, told exactly, and strangers taken for somebody."""
    certain = np.array([True, False, True, True, False, True, True])
    target = np.array([0, 0, 1, 1, 2, 3, -1])
    right = np.array([True, False, True, False, True, True, False])
    found = completed(certain, target, right, [0, 1, 2])
    assert (3, 2, 1) == (found.targets, found.found, found.told)
    assert (1, 1, 2) == (found.strangers, found.mistaken, found.variants)
    assert pytest.approx(1 / 3) == found.bits


def test_bait():
    """One in a hundred of the likely identities, a hundred canaries: 63 %."""
    assert 0.634 == round(bait_taken(0.01, 100), 3)
    assert 0.0 == bait_taken(0.0, 100)
