"""The benchmark of questions asked through the service, small."""

from __future__ import annotations

import json

from benchmarks.questions import main


def test_a_line_for_each_way_of_asking(capsys):
    """Variants are told whether they are faded or not; faded, they resemble each other no more and still gather."""
    arguments = ["--size", "150", "--people", "4", "--values", "9", "--mistakes", "sans_erreur", "--json"]
    assert 0 == main(arguments)
    lines = {line["what"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert [
        "climbing",
        "honest",
        "variants",
        "variants, faded to 0.85",
        "variants, faded to 0.5",
        "differing, nothing",
        "differing, a row",
    ] == list(lines)
    assert lines["climbing"]["right"] >= lines["climbing"]["people"] - 1
    assert (0, 0) == (lines["honest"]["alike"], lines["honest"]["beset"])
    assert lines["variants"]["alike"] == lines["variants"]["passes"]
    for name in ("variants, faded to 0.85", "variants, faded to 0.5"):
        assert lines[name]["right"] >= 1
        assert (0, lines[name]["passes"]) == (lines[name]["alike"], lines[name]["beset"])
    assert lines["differing, a row"]["different"] <= 5
