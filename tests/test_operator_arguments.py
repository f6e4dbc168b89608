"""The declarations of operator_arguments: the words there are; what each does is in the tests of its function."""

from __future__ import annotations

from service.french_arguments import FrenchParser
from service.operator_arguments import operator_commands


def test_the_words():
    """Every command is declared, with the function that does it or actions below it."""
    commands = FrenchParser(prog="allervers").add_subparsers(required=True)
    operator_commands(commands)
    expected = ["third-party", "serve", "work", "enrol", "schedule"]
    assert set(expected) <= set(commands.choices)
    for parser in commands.choices.values():
        assert parser.description
