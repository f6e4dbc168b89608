"""Attacks on a file within a time: plain filters are broken, the real plan's blocks are attacked, the sample has a least size."""

from __future__ import annotations

import numpy as np
import pytest

from linkage.planner import plan_passes
from linkage.records import read_records
from linkage.risk import CEILING
from linkage.risk_trials import ATTACKS, Declared, Tools, attacked
from service.demarche import load_demarche
from tests.partners import people_csv

SHEET = load_demarche("c2s-rsa").sheet()
PEOPLE = 160


class Clock:
    """A clock that goes forward by a hundredth of a second each time that it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return read_records(people_csv(tmp_path_factory.mktemp("people") / "a.csv", PEOPLE), SHEET, "rsa")


def found_in(records, profile, seconds=0.0, **changes):
    told: list[tuple[int, int]] = []
    plan = plan_passes(SHEET, profile, (PEOPLE, PEOPLE))
    tools = Tools(
        seconds=seconds,
        clock=Clock(),
        rng=np.random.default_rng(3),
        progress=lambda done, total: told.append((done, total)),
    )
    declared = Declared(**{"people": PEOPLE, "largest": {}, "known": (), **changes})
    return attacked(records, SHEET, plan, declared, tools), told


@pytest.fixture(scope="module")
def plain(records):
    """The reference profile, which is broken."""
    return found_in(records, "reference", seconds=1.0)


@pytest.fixture(scope="module")
def standard(records):
    """The default profile, for a file declared a hundred times as large."""
    return found_in(records, "standard", people=100 * PEOPLE, known=(0.01,), largest={"jour": 900})


def test_plain_filters_are_broken(plain):
    """Nearly everybody is found without knowing anybody, and that is the verdict."""
    found, _ = plain
    (seedless,) = (one for one in found.trials if one.attack == "A5")
    assert max(one.rate for one in seedless.outcomes) > 0.9  # a start may fail, seven do not
    assert seedless.outcome.rate > 0.3
    assert {"profil", "attaques", "sans_paire"} <= set(found.reasons())


def test_every_attack_is_tried_on_every_pass(standard):
    """At each share of known pairs that it can use; the claim and none are always among them."""
    found, _ = standard
    names = {one.plan.name for one in found.passes}
    assert (0.0, 0.01, 0.05) == found.known
    expected = {(attack, name, 0.0) for attack in ("A1", "A2", "A4", "A5") for name in names}
    expected |= {(attack, name, known) for attack in ("A6", "A6 bis", "A7") for name in names for known in (0.01, 0.05)}
    expected |= {(CEILING, name, 1.0) for name in names}
    assert expected == {(one.attack, one.pass_name, one.known) for one in found.trials}
    assert {attack for attack, _, _ in expected} == set(ATTACKS)


def test_a_least_sample_is_taken_whatever_the_time(standard):
    """A thousand people a pass at least, under several keys, though no time was given."""
    found, _ = standard
    for one in found.trials:
        if one.known <= 0.01:
            assert one.outcome.tried >= 1000, one.attack
        assert len(one.outcomes) > 1


def test_diffused_filters_are_nearly_those_of_chance(standard):
    """Without known pairs, no attack finds one person in ten beyond chance, all passes together."""
    found, _ = standard
    assert found.found(0.0) < 0.1
    assert "profil" not in found.reasons()


def test_blocks_are_expected_at_the_declared_size(standard):
    """What the caller expects, or what the file has where that is more; κ is of the people who were attacked."""
    found, _ = standard
    sizes = {one.plan.name: one.largest for one in found.passes}
    assert 900 == sizes["jour"]
    for one in found.passes:
        assert 0 < one.tested <= PEOPLE
        assert len(one.kappas)
        assert one.kappa > 0
    assert found.projected(0.05) >= found.projected(0.01) > 0


def test_values_are_counted_against_chance(standard):
    """Guesses have the right sex about as often as blind ones."""
    found, _ = standard
    for one in found.trials:
        if one.attack == "A5":
            sex = one.values["sexe"]
            assert sex.tried > 500
            assert abs(sex.right - sex.by_chance) < 0.15 * sex.tried


def test_progress_is_told_in_tenths_of_seconds(plain):
    """It never goes back, and never past the end."""
    _, told = plain
    assert told == sorted(told)
    assert {total for _, total in told} == {10}
    assert all(0 <= done <= total for done, total in told)


def test_people_of_each_kind_can_be_told_apart(plain, records):
    """People are rows of the file."""
    found, _ = plain
    for one in found.trials:
        assert set(one.outcome.people.tolist()) <= set(range(len(records)))
