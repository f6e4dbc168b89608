"""Passes as sheets write them: read strictly, checked against the attributes, fitted to files that lack some."""

from __future__ import annotations

import pytest

from linkage.errors import SheetError
from linkage.pass_rule import PassRule
from linkage.sheet import load_sheet

P1 = load_sheet("P1")


def test_a_pass_is_read():
    """Every key."""
    table = {
        "name": "annee",
        "blocks": [["date_naissance.year"], ["date_naissance.year", "nom_naissance.initial"]],
        "split": ["sexe.value"],
        "form": "nom_usage",
        "bits": {"sexe": 3},
    }
    rule = PassRule.from_table(table)
    rule.check(P1.attributes)
    assert (("date_naissance.year",), ("date_naissance.year", "nom_naissance.initial")) == rule.ladder
    assert (("sexe.value",), "nom_usage", (("sexe", 3),), "") == (rule.split, rule.form, rule.bits, rule.exact)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("annee", "E_FEUILLE"),
        ({"name": "a b", "blocks": [["sexe.value"]]}, "E_FEUILLE"),
        ({"name": "a", "blocks": []}, "E_FEUILLE"),
        ({"name": "a", "blocks": ["sexe.value"]}, "E_FEUILLE"),
        ({"name": "a", "blocks": [["sexe.value"]], "block": 1}, "E_CLE_INCONNUE"),
        ({"name": "a", "blocks": [["sexe.value"]], "bits": 3}, "E_FEUILLE"),
        ({"name": "a", "blocks": [["sexe.value"]], "bits": {"sexe": 0}}, "E_FEUILLE"),
        ({"name": "a", "exact": "ine", "blocks": [["sexe.value"]]}, "E_CLE_INCONNUE"),
        ({"name": "a", "exact": 3}, "E_FEUILLE"),
    ],
)
def test_what_is_no_pass_is_refused(table, code):
    """With the code of its fault."""
    with pytest.raises(SheetError) as refusal:
        PassRule.from_table(table)
    assert code == refusal.value.code


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"blocks": [["sexe.year"]]}, "E_BLOC_INCONNU"),
        ({"blocks": [["poids.value"]]}, "E_BLOC_INCONNU"),
        ({"blocks": [["date_naissance.day", "date_naissance.day_month"]]}, "E_FEUILLE"),
        ({"blocks": [["sexe.value"]], "bits": {"poids": 2}}, "E_CLE_INCONNUE"),
        ({"blocks": [["sexe.value"]], "form": "nom_naissance"}, "E_FEUILLE"),
        ({"exact": "sexe"}, "E_FEUILLE"),
        ({"exact": "ine"}, "E_FEUILLE"),
    ],
)
def test_what_the_attributes_do_not_know_is_refused(table, code):
    """Components, weights, forms and codes of other sheets."""
    with pytest.raises(SheetError) as refusal:
        PassRule.from_table({"name": "a", **table}).check(P1.attributes)
    assert code == refusal.value.code


def test_a_pass_does_without_attributes():
    """Levels that then say the same are one; where nothing is left there is no pass."""
    table = {"name": "a", "blocks": [["sexe.value"], ["sexe.value", "nom_naissance.initial"]], "split": ["sexe.value"]}
    rule = PassRule.from_table(table)
    left = rule.without({"nom_naissance"})
    assert left is not None
    assert (("sexe.value",),) == left.ladder
    assert rule.without({"sexe", "nom_naissance"}) is None
    exact = PassRule.from_table({"name": "ine", "exact": "ine"})
    assert exact == exact.without({"sexe"})
    assert exact.without({"ine"}) is None


def test_both_parties_have_all_of_a_pass_alike():
    """What enters the digest of a sheet; the key of an exact pass only where there is one."""
    assert "exact" not in PassRule.from_table({"name": "a", "blocks": [["sexe.value"]]}).shared()
    assert "ine" == PassRule.from_table({"name": "a", "exact": "ine"}).shared()["exact"]
