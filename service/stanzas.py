"""What the declarations of commands are made of: words, options that several share, forms of single values."""

from __future__ import annotations

import argparse
from datetime import date
from math import inf
from pathlib import Path
from typing import Any

__all__ = [
    "Subparsers",
    "add",
    "add_columns",
    "add_file",
    "add_home",
    "add_parameters",
    "add_timeout",
    "add_zone",
    "day",
    "duration",
    "group",
    "pair",
    "shares",
]

Subparsers = Any  # argparse names this type privately


def group(commands: Subparsers, name: str, summary: str) -> Subparsers:
    """A command whose first word is followed by an action."""
    return commands.add_parser(name, help=summary, description=summary).add_subparsers(metavar="ACTION", required=True)


def add(commands: Subparsers, name: str, command: str, summary: str) -> argparse.ArgumentParser:
    """A command: its words, the function that does it, what its help says."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=command)
    return parser


def add_home(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The option that names the folder of keys."""
    parser.add_argument("--home", metavar="DOSSIER", help="dossier des clés (sinon ALLERVERS_HOME, sinon ~/.allervers)")
    return parser


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """The option that bounds a wait."""
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="MINUTES",
        help="attendre les autres parties au plus ce temps (0 : pas du tout)",
    )


def add_file(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a file of people."""
    parser.add_argument(
        "file", type=Path, nargs="?", metavar="FICHIER", help="CSV, XLSX ou Parquet, une ligne par personne"
    )
    parser.add_argument(
        "--pending", action="store_true", help="les personnes en attente (allervers event) au lieu d'un fichier"
    )
    add_columns(parser)
    add_parameters(parser)
    parser.add_argument("--extraction", type=day, metavar="AAAA-MM-JJ", help="date de l'extraction (sinon du fichier)")
    parser.add_argument("--skip-bad-rows", action="store_true", help="écarter les lignes fautives au lieu de refuser")
    parser.add_argument("--risk", type=Path, metavar="RAPPORT.json", help="rapport de risque (sinon celui de ce poste)")
    parser.add_argument(
        "--risk-accepted", action="store_true", help="le responsable a accepté par écrit un rapport défavorable"
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    """The options that say how a file is written."""
    parser.add_argument("--connector", metavar="NOM", help="forme du fichier (allervers connectors)")
    parser.add_argument("--columns", type=Path, metavar="TOML", help='colonnes de ce fichier : attribut = "COLONNE"')


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """The option that gives an administration's own values to the selection of a démarche."""
    parser.add_argument(
        "--parameters",
        type=Path,
        metavar="FICHIER.toml",
        help="valeurs des paramètres de la sélection (lignes nom = valeur)",
    )


def add_zone(parser: argparse.ArgumentParser) -> None:
    """The option that draws the zone of a local selection."""
    summary = "zone dessinée, en GeoJSON (colonnes longitude et latitude du fichier)"
    parser.add_argument("--zone", type=Path, metavar="ZONE.geojson", help=summary)


def pair(text: str) -> tuple[str, str]:
    """Read `a=b`."""
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise argparse.ArgumentTypeError(f"« {text} » : la forme attendue est a=b")
    return left, right


def duration(text: str) -> float:
    """Read a number of minutes above nothing."""
    try:
        minutes = float(text.replace(",", "."))
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < inf:
        raise argparse.ArgumentTypeError(f"« {text} » : un nombre de minutes, plus grand que zéro")
    return minutes


def shares(text: str) -> tuple[float, ...]:
    """Read shares of people, separated by semicolons or, where they have a point, by commas: `0.1%;1%`, `0.001,0.01`."""
    found = []
    for part in text.replace(" ", "").split(";" if ";" in text else ","):
        whole, sign, rest = part.partition("%")
        try:
            share = float(whole.replace(",", ".")) / (100 if sign else 1)
        except ValueError:
            share = -1.0
        if rest or not 0 <= share < 1:
            raise argparse.ArgumentTypeError(f"« {text} » : la forme attendue est 0.1%,1%,10%")
        found.append(share)
    return tuple(found)


def day(text: str) -> date:
    """Read a day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"« {text} » : la forme attendue est AAAA-MM-JJ") from None
