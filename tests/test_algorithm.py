"""The rules of the algorithm, and why one person is a hit."""

from dataclasses import replace
from datetime import date

import pytest

from service.papers.algorithm import algorithm_rules, explained_hit
from service.papers.case import Case
from tests.papers_case import case, kept, papers


@pytest.mark.parametrize("name", ["algorithme.md", "explication.md"])
def test_papers_are_the_frozen_ones(name):
    """Word for word."""
    assert kept(name) == papers()[name]


def test_every_pass_has_its_thresholds():
    """Those of the agreement."""
    text = algorithm_rules(case())
    plans = [plan for one in case().agreement.comparisons for plan in one.plan.passes]
    assert [] == [
        plan.name for plan in plans if f"« {plan.name} » : seuil d'information {plan.information}" not in text
    ]


@pytest.mark.parametrize(
    ("usage", "words"), [("attribution", "la désignation est certaine"), ("information", "pas assez certaine")]
)
def test_an_explanation_answers_the_four_points(usage, words):
    """Degree and mode, data and sources, parameters, operations (R311-3-1-2)."""
    text = explained_hit(case(), case().agreement.outputs[0].name, usage, date(2026, 11, 20))
    assert 4 == text.count("\n## ")
    assert words in text
    assert "Administration CNAM" in text


def test_what_only_informs_awards_nothing():
    """And says so."""
    action = replace(case().demarche.action, mode="information", refusal_days=None)
    informing = Case(agreement=case().agreement, demarche=replace(case().demarche, action=action))
    assert "Il n'attribue rien" in algorithm_rules(informing)
    assert "ouvert d'office" in algorithm_rules(case())
