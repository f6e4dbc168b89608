"""What argparse refuses is refused in French, under a code."""

from __future__ import annotations

import argparse

import pytest

from service.cli import main
from service.french_arguments import FrenchParser


def parser() -> FrenchParser:
    """A little command line with a subcommand."""
    outer = FrenchParser(prog="essai")
    inner = outer.add_subparsers(metavar="COMMANDE", required=True).add_parser("faire", help="faire")
    inner.add_argument("file", metavar="FICHIER")
    inner.add_argument("--count", type=int)
    inner.add_argument("--pair", nargs=2)
    inner.add_argument("--colour", choices=["bleu", "vert"])
    inner.add_argument("--colder", action="store_true")
    either = inner.add_mutually_exclusive_group()
    either.add_argument("--one", action="store_true")
    either.add_argument("--two", action="store_true")
    inner.add_argument("--own", type=own)
    return outer


def own(text: str) -> str:
    """A type with a sentence of its own."""
    raise argparse.ArgumentTypeError("la forme attendue est a=b")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "il manque : COMMANDE"),
        ("rien", "COMMANDE : choisissez parmi "),
        ("faire", "il manque : FICHIER"),
        ("faire a b", "de trop, ou mal écrit : b"),
        ("faire a --count", "--count : une valeur est attendue"),
        ("faire a --count x", "--count : un nombre entier est attendu"),
        ("faire a --pair x", "--pair : 2 valeurs sont attendues"),
        ("faire a --colour x", "--colour : choisissez parmi "),
        ("faire a --col x", "--col peut être : --colour, --colder"),
        ("faire a --colder=x", "--colder ne prend pas de valeur"),
        ("faire a --one --two", "--two ne va pas avec --one"),
        ("faire a --own x", "--own : la forme attendue est a=b"),
    ],
)
def test_refusals_are_french(words, sentence, capsys):
    """Usage, then one line with the code; exit code 2."""
    with pytest.raises(SystemExit) as end:
        parser().parse_args(words.split())
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage : essai")
    assert said.splitlines()[-1].startswith(f"E_USAGE : {sentence}")


def test_help_is_french(capsys):
    """Headings and the help of the help."""
    with pytest.raises(SystemExit) as end:
        main(["plan", "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith("usage : allervers plan")
    assert "afficher cette aide" in said
    assert "show this help" not in said
