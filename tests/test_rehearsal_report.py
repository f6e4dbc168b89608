"""What an agent reads of a rehearsal, with a truth and without."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from service.administration.rehearsal_report import sentences

NUMBERS = json.loads((Path(__file__).parent / "vectors" / "rehearsal.json").read_text("utf-8"))


@pytest.fixture
def unknown():
    """The same numbers without truth."""
    numbers = copy.deepcopy(NUMBERS)
    numbers |= {"true_pairs": None, "precision": None, "recall": None, "f1": None}
    for rule in numbers["rules"].values():
        rule |= {"missed": None, "useless": None}
    for kind in ("information", "strict"):
        numbers["proposed"][kind]["true"] = {"precision": None, "recall": None, "f1": None}
    numbers["across_passes"] |= {"removed_right": None, "precision": None, "recall": None, "f1": None}
    for group in numbers["groups"]:
        group |= {"precision": None, "recall": None}
    return numbers


def test_with_a_truth_both_are_said():
    """What is expected, and beside it what is true; what to write in the next sheet; a line a group and a pass."""
    text = "\n".join(sentences(NUMBERS))
    assert "précision   : 99.20 %" in text
    assert "personnes présentes des deux côtés : 400 (de 396 à 408)" in text
    assert "en vérité 99.50 % et 99.00 %" in text
    assert "écrivez « strict = 830 »" in text
    assert "groupe M : 300 personnes" in text
    assert "passe jour : " in text
    assert "None" not in text


def test_without_truth_nothing_is_said_to_be_true(unknown):
    """Only what is expected; never a missing figure."""
    text = "\n".join(sentences(unknown))
    assert "en vérité" not in text
    assert "précision   :" not in text
    assert "précision 99.00 % (de 98.00 à 99.60)" in text
    assert "None" not in text


def test_what_was_not_expected_is_not_said(unknown):
    """A rehearsal without outlook has counts, times and passes."""
    unknown |= {"expected": None, "proposed": None, "groups": []}
    text = "\n".join(sentences(unknown))
    assert "attendu   :" not in text
    assert "sans vérité" not in text
    assert "liens       : 401" in text
