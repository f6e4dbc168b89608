"""The curve of the calibration: averages, which candidates are drawn, a sound SVG."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from benchmarks.calibration_curve import draw, main, points

LINES: list[dict[str, Any]] = [
    {"set": "a", "candidate": "4096:60:1000", "length": 4096, "kappas": [20, 50], "f1": 0.97},
    {"set": "a", "candidate": "4096:60:1000", "length": 4096, "kappas": [20, 50], "f1": 0.99},
    {"set": "a", "candidate": "4096:60:250", "length": 4096, "kappas": [20, 50], "f1": 0.5},
    {"set": "a", "candidate": "standard", "length": 4096, "kappas": [0], "f1": 0.96},
    {"set": "a", "candidate": "2048:60:1000", "refused": "E_PASSES"},
    {"set": "b", "candidate": "standard", "length": 4096, "kappas": [30], "f1": 0.9},
]


def test_points_are_averages_of_what_is_drawn():
    """Repeats are one point; other caps, refusals and other sets are none; κ is the largest of a pass, at least 1."""
    assert [(one.candidate, one.kappa, round(one.f1, 6)) for one in points(LINES, "a")] == [
        ("standard", 1.0, 0.96),
        ("4096:60:1000", 50, 0.98),
    ]


def test_the_drawing_is_sound_and_names_the_profiles(tmp_path):
    """Well-formed, a panel a set, a ring and a name for a shipped profile."""
    source, target = tmp_path / "lines.jsonl", tmp_path / "curve.svg"
    source.write_text("\n".join(map(json.dumps, LINES)), encoding="utf-8")
    assert main([str(source), "--out", str(target), "--set", "a", "--set", "b"]) == 0
    texts = [one.text for one in ET.fromstring(target.read_text("utf-8")).iter() if one.tag.endswith("text")]  # noqa: S314
    assert {"a: F1", "b: F1", "standard", "L = 4096 bits"} <= set(texts)
    assert draw({"a": points(LINES, "a")}).count('r="5"') == 1
