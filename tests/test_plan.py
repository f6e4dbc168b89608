"""Thresholds follow from exact sums of binomials, and a plan reads back from its agreement or is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from linkage.errors import LinkageError
from linkage.plan import PassPlan, Plan, estimated_dice, largest_distance
from tests import oracle_matching as oracle

PASS = PassPlan(
    name="noms", blocks=("names.letters",), finer=("names.length",), length=2048, degree=5, measure="hamming",
    information=870, strict=850, cap=1000, floor=20, population=50_000, buckets=64, expected_pairs=2_500_000,
)  # fmt: skip
PLAN = Plan(profile="standard", statistics_digest="ab" * 32, passes=(PASS,))


@given(
    length=st.sampled_from([64, 128, 256]),
    pairs=st.one_of(st.integers(0, 100), st.integers(0, 10**30)),
    allowed=st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)),
)
@example(length=64, pairs=2**64, allowed=(1, 1))
@example(length=64, pairs=2**64, allowed=(65, 1))
@example(length=64, pairs=2**64, allowed=(64, 1))
@example(length=64, pairs=1, allowed=(1, 1))
def test_the_largest_distance_is_that_of_the_oracle(length, pairs, allowed):
    """The integer loop stops where exact fractions say that one bit more would expect too many random links."""
    assert oracle.largest_distance(length, pairs, Fraction(*allowed)) == largest_distance(length, pairs, allowed)


@pytest.mark.parametrize("length", [1024, 2048, 4096])
def test_the_border_is_exact_at_the_lengths_in_use(length):
    """At a million records in blocks, the distance found is allowed and the next one is not."""
    pairs, allowed = 10**9, (10_000, 1)
    found = largest_distance(length, pairs, allowed)
    assert pairs * oracle.tail(length, found) <= Fraction(*allowed) < pairs * oracle.tail(length, found + 1)


def test_more_pairs_or_fewer_allowed_links_never_raise_the_distance():
    """The distance falls with the pairs compared and grows with what is allowed."""
    by_pairs = [largest_distance(1024, 10**power, (100, 1)) for power in range(2, 14)]
    by_allowed = [largest_distance(1024, 10**9, (allowed, 1)) for allowed in (1, 10, 100, 1000)]
    assert (sorted(by_pairs, reverse=True), sorted(by_allowed)) == (by_pairs, by_allowed)


def test_random_filters_are_linked_as_rarely_as_the_plan_says():
    """Pairs of random filters come under the distance as often as allowed, within five standard deviations."""
    rows, allowed = 3000, 500
    pairs = rows * rows
    distance = largest_distance(512, pairs, (allowed, 1))
    mean = float(pairs * oracle.tail(512, distance))
    rng = np.random.default_rng(0)
    left, right = (rng.integers(0, 2**64, (rows, 8), dtype=np.uint64) for _ in range(2))
    near = sum(int((np.bitwise_count(row ^ right).sum(axis=1) <= distance).sum()) for row in left)
    assert allowed / 2 < mean <= allowed
    assert abs(near - mean) < 5 * mean**0.5 + 1


def test_a_plan_reads_back_from_its_agreement():
    """A plan survives JSON, and names its parts."""
    value = json.loads(json.dumps(PLAN.to_json()))
    assert PLAN == Plan.from_json(value)
    assert {"profile", "statistics_digest", "passes"} == set(value)


def test_a_plan_says_how_it_is_solved_only_when_it_is_not_one_to_one():
    """Many-to-one survives JSON; plans that were signed before it could be asked for read as they did."""
    many = replace(PLAN, passes=(replace(PASS, solving="many-to-one"),))
    value = json.loads(json.dumps(many.to_json()))
    assert (many, "many-to-one") == (Plan.from_json(value), value["passes"][0]["solving"])
    assert "solving" not in PLAN.to_json()["passes"][0]


def changed(**entries: object) -> dict[str, object]:
    value = PLAN.to_json()
    return {**value, "passes": [{**value["passes"][0], **entries}]}


def without(name: str) -> dict[str, object]:
    value = PLAN.to_json()
    return {**value, "passes": [{key: one for key, one in value["passes"][0].items() if key != name}]}


REFUSED = {
    "no pass": {**PLAN.to_json(), "passes": []},
    "passes no list": {**PLAN.to_json(), "passes": 3},
    "a pass no object": {**PLAN.to_json(), "passes": ["noms"]},
    "an entry more": {**PLAN.to_json(), "note": "x"},
    "no profile": {key: one for key, one in PLAN.to_json().items() if key != "profile"},
    "two passes of one name": {**PLAN.to_json(), "passes": PLAN.to_json()["passes"] * 2},
    "an entry more in a pass": changed(note="x"),
    "another solving": changed(solving="one-to-many"),
    "the usual solving spelt out": changed(solving="one-to-one"),
    "another measure": changed(measure="jaccard"),
    "a float": changed(information=870.0),
    "a boolean for a number": changed(strict=True),
    "text for a number": changed(cap="1000"),
    "a negative number": changed(cap=-1),
    "a length between words": changed(length=2000),
    "no length": changed(length=0),
    "a length beyond all plans": changed(length=1 << 17),
    "blocks as text": changed(blocks="names"),
    "blocks of numbers": changed(blocks=[1]),
    "a name that is no text": changed(name=None),
    "a form that is no text": changed(form=["usage"]),
    "bits as a list": changed(bits=[1]),
    "bits as text": changed(bits="nom"),
    "no bits at all": changed(bits=None),
    "a weight of nothing": changed(bits={"nom": 0}),
    "a weight that is no number": changed(bits={"nom": True}),
    "a degree beyond all tables": changed(degree=17),
    "no bucket": changed(buckets=0),
    "a distance longer than the filter": changed(information=2049),
    "a similarity over one": changed(measure="dice", strict=1001),
    "a number beyond JSON": changed(population=1 << 53),
    "a profile that is no text": {**PLAN.to_json(), "profile": ["standard"]},
    "a digest that is no text": {**PLAN.to_json(), "statistics_digest": 1},
    **{f"no {name} in a pass": without(name) for name in PLAN.to_json()["passes"][0]},
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_plans_are_refused(name):
    """Missing, unknown and mistyped entries are refused alike."""
    with pytest.raises(LinkageError, match="E_PLAN"):
        Plan.from_json(REFUSED[name])


@pytest.mark.parametrize("length", [64, 1024, 2048, 4096, 65_536])
def test_scores_and_distances_are_the_same_thresholds(length):
    """For every distance, 1 - H/L reaches the score made of a distance if and only if H is at most that distance."""
    for distance in {0, 1, length // 3, length // 2 - 1, length // 2}:
        plan = PassPlan(**{**vars(PASS), "length": length, "information": distance, "strict": distance})
        kept = [h for h in range(length + 1) if 1.0 - h / length >= plan.information_score]
        assert list(range(distance + 1)) == kept
        assert plan.information_score == plan.strict_score


def test_plain_filters_have_their_thresholds_in_thousandths():
    """With Dice as measure a threshold of 820 is 0.82."""
    plan = PassPlan(**{**vars(PASS), "measure": "dice", "information": 820, "strict": 900})
    assert (0.82, 0.9) == (plan.information_score, plan.strict_score)


@pytest.mark.parametrize(
    ("distance", "degree", "dice"),
    [(0, 4, 1.0), (1024, 4, 0.5), (2048, 4, 0.5), (512, 1, 0.75), (512, 0, 0.75), (960, 4, 0.75), (1008, 6, 0.75)],
)
def test_the_estimated_dice_undoes_the_diffusion(distance, degree, dice):
    """Equal filters show 1, unrelated ones one half, and a quarter of differing bits under t XORs shows three quarters."""
    assert dice == pytest.approx(estimated_dice(distance, 2048, degree))


@given(st.floats(0, 0.5), st.integers(1, 8))
def test_the_estimated_dice_inverts_the_expected_distance(share, degree):
    """If a share of underlying bits differs, the expected distance after t XORs is read back as one minus that share."""
    expected = 2048 * (1 - (1 - 2 * share) ** degree) / 2
    assert 1 - share == pytest.approx(estimated_dice(expected, 2048, degree), abs=1e-2 if share > 0.45 else 1e-6)


@given(st.floats(0, 2048), st.integers(0, 8))
def test_the_estimated_dice_lies_between_one_half_and_one(distance, degree):
    """Whatever the distance, what people read is a similarity of filled-by-half filters."""
    assert 0.5 <= estimated_dice(distance, 2048, degree) <= 1.0
