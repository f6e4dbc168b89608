"""`allervers demarche preview`: who a selection keeps, counted before anything is encoded; what others may see of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.records import read_records
from service.administration.preview_commands import _rounded_up, operand_of
from service.cli import main
from service.demarche import load_demarche
from service.errors import ServiceError
from service.guard_terms import Tolerance
from tests.connector_samples import invented_people, write_plain


def rsa_file(path: Path, *, dropped: int) -> Path:
    """A hundred and sixty people as `c2s-rsa` wants them, some of whom are not paid."""
    people = [
        {**one, "rsa_en_paiement": "non" if place < dropped else "oui", "option_contraire": "non"}
        for place, one in enumerate(invented_people(160))
    ]
    return write_plain(path, people)


def preview(capsys: Any, *words: Any) -> tuple[int, Any]:
    code = main(["demarche", "preview", *map(str, words)])
    return code, capsys.readouterr()


def test_the_agent_sees_how_many_would_be_encoded(tmp_path, capsys):
    """Kept, left out, what to declare: the count is that of the records that an encoding reads."""
    path = rsa_file(tmp_path / "rsa.csv", dropped=20)
    code, shown = preview(capsys, path, "--demarche", "c2s-rsa", "--home", tmp_path)
    assert 0 == code, shown.err
    everybody = len(read_records(path, load_demarche("c2s-rsa").sheet(), "rsa"))
    assert 160 == everybody
    assert "sélection : 140 ligne(s) gardée(s) sur 160, 20 hors de la sélection" in shown.out
    assert "seraient encodées : 140 personne(s)" in shown.out
    assert "--size PARTIE=145" in shown.out


@given(st.integers(min_value=100, max_value=80_000_000))
def test_the_size_to_declare_is_round_and_holds_no_run(people):
    """Above the file, and so little that the usual guard finds it long enough."""
    size = _rounded_up(people)
    assert people < size <= people * 1.04
    assert len(str(size).rstrip("0")) <= 3
    assert 100 * people >= (100 - Tolerance().declared) * size


def test_too_few_people_are_said_to_be_too_few(tmp_path, capsys):
    """The refusal that would come at the run comes before the agreement."""
    path = rsa_file(tmp_path / "rsa.csv", dropped=70)
    code, shown = preview(capsys, path, "--demarche", "c2s-rsa", "--home", tmp_path)
    assert 0 == code
    assert "E_EFFECTIF_FAIBLE" in shown.err
    assert "--size" not in shown.out


@pytest.mark.parametrize(("dropped", "told"), [(20, True), (3, False)])
def test_nothing_under_eleven_leaves(tmp_path, capsys, dropped, told):
    """The agent reads his own three people on the screen; the file for others has no count at all then, since they add up."""
    path, out = rsa_file(tmp_path / "rsa.csv", dropped=dropped), tmp_path / "chiffres.json"
    code, shown = preview(capsys, path, "--demarche", "c2s-rsa", "--home", tmp_path, "--json", out)
    assert 0 == code
    assert f"{dropped} hors de la sélection" in shown.out
    counts = json.loads(out.read_text("utf-8"))["counts"]
    assert ({"rows": 160, "kept": 140, "left_out": 20} if told else dict.fromkeys(counts)) == counts


def test_a_local_selection_is_counted_too(tmp_path, capsys):
    """A démarche that compares nobody: the people who would be written to."""
    path = tmp_path / "abonnes.csv"
    rows = [
        {"identifiant": str(n), "abonnement_actif": "oui", "quartier": "Centre" if n % 2 else "Nord"} for n in range(60)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    code, shown = preview(capsys, path, "--demarche", "avertir-evenement", "--home", tmp_path)
    assert 0 == code, shown.err
    assert "à contacter : 30 personne(s)" in shown.out


def test_the_file_of_a_demarche_must_be_known():
    """One recipient needs no word; several do; a name that is no operand is refused."""
    assert "rsa" == operand_of(load_demarche("c2s-rsa"), None)
    assert "c2s" == operand_of(load_demarche("c2s-rsa"), "c2s")
    for side in (None, "autre"):
        with pytest.raises(ServiceError) as refused:
            operand_of(load_demarche("pass-sport"), side)
        assert "E_PARTIES" == refused.value.code
        assert "caf ou msa ou cnous ou codes" in refused.value.message


def test_a_zone_where_none_is_taken_is_refused(tmp_path, capsys):
    """Not left aside without a word."""
    path = rsa_file(tmp_path / "rsa.csv", dropped=20)
    code, shown = preview(capsys, path, "--demarche", "c2s-rsa", "--home", tmp_path, "--zone", path)
    assert (1, True) == (code, shown.err.startswith("E_ZONE : "))
