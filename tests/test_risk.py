"""The verdict of a risk report: bounds add up over passes, the worse of attacks and κ√s counts, chance is taken off."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.attacks.outcome import Outcome, wilson
from linkage.risk import CLAIMS, LIMIT, Findings, PassFindings, Trial, Value, bound, claim_of, excess
from tests.simulator import pass_plan


def outcome(tried: int, right: int, by_chance: float = 0.0) -> Outcome:
    found = np.arange(tried) < right
    return Outcome(people=np.arange(tried), found=found, by_chance=by_chance, confidence=np.zeros(tried), correct=found)


def trial(attack: str, name: str, known: float, tried: int = 2000, right: int = 0, by_chance: float = 0.0) -> Trial:
    return Trial(attack=attack, pass_name=name, known=known, outcomes=[outcome(tried, right, by_chance)])


def findings(*trials: Trial, kappa: float = 0.05, profile: str = "standard", largest: int = 1000) -> Findings:
    passes = [
        PassFindings(plan=pass_plan(name), largest=largest, tested=500, kappas=np.full(500, kappa))
        for name in ("jour", "noms")
    ]
    usual = trials or tuple(trial(a, n, k) for a, k in (("A5", 0.0), ("A6", 0.01)) for n in ("jour", "noms"))
    return Findings(profile=profile, people=10_000, passes=passes, trials=usual, known=(0.0, 0.01))


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 500), st.floats(0, 5)), min_size=1, max_size=6))
def test_the_bound_is_that_of_a_plain_sum(drawn):
    """Rates and their distances to Wilson's bound, one by one."""
    parts = [(tried, min(tried, right), chance) for tried, right, chance in drawn]
    trials = [trial("A5", str(number), 0.0, *part) for number, part in enumerate(parts)]
    rates = [right / tried for tried, right, _ in parts]
    far = [wilson(right, tried)[1] - rate for (tried, right, _), rate in zip(parts, rates, strict=True)]
    most = sum(rates) + sqrt(sum(one * one for one in far)) - sum(chance / tried for tried, _, chance in parts)
    assert min(1.0, max(0.0, most)) == pytest.approx(bound(trials))
    assert excess(trials) <= bound(trials) + 1e-12


def test_clean_trials_are_favourable():
    """Nothing found by thousands of tries, little κ."""
    found = findings()
    assert () == found.reasons()
    assert found.favourable
    assert found.risk(0.01) < LIMIT
    assert round(10_000 * found.risk(0.01)) == found.at_risk(0.01)


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (findings(profile="reference"), {"profil"}),
        (
            findings(*(trial("A5", n, 0.0, 2000, 80) for n in ("jour", "noms"))),
            {"attaques", "sans_paire", "echantillon"},
        ),
        (
            findings(trial("A5", "jour", 0.0), trial("A5", "noms", 0.0), trial("A6", "jour", 0.01, 2000, 110)),
            {"attaques", "echantillon"},
        ),
        (findings(kappa=0.5), {"projection"}),
        (findings(*(trial("A5", n, 0.0, 60) for n in ("jour", "noms"))), {"echantillon"}),
        (replace(findings(), trials=()), {"echantillon"}),
    ],
    ids=["profile", "seedless", "landmarks", "projection", "few", "none"],
)
def test_each_reason_is_given(found, reasons):
    """Broken profile, found without or with known pairs, foreseen at the declared size, too few tried."""
    assert reasons == set(found.reasons())
    assert not found.favourable


@pytest.mark.parametrize(("largest", "reasons"), [(20, ("echantillon",)), (19, ())])
def test_a_pass_in_which_nobody_was_tried_is_not_favourable(largest, reasons):
    """Unless its blocks are so small that guesses say nothing: other passes, tried at length, do not answer for it."""
    usual = findings()
    untried = PassFindings(plan=pass_plan("annee"), largest=largest, tested=0, kappas=np.empty(0))
    assert reasons == replace(usual, passes=[*usual.passes, untried]).reasons()


def test_a_plan_of_exact_passes_has_nothing_to_attack():
    """No pass, no trial: favourable."""
    assert () == replace(findings(), passes=(), trials=()).reasons()


def test_what_needs_more_pairs_than_claimed_does_not_count():
    """Nor does the ceiling, which needs all of them."""
    usual = findings()
    more = [trial(attack, "jour", known, 2000, 2000) for attack, known in (("A6", 0.1), ("A12", 1.0), ("A12", 0.0))]
    found = replace(usual, trials=(*usual.trials, *more))
    assert usual.measured(0.01) == found.measured(0.01)
    assert () == found.reasons()
    assert "A6" == found.worst(0.1)
    assert 1.0 == found.measured(0.1)


def test_the_worst_attack_counts():
    """The largest bound over attacks that need no more pairs."""
    parts = [trial("A5", "jour", 0.0, 2000, 3), trial("A6", "jour", 0.01, 2000, 30), trial("A1", "jour", 0.0, 2000, 9)]
    found = findings(*parts)
    assert ("A1", "A6") == (found.worst(0.0), found.worst(0.01))
    assert bound(parts[1:2]) == found.measured(0.01)
    assert pytest.approx(0.015) == found.found(0.01)


def test_chance_is_taken_off():
    """Who guesses as blind guesses do has found nothing."""
    assert 0.0 == excess([trial("A5", "jour", 0.0, 1000, 7, by_chance=7.0)])
    assert 0.0 == excess([trial("A5", "jour", 0.0, 1000, 3, by_chance=7.0)])


@settings(max_examples=25)
@given(st.floats(0.01, 2.0), st.integers(10, 5000), st.floats(0.001, 0.5))
def test_projections_rise_with_the_size_and_the_pairs(kappa, largest, known):
    """A larger κ, more pairs: never less; nobody is projected without pairs."""
    few, more, pairs = findings(kappa=kappa), findings(kappa=1.5 * kappa), findings(kappa=kappa, largest=largest)
    assert 0.0 == few.projected(0.0)
    assert few.projected(known) <= more.projected(known) + 1e-9
    assert pairs.projected(known) <= pairs.projected(min(1.0, 2 * known)) + 1e-9
    assert 0.0 <= pairs.projected(known) <= 1.0


def test_passes_without_anybody_say_nothing():
    """No block that could be attacked: no κ, nothing projected."""
    empty = PassFindings(plan=pass_plan("jour"), largest=0, tested=0, kappas=np.empty(0))
    assert (0.0, 0.0) == (empty.kappa, empty.projected(0.1))


def test_claims_are_those_of_the_profiles():
    """An unknown profile is held to the default's."""
    assert {"reference", "standard", "renforce"} == set(CLAIMS)
    assert (0.05, 0.1, 0.01) == (claim_of("standard"), claim_of("renforce"), claim_of("autre"))


def test_values_add_up():
    """Counts of two blocks."""
    one = Value(tried=10, right=3, by_chance=0.5)
    assert Value(tried=20, right=6, by_chance=1.0) == one + one
