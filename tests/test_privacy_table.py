"""Several runs of the attacks put together."""

from __future__ import annotations

import json

import pytest

from benchmarks.privacy_table import by_size, cells, main, table

KEY = ("standard", "A12", "ceiling", 1.0)


def line(of: str, blocks, *, seed: int = 1, **other):
    """A line of results for a pass."""
    tried, right = sum(one for one, _ in blocks), sum(one for _, one in blocks)
    about = {"profile": "standard", "number": "A12", "attack": "ceiling", "known": 1.0, "world": "P1", "seed": seed}
    found = {"tried": tried, "right": right, "chance": len(blocks) / tried, "sure": 0.01}
    return {**about, "of": of, "blocks": [list(one) for one in blocks], **found, **other}


def test_worlds_count_together_and_passes_are_added():
    """Two worlds, two passes: 3 of 30 and 4 of 80 make 15 %; the line of the union is not counted again."""
    lines = [
        line("jour", [(10, 1)]), line("noms", [(30, 2), (10, 0)]), line("jour", [(20, 2)], seed=2),
        line("noms", [(40, 2)], seed=2), line("union", [(110, 7)]),
    ]  # fmt: skip
    ((key, found),) = cells(lines).items()
    assert key == KEY
    assert (found.worlds, found.blocks, found.tried) == (2, 5, 110)
    assert found.rate == pytest.approx(3 / 30 + 4 / 80)
    assert found.chance == pytest.approx(2 / 30 + 3 / 80)
    assert found.sure == pytest.approx(0.02)
    assert found.low < found.rate < found.high


def test_blocks_that_differ_widen_the_interval():
    """The same people found, all in one block of twenty or spread over all: the former has the wider interval."""
    spread = cells([line("jour", [(50, 2)] * 20)])[KEY]
    heaped = cells([line("jour", [(50, 40), *[(50, 0)] * 19])])[KEY]
    assert spread.rate == heaped.rate
    assert heaped.high > 2 * spread.high


def test_profiles_stand_side_by_side():
    """One row an attack, in the order of their numbers; a dash where a profile was not attacked."""
    lines = [
        line("jour", [(100, 5)]), line("jour", [(100, 2)], profile="renforce"),
        line("jour", [(100, 1)], number="A5", attack="seedless", known=0.0),
    ]  # fmt: skip
    head, _, *rows = table(cells(lines))
    assert "`renforce`" in head
    assert "`standard`" in head
    assert [row.split(" | ")[0] for row in rows] == ["| A5 seedless", "| A12 ceiling"]
    assert "| nobody | 1.0 [" in rows[0]
    assert rows[0].endswith("| – | – | – | – |")
    assert "| all others | 5.0 [" in rows[1]


def test_sizes_are_of_the_whole_block():
    """A block of 250 rows of which a tenth is known has 225 people to be found; sizes outside of all classes are left out."""
    lines = [line("jour", [(225, 9), (10, 1)], known=0.1, attack="landmarks", number="A6")]
    _, _, row = by_size(lines)
    assert row.startswith("| standard | A6 landmarks | 10 % | 150–350 | 1 | 225 | 4.0 [")
    assert row.endswith("] | 0.4 |")


def test_the_command_reads_files(tmp_path, capsys):
    """All files given are one table."""
    for seed in (1, 2):
        (tmp_path / f"{seed}.jsonl").write_text(json.dumps(line("jour", [(100, 5)], seed=seed)) + "\n", "utf-8")
    assert main([str(tmp_path / "1.jsonl"), str(tmp_path / "2.jsonl")]) == 0
    assert "| A12 ceiling | all others | 5.0 [" in capsys.readouterr().out
