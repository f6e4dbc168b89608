"""Eigenvalues of blocks, passes and tables."""

from __future__ import annotations

import json

from benchmarks.spectra import main


def test_plain_filters_have_directions_and_no_matrix_of_a_sent_profile_has(capsys):
    """Three hundred people: dozens above the edge in the control; next to none in block, pass or table of `standard`."""
    assert 0 == main(["--n", "300", "--profile", "reference", "--profile", "standard", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (plain,) = (one for one in lines if one["profile"] == "reference")
    assert ("table", 300) == (plain["of"], plain["rows"])
    assert plain["above"] >= 5
    sent = [one for one in lines if one["profile"] == "standard"]
    assert {"block", "pass", "table"} == {one["of"] for one in sent}
    assert max(one["above"] for one in sent if one["of"] != "table") <= 2
    assert all(one["rows"] <= 300 for one in sent)
