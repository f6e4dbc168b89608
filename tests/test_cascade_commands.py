"""A cascade of two payers by its commands, one of whom waits for no delivery: each has its own people, and nobody is in both."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.partners import people_csv
from tests.premises import Office, premises
from tests.risk_reports import keep_reports
from tests.test_several_recipients import several

CHANCE = 4  # strangers whom chance links at the strict threshold: 0.15 are expected
DOUBTFUL = 12  # of whom chance makes a doubtful link: 1.5 are expected, one more than so many in ten million runs


@pytest.fixture(scope="module")
def offices(tmp_path_factory):
    """Two payers, each of whom has pinned the other."""
    with premises(tmp_path_factory.mktemp("premises")) as place:
        yield place.pair()


def people(path: Path) -> list[str]:
    """The people of a file of hits who are paid, all of one output; the others are few, by chance."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert {"versement"} >= {row["resultat"] for row in rows}
    paid = [row["identifiant"] for row in rows if row["usage"] == "attribution"]
    assert len(rows) - len(paid) <= DOUBTFUL
    return paid


def agreed(first: Office, second: Office, folder: Path) -> str:
    text = several({"versement": ("dedup(a > b)", "detenteur_du_jeton")}, "cascade_priorite", "")
    sheet = folder / "cascade.toml"
    text = re.sub(r"\[(parties|colonnes)\.c\]\n(?:[^\[\n]+ = .*\n)+", "", text)
    rule = '[regle.filtre_local]\na = "rsa_en_paiement"\n[regle.sorties.versement]'
    sheet.write_text(text.replace("[regle.sorties.versement]", rule), encoding="utf-8")
    words: list[object] = ["agreement", "propose", sheet, "--authorisation", "D-1", "--dpia", "A-1"]
    for operand, office in (("a", first), ("b", second)):
        words += ["--party", f"{operand}={office.party}", "--size", f"{office.party}=120"]
    assert 0 == first.run(*words)
    identifier = first.agreements[-1]
    assert 0 == second.run("agreement", "sign", identifier, "--demarche", sheet)
    for one in (first, second):
        keep_reports(one.home)
    return identifier


def unsure(path: Path, undecided: set[int], outside: set[int]) -> Path:
    """A file in which nobody can tell of some whether they are paid, and others are not."""
    head, *lines = path.read_text("utf-8").splitlines()
    place = head.split(";").index("rsa_en_paiement")
    for number in undecided | outside:
        cells = lines[number].split(";")
        cells[place] = "" if number in undecided else "non"
        lines[number] = ";".join(cells)
    path.write_text("\n".join([head, *lines]) + "\n", "utf-8")
    return path


@pytest.mark.flow
def test_the_first_has_all_its_people_even_after_the_other_has_closed(offices, tmp_path, capsys):
    """It is in the comparison as the other's source, and closes with hits of its own in hand.

    Whom its selection cannot judge is paid by neither; whom it leaves out is paid by the second.
    """
    first, second = offices
    agreement = agreed(first, second, tmp_path)
    shown = capsys.readouterr().out
    assert f"« versement » à {first.party}, attribution : dedup(a > b) ; tout son fichier" in shown
    assert f"exclut {second.party}.{first.party}" in shown
    assert 0 == first.run("run", "open", agreement)
    (run,) = first.runs
    assert 0 == second.run("run", "approve", run)
    assert [1, 1, 0, 0] == [one.run("run", "join", run, "--timeout", 0) for one in (first, second) * 2]
    for one, start in ((first, 0), (second, 70)):
        path = people_csv(tmp_path / f"{start}.csv", 120, first=start)
        path = path if start else unsure(path, {70, 71, 72, 73}, {76})
        assert [0, 0] == [one.run("run", "encode", run, path), one.run("run", "send", run)]
    assert [0, 0] == [one.run("run", "wait", run) for one in offices]
    assert 1 == first.run("run", "close", run)
    assert "run hits" in capsys.readouterr().err
    out = {one: tmp_path / f"{one.party}-hits.csv" for one in offices}
    assert [0, 0] == [second.run("run", "hits", run, "--out", out[second]), second.run("run", "close", run)]
    assert [0, 0] == [first.run("run", "hits", run, "--out", out[first]), first.run("run", "close", run)]
    assert [f"D{number:05}" for number in range(120) if number not in {70, 71, 72, 73, 76}] == people(out[first])
    expected = {f"D{number:05}" for number in (76, *range(120, 190))}
    found = people(out[second])
    assert set(found) <= expected
    assert len(expected - set(found)) <= CHANCE + DOUBTFUL  # a doubtful link is for information
