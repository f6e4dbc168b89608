"""`allervers risk`: a report of a file, kept for the agreement it was made for; the exit code is the verdict."""

from __future__ import annotations

import pytest

from linkage.holder import encoder_digest
from service.administration.risk_commands import UNFAVOURABLE
from service.administration.risk_report import kept_at, load_report
from service.cli import main
from service.demarche import load_demarche
from tests.partners import SIZES, people_csv, scene


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_csv(tmp_path_factory.mktemp("people") / "rsa.csv", 130)


def run(known, *words):
    return main(["risk", *map(str, words), "--home", str(known.homes["cnaf"])])


def test_a_report_is_made_and_kept(known, people, tmp_path, capsys):
    """Of the agreement's démarche, sheet, profile and size; page and JSON where they are asked for."""
    identifier, html, json = known.agreement.identifier, tmp_path / "r.html", tmp_path / "r.json"
    written = ("--minutes", 0.001, "--html", html, "--json", json)
    code = run(known, people, "--agreement", identifier[:8], "--people", 140, *written)
    report = load_report(kept_at(known.homes["cnaf"], identifier))
    assert report == load_report(json)
    assert code == (0 if report.favourable else UNFAVOURABLE)
    agreed = known.agreement
    assert (agreed.demarche.digest, agreed.sheet_digest, encoder_digest(), "standard") == (
        report.demarche, report.sheet, report.encoder, report.profile,
    )  # fmt: skip
    assert (130, SIZES["cnaf"], "cnaf", "rsa") == (report.records, report.people, report.party, report.operand)
    assert [one.name for one in agreed.comparisons[0].plan.passes] == [one.name for one in report.passes]
    assert report.digest in html.read_text("utf-8")
    told, noted = capsys.readouterr()
    assert "--people 140 est écarté : la convention en déclare 150" in noted
    assert f"empreinte   : {report.digest}" in told
    for line in people.read_text("utf-8").splitlines()[1:]:
        for value in line.split(";")[:2]:  # no identifier and no name
            assert value not in told
            assert value not in html.read_text("utf-8")


def test_the_people_of_the_selection_are_attacked(known, people, tmp_path, capsys):
    """As in a run: who is outside of it, even with a date that nobody can read, is neither judged nor encoded."""
    lines = people.read_text("utf-8").splitlines()
    for place in range(1, 21):
        cells = lines[place].split(";")
        cells[5], cells[8] = "?", "non"  # date of birth, rsa_en_paiement
        lines[place] = ";".join(cells)
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("\n".join(lines) + "\n", "utf-8")
    words = ("--people", 109, "--minutes", 0.001, "--json", tmp_path / "r.json")
    run(known, mixed, "--demarche", "c2s-rsa", "--side", "rsa", *words)
    report = load_report(tmp_path / "r.json")
    assert (110, 110, "cnaf", "rsa") == (report.records, report.people, report.party, report.operand)
    told, noted = capsys.readouterr()
    assert "110 ligne(s) gardée(s) sur 130" in told
    assert "--people 109 est écarté : le fichier en compte 110" in noted


def test_plain_filters_are_refused_by_the_exit_code(known, people, tmp_path):
    """The verdict on the reference profile; without an agreement nothing is kept."""
    demarche = ("--demarche", "c2s-rsa", "--side", "rsa")
    words = (*demarche, "--profile", "reference", "--minutes", 0.001, "--json", tmp_path / "r.json")
    assert UNFAVOURABLE == run(known, people, *words)
    report = load_report(tmp_path / "r.json")
    assert "profil" in report.reasons
    assert load_demarche("c2s-rsa").digest == report.demarche
    (worst,) = (one for one in report.attacks if one.attack == "A5")
    assert worst.right > 0.3 * worst.tried


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--demarche", "pass-sport"), "E_PARTIES"),
        (("--demarche", "c2s-rsa", "--side", "autre"), "E_PARTIES"),
        (("--demarche", "cnaf-kits"), "E_SANS_COMPARAISON"),
        (("--agreement", "ffff"), "E_CONVENTION_INCONNUE"),
        (("--agreement", ""), "E_CONVENTION_INCONNUE"),
        (("--sheet", "absente.toml"), "E_"),
    ],
)
def test_what_cannot_be_attacked_is_said(known, people, capsys, words, code):
    """No side, no agreement, no sheet."""
    assert 1 == run(known, people, *words)
    assert code in capsys.readouterr().err


def test_the_profile_is_the_agreement_s(known, people, capsys):
    """Another one on the command line would give a report that no run accepts."""
    assert 1 == run(known, people, "--agreement", known.agreement.identifier, "--profile", "renforce")
    assert "E_PROFIL" in capsys.readouterr().err
