"""Offline commands: a file is encoded when it is fresh, whole and this party's; columns are those of the file."""

from __future__ import annotations

import json
import os
import re
from argparse import Namespace
from datetime import date
from typing import Any

import pytest

from linkage.errors import LinkageError
from service.administration.app import Office
from service.administration.demarche_commands import show_demarche
from service.administration.local_commands import encode_file, take_seat
from service.administration.terminal import Terminal
from service.demarche import demarche_text
from service.errors import ServiceError
from service.messages import Manifest
from tests.connector_samples import invented_people, write_sample
from tests.partners import NOW, RUN, people_csv, run_key_of_test, scene
from tests.risk_reports import keep_reports, report_for


@pytest.fixture
def known(tmp_path):
    return scene(tmp_path)


def office(known: Any, party: Any) -> Any:
    return Office(home=known.homes[party], terminal=Terminal(), clock=lambda: NOW, sleep=lambda _: None)


def encode(known: Any, party: Any, file: Any, **changes: Any) -> Any:
    seat = known.seat(party, key=run_key_of_test())
    seat.folder.mark("joined", "2026-11-20T09:00:00Z")
    words = {
        "file": file,
        "connector": None,
        "columns": None,
        "parameters": None,
        "extraction": None,
        "skip_bad_rows": False,
        "risk": None,
        "risk_accepted": False,
    }
    words["pending"] = False
    keep_reports(known.homes[party], made_at=NOW)
    encode_file(office(known, party), seat, Namespace(**{**words, **changes}))
    return seat


def dated(path: Any, day: Any) -> Any:
    at = day.timestamp()
    os.utime(path, (at, at))
    return path


def test_a_seat_is_taken_by_the_run_alone(known):
    """Agreement, identity and pins come from the home folder; a run of somewhere else has its code."""
    known.seat("cnaf")
    seat = take_seat(office(known, "cnaf"), RUN)
    assert ("cnaf", known.agreement) == (seat.party, seat.agreement)
    for other in ("ff" * 16, "../../etc"):
        with pytest.raises(ServiceError, match="E_CROISEMENT_INCONNU"):
            take_seat(office(known, "cnaf"), other)


def test_a_file_is_encoded(known, tmp_path, capsys):
    """Each pass is reported, and the step is done."""
    seat = encode(known, "cnaf", people_csv(tmp_path / "rsa.csv", 130))
    assert seat.folder.done("encoded")
    told = [
        re.fullmatch(r"passe (.*) : (\d+) lignes, (\d+) personnes hors de cette passe", line)
        for line in capsys.readouterr().out.splitlines()
    ]
    assert [f"cnaf.cnam/{plan.name}" for _, plan in seat.passes()] == [one[1] for one in told if one]
    assert {130} == {int(one[2]) + int(one[3]) for one in told if one}


def test_a_demarche_shows_its_connectors(tmp_path, capsys):
    """Where the columns of an operand come from a shipped shape, it is named."""
    text = demarche_text("c2s-rsa").replace('prenoms = "prenoms"', 'connecteur = "cnav"', 1)
    path = tmp_path / "locale.toml"
    path.write_text(text, encoding="utf-8")
    show_demarche(Namespace(demarche=path, html=None))
    assert "fichier     : connecteur cnav pour « rsa »" in capsys.readouterr().out.splitlines()


def test_keys_come_first(known, tmp_path):
    """A run that is not joined encodes nothing."""
    seat = known.seat("cnaf", key=run_key_of_test())
    with pytest.raises(ServiceError, match="E_ETAPE"):
        encode_file(office(known, "cnaf"), seat, Namespace(file=tmp_path / "x.csv"))


def test_nothing_is_encoded_without_a_fitting_risk_report(known, tmp_path):
    """None, another's, an unfavourable one; the last serves once it is accepted, and is what the manifest names."""
    file, bad = people_csv(tmp_path / "rsa.csv", 120), tmp_path / "bad.json"
    with pytest.raises(ServiceError, match="E_RAPPORT_RISQUE_ABSENT"):
        encode(known, "cnaf", file, risk=tmp_path / "none.json")
    bad.write_bytes(report_for(known.agreement, made_at=NOW, sheet="4" * 64).to_bytes())
    with pytest.raises(ServiceError, match="E_RAPPORT_RISQUE_DIFFERENT"):
        encode(known, "cnaf", file, risk=bad)
    report = report_for(known.agreement, made_at=NOW, verdict="defavorable")
    bad.write_bytes(report.to_bytes())
    with pytest.raises(ServiceError, match="E_RAPPORT_RISQUE_DEFAVORABLE"):
        encode(known, "cnaf", file, risk=bad)
    seat = encode(known, "cnaf", file, risk=bad, risk_accepted=True)
    drafts = [Manifest.from_json(json.loads(one.read_bytes())) for one in seat.folder.path.rglob("draft.json")]
    assert {report.digest} == {one.risk.digest if one.risk else None for one in drafts}


def test_an_old_subtracted_file_is_refused(known, tmp_path):
    """The c2s file is believed for seven days: by its own date, or by the one that is given."""
    file = people_csv(tmp_path / "c2s.csv", 120)
    dated(file, NOW.replace(day=12))
    with pytest.raises(ServiceError, match=r"E_FRAICHEUR.*12/11/2026"):
        encode(known, "cnam", file)
    with pytest.raises(ServiceError, match="E_FRAICHEUR"):
        encode(known, "cnam", dated(file, NOW), extraction=date(2026, 11, 1))
    with pytest.raises(ServiceError, match="E_FRAICHEUR"):
        encode(known, "cnam", file, extraction=date(2026, 12, 1))
    assert encode(known, "cnam", file, extraction=date(2026, 11, 13)).folder.done("encoded")


def test_the_age_of_a_file_that_is_not_subtracted_is_not_judged(known, tmp_path):
    """Only an absence needs freshness."""
    file = dated(people_csv(tmp_path / "rsa.csv", 130), NOW.replace(year=2025))
    assert encode(known, "cnaf", file).folder.done("encoded")


def test_bad_rows_are_refused_or_set_aside(known, tmp_path, capsys):
    """By default nothing is encoded; on request the rows are listed, by line and rule, never by value."""
    file = people_csv(tmp_path / "rsa.csv", 130)
    text = file.read_text("utf-8").replace(";99100\n", ";99100\n", 1)
    lines = text.splitlines()
    lines[5] = lines[5].replace(lines[5].split(";")[5], "31/02/1970")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(LinkageError, match="ligne 6"):
        encode(known, "cnaf", file)
    seat = encode(known, "cnaf", file, skip_bad_rows=True)
    shown = capsys.readouterr().err
    assert "1 ligne(s) écartée(s)" in shown
    assert "ligne 6" in shown
    assert "31/02/1970" not in shown
    assert 129 == len(list(seat.folder.identifiers()))


def test_a_file_with_other_columns(known, tmp_path):
    """The party's own columns replace those of the démarche, and nothing else changes."""
    file = people_csv(tmp_path / "rsa.csv", 130)
    text = file.read_text("utf-8").replace("prenoms", "PRENOMS ETAT CIVIL", 1).replace("date_naissance", "NE LE", 1)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LinkageError, match="E_COLONNE_ABSENTE"):
        encode(known, "cnaf", file)
    own = tmp_path / "colonnes.toml"
    own.write_text(
        'prenoms = "PRENOMS ETAT CIVIL"\ndate_naissance = { colonne = "NE LE", format = "JJ/MM/AAAA" }\n',
        encoding="utf-8",
    )
    assert encode(known, "cnaf", file, columns=own).folder.done("encoded")
    own.write_text("prenoms =", encoding="utf-8")
    with pytest.raises(LinkageError, match="E_COLONNES"):
        encode(known, "cnaf", file, columns=own)


def test_a_file_in_the_shape_of_a_connector(known, tmp_path):
    """A connector stands for the démarche's columns; the agent's own go on top."""
    people = invented_people(130)
    file = write_sample(tmp_path, "ccmsa", people, rsa_en_paiement="oui", option_contraire="non")
    with pytest.raises(LinkageError, match="E_COLONNE_ABSENTE"):
        encode(known, "cnaf", file)
    assert 130 == len(list(encode(known, "cnaf", file, connector="ccmsa").folder.identifiers()))
    own = tmp_path / "colonnes.toml"
    own.write_text('nom_naissance = "ABSENT"\n', encoding="utf-8")
    with pytest.raises(LinkageError, match="E_COLONNE_ABSENTE"):
        encode(known, "cnaf", file, connector="ccmsa", columns=own)
    with pytest.raises(LinkageError, match=r"E_CONNECTEUR.*cog_commune_naissance"):
        encode(known, "cnaf", file, connector="men")
