"""The four conditions: what is dropped costs what it is said to cost."""

from __future__ import annotations

import json

import numpy as np

from benchmarks.conditions import blocks_kept, main, passes_joined


def test_a_block_value_that_stays_in_the_filter_exposes_more():
    """The same people at the same degree: κ is larger with the day of birth in everybody's filter."""
    lines = list(blocks_kept(2000, "standard", np.random.default_rng(1)))
    left_out, kept = ([one for one in lines if one["case"] == case] for case in ("left out", "kept"))
    assert [one["attack"] for one in left_out] == [one["attack"] for one in kept]
    assert kept[0]["kappa"] > left_out[0]["kappa"]
    assert {one["degree"] for one in lines} == {kept[0]["degree"]}


def test_joined_ids_give_people_away_and_separate_ones_do_not():
    """A thousand people, no bit looked at: ninety times chance; of 20,000 nearly all (docs/privacy.md)."""
    joined, separate = passes_joined(1000, "standard", np.random.default_rng(1))
    assert joined["rate"] > 0.05
    assert joined["rate"] > 20 * joined["chance"]
    assert separate["rate"] < 0.1


def test_a_line_of_json_an_experiment(capsys):
    """All three that attack something."""
    arguments = ["--n", "300", "--joined", "200", "--table", "100", "--json"]
    assert main(arguments) == 0
    lines = list(map(json.loads, capsys.readouterr().out.splitlines()))
    assert [one["condition"] for one in lines] == [1] * 6 + [2] * 2 + [3] * 2
