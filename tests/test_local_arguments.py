"""The declarations of local_arguments: the words there are; what each does is in the tests of its function."""

from __future__ import annotations

from service.french_arguments import FrenchParser
from service.local_arguments import local_commands


def test_the_words():
    """Every command is declared, with the function that does it or actions below it."""
    commands = FrenchParser(prog="allervers").add_subparsers(required=True)
    local_commands(commands)
    expected = ["clk", "check", "connectors", "plan", "evaluate", "warm"]
    assert set(expected) <= set(commands.choices)
    for parser in commands.choices.values():
        assert parser.description
