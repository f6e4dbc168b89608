"""A run of three administrations by its commands: the table, the rule, the hits, in order and out of order."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from service.administration.controls import Recall
from service.administration.joining_commands import say_recall
from service.administration.terminal import Terminal
from tests.premises import Office, Premises, premises
from tests.risk_reports import keep_reports
from tests.three_parties import COUNT, PEOPLE, dated_people, demarche_text

CHANCE = 4  # strangers whom a chance link hides or tells: a tenth of one is expected

OPERANDS = ("a", "b", "c")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A third party that works."""
    with premises(tmp_path_factory.mktemp("joining")) as found:
        yield found


@pytest.fixture(scope="module")
def offices(place: Premises) -> tuple[Office, Office, Office]:
    """Recipient, source, and the source that joins; each has pinned the others."""
    found = (place.office("caf"), place.office("cnous"), place.office("dgfip"))
    for one in found:
        for other in found:
            if one is not other:
                assert 0 == one.run("pin", other.file, "--fingerprint", other.public.fingerprint)
    return found


def agreed(offices: tuple[Office, ...], folder: Path) -> str:
    """An agreement that all three have signed."""
    sheet = folder / "essai.toml"
    sheet.write_text(demarche_text(), encoding="utf-8")
    words: list[object] = ["agreement", "propose", sheet, "--authorisation", "D-1", "--dpia", "A-1"]
    for operand, office in zip(OPERANDS, offices, strict=True):
        words += ["--party", f"{operand}={office.party}", "--size", f"{office.party}={COUNT}"]
    assert 1 == offices[0].run(*words)  # several comparisons, and nobody to join them
    assert 0 == offices[0].run(*words, "--joiner", f"{offices[0].party}={offices[2].party}")
    (identifier,) = offices[0].agreements
    for one in offices[1:]:
        assert 0 == one.run("agreement", "sign", identifier, "--demarche", sheet)
    for one in offices:
        keep_reports(one.home)
    return identifier


def test_a_run_of_three_from_its_opening_to_its_closing(offices, tmp_path, capsys):
    """Each command refuses to go before its turn, and can be given again."""
    caf, cnous, dgfip = offices
    agreement = agreed(offices, tmp_path)
    shown = capsys.readouterr().out
    assert f"jointeur    : {dgfip.party} applique les règles de {caf.party}" in shown
    assert "charge utile" in shown
    assert 0 == caf.run("run", "open", agreement)
    (run,) = caf.runs
    assert [0, 0] == [one.run("run", "approve", run) for one in (cnous, dgfip)]
    for _ in range(3):
        codes = [one.run("run", "join", run, "--timeout", 0) for one in offices]
    assert [0, 0, 0] == codes
    assert 1 == caf.run("run", "combine", run)  # nothing is compared yet
    for one, name in zip(offices, ("caf", "cnous", "dgfip"), strict=True):
        path = dated_people(tmp_path / f"{name}.csv", PEOPLE[name])
        assert [0, 0] == [one.run("run", "encode", run, path), one.run("run", "send", run)]
    assert [0, 0, 0] == [one.run("run", "wait", run) for one in offices]
    capsys.readouterr()
    assert 1 == cnous.run("run", "combine", run)
    assert "E_ETAPE" in capsys.readouterr().err
    out = tmp_path / "hits.csv"
    assert 0 == caf.run("run", "combine", run)
    assert 1 == dgfip.run("run", "close", run)
    assert "run combine" in capsys.readouterr().err
    assert [0, 0] == [dgfip.run("run", "combine", run) for _ in range(2)]
    assert [0, 0] == [caf.run("run", "hits", run, "--out", out) for _ in range(2)]
    assert "contrôles   : " in capsys.readouterr().out
    assert [0, 0, 0] == [one.run("run", "close", run) for one in (dgfip, caf, cnous)]
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    dates = {f"D{n:05}": f"2027-01-{1 + n % 28:02}" for n in range(PEOPLE["cnous"], PEOPLE["dgfip"])}
    found = {row["identifiant"]: row["date_fin"] for row in rows}
    assert len(dates.keys() ^ found.keys()) <= CHANCE
    assert all(dates[one] == date for one, date in found.items() if one in dates)
    assert sum(row["usage"] != "attribution" for row in rows) <= CHANCE


class Spoken(Terminal):
    """What an agent would read."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.noted: list[str] = []

    def say(self, sentence: str = "") -> None:
        self.said.append(sentence)

    def note(self, sentence: str) -> None:
        self.noted.append(sentence)


@pytest.mark.parametrize(
    ("found", "expected", "said", "noted"), [(0, 0, 0, 0), (7, 7, 1, 0), (6, 7, 1, 0), (3, 7, 1, 1)]
)
def test_what_is_said_of_controls(found: int, expected: int, said: int, noted: int):
    """Nothing without controls, a figure with them, and a warning when too few came back."""
    terminal: Any = Spoken()
    say_recall(terminal, Recall(found=found, expected=expected))
    assert (said, noted) == (len(terminal.said), len(terminal.noted))
