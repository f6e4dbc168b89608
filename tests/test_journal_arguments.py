"""The commands of the journal as words."""

import pytest

from service.administration.journal.journaling import ANSWERS
from service.cli import build_parser, command_of


@pytest.mark.parametrize(
    "words",
    [
        "journal show",
        "journal answer opposition --demarche c2s-rsa",
        "journal answer plus_proposer --all --file x.csv",
        "journal withdraw --all",
        "journal access --out x.txt",
        "journal transmit R --to c2s --out x.csv",
        "journal purge",
        "journal destroy R",
        "journal receipts",
    ],
)
def test_each_command_leads_to_its_function(words):
    """In the module of the journal, and every one takes a home."""
    args = build_parser().parse_args([*words.split(), "--home", "h"])
    assert "service.administration.journal.journal_commands" == command_of(args).__module__
    assert "h" == args.home


def test_the_answers_are_those_of_the_journal(capsys):
    """No other word is accepted, and no identifier is an argument."""
    for answer in ANSWERS:
        build_parser().parse_args(["journal", "answer", answer, "--all"])
    for words in (["journal", "answer", "oui", "--all"], ["journal", "access", "D00001"]):
        with pytest.raises(SystemExit):
            build_parser().parse_args(words)
    assert "D00001" not in capsys.readouterr().out
