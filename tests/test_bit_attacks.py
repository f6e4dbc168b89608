"""The benchmark of attacks on bits and structure, small."""

from __future__ import annotations

import json

import pytest

from benchmarks.bit_attacks import main

ATTACKS = {"A1", "A2", "A3", "A4", "A7", "A8", "A10", "A11"}


def lines_of(capsys, *arguments):
    """What the benchmark prints, by profile and attack."""
    assert 0 == main([*arguments, "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {(line["profile"], line["attack"]): line for line in lines}


def test_a_line_for_each_attack(capsys):
    """On the control; what each must find, with room."""
    found = lines_of(capsys, "--n", "130", "--profile", "reference")
    assert {("reference", attack) for attack in ATTACKS} == set(found)
    assert found["reference", "A1"]["r2"] > 0.3
    assert found["reference", "A7"]["recognised"] > 0.5
    assert found["reference", "A8"]["union"] > 0.95
    assert found["reference", "A11"]["rows_found"] == 0  # fewer records than bits


@pytest.mark.soak
def test_sent_profiles_beside_the_control(capsys):
    """What the control shows and a sent profile does not."""
    found = lines_of(capsys, "--n", "260", "--profile", "reference", "--profile", "standard")
    assert ATTACKS | {"A9"} == {attack for profile, attack in found if profile == "standard"}
    assert found["reference", "A1"]["r2"] > 0.3 > found["standard", "A1"]["r2"]
    assert found["reference", "A4"]["patterns"] > found["standard", "A4"]["patterns"] == 0
    assert found["standard", "A8"]["union"] > 0.95
