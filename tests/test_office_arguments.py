"""The declarations of office_arguments: the words there are; what each does is in the tests of its function."""

from __future__ import annotations

from service.french_arguments import FrenchParser
from service.office_arguments import office_commands


def test_the_words():
    """Every command is declared, with the function that does it or actions below it."""
    commands = FrenchParser(prog="allervers").add_subparsers(required=True)
    office_commands(commands)
    expected = ["init", "identity", "pin", "server", "demarche", "agreement", "run", "verify"]
    assert set(expected) <= set(commands.choices)
    for parser in commands.choices.values():
        assert parser.description
