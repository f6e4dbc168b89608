"""Clauses are frozen values with the defaults that every démarche inherits."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from service.clauses import Identity, Output


def output(use):
    return Output(
        name="x", expression="a", recipients=("a",), use=use, threshold="attribution", grey_policy="ecarter", label=""
    )


def test_only_an_award_awards():
    """The use of an output says what its hits may lead to."""
    assert [False, True, False] == [output(use).award for use in ("information", "attribution", "verification")]


def test_clauses_cannot_be_changed():
    """What was reviewed stays what it is."""
    with pytest.raises(FrozenInstanceError):
        output("information").use = "attribution"


def test_identity_is_that_of_one_person_by_default():
    """No household, no exact key, nothing cut."""
    terms = Identity()
    assert ("individu", False, (), (), {}) == (
        terms.entity, terms.any_member, terms.exacts, terms.without, terms.truncations,
    )  # fmt: skip
