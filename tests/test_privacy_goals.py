"""Goals G4 to G8 on a few people: what falls on plain filters and what does not on diffused ones."""

from __future__ import annotations

import json

import pytest

from benchmarks.privacy_goals import goals, main


def test_diffused_filters_tell_nothing(capsys):
    """A hundred people in one block: no pattern, no row read, nobody recognised in a second run beyond chance."""
    assert main(["--n", "100", "--profile", "standard"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["profile"], found["mined_tokens"], found["read_exactly"][0]) == ("standard", 0, 0)
    assert found["across_runs"]["rate"] < 0.2
    assert 0 < found["rows"] <= 100


@pytest.mark.soak
def test_plain_filters_do():
    """Three hundred people in one table: weights foreseen, eigenvalues above chance, all recognised across runs."""
    found = goals(300, "reference", 2)
    assert found["weight_r2"] > 0.2
    assert found["eigenvalues"] > 0
    assert found["across_runs"]["rate"] > 0.8
    assert found["rows"] == 300
