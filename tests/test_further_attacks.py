"""The benchmark of further attacks, small."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.further_attacks import EXPERIMENTS, main


def lines_of(capsys, *arguments):
    """What the benchmark prints, by experiment."""
    assert 0 == main([*arguments, "--json"])
    found: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        found.setdefault(line["what"], []).append(line)
    return found


def test_the_word_of_blocks(capsys):
    """Weights, and votes: what is printed is within its bounds."""
    found = lines_of(capsys, "--n", "200", "--blocks", "1", "--what", "word")
    assert ["weights", "unmasked"] == [one["case"] for one in found["word"]]
    assert all(0 <= one["r2"] < 0.35 for one in found["word"])
    assert all(0 <= area <= 1 for one in found["word"] for area, _ in one["auc"].values())


@pytest.mark.soak
def test_every_experiment(capsys):
    """All of them; what is found grows with the runs, and chance with it."""
    found = lines_of(capsys, "--n", "1500", "--blocks", "2")
    assert set(EXPERIMENTS) == set(found)
    runs = found["runs"]
    assert [1, 2, 3] == [one["runs"] for one in runs]
    assert runs[0]["rate"] <= runs[1]["rate"] <= runs[2]["rate"]
    assert runs[0]["chance"] < runs[2]["chance"]
    assert 6 == len(found["others"])
    for one in found["quartets"]:
        pairs, fours, usual = one["tenth"]
        assert 0 <= usual <= fours < pairs
    assert [0.0, 0.1] == [one["known"] for one in found["across"]]
    assert all(one["low"] <= one["rate"] <= one["high"] for one in found["across"])
