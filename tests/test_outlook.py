"""The outlook of a rehearsal: one link a person over all passes, and what to write in the next sheet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.expectation import Forecast, Interval
from linkage.outlook import Outlook, advice, forecast_to_json, one_to_one
from linkage.plan import Plan
from linkage.threshold import Proposal, Proposed, with_floor
from tests.mixtures import plan_of

LINKS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), unique=True, max_size=30)


@given(LINKS, st.data())
def test_one_link_a_person_is_the_greedy_one(pairs, data):
    """The best link first, then left, then right; a link goes when one of its people has a better one."""
    scores = data.draw(st.lists(st.sampled_from([0.7, 0.8, 0.9]), min_size=len(pairs), max_size=len(pairs)))
    slow: set[tuple[int, int]] = set()
    taken: set[tuple[str, int]] = set()
    for _, left, right in sorted((-score, left, right) for (left, right), score in zip(pairs, scores, strict=True)):
        if not {("l", left), ("r", right)} & taken:
            taken |= {("l", left), ("r", right)}
            slow.add((left, right))
    kept = one_to_one(np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(scores))
    assert slow == {pair for pair, stays in zip(pairs, kept.tolist(), strict=True) if stays}


def some_forecast(links: int) -> Forecast:
    one = Interval(low=1.0, middle=2.0, high=3.0)
    return Forecast(links=links, wrong=one, precision=one, recall=one, found=one, missed=one)


def outlook_of(plan: Plan, information: int, strict: int) -> Outlook:
    """An outlook whose proposal is these floors; what it was seen from does not matter here."""
    bounds = [one.information for one in plan.passes], [one.strict for one in plan.passes]
    proposed = [
        Proposed(per_mille=number, numbers=tuple(with_floor(plan, bound, number)), forecast=some_forecast(100))
        for number, bound in zip((information, strict), bounds, strict=True)
    ]
    nothing = None
    return Outlook(
        seen=nothing,  # type: ignore[arg-type]
        expectation=nothing,  # type: ignore[arg-type]
        bounds=plan,
        proposal=Proposal(information=proposed[0], strict=proposed[1]),
    )


@pytest.mark.parametrize(
    ("floor", "information", "words"),
    [
        (0, 500, "rien à changer"),  # the plan alone, as it is
        (0, 940, "écrivez « information = 940 »"),  # a floor to add
        (900, 940, "écrivez « information = 940 »"),  # a floor to raise
        (950, 500, "retirez la clé « information »"),  # a floor to take away
        (940, 940, "rien à changer"),  # the floor that is there
    ],
)
def test_advice_says_what_to_write(floor, information, words):
    """From the plan as the sheet's floors made it to the proposed one."""
    bounds = plan_of("hamming", 200)
    current = replace(
        bounds, passes=(replace(bounds.passes[0], information=with_floor(bounds, [200], floor or 500)[0]),)
    )
    first, second = advice(current, outlook_of(bounds, information, 500))
    assert words in first
    assert "strict : rien à changer" in second


def test_plain_filters_have_no_agreement():
    """Nothing to write in a sheet for a profile that agreements refuse."""
    assert ["profil sans convention possible"] == [
        one.split(" : ")[0] for one in advice(plan_of(), outlook_of(plan_of(), 800, 900))
    ]


def test_a_forecast_is_plain_json():
    """Each estimate as low, middle, high."""
    shown = forecast_to_json(some_forecast(7))
    assert 7 == shown.pop("links")
    assert {"wrong", "precision", "recall", "found", "missed"} == set(shown)
    assert all([1.0, 2.0, 3.0] == one for one in shown.values())
