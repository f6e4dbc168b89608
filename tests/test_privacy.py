"""The table of attacks: its lines, its options, its results."""

from __future__ import annotations

import json

from benchmarks.privacy import main, row_of


def test_lines_of_json_say_rate_interval_chance_and_time(tmp_path, capsys):
    """One line an attack for the union of passes; the file of results also has the passes."""
    results = tmp_path / "results.jsonl"
    arguments = ["--n", "300", "--profile", "standard", "--attack", "ceiling", "--json", "--results", str(results)]
    assert main(arguments) == 0
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert {"profile", "attack", "known", "rate", "low", "high", "chance", "sure", "seconds", "declared"} <= set(line)
    assert line["low"] <= line["rate"] <= line["high"]
    kept = [json.loads(one) for one in results.read_text("utf-8").splitlines()]
    assert [*line["passes"], "union"] == [one["of"] for one in kept]


def test_a_row_shows_shares_in_percent():
    """What is known, rate, interval and chance, as people read them."""
    line = {
        "profile": "standard", "number": "A12", "attack": "ceiling", "known": 1.0, "rate": 0.0456, "low": 0.04, "high": 0.05,
        "chance": 0.001, "sure": 0.0, "tried": 900, "seconds": 1.25,
    }  # fmt: skip
    assert "all others" in row_of(line)
    assert " 4.56% [ 4.00%,  5.00%]    0.10%" in row_of(line)
    assert "1.0%" in row_of({**line, "known": 0.01})
