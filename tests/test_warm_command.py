"""The command that compiles everything says what it does and how long it took."""

from __future__ import annotations

import argparse

from service.administration import warm_command
from service.cli import build_parser, command_of


def test_the_command_says_how_long_it_took(capsys):
    """One sentence, in French."""
    args = build_parser().parse_args(["warm"])
    assert warm_command.warm is command_of(args)
    warm_command.warm(argparse.Namespace())
    assert capsys.readouterr().out.startswith("Calculs prêts en ")
