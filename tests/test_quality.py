"""The quality benchmark: its sets load and split as they say, its figures are those of plain counting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import plain_text
from benchmarks.quality import main
from benchmarks.quality_measure import Read, groups_of, measure, read_set, read_sets
from benchmarks.quality_sets import SETS, QualitySet
from linkage.sheet import load_sheet
from linkage.synthetic.files import identities
from linkage.synthetic.people import population

PEOPLE, TWICE, THRICE = 120, 60, 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of duplicates with the columns of RLdata500: 120 invented people, 60 of them twice, 5 of these three times."""
    place = tmp_path_factory.mktemp("data")
    columns = identities(population(PEOPLE, 3), np.arange(PEOPLE))
    rows = [*range(PEOPLE), *range(TWICE), *range(THRICE)]
    surnames = [columns["nom_naissance"][row] for row in rows]
    table = {
        "rec_id": [str(number) for number in range(len(rows))],
        "entity_id": [str(row) for row in rows],
        "fname_c1": [columns["prenoms"][row] for row in rows],
        "fname_c2": [""] * len(rows),
        "lname_c1": [name + "e" if place >= PEOPLE else name for place, name in enumerate(surnames)],
        "lname_c2": [""] * len(rows),
    }
    for place_in_date, name in enumerate(("by", "bm", "bd")):
        table[name] = [columns["date_naissance"][row].split("-")[place_in_date] for row in rows]
    (place / "rldata").mkdir()
    pq.write_table(pa.table(table), place / "rldata" / "rldata500_dedup.parquet")
    return place


@pytest.fixture(scope="module")
def data(folder: Path) -> Read:
    return next(read_sets(folder, ["rldata500"]))


def test_duplicates_are_split_and_the_rest_takes_turns(data: Read):
    """Each person with several rows has one on either side; the others go left and right in turn; nobody is lost."""
    assert (PEOPLE - TWICE) // 2 + TWICE == len(data.left) == len(data.right)
    assert TWICE == len(data.true)
    assert f"{THRICE} third and later rows dropped" in data.of.note


@pytest.mark.parametrize("name", [name for name in SETS if not name.startswith("france")])
def test_sets_that_are_not_there_are_said_to_be_missing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An empty folder has no set but the synthetic ones."""
    assert SETS[name](tmp_path, tmp_path) is None
    assert main([str(tmp_path), "--set", name]) == 0
    assert "not in this folder" in capsys.readouterr().out


@pytest.mark.parametrize("sheet", sorted((Path(plain_text.__file__).parent / "sheets").glob("[!f]*.toml")))
def test_sheets_are_sound(sheet: Path):
    """Every sheet of the benchmarks is one that the tool takes."""
    assert sheet.stem == load_sheet(sheet).name


def test_figures_are_those_of_counting(data: Read):
    """F1 is the harmonic mean; groups and patterns add up; the ceiling is not below what was shipped but by chance."""
    found = measure(data, "standard")
    harmonic = 2 * found["precision"] * found["recall"] / (found["precision"] + found["recall"])
    assert abs(harmonic - found["f1"]) < 1e-12
    assert round(found["recall"] * len(data.true)) + sum(found["missed_patterns"].values()) == len(data.true)
    assert found["best_f1"] > 0.9
    assert found["regret"] == found["best_f1"] - found["f1"]
    assert all(0 <= group["precision"] <= 1 and 0 <= group["recall"] <= 1 for group in found["groups"].values())
    assert {"a_gap", "partial_date", "compound_name", "everybody_else"} == set(found["groups"])


def test_groups_of_a_set_are_read_from_its_records(data: Read):
    """Who has a first name or surname of several words, a gap, a partial date; the last group is the rest."""
    groups, records = groups_of(data), data.left
    masks = {name: left for name, (left, _) in groups.items()}
    surnames, firsts = records.columns["surname"], records.columns["given_names"]
    for row in range(len(records)):
        both = surnames.values[surnames.codes[row]] + firsts.values[firsts.codes[row]]
        assert (" " in both or "-" in both) == masks["compound_name"][row]
        named = masks["a_gap"][row] or masks["partial_date"][row] or masks["compound_name"][row]
        assert bool(named) != masks["everybody_else"][row]


def test_patterns_name_no_value(data: Read):
    """A false link of two strangers and a missed pair are said attribute by attribute."""
    lost = replace(data, true=data.true[:, ::-1].copy()[:10])
    found = measure(lost, "reference", with_labels=False)
    assert all(set(pattern) <= set("=xm.") for key in ("missed", "false") for pattern in found[f"{key}_patterns"])


def test_peers_are_judged_by_their_own_threshold_and_by_the_best(data: Read):
    """A peer that scores all true pairs 1 and ten wrong ones .6 has a perfect best and a worse own decision."""
    left = np.concatenate([data.true[:, 0], np.arange(10)])
    right = np.concatenate([data.true[:, 1], (data.true[:10, 1] + 1) % len(data.right)])
    scores = np.concatenate([np.ones(len(data.true)), np.full(10, 0.6)])
    found = plain_text._judged(left, right, scores, data=data, own=0.5)
    assert found["best"] == 1.0
    assert found["own"] == 2 * len(data.true) / (2 * len(data.true) + 10)
    assert found["own"] <= found["own_one_to_one"] <= 1.0


def test_synthetic_sets_need_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The French worlds are made, with groups of the size of their files."""
    monkeypatch.setattr("benchmarks.quality_sets._WORLD_SIZE", 300)
    make: Callable[[Path, Path], QualitySet | None] = SETS["france-declaratif"]
    one = make(tmp_path, tmp_path)
    assert one is not None
    assert {len(mask) for sides in one.groups.values() for mask in sides} == {300}
    assert len(read_set(one).true) == 150


def test_another_sheet_can_be_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Other bits, an attribute left out and a floor give other figures; a bit too few or too many is refused."""
    command = [str(folder), "--set", "rldata500", "--profile", "standard"]
    sheet = load_sheet(Path(plain_text.__file__).parent / "sheets" / "rldata500.toml")
    bits = ",".join("0" if one.second_form_of else "7" for one in sheet.attributes)
    assert main([*command, "--bits", bits, "--information", "980"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    with pytest.raises(ValueError, match="zip"):
        main([*command, "--bits", f"{bits},1"])
