"""The sheet that docs/sheet.md shows, on the two files that it describes: what the page promises, the command does."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.cli import main

GUIDE = (Path(__file__).parent.parent / "docs" / "sheet.md").read_text("utf-8")
EXAMPLE = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[0]
PEOPLE = 300
SHARED = 220  # members of both clubs

STARTS = ("B", "C", "D", "F", "G", "L", "M", "P", "R", "S", "T", "V", "Br", "Gr", "Tr")
ENDS = ("etti", "ini", "oni", "ucci", "aldi", "acci", "esi", "otto", "one", "ale")
GIVEN = ("Luca", "Chiara", "Matteo", "Giulia", "Nicolò", "Sofia", "Andrea", "Irene", "Dario", "Elisa", "Ugo", "Noemi")


def member(rng: np.random.Generator) -> dict[str, str]:
    """An invented person: one value for each attribute of the example."""
    middle = "".join(rng.choice(["an", "er", "il", "ol", "ust", "arc", "end"], rng.integers(1, 3)))
    born = f"{rng.integers(1935, 2008)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
    return {
        "cognome": f"{rng.choice(STARTS)}{middle}{rng.choice(ENDS)}",
        "nome": " ".join(rng.choice(GIVEN, rng.integers(1, 3), replace=False)),
        "nascita": born,
        "cap": f"{rng.integers(100, 98_100):05}",
    }


def day(iso: str, form: str) -> str:
    """A date as one of the files writes it."""
    year, month, number = iso.split("-")
    return {"JJ/MM/AAAA": f"{number}/{month}/{year}", "AAAAMMJJ": f"{year}{month}{number}"}[form]


def write(path: Path, rows: list[dict[str, str]], **form: Any) -> Path:
    """One club's file."""
    with path.open("w", encoding=form.pop("encoding"), newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **form)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def clubs(tmp_path):
    """The sheet and two files, each with its own columns and dates, leading zeros lost in the second."""
    rng = np.random.default_rng(2026)
    people = [member(rng) for _ in range(2 * PEOPLE - SHARED)]
    left = [
        {"numero": f"A{n}", **one, "nascita": day(one["nascita"], "JJ/MM/AAAA"), "person": str(n)}
        for n, one in enumerate(people[:PEOPLE])
    ]
    right = [
        {
            "tessera": f"B{n}",
            "surname": one["cognome"].upper(),
            "first_name": one["nome"],
            "birth_date": day(one["nascita"], "AAAAMMJJ"),
            "cap": str(int(one["cap"])),
            "person": str(n),
        }
        for n, one in reversed(list(enumerate(people)))
        if n >= PEOPLE - SHARED
    ]
    sheet = tmp_path / "clubs.toml"
    sheet.write_text(EXAMPLE, encoding="utf-8")
    return (
        write(tmp_path / "left.csv", left, encoding="cp1252", delimiter=";"),
        write(tmp_path / "right.csv", right, encoding="utf-8"),
        sheet,
    )


def test_the_example_is_what_the_page_says():
    """It parses, and shows what the paragraph before it tells: other names of columns in the second file."""
    table = tomllib.loads(EXAMPLE)
    assert ["cognome", "nome", "nascita", "cap"] == list(table["attributes"])
    assert {"id", "cognome", "nome", "nascita"} == set(table["columns"]["right"])
    assert "allervers evaluate left.csv right.csv --sheet clubs.toml --truth-column person" in GUIDE


@pytest.mark.parametrize("profile", ["standard", "renforce"])
def test_the_example_finds_the_members_of_both_clubs(clubs, capsys, profile):
    """Clean files of 300 members: exit code 0, and nearly all of the 220 shared ones, with no stranger."""
    left, right, sheet = map(str, clubs)
    words = ["evaluate", left, right, "--sheet", sheet, "--truth-column", "person", "--profile", profile, "--json"]
    assert 0 == main(words)
    found = json.loads(capsys.readouterr().out)
    assert ([PEOPLE, PEOPLE], SHARED) == (found["records"], found["true_pairs"])
    assert ["day", "names", "postcode"] == [one["name"] for one in found["passes"]]
    assert found["f1"] >= 0.98


def test_the_example_in_words(clubs, capsys):
    """Without --json the same rehearsal is told in sentences."""
    left, right, sheet = map(str, clubs)
    assert 0 == main(["evaluate", left, right, "--sheet", sheet, "--truth-column", "person"])
    shown = capsys.readouterr().out
    assert f"{PEOPLE} et {PEOPLE}, dont {SHARED} vraies paires" in shown
