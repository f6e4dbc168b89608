"""A démarche of events by its commands: people wait sealed, a run begins once they are enough, and takes them once."""

from __future__ import annotations

from typing import Any

import pytest

from service.demarche import demarche_text
from tests.partners import people_csv
from tests.premises import joined, premises
from tests.risk_reports import keep_reports


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with premises(tmp_path_factory.mktemp("premises")) as found:
        yield found


CASES = """
[regle.groupe]
operande = "rsa"
cle = "reference"
membres = ["creancier", "debiteur"]
tous_requis = true
"""


def cases_csv(path: Any, count: int, *, first: int = 0) -> Any:
    """The same people, two and two under one reference: D00001 with D00002, D00003 with D00004."""
    head, *lines = people_csv(path, count, first=first).read_text("utf-8").splitlines()
    rows = [f"{line};T{(number + 1) // 2}" for number, line in enumerate(lines, first)]
    path.write_text("\n".join([f"{head};reference", *rows]) + "\n", "utf-8")
    return path


def agreed(place: Any, folder: Any, *, cases: str = "") -> Any:
    """Two administrations and an agreement on events of the first; the second hides canaries."""
    ours, theirs = place.pair()
    fiche = folder / "evenements.toml"
    text = demarche_text("c2s-rsa").replace('type = "anti_jointure"', 'type = "evenement"')
    fiche.write_text(text.replace("[regle.filtre_local]", f"{cases}\n[regle.filtre_local]"), "utf-8")
    words = ("--party", f"rsa={ours.party}", "--party", f"c2s={theirs.party}", "--authorisation", "D", "--dpia", "A")
    sizes = ("--size", f"{ours.party}=400", "--size", f"{theirs.party}=155", "--max-runs", "3")
    canaries = ("--guard", "leurres=15")
    assert ours.run("agreement", "propose", fiche, *words, *sizes, *canaries) == 0
    assert theirs.run("agreement", "sign", ours.agreements[0], "--demarche", fiche) == 0
    for one in (ours, theirs):
        keep_reports(one.home)
    return ours, theirs, ours.agreements[0]


def test_events_accumulate_until_they_are_enough(place, tmp_path, capsys):
    """Too few are refused with how many are missing, in a band; enough are compared, and then gone from the queue.

    Of a case of two neither is a hit unless both are: D00000 is alone in its own, D00039 goes with somebody who is subtracted.
    """
    ours, theirs, agreement = agreed(place, tmp_path, cases=CASES)
    assert ours.run("event", "add", agreement, cases_csv(tmp_path / "a.csv", 70)) == 0
    assert "sélection : 70 ligne(s) gardée(s) sur 70" in capsys.readouterr().out
    assert ours.run("event", "show", agreement) == 0
    assert "il manque encore de 20 à 49 personnes" in capsys.readouterr().out
    run = joined(ours, theirs, agreement)
    capsys.readouterr()
    assert ours.run("run", "encode", run, "--pending") == 1
    assert "E_ATTENTE : il manque encore de 20 à 49 personnes" in capsys.readouterr().err
    assert ours.run("event", "add", agreement, cases_csv(tmp_path / "b.csv", 60, first=60)) == 0
    assert "assez de personnes attendent" in capsys.readouterr().out
    assert ours.run("run", "encode", run, "--pending") == 0
    assert theirs.run("run", "encode", run, people_csv(tmp_path / "c2s.csv", 150, first=40)) == 0
    for one in (ours, theirs):
        assert one.run("run", "send", run) == 0
    assert [0, 0] == [one.run("run", "wait", run) for one in (ours, theirs)]
    assert ours.run("run", "hits", run, "--out", tmp_path / "hits.csv") == 0
    found = [line.split(";")[0] for line in (tmp_path / "hits.csv").read_text("utf-8").splitlines()[1:]]
    assert set(found) <= {f"D{number:05}" for number in range(1, 39)}
    assert len(found) >= 30
    assert all(f"D{int(one[1:]) + (1 if int(one[1:]) % 2 else -1):05}" in found for one in found)
    assert "dossier n'est pas retenue" in capsys.readouterr().err
    assert [0, 0] == [one.run("run", "close", run) for one in (ours, theirs)]
    capsys.readouterr()
    assert ours.run("event", "show", agreement) == 0
    assert "il manque encore de 100 à 199 personnes" in capsys.readouterr().out


def test_a_cancelled_run_gives_its_people_back(place, tmp_path, capsys):
    """They wait for the next one; clearing destroys them."""
    ours, theirs, agreement = agreed(place, tmp_path)
    assert ours.run("event", "add", agreement, people_csv(tmp_path / "a.csv", 120)) == 0
    run = joined(ours, theirs, agreement)
    assert ours.run("run", "encode", run, "--pending") == 0
    capsys.readouterr()
    assert ours.run("event", "show", agreement) == 0
    assert "il manque" in capsys.readouterr().out
    assert ours.run("run", "cancel", run) == 0
    capsys.readouterr()
    assert [0, 0] == [ours.run("event", "show", agreement), ours.run("event", "clear", agreement)]
    assert "assez de personnes attendent" in capsys.readouterr().out
    assert ours.run("event", "show", agreement) == 0
    assert "il manque" in capsys.readouterr().out


def test_only_the_recipient_of_events_lets_people_wait(place, tmp_path, capsys):
    """Not the source, not in another démarche; and a run asks for a file or for those who wait."""
    ours, theirs, agreement = agreed(place, tmp_path)
    file = people_csv(tmp_path / "a.csv", 20)
    assert theirs.run("event", "add", agreement, file) == 1
    assert "E_SANS_RESULTATS" in capsys.readouterr().err
    from tests.premises import agree

    first, second = place.pair()
    ordinary = agree(first, second)
    assert first.run("event", "add", ordinary, file) == 1
    assert "E_ETAPE" in capsys.readouterr().err
    run = joined(ours, theirs, agreement)
    assert ours.run("run", "encode", run) == 1
    assert "E_FICHIER_ABSENT" in capsys.readouterr().err
