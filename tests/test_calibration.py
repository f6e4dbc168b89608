"""Candidate profiles: what a name describes, that they are gone afterwards, that results are taken up."""

from __future__ import annotations

import itertools
import json

import pytest

from benchmarks.calibration import candidate, kappas, main, offered, read_lines
from linkage.planner import plan_passes
from linkage.profiles import PROFILES
from tests.invented import P1


def test_a_name_describes_a_candidate():
    """Length, aim, cap and floor; shipped profiles go by their own names; anything else is no candidate."""
    one = candidate("4096:60:500:40")
    assert (one.length, one.exposure, one.cap, one.floor) == (4096, 60, 500, 40)
    assert candidate("4096:60:500").floor == 20
    assert candidate("standard") is PROFILES["standard"]
    with pytest.raises(ValueError, match="invalid literal"):
        candidate("strong")


def test_a_candidate_is_known_for_a_while_only():
    """The planner plans with it, then there are the shipped profiles again, even where it bears the name of one."""
    before = dict(PROFILES)
    with offered(candidate("8192:40:1000")) as profile:
        plan = plan_passes(P1, profile.name, (20_000, 20_000))
        assert {one.length for one in plan.passes} == {8192}
        assert max(kappas(P1, plan, profile)) <= 40
    with offered(PROFILES["standard"]):
        pass
    assert before == PROFILES


def test_a_smaller_aim_gives_more_xors():
    """Degrees grow from pass to pass, none shrinks."""
    degrees = []
    for aim in (130, 60, 25):
        with offered(candidate(f"4096:{aim}:1000")) as profile:
            degrees.append([one.degree for one in plan_passes(P1, profile.name, (20_000, 20_000)).passes])
    for fewer, more in itertools.pairwise(degrees):
        assert all(one <= other for one, other in zip(fewer, more, strict=True))
    assert sum(degrees[0]) < sum(degrees[-1])


def test_nothing_is_measured_twice(tmp_path, capsys):
    """A set that is not in the folder is said; known results are left alone."""
    results = tmp_path / "results.jsonl"
    line = {"set": "febrl4", "candidate": "standard", "repeat": 0}
    results.write_text(json.dumps(line) + "\n", encoding="utf-8")
    assert main([str(tmp_path), str(results), "--set", "febrl4"]) == 0
    assert "not in this folder" in capsys.readouterr().out
    assert read_lines(results) == [line]
    assert read_lines(tmp_path / "none.jsonl") == []
