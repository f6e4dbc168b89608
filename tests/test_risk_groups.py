"""Kinds of people are told from the file alone, and match a slow count."""

from __future__ import annotations

from linkage.records import read_records
from linkage.risk_groups import GROUPS, groups_of
from service.demarche import load_demarche
from tests.partners import people_csv

SHEET = load_demarche("c2s-rsa").sheet()


def test_groups_are_those_of_a_slow_count(tmp_path):
    """Rare and short names, twins, births abroad, dates without a day, cells left empty: each its rows."""
    path = people_csv(tmp_path / "a.csv", 40)
    head, *lines = path.read_text("utf-8").splitlines()
    cells = [line.split(";") for line in lines]
    cells[3][1] = cells[4][1] = cells[5][1] = "Ly"  # short, and not rare
    cells[6][1] = "Bo"
    cells[7][6], cells[7][7] = "99351", "99351"
    cells[8][5] = "00/03/1980"
    cells[9][5] = ""
    cells[10][4] = ""
    for row in (11, 12):  # twins of the person before, the second without a day
        cells[row][1], cells[row][5] = cells[13][1], cells[13][5]
    cells[12][5] = "00" + cells[13][5][2:]
    path.write_text("\n".join([head, *(";".join(row) for row in cells)]) + "\n", "utf-8")
    records = read_records(path, SHEET, "rsa")
    found = {name: set(rows.tolist()) for name, rows in groups_of(records, SHEET).items()}
    names = [row[1].upper() for row in cells]
    assert set(found) <= set(GROUPS)
    assert {3, 4, 5, 6} | {i for i, name in enumerate(names) if len(name) <= 4} == found["short_name"]
    assert {i for i, name in enumerate(names) if names.count(name) == 1} == found["rare_name"]
    assert {7} == found["born_abroad"]
    assert {8, 9, 12} == found["missing_date"]
    whole = [(name, row[5]) for name, row in zip(names, cells, strict=True) if row[5] and not row[5].startswith("00")]
    alike = {i for i, (name, row) in enumerate(zip(names, cells, strict=True)) if whole.count((name, row[5])) > 1}
    assert {11, 13} <= alike == found["twins"]
    assert {7, 9, 10} == found["missing_value"]  # a country is no commune


def test_a_group_of_nobody_is_left_out(tmp_path):
    """People of a clean file are in no group of those who lack something."""
    path = people_csv(tmp_path / "a.csv", 30)
    records = read_records(path, SHEET, "rsa")
    assert not {"twins", "missing_date", "missing_value", "born_abroad"} & set(groups_of(records, SHEET))
