"""`allervers plan`: what an agent reads before anything is proposed, in French, and the same as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from linkage.plan import Plan
from linkage.planner import plan_passes
from service.cli import main
from tests.invented import FEBRL4_FILE, P1


def test_the_plan_of_a_shipped_sheet_in_words(capsys):
    """Each pass with its block value in words, its blocks, bytes, recall, exposure and thresholds; then the whole."""
    assert main(["plan", "--sheet", "P1", "--sizes", "60000", "40000"]) == 0
    shown = capsys.readouterr().out
    for one in plan_passes(P1, "standard", (60_000, 40_000)).passes:
        assert f"passe {one.name} : " in shown
    for words in ("jour et mois de date_naissance", "initiale de nom_naissance", "nom_usage à la place", "kappa 0,"):
        assert words in shown
    for words in ("Mo à envoyer", "paires comparées", "des vraies paires", "taux d'erreur supposés", "Dice estimé 0,"):
        assert words in shown


def test_json_holds_the_plan_itself(capsys):
    """One line; the plan in it is the one of the agreement, and it is read back."""
    assert main(["plan", "--sheet", "P1", "--sizes", "5000", "8000", "--profile", "renforce", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert Plan.from_json(found["plan"]) == plan_passes(P1, "renforce", (5000, 8000))
    assert found["sizes"] == [5000, 8000]
    assert [one["name"] for one in found["passes"]] == [rule.name for rule in P1.passes]


def test_proposed_passes_take_the_place_of_the_sheets(capsys):
    """With --propose the sheet's own passes are set aside."""
    assert main(["plan", "--sheet", str(FEBRL4_FILE), "--sizes", "5000", "5000", "--propose", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["passes"]] == [f"p{place + 1}" for place in range(len(found["passes"]))]


@pytest.mark.parametrize("profile", ["standard", "reference"])
def test_warnings_say_what_to_look_at(profile, capsys):
    """The broken profile, the pass on the second form, blocks that are nearly full."""
    assert main(["plan", "--sheet", "P1", "--sizes", "1000000", "1000000", "--profile", profile]) == 0
    shown = capsys.readouterr().out
    wanted = ["seconde forme du nom", "E_BLOC_TROP_GRAND"] if profile == "standard" else ["ne protège pas"]
    assert all(f"{words}" in shown for words in wanted)


def test_sizes_that_no_file_has_are_refused(capsys):
    """With the code, on the error stream."""
    assert main(["plan", "--sheet", "P1", "--sizes", "0", "10"]) == 1
    assert capsys.readouterr().err.startswith("E_EFFECTIFS")
