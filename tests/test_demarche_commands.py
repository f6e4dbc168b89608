"""`allervers demarche`: list, show, check and new, as an agent types them."""

from __future__ import annotations

import re

import pytest

from service.cli import main
from service.demarche import list_demarches, load_demarche


def test_list_names_all_of_them_and_why_three_are_refused(capsys):
    """One line each; with `--refused`, the code that stops each of the three."""
    assert main(["demarche", "list"]) == 0
    assert list_demarches() == [line.split(" : ")[0] for line in capsys.readouterr().out.splitlines()]
    assert main(["demarche", "list", "--refused"]) == 0
    last = capsys.readouterr().out.splitlines()[-3:]
    codes = ["E_FINALITE_INTERDITE", "E_DEFENSE_NATIONALE", "E_SECRET_MEDICAL"]
    assert codes == [re.findall(r"E_[A-Z_]+", line)[0] for line in last]


@pytest.mark.parametrize("name", ["c2s-rsa", "transport-solidaire", "cnaf-kits", "echeance-municipale"])
def test_show_says_rule_files_and_clocks(name, capsys):
    """Every output, every selection, the columns that files must have."""
    assert main(["demarche", "show", name]) == 0
    told, one = capsys.readouterr().out, load_demarche(name)
    for output in one.outputs:
        assert f"{one.rules()[output.name].text}, résultats à" in told
    for operand in one.operands.values():
        assert (operand.local_filter or "") in told
    assert f"empreinte   : {one.digest}" in told


def test_the_next_dates_of_a_calendar_are_shown(capsys):
    """Three of them."""
    assert main(["demarche", "show", "bourse-reconduction"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("échéances"))
    assert 3 == len(re.findall(r"01/(?:06|10)/20\d\d", line))


def test_a_page_is_written(tmp_path, capsys):
    """`--html` writes a file and says so."""
    page = tmp_path / "page.html"
    assert main(["demarche", "show", "pmi", "--html", str(page)]) == 0
    assert f"page écrite : {page}" in capsys.readouterr().out
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_check_tells_the_columns_that_files_must_have(capsys):
    """By file, beyond the identity; parameters to look up are noted apart."""
    assert main(["demarche", "check", "cheque-energie"]) == 0
    shown = capsys.readouterr()
    assert "fichier « foyers » : colonnes rfr, uc, en plus de l'identité" in shown.out
    assert "fichier « contrats » : colonnes residence_principale, pdl, en plus de l'identité" in shown.out
    assert "plafond, grille_aide" in shown.err


def test_a_sheet_of_ones_own_in_a_minute(tmp_path, capsys):
    """Made from a shipped one under another name, valid at once, with the schema beside it; never over a file."""
    path = tmp_path / "tarif-local.toml"
    assert main(["demarche", "new", "cantine-qf", "--out", str(path), "--title", 'Cantine "du centre"']) == 0
    one = load_demarche(path)
    assert ("tarif-local", 'Cantine "du centre"') == (one.id, one.title)
    assert (tmp_path / "demarche.schema.json").exists()
    assert main(["demarche", "check", str(path)]) == 0
    before = path.read_text("utf-8")
    capsys.readouterr()
    assert main(["demarche", "new", "pmi", "--out", str(path)]) == 1
    assert capsys.readouterr().err.startswith("E_FICHIER_EXISTANT : ")
    assert before == path.read_text("utf-8")


def test_an_identifier_that_cannot_be_is_refused(tmp_path, capsys):
    """Small letters, digits and hyphens."""
    assert main(["demarche", "new", "pmi", "--out", str(tmp_path / "Ma fiche.toml")]) == 1
    assert capsys.readouterr().err.startswith("E_DEMARCHE : ")
    assert [] == list(tmp_path.iterdir())
