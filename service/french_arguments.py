"""The parser of the command line in French: headings, usage and the refusals of argparse, which only speaks English.

A wrong usage is one line ``E_USAGE : sentence`` under the usage, exit code 2.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

__all__ = ["FrenchParser"]

_VALUE = r"\[?argument (?P<name>[^:]+): "
# What argparse says, and what we say; the rest of a sentence is ours already (`argparse.ArgumentTypeError`).
_SENTENCES = [
    (r"the following arguments are required: (?P<rest>.+)", "il manque : {rest}"),
    (r"one of the arguments (?P<rest>.+) is required", "il faut l'un de : {rest}"),
    (r"unrecognized arguments: (?P<rest>.+)", "de trop, ou mal écrit : {rest}"),
    (r"ambiguous option: (?P<name>\S+) could match (?P<rest>.+)", "{name} peut être : {rest}"),
    (_VALUE + r"expected one argument", "{name} : une valeur est attendue"),
    (_VALUE + r"expected at (?:most|least) one argument", "{name} : une valeur est attendue"),
    (_VALUE + r"expected (?P<rest>\d+) arguments?", "{name} : {rest} valeurs sont attendues"),
    (_VALUE + r"not allowed with argument (?P<rest>.+)", "{name} ne va pas avec {rest}"),
    (_VALUE + r"ignored explicit argument .+", "{name} ne prend pas de valeur"),
    (_VALUE + r"invalid choice: .+?\(choose from (?P<rest>.+)\)", "{name} : choisissez parmi {rest}"),
    (_VALUE + r"invalid int value: .+", "{name} : un nombre entier est attendu"),
    (_VALUE + r"invalid float value: .+", "{name} : un nombre est attendu"),
    (_VALUE + r"invalid \S+ value: .+", "{name} : cette valeur ne convient pas"),
    (_VALUE + r"(?P<rest>.+)", "{name} : {rest}"),
]


class _FrenchHelp(argparse.HelpFormatter):
    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "usage : " if prefix is None else prefix)


class FrenchParser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` in French; parsers of subcommands are of the same class."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": _FrenchHelp, **options, "add_help": False})
        self._positionals.title, self._optionals.title = "arguments", "options"
        self.add_argument("-h", "--help", action="help", help="afficher cette aide et finir")

    def error(self, message: str) -> NoReturn:
        """Prints the usage and a French sentence; ends the process with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"E_USAGE : {_in_french(message, _SENTENCES)}\n")


def _in_french(message: str, sentences: Sequence[tuple[str, str]]) -> str:
    """The sentence for what argparse says; as it is where none fits."""
    for pattern, sentence in sentences:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return sentence.format(**found.groupdict())
    return message
