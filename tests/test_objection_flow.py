"""Objections, the journal and a campaign through a real run: nobody who objected is ever a hit."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.desks import LETTERHEAD
from tests.partners import people_csv
from tests.premises import agree, files, joined, premises

pytestmark = pytest.mark.flow

CHANCE = 4  # strangers of 38 whom a chance link hides: 0.15 are expected


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with premises(tmp_path_factory.mktemp("premises")) as found:
        yield found


@pytest.fixture
def typed(monkeypatch):
    """What the agent types at the next command."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))


def identifiers(path: Any) -> Any:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["identifiant"] for row in csv.DictReader(file, delimiter=";")}


def test_who_objects_is_no_hit_whenever_and_wherever(place, tmp_path, typed, capsys):
    """Before the encoding, after it, or at the source, where the person stays subtracted."""
    ours, theirs = place.pair()
    rsa, c2s = files(tmp_path)
    run = joined(ours, theirs, agree(ours, theirs))
    answers = ("journal", "answer", "opposition", "--demarche", "c2s-rsa")
    typed("D00003")
    assert 0 == ours.run(*answers)
    typed("D00050")
    assert 0 == theirs.run(*answers)
    for one, file in ((ours, rsa), (theirs, c2s)):
        assert [0, 0] == [one.run("run", "encode", run, file), one.run("run", "send", run)]
    assert [0, 0] == [one.run("run", "wait", run) for one in (ours, theirs)]
    typed("D00005")
    assert 0 == ours.run(*answers)
    assert 0 == ours.run("run", "hits", run, "--out", tmp_path / "hits.csv")
    hits = identifiers(tmp_path / "hits.csv")
    assert set() == hits & {"D00003", "D00005", "D00050"}
    assert len({f"D{n:05}" for n in range(40)} - {"D00003", "D00005"} - hits) <= CHANCE
    _check_campaign(ours, run, tmp_path, hits, capsys)
    typed("D00050")
    capsys.readouterr()
    assert 0 == theirs.run("journal", "access")
    told = capsys.readouterr().out
    assert f"fichier « c2s », croisement {run}" in told
    assert "opposition, démarche « c2s-rsa »" in told


def _check_campaign(ours: Any, run: Any, folder: Any, hits: Any, capsys: Any) -> None:
    """Everybody who is a hit gets one letter, and nobody else."""
    (folder / "head.toml").write_text(LETTERHEAD, "utf-8")
    everybody = people_csv(folder / "all.csv", 120).read_text("utf-8").splitlines()[1:]
    rows = "".join(f"{line.partition(';')[0]};1 rue du Pont\n" for line in everybody)
    (folder / "contacts.csv").write_text(f"identifiant;adresse1\n{rows}", "utf-8")
    capsys.readouterr()
    assert 0 == ours.run("campaign", "open", run, "--letterhead", folder / "head.toml")
    campaign = capsys.readouterr().out.strip()
    words = ("--contacts", folder / "contacts.csv", "--out", folder / "sent")
    assert 0 == ours.run("campaign", "export", campaign, *words)
    assert hits == identifiers(folder / "sent" / "courrier.csv")
    capsys.readouterr()
    assert 0 == ours.run("campaign", "show", campaign)
    assert "personnes du fichier comparé : 120" in capsys.readouterr().out
