"""A démarche, once read, gives its linkage sheet and its rule, and loads nothing before it is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.demarche import load_demarche


def test_sheet_and_rule_belong_to_the_demarche():
    """The profile's sheet with the démarche's columns; the parsed expression."""
    demarche = load_demarche("c2s-rsa")
    assert ("P1", ("rsa", "c2s")) == (demarche.sheet().name, demarche.rule().operands)
    assert {"rsa", "c2s"} == set(demarche.sheet().columns)


def test_a_demarche_cannot_be_changed():
    """What was reviewed stays what it is."""
    with pytest.raises(AttributeError):
        load_demarche("c2s-rsa").purpose = "information"  # type: ignore[misc]


def test_importing_it_loads_nothing_of_the_encoder():
    """The third party may import this module."""
    code = "import sys, service.rule_sheet; print([m for m in sys.modules if m.startswith('linkage.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def test_several_outputs_and_who_takes_part():
    """Recipients in the order of the outputs; a party that the rule does not name has no part in a run."""
    demarche = load_demarche("cheque-energie")
    assert (("foyers",), ("foyers", "contrats")) == (demarche.recipients, demarche.compared)
    assert ["foyers & contrats", "foyers - contrats"] == [rule.text for rule in demarche.rules().values()]
    union = load_demarche("pass-sport")
    assert ("caf", "msa", "cnous") == union.recipients == union.outputs[0].recipients
    assert ("caf", "dedup(caf > msa > cnous) - codes") == (union.recipient, union.expression)
    assert load_demarche("cnaf-kits").local
    assert not union.local


def test_twins_are_for_the_comparison_that_is_blind():
    """Between the two files of the condition, in either order; not for objections, nor between other files."""
    demarche = load_demarche("listes-electorales")
    between = [("siv", "reu"), ("reu", "siv"), ("siv", "autre")]
    assert ["commune", "commune", ""] == [demarche.sheet_between(one).twins for one in between]
    objections = demarche.sheet_between(("siv", "reu"), of_objections=True)
    assert ("", demarche.sheet().attributes) == (objections.twins, objections.attributes)
    plain = load_demarche("c2s-rsa")
    assert plain.sheet() == plain.sheet_between(("rsa", "c2s"))


def test_the_sheet_is_cut_and_lightened_as_the_demarche_says():
    """What one file cuts is cut on both sides; an attribute that one has not is nowhere, block values included."""
    sheet = load_demarche("rsa-non-recours").sheet()
    assert (13, 25) == (sheet.attribute("prenoms").longest, sheet.attribute("nom_naissance").longest)
    assert "sexe" not in {one.name for one in sheet.attributes}
    components = {one for rule in sheet.passes for level in (*rule.ladder, rule.split) for one in level}
    assert [] == [one for one in components if one.startswith("sexe")]
    refugees = load_demarche("refugie-parcours").sheet()
    assert 13 == refugees.attribute("prenoms").longest
