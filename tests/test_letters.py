"""Messages of a campaign about hits; that they are counted rightly is part of the flow of the démarches."""

from __future__ import annotations

from service.administration.campaign.letterhead import read_letterhead
from service.demonstration.letters import _COUNT, letters


def test_the_letterhead_is_one_that_the_tool_accepts(tmp_path):
    """Written once, and read as any administration's."""
    word, path = letters(tmp_path)
    assert ("--letterhead", letters(tmp_path)[1]) == (word, path)
    head = read_letterhead(path.read_text("utf-8"))
    assert "https://www.essai.gouv.fr/droits" == head.link


def test_counts_are_read_from_what_the_command_prints():
    """One line a channel; other lines are no counts."""
    shown = "courriel : 12 message(s)\ncourrier : 3 message(s)\n4 personne(s) qu'aucun canal n'atteint\n"
    assert [("courriel", "12"), ("courrier", "3")] == _COUNT.findall(shown)
