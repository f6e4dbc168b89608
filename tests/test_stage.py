"""The processes of the demonstration, as far as one of them tells; all of them together are the flow tests'."""

from __future__ import annotations

import pytest

from service.demonstration.stage import Administration, CommandFailed, Stage, selected


def test_everybody_is_selected():
    """The columns that the selections of the démarche read, in a file of two people."""
    columns = selected({"identifiant": ["A", "B"]})
    assert ["A", "B"] == columns["identifiant"]
    assert (["oui", "oui"], ["non", "non"]) == (columns["rsa_en_paiement"], columns["option_contraire"])


def test_an_administration_is_a_folder_and_its_commands(tmp_path):
    """It shows its fingerprint; a refused command is an error that holds what was printed."""
    one = Administration("cnaf", "CNAF", tmp_path / "cnaf")
    assert one.public_file.is_file()
    assert 12 == len(one.fingerprint.split(" "))
    with pytest.raises(CommandFailed, match="E_"):
        one.command("run", "show", "ab" * 16)


def test_a_third_party_that_was_never_started_has_no_process(tmp_path):
    """Asking is an error, not a wrong number."""
    with pytest.raises(CommandFailed):
        Stage(tmp_path).server_process()
