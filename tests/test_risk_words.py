"""What is read of a risk report has words for everything that a report can hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linkage.risk import REASONS as CODES
from linkage.risk_groups import GROUPS as KINDS
from linkage.risk_trials import ATTACKS as TRIED
from service.administration.risk_report import Attacked
from service.administration.risk_words import ATTACKS, GROUPS, REASONS, passing, percent, sentences, together
from tests.partners import scene
from tests.risk_reports import report_for

ROW = {"known": 10_000, "blocks": 2, "low": 0, "chance": 1_000, "sure": 0, "milliseconds": 5}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    attacks = tuple(
        Attacked(attack="A6", pass_=name, tried=500, right=right, high=20_000, **ROW)
        for name, right in (("jour", 4), ("noms", 6))
    )
    agreement = scene(tmp_path_factory.mktemp("scene")).agreement
    return report_for(agreement, attacks=attacks, verdict="defavorable", reasons=("echantillon",))


def test_everything_has_its_words():
    """Attacks, reasons and groups."""
    assert set(TRIED) == set(ATTACKS)
    assert set(CODES) == set(REASONS)
    assert set(KINDS) == set(GROUPS)


def test_shares_are_written_in_french():
    """A comma and two digits."""
    assert ("0,00 %", "5,00 %", "100,00 %") == (percent(0), percent(50_000), percent(1_000_000))
    assert ("aucune personne connue", "0,10 % des personnes connues") == (passing(0), passing(1_000))


def test_passes_of_an_attack_come_together(report):
    """One entry for each attack and share."""
    ((name, known, parts),) = together(report)
    assert ("A6", 10_000, 2) == (name, known, len(parts))


def test_attacks_come_in_the_order_of_their_numbers(report):
    """The ceiling last; what the report holds is sorted as text."""
    names = ("A1", "A12", "A6", "A6 bis", "A7")
    attacks = tuple(replace(report.attacks[0], attack=name) for name in names)
    found = [name for name, _, _ in together(replace(report, attacks=attacks))]
    assert ["A1", "A6", "A6 bis", "A7", "A12"] == found


def test_the_lines_tell_verdict_reason_and_counts(report):
    """10 of 1,000 people: 1 %."""
    text = "\n".join(sentences(report))
    assert "DÉFAVORABLE" in text
    assert REASONS["echantillon"] in text
    assert "10 sur 1000 retrouvées (1,00 % par passe, hasard 0,10 %)" in text
    assert report.digest in text
