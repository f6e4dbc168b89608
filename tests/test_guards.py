"""Guards: each fires when it should, and is silent when it should be; what is remembered is coarse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.counts import LEAST
from service.guard_terms import EVENTS, ORDINARY, Tolerance
from service.review import Reason
from service.third_party.guards import (
    PassFinding,
    past_of,
    probes,
    rate_step,
    sightings,
    size_step,
    strays,
    unusual,
)
from service.third_party.probing import NearDuplicates
from service.third_party.review_store import Past
from tests.test_agreement import AGREEMENT

COMPARISON = replace(
    AGREEMENT.comparisons[0], sizes=replace(AGREEMENT.comparisons[0].sizes, recipient=1000, source=5000)
)


def finding(**changes) -> PassFinding:
    """A pass in which nothing is unusual."""
    usual = {"comparison": "caf.cnous", "pass_": "jour", "rows": 1000, "source_rows": 5000, "near": 4, "most": 1}
    return PassFinding(**{**usual, "shared": 5, "crowd": 3, "links": 200, "canaries": 0, **changes})


def reasons(*found, guards=ORDINARY, pasts=(), controls=0) -> list[tuple[str, str]]:
    """(reason, party) of every sighting."""
    seen = sightings(COMPARISON, guards, controls, found or (finding(),), pasts)
    return [(one.reason.value, one.party) for one in seen]


def test_a_usual_run_is_not_held():
    """First or tenth: no reason at all."""
    assert [] == reasons()
    assert [] == reasons(pasts=[past_of([finding()])] * 10)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rows": 949}, [("effectif_declare", "caf")]),
        ({"rows": 951}, []),
        ({"rows": 1049}, []),
        ({"rows": 1051}, [("effectif_declare", "caf")]),
        ({"source_rows": 4700}, [("effectif_declare", "cnous")]),
        ({"source_rows": 5300}, [("effectif_declare", "cnous")]),
        ({"near": 60}, [("quasi_doublons", "caf")]),
        ({"near": 45}, []),
        ({"most": 4}, [("quasi_doublons", "caf")]),
        ({"most": 3}, []),
        ({"shared": 50}, [("quasi_doublons", "caf")]),
        ({"shared": 45}, []),
        ({"crowd": 6}, [("quasi_doublons", "caf")]),
        ({"crowd": 5}, []),
        ({"canaries": 1}, [("leurre", "caf")]),
    ],
)
def test_each_guard_fires_on_its_own_count_alone(changes, expected):
    """On either side of each bound."""
    assert expected == reasons(finding(**changes))


def test_one_pass_is_enough_to_probe_but_the_largest_counts_for_sizes():
    """A pass that holds fewer people is no smaller file; variants show in one pass or another."""
    small = finding(pass_="noms", rows=600, source_rows=3000)
    assert [] == reasons(finding(), small)
    assert [("quasi_doublons", "caf")] == reasons(finding(), replace(small, most=9))


def test_what_the_agreement_tolerates_is_not_held():
    """Other tolerances; a démarche of events takes any size of the recipient's file."""
    tolerant = replace(ORDINARY, recipient=Tolerance(declared=40), near_permille=1000)
    assert [] == reasons(finding(rows=610, near=600, most=50, shared=600, crowd=50), guards=tolerant)
    assert [] == reasons(finding(rows=120, links=24), guards=EVENTS, pasts=[past_of([finding()])])
    assert [("effectif_declare", "cnous")] == reasons(finding(source_rows=4000), guards=EVENTS)


def test_controls_do_not_count_as_people():
    """Fifty rows of nobody on both sides change nothing."""
    more = finding(rows=1090, source_rows=5290)
    assert [] == reasons(more, controls=50)
    assert [("effectif_declare", "caf"), ("effectif_declare", "cnous")] == reasons(more)


@pytest.mark.parametrize(("before", "held"), [(1000, False), (850, False), (1180, False), (700, True), (1400, True)])
def test_a_file_is_compared_with_the_last_run(before, held):
    """20 % either way, give or take a step; only the latest run counts."""
    tolerant = replace(ORDINARY, recipient=Tolerance(declared=100))
    older = past_of([finding(rows=3000)])
    pasts = [older, past_of([finding(rows=before, links=before // 5)])]
    assert ([("effectif_precedent", "caf")] if held else []) == reasons(guards=tolerant, pasts=pasts)


def test_a_rate_that_jumps_is_held_and_one_that_breathes_is_not():
    """Against one earlier run or several; a file that is found whole, or not at all any more."""
    past = [past_of([finding(links=links)]) for links in (190, 210, 200)]
    for pasts in (past[:1], past):
        assert [] == reasons(finding(links=240), pasts=pasts)
        assert [("taux_de_liens", "caf")] == reasons(finding(links=900), pasts=pasts)
        assert [("taux_de_liens", "caf")] == reasons(finding(links=20), pasts=pasts)


def test_rates_of_ordinary_runs_are_seldom_held():
    """2,000 histories of runs of the same people within 10 % of each other: at most one in a hundred is held."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(2000):
        rows, rate = int(rng.integers(1000, 20_000)), rng.uniform(0.02, 0.5)
        links = [int(rng.binomial(rows, rate * rng.uniform(0.9, 1.1))) for _ in range(rng.integers(2, 8))]
        held += unusual(links[-1], rows, [rate_step(one, rows) for one in links[:-1]])
    assert held <= 20


def test_rates_of_enumerations_are_held():
    """2,000 histories whose last run finds four times as many: at least 95 % are held."""
    rng, held = np.random.default_rng(6), 0
    for _ in range(2000):
        rows, rate = int(rng.integers(1000, 20_000)), rng.uniform(0.05, 0.2)
        past = [
            rate_step(int(rng.binomial(rows, rate * rng.uniform(0.9, 1.1))), rows) for _ in range(rng.integers(1, 8))
        ]
        held += unusual(int(rng.binomial(rows, 4 * rate)), rows, past)
    assert held >= 1900


@given(st.integers(0, LEAST), st.integers(0, LEAST), st.integers(100, 10**7))
def test_few_links_are_all_remembered_alike(one, other, rows):
    """Nobody can tell from what is kept whether eleven people were found, or one, or nobody."""
    assert rate_step(one, rows) == rate_step(other, rows)


@given(st.integers(1000, 10**8), st.floats(0.985, 1.015))
def test_no_size_is_remembered_to_within_one_in_a_hundred(rows, near):
    """A file that differs by 1.5 % lies on the same step or the next one."""
    assert abs(size_step(rows) - size_step(round(rows * near))) <= 1


@given(st.integers(0, 1000), st.integers(0, 3), st.integers(100, 10**6))
def test_the_less_resembles_the_less_is_held(near, most, rows):
    """Monotone in what was seen; a share that the agreement takes for granted is never held."""
    near = min(near, rows)
    seen = NearDuplicates(rows=rows, near=near, most=most)
    assert not probes(seen, 1000)
    if not probes(seen, 30):
        assert not probes(replace(seen, near=near // 2, most=most // 2), 30)
    assert not probes(replace(seen, near=rows * 30 // 1000, most=3), 30)


@given(st.integers(100, 10**6), st.integers(0, 100), st.integers(0, 2 * 10**6))
def test_sizes_stray_as_percentages_say(declared, percent, rows):
    """The definition, in whole numbers."""
    expected = 100 * abs(rows - declared) > percent * declared
    assert expected == strays(rows, declared, percent)


def test_reasons_are_a_closed_list_with_a_sentence_each():
    """A source reads why, in words."""
    from service.review import SENTENCES

    assert set(Reason) == set(SENTENCES)


def test_a_past_without_any_pass_is_one_too():
    """A comparison that nobody entered is remembered as the smallest."""
    assert Past(recipient_step=0, source_step=0, rate_step=rate_step(0, 0)) == past_of([])
