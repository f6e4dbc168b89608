"""The process of one matcher: the same pairs from ours and from numpy as from plain counting."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.contest import ROOT
from benchmarks.contestants import TOOLS, busy_seconds, peak, solve

THRESHOLDS = {"dice": 0.7, "hamming": 0.75}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    left, right = (rng.integers(0, 2**64, (size, 2), dtype=np.uint64) for size in (40, 60))
    right[10:30, 0] = left[:20, 0]
    left[3] = 0
    return left, right


def task_of(folder, rows, measure, pairs=None, **changes):
    paths = {}
    for name, side in zip(("left", "right"), rows, strict=True):
        paths[name] = str(folder / f"{name}.npy")
        np.save(paths[name], side)
    task = {
        **paths,
        "left_rows": 40,
        "right_rows": 60,
        "threshold": THRESHOLDS[measure],
        "measure": measure,
        "threads": 1,
        "strategy": "full",
        "pairs": pairs,
    }
    return {**task, **changes}


def expected_pairs(rows, measure, left_rows=40):
    found = []
    for i, one in enumerate(rows[0][:left_rows].tolist()):
        for j, other in enumerate(rows[1].tolist()):
            both = sum((a & b).bit_count() for a, b in zip(one, other, strict=True))
            total = sum(word.bit_count() for word in (*one, *other))
            alike = 2 * both / total if measure == "dice" and total else 0.0
            if measure == "hamming":
                alike = 1 - (total - 2 * both) / 128
            if alike >= THRESHOLDS[measure]:
                found.append(i * 60 + j)
    return found


@pytest.mark.parametrize("tool", ["numpy", "allervers"])
@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_pairs(tmp_path, rows, tool, measure):
    """All pairs at or above the threshold, sorted, and how many."""
    path = tmp_path / "pairs.npy"
    task = task_of(tmp_path, rows, measure, str(path))
    (answer,) = solve(TOOLS[tool](), iter([task]))
    expected = expected_pairs(rows, measure)
    assert expected == np.load(path).tolist()
    assert 10 < len(expected) == answer["found"]
    assert answer["wall"] > 0
    assert answer["others"] >= 0


def test_a_slice_of_the_left_rows(tmp_path, rows):
    """Only the first rows asked for are compared; the next task may ask for more."""
    path = tmp_path / "pairs.npy"
    few, all_rows = (task_of(tmp_path, rows, "dice", str(path), left_rows=size) for size in (7, 40))
    tasks = solve(TOOLS["numpy"](), iter([few, all_rows]))
    next(tasks)
    assert expected_pairs(rows, "dice", 7) == np.load(path).tolist()
    next(tasks)
    assert expected_pairs(rows, "dice") == np.load(path).tolist()


def test_the_process_answers_line_by_line(tmp_path, rows):
    """One answer a task on the standard output, whatever else is printed."""
    tasks = "".join(json.dumps(task_of(tmp_path, rows, "dice")) + "\n" for _ in range(2))
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "contestants.py", "numpy"],
        input=tasks,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(expected_pairs(rows, "dice"))] * 2 == [answer["found"] for answer in answers]


def test_memory_and_time_of_the_system():
    """What the system tells is plausible, or nothing."""
    assert 10_000 < peak() < 1 << 26
    busy = busy_seconds()
    assert busy is None or (busy > 0 and math.isfinite(busy))


def test_no_count_of_the_system(tmp_path):
    """Nothing is known without its file; ticks are hundredths of a second, waiting left out."""
    assert busy_seconds(tmp_path / "none") is None
    (tmp_path / "stat").write_text("cpu  100 20 30 999 999 4 5 6 0 0\ncpu0 1\n", "ascii")
    assert 1.65 == busy_seconds(tmp_path / "stat")
