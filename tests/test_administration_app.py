"""The composition root: which home, which clock, and the rehearsal of `allervers evaluate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.administration.app import at_desk, dated, open_office, real_time
from service.cli import main
from tests.partners import people_csv

ROOT = Path(__file__).parent.parent


def test_the_home_folder(monkeypatch, tmp_path):
    """The option first, then the environment, then the user's own folder."""
    monkeypatch.delenv("ALLERVERS_HOME", raising=False)
    assert Path.home() / ".allervers" == open_office(None).home
    monkeypatch.setenv("ALLERVERS_HOME", str(tmp_path / "env"))
    assert tmp_path / "env" == open_office(None).home
    assert tmp_path / "option" == open_office(str(tmp_path / "option")).home


def test_the_clock_is_utc():
    """Everything is handed an aware clock."""
    now = open_office(None).clock()
    assert UTC == now.tzinfo
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_desk_may_be_dated():
    """Within the block; by the clock of the machine afterwards, also in another thread meanwhile."""
    moment = datetime(2030, 2, 28, tzinfo=UTC)
    with dated(lambda: moment), ThreadPoolExecutor(1) as threads:
        assert moment == open_office(None).clock()
        assert moment != threads.submit(lambda: open_office(None).clock()).result()
    assert abs(open_office(None).clock() - real_time()) < timedelta(seconds=5)


def test_a_command_of_its_own_process_sits_at_that_desk(tmp_path, monkeypatch):
    """Its environment is this one's but for the home and the encoding of what it prints, and leads to no service in use."""
    monkeypatch.setenv("ALLERVERS_DATABASE", "postgresql://real/database")
    monkeypatch.setenv("ALLERVERS_PUBLIC_URL", "https://real.example")
    found = at_desk(tmp_path)
    assert ["ALLERVERS_HOME"] == [name for name in found if name.startswith("ALLERVERS_")]
    assert (str(tmp_path), "utf-8") == (found.pop("ALLERVERS_HOME"), found.pop("PYTHONIOENCODING"))
    assert found.items() <= os.environ.items()


@pytest.mark.skipif(os.name != "posix", reason="masks and limits of POSIX")
@pytest.mark.parametrize("words", [["demarche", "list"], ["evaluate", "x", "y", "--sheet", "P1", "--truth", "z"]])
def test_commands_leave_no_core_and_no_shared_file(words):
    """Keys and records are neither dumped nor readable by others, in a rehearsal either."""
    code = (
        "import contextlib, os, resource; from service.cli import main\n"
        "with contextlib.suppress(ValueError):\n"  # a limit that this very process lowered already stays low
        "    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))\n"
        f"os.umask(0o022)\nmain({words!r})\n"
        "print(os.umask(0), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"{0o077} 0 0" == done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """120 and 150 people, 80 in both, and the pairs."""
    folder = tmp_path_factory.mktemp("rehearsal")
    files = people_csv(folder / "a.csv", 120), people_csv(folder / "b.csv", 150, first=40)
    for file in files:
        rows = [line.split(";") for line in file.read_text("utf-8").splitlines()]
        for row in rows[1:]:
            row[5] = "-".join(reversed(row[5].split("/")))
        file.write_text("".join(";".join(row) + "\n" for row in rows), encoding="utf-8")
    pairs = "".join(f"D{number:05},D{number:05}\n" for number in range(40, 120))
    (folder / "pairs.csv").write_text("a,b\n" + pairs, encoding="utf-8")
    return [*map(str, files), "--sheet", "P1", "--truth", str(folder / "pairs.csv")]


def test_a_rehearsal_in_json(rehearsal, capsys):
    """One object on the output, progress apart."""
    assert main(["evaluate", *rehearsal, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (80, [120, 150]) == (found["true_pairs"], found["records"])
    assert found["recall"] >= 0.95
    assert found["peak_bytes"] >= 0


def test_a_rehearsal_in_words(rehearsal, capsys):
    """Precision, recall and passes, for people."""
    assert main(["evaluate", *rehearsal]) == 0
    shown = capsys.readouterr().out
    assert "rappel      : " in shown
    assert "passe jour : " in shown


def test_a_rehearsal_without_truth(rehearsal, capsys):
    """Two files of one's own: what to expect, by a column too, and nothing said to be true."""
    assert main(["evaluate", *rehearsal[:4], "--by", "sexe"]) == 0
    shown = capsys.readouterr().out
    assert "sans vérité, à 90 % :" in shown
    assert "proposé pour la prochaine convention" in shown
    assert "en vérité" not in shown
    assert "groupe " in shown


def test_a_column_that_is_not_there_is_refused(rehearsal, capsys):
    """With the code of the reader."""
    assert main(["evaluate", *rehearsal[:4], "--by", "absente"]) == 1
    assert "E_" in capsys.readouterr().err


def test_a_truth_that_links_nobody_is_refused(rehearsal, tmp_path, capsys):
    """A truth that links nothing has its code."""
    empty = tmp_path / "vide.csv"
    empty.write_text("a,b\nx,y\n", encoding="utf-8")
    assert main(["evaluate", *rehearsal[:-1], str(empty)]) == 1
    assert "E_VERITE" in capsys.readouterr().err
