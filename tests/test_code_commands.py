"""`allervers campaign codes`: one code a person, the one they have if they have one, in a file of its own."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from service.cli import main


def people(path: Path, *identifiers: str) -> Path:
    path.write_text("identifiant;categorie\n" + "".join(f"{one};jeune\n" for one in identifiers), "utf-8")
    return path


def given(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["identifiant"]: row["code"] for row in csv.DictReader(file, delimiter=";")}


@pytest.fixture
def run(tmp_path, capsys):
    def command(file: Path, out: Path, *more: Any, demarche: str = "pass-sport") -> tuple[int, str]:
        words = ("campaign", "codes", demarche, file, "--out", out, "--home", tmp_path / "home", *more)
        code = main([*map(str, words)])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return command


def test_each_person_gets_one_code_and_keeps_it(run, tmp_path):
    """Of the next month's people, who has a code keeps it and the others get new ones; somebody named twice gets one."""
    code, shown = run(people(tmp_path / "a.csv", "P1", "P2", "P2"), tmp_path / "codes.csv")
    assert (0, True) == (code, "2 code(s) tiré(s), 0 déjà donné(s)" in shown), shown
    first = given(tmp_path / "codes.csv")
    code, shown = run(
        people(tmp_path / "b.csv", "P2", "P3"),
        tmp_path / "new.csv",
        "--issued",
        tmp_path / "codes.csv",
        "--taken",
        tmp_path / "codes.csv",
    )
    assert (0, True) == (code, "1 code(s) tiré(s), 1 déjà donné(s)" in shown), shown
    second = given(tmp_path / "new.csv")
    assert {"P2", "P3"} == set(second)
    assert first["P2"] == second["P2"]
    assert 3 == len({*first.values(), *second.values()})
    assert 0o600 == (tmp_path / "new.csv").stat().st_mode & 0o777


def test_codes_are_never_written_over(run, tmp_path):
    """A second draw into the same file would lose the register."""
    out = tmp_path / "codes.csv"
    run(people(tmp_path / "a.csv", "P1"), out)
    before = out.read_bytes()
    code, shown = run(people(tmp_path / "a.csv", "P1"), out)
    assert (1, True, before) == (code, shown.startswith("E_FICHIER_EXISTANT"), out.read_bytes())


def test_what_cannot_be_is_refused(run, tmp_path):
    """A démarche without codes, a file without identifiers, a code that two people have."""
    file = people(tmp_path / "a.csv", "P1")
    assert "E_DEMARCHE" in run(file, tmp_path / "x.csv", demarche="pmi")[1]
    (tmp_path / "bad.csv").write_text("nom\nP1\n", "utf-8")
    assert "E_IDENTIFIANTS" in run(tmp_path / "bad.csv", tmp_path / "x.csv")[1]
    (tmp_path / "twice.csv").write_text("identifiant;code\nP8;AB-1\nP9;AB-1\n", "utf-8")
    assert "E_IDENTIFIANTS" in run(file, tmp_path / "x.csv", "--issued", tmp_path / "twice.csv")[1]
    assert not (tmp_path / "x.csv").exists()


def test_an_identifier_that_looks_like_a_formula_keeps_its_code(run, tmp_path):
    """It is written with an apostrophe, for spreadsheets, and read again without."""
    file = people(tmp_path / "a.csv", "+12", "-7")
    run(file, tmp_path / "codes.csv")
    code, shown = run(file, tmp_path / "again.csv", "--issued", tmp_path / "codes.csv")
    assert (0, True) == (code, "0 code(s) tiré(s), 2 déjà donné(s)" in shown), shown
    assert given(tmp_path / "codes.csv") == given(tmp_path / "again.csv")
