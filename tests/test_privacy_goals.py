"""Goals G4 to G8 on a few people: what falls on plain filters and what does not on diffused ones."""

from __future__ import annotations

from benchmarks.privacy_goals import goals


def test_plain_filters_leak_and_diffused_ones_do_not():
    """Three hundred people: weights foreseen and rows recognised across runs in `reference`, neither in `standard`."""
    plain, diffused = goals(300, "reference", 2), goals(300, "standard", 2)
    assert plain["weight_r2"] > 0.2
    assert plain["across_runs"]["rate"] > 0.8
    assert diffused["across_runs"]["rate"] < 0.4
    assert plain["rows"] == 300
    assert diffused["read_exactly"][0] == 0
