"""The table of peers."""

import numpy as np
import pytest

from benchmarks.contest import Outcome
from benchmarks.peers import OURS, main, rows_of, shown
from benchmarks.repeats import Run


def outcome(seconds, pairs, taken=0.0):
    runs = [
        Run(turn=turn, pairs=1_000_000_000, found=len(pairs), wall=wall, cpu=wall, threads=1, taken=taken)
        for turn, wall in enumerate(seconds)
    ]
    return Outcome(runs=runs, left_rows=5, pairs=np.array(pairs, dtype=np.int64), peak=7, said="so")


@pytest.fixture
def outcomes():
    return {"ours": outcome([1.0, 2.0, 1.0], [1, 2]), "anonlink": outcome([10.0, 10.0, 12.0], [1, 2])}


def test_rates_and_ratios(outcomes):
    """Medians, extremes and ratios of the same turn."""
    ours, peer = rows_of(outcomes, ["anonlink"], 10)
    assert (1.0, 0.5, 1.0) == (ours["rate"], ours["least"], ours["most"])
    ratio = ours["ratios"]["anonlink"]
    assert (10.0, 5.0, 12.0) == pytest.approx((ratio["median"], ratio["least"], ratio["most"]))
    assert 1.0 == peer["ratios"]["anonlink"]["median"]
    assert (True, 2, 3, 3, 7, "so") == tuple(ours[key] for key in ("same", "found", "turns", "of", "peak_mib", "said"))


def test_other_pairs_are_seen(outcomes):
    """A peer with other pairs is told, with how many."""
    records = rows_of({**outcomes, "odd": outcome([1.0, 1.0, 1.0], [1, 3, 4])}, ["anonlink"], 10)
    assert [True, True, False] == [one["same"] for one in records]
    text = shown(records, ["anonlink"])
    assert "NO: +2 -1" in text.splitlines()[3]
    assert "10.0 (5.0-12.0)" in text.splitlines()[1]
    assert "ours: so" in text.splitlines()


def test_a_noisy_machine_is_told(outcomes):
    """When others took the cores each time, the table says so."""
    noisy = {**outcomes, "late": outcome([1.0, 1.0, 1.0], [1, 2], taken=0.9)}
    assert shown(rows_of(noisy, [], 10), []).splitlines()[-1].startswith("others took the cores")
    assert "others" not in shown(rows_of(outcomes, [], 10), [])


def test_without_peers(tmp_path, capsys):
    """Ours against numpy alone needs no environment."""
    arguments = ["--rows", "300", "--threshold", "0.8", "--turns", "1", "--peer", "numpy", "--ours", "full"]
    path = tmp_path / "out.json"
    assert 0 == main([*arguments, "--json", str(path), "--keep", str(tmp_path / "data")])
    printed = capsys.readouterr().out
    assert "yes" in printed
    assert "names, 300 x 300, dice >= 0.8, 1 thread(s)" in printed
    assert "allervers full" in printed
    assert '"rate"' in path.read_text("utf-8")


def test_ours_have_distinct_names():
    """Contestants are told apart by name."""
    assert len(OURS) == len({one.name for one in OURS.values()})
